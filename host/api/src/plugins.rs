//! The state of plugins, and the requests that change them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::ser::SerializeStruct as _;
use serde::{Deserialize, Serialize, Serializer};

use crate::schema::schema_as;
use crate::state_core::Latency;
use crate::words::words;

words! {
    /// Whether a plugin is in use.
    pub enum PluginStatus {
        /// It was accepted and is called.
        Active = "active",
        /// It is not ready: it is compiled, its settings are checked, and it is tried.
        Compiling = "compiling",
        /// It was not accepted.
        Refused = "refused",
        /// It failed too often and is not called.
        Quarantined = "quarantined",
    }
}

words! {
    /// An interface that a plugin exports to the host.
    pub enum PluginRole {
        /// It decides what to do after the end of an incarnation.
        RestartPolicy = "restart-policy",
        /// It decides whether a process may start.
        StartPolicy = "start-policy",
        /// It decides what the finding of a health check means.
        HealthPolicy = "health-policy",
        /// It decides how many replicas there are.
        ScalePolicy = "scale-policy",
        /// It decides what the resources that a process uses mean.
        UsagePolicy = "usage-policy",
        /// It is notified of changes.
        StatusConsumer = "status-consumer",
        /// It renders views.
        StatusView = "status-view",
    }
}

words! {
    /// The kind of failure of a plugin call.
    pub enum FaultKind {
        /// The plugin was never accepted.
        Refused = "refused",
        /// It is not ready: it is compiled, its settings are checked, and it is tried.
        Compiling = "compiling",
        /// The plugin is quarantined because it failed too often.
        Quarantined = "quarantined",
        /// The plugin was unloaded.
        Unloaded = "unloaded",
        /// The call trapped.
        Trap = "trap",
        /// The call exceeded its time limit.
        Deadline = "deadline",
        /// The call exceeded its memory limit.
        Memory = "memory",
        /// The call exceeded its fuel limit.
        Fuel = "fuel",
        /// The answer was invalid.
        Answer = "answer",
        /// The host had too many calls in progress.
        Busy = "busy",
    }
}

/// One plugin: its status and its versions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "PluginObject")]
pub struct Plugin {
    /// Its name in the config.
    pub name: String,
    /// Whether it is in use.
    pub status: PluginStatus,
    /// Why it is refused, quarantined or not ready.
    pub reason: Option<String>,
    /// The active version; in JSON its fields are beside the name.
    pub active: PluginVersion,
    /// The previous version, still warm: a rollback activates it.
    pub former: Option<PluginVersion>,
}

/// Defines [`PluginVersion`] and the JSON form of [`Plugin`], which has the same fields beside its own.
macro_rules! version {
    ($(#[$meta:meta])* pub struct PluginVersion { $($(#[$attribute:meta])* pub $field:ident: $type:ty,)+ }) => {
        $(#[$meta])*
        pub struct PluginVersion {
            $($(#[$attribute])* pub $field: $type,)+
        }

        /// A plugin in JSON.
        /// A plugin with its active version.
        #[derive(Deserialize, JsonSchema)]
        struct PluginObject {
            name: String,
            status: PluginStatus,
            reason: Option<String>,
            $($(#[$attribute])* $field: $type,)+
            former: Option<PluginVersion>,
        }

        schema_as!(Plugin, PluginObject);

        impl From<PluginObject> for Plugin {
            fn from(object: PluginObject) -> Self {
                let PluginObject { name, status, reason, $($field,)+ former } = object;
                Self { name, status, reason, active: PluginVersion { $($field,)+ }, former }
            }
        }

        impl Serialize for Plugin {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let fields = [$(stringify!($field),)+].len() + 4;
                let mut object = serializer.serialize_struct("Plugin", fields)?;
                object.serialize_field("name", &self.name)?;
                object.serialize_field("status", &self.status)?;
                object.serialize_field("reason", &self.reason)?;
                $(object.serialize_field(stringify!($field), &self.active.$field)?;)+
                object.serialize_field("former", &self.former)?;
                object.end()
            }
        }
    };
}

version! {
    /// One version of a plugin.
    #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
    pub struct PluginVersion {
        /// The number of the version, counted from 1 since the host started.
        pub version: u64,
        /// `bundled:NAME`, a path, or `oci://…` or `https://…` with a digest.
        pub source: String,
        /// The SHA-256 of the component, in hex.
        pub digest: String,
        /// The key that signed it; `this host` for a bundled component.
        pub signed_by: Option<String>,
        /// The interfaces that it exports to the host.
        pub roles: Vec<PluginRole>,
        /// The external resources that it may use, in the words of `allow` in the config.
        #[serde(default)]
        pub grants: Vec<String>,
        /// Its limits by the keys of `limits` in the config: bytes, milliseconds or a count.
        #[serde(default)]
        pub limits: BTreeMap<String, u64>,
        /// How often it may fail before it is quarantined; `null` for no limit.
        #[serde(default)]
        pub quarantine: Option<Quarantine>,
        /// The number of calls.
        pub calls: u64,
        /// The number of failed calls.
        pub faults: u64,
        /// The number of failed calls of each kind.
        pub faults_by_kind: BTreeMap<FaultKind, u64>,
        /// The last failure.
        pub last_fault: Option<Fault>,
        /// The number of answers that the host clamped.
        pub clamps: u64,
        /// How long calls took.
        pub call: Latency,
        /// The fuel used by the last call.
        pub fuel_last: u64,
        /// The most fuel used by one call.
        pub fuel_max: u64,
        /// The most memory used by one of its instances, in bytes.
        pub memory_bytes_max: u64,
        /// The number of bytes in its memory store.
        pub stored_bytes: u64,
        /// The number of changes queued for it, if it is a consumer.
        pub queued: u64,
        /// The number of changes that were not delivered to it.
        pub missed: u64,
        /// The number of its log lines that were dropped.
        pub lines_dropped: u64,
        /// The number of denied attempts to use an external resource.
        #[serde(default)]
        pub denials: u64,
    }
}

/// The rate of faults at which a plugin is quarantined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quarantine {
    /// The number of faults; at least 1.
    pub faults: u32,
    /// The period in milliseconds; at least 1.
    pub per_ms: u64,
}

/// A failed call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fault {
    /// The kind of failure.
    pub kind: FaultKind,
    /// The details.
    pub message: String,
}

/// The answer to `GET /v1/plugins`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PluginList {
    /// All plugins, in the order of the config.
    pub plugins: Vec<Plugin>,
}

/// The answer to `GET /v1/views`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ViewList {
    /// The active plugins that render a view, in the order of the config.
    pub views: Vec<ViewLink>,
}

/// A plugin that renders a view.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ViewLink {
    /// The name of the plugin.
    pub plugin: String,
    /// The path of the view in the API. It may have further paths below this one.
    pub path: String,
}

/// The body of `POST /v1/plugins/NAME/ACTION`. A field that the action does not use is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PluginOrder {
    /// For `load` and `swap`: `bundled:NAME`, an absolute path, or `oci://…` or `https://…` with a digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// For `load` and `swap`: its settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<serde_json::Map<String, serde_json::Value>>,
    /// For `load`: names, `GROUP:*` or `all`; it becomes the first policy in the chain of these processes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub judges: Vec<String>,
    /// For `load`: the external resources that it may use, in the words of `allow` in the config.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
    /// For `load`: the SHA-256 that its component must have, now and after each swap, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// For `load` and `swap`: its limits by the keys of `limits` in the config: bytes, milliseconds or a count.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, u64>,
    /// For `load` and `swap`: how often it may fail before it is quarantined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantine: Option<Quarantine>,
    /// For `swap`: whether to accept a new version that asks for more than the active one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub accept_more: bool,
    /// For `unload`: whether to take it out of the chains of processes; otherwise a plugin in a chain is not unloaded.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
}

/// The answer to a [`PluginOrder`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PluginChanged {
    /// The plugin after the change; `null` if it was unloaded.
    pub plugin: Option<Plugin>,
    /// The checks and changes that were made, in words.
    pub notes: Vec<String>,
}
