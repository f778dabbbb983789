//! Plugins: what is known of them, and how they are changed.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::ser::SerializeStruct as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::state_core::Latency;
use crate::words::words;

words! {
    /// Whether a plugin is in use.
    pub enum PluginStatus {
        /// It was let in and is called.
        Active = "active",
        /// It is being compiled.
        Compiling = "compiling",
        /// It was not let in.
        Refused = "refused",
        /// It failed too often of late.
        Quarantined = "quarantined",
    }
}

words! {
    /// An interface that a plugin exports to the host.
    pub enum PluginRole {
        /// It decides what follows the end of a life.
        RestartPolicy = "restart-policy",
        /// It decides whether a process may start.
        StartPolicy = "start-policy",
        /// It decides what the finding of a check means.
        HealthPolicy = "health-policy",
        /// It decides how many replicas there are.
        ScalePolicy = "scale-policy",
        /// It is notified of changes.
        StatusConsumer = "status-consumer",
        /// It renders views.
        StatusView = "status-view",
    }
}

words! {
    /// What sort of failure a call of a plugin ended with.
    pub enum FaultKind {
        /// It was never let in.
        Refused = "refused",
        /// It is being compiled.
        Compiling = "compiling",
        /// It has failed too often of late.
        Quarantined = "quarantined",
        /// It was unloaded.
        Unloaded = "unloaded",
        /// It trapped.
        Trap = "trap",
        /// It took too long.
        Deadline = "deadline",
        /// It wanted more memory than it may have.
        Memory = "memory",
        /// It used more fuel than it may.
        Fuel = "fuel",
        /// It answered with something that cannot be used.
        Answer = "answer",
        /// The host had too many calls in progress.
        Busy = "busy",
    }
}

/// One plugin: its status, and what is known of its active version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plugin {
    /// Its name in the config.
    pub name: String,
    /// Whether it is in use.
    pub status: PluginStatus,
    /// Why it was refused or quarantined, or what it waits for.
    pub reason: Option<String>,
    /// The version that answers; in JSON its fields stand beside the name.
    pub active: PluginVersion,
    /// The version that answered before it, still warm: what a rollback puts in force.
    pub former: Option<PluginVersion>,
}

/// Makes [`PluginVersion`], and [`Plugin`] in JSON, which has the same fields beside its own.
macro_rules! version {
    ($(#[$meta:meta])* pub struct PluginVersion { $($(#[$attribute:meta])* pub $field:ident: $type:ty,)+ }) => {
        $(#[$meta])*
        pub struct PluginVersion {
            $($(#[$attribute])* pub $field: $type,)+
        }

        /// A plugin as it is in JSON.
        #[derive(Deserialize)]
        struct PluginObject {
            name: String,
            status: PluginStatus,
            reason: Option<String>,
            $($(#[$attribute])* $field: $type,)+
            former: Option<PluginVersion>,
        }

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

impl<'de> Deserialize<'de> for Plugin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        PluginObject::deserialize(deserializer).map(Self::from)
    }
}

version! {
    /// One version of a plugin.
    #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub struct PluginVersion {
        /// Counts the versions of this plugin since the host started, from 1.
        pub version: u64,
        /// `bundled:NAME` or a path.
        pub source: String,
        /// SHA-256 of the component, in hex.
        pub digest: String,
        /// Whose key signed it; what is bundled is signed by `this host`.
        pub signed_by: Option<String>,
        /// The interfaces that it exports to the host.
        pub roles: Vec<PluginRole>,
        /// What of the outside it may use, in the words of `allow` in the config.
        #[serde(default)]
        pub grants: Vec<String>,
        /// What it may use, by the keys of `limits` in the config: bytes, milliseconds, or how many.
        #[serde(default)]
        pub limits: BTreeMap<String, u64>,
        /// How often it may fail before it is not asked any more; `null`: as often as it likes.
        #[serde(default)]
        pub quarantine: Option<Quarantine>,
        /// Calls made.
        pub calls: u64,
        /// Calls that failed.
        pub faults: u64,
        /// The same by kind.
        pub faults_by_kind: BTreeMap<FaultKind, u64>,
        /// The last of them.
        pub last_fault: Option<Fault>,
        /// Answers that the host did not follow to the letter.
        pub clamps: u64,
        /// How long calls took.
        pub call: Latency,
        /// Fuel of the last call.
        pub fuel_last: u64,
        /// Fuel of the call that used most.
        pub fuel_max: u64,
        /// The most memory that one of its instances had, in bytes.
        pub memory_bytes_max: u64,
        /// Bytes in its memory store.
        pub stored_bytes: u64,
        /// Changes that wait to be told to it, if it is a consumer.
        pub queued: u64,
        /// Changes that it was not told.
        pub missed: u64,
        /// Log lines of its that were dropped.
        pub lines_dropped: u64,
        /// What it tried to reach of the outside without being granted that.
        #[serde(default)]
        pub denials: u64,
    }
}

/// So many faults in so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quarantine {
    /// With this many; at least 1.
    pub faults: u32,
    /// Within this many milliseconds; at least 1.
    pub per_ms: u64,
}

/// A failed call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// What sort of failure.
    pub kind: FaultKind,
    /// What exactly.
    pub message: String,
}

/// The answer to `GET /v1/plugins`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginList {
    /// In the order of the config.
    pub plugins: Vec<Plugin>,
}

/// The body of `POST /v1/plugins/NAME/ACTION`. What an action has no use for must not be there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PluginOrder {
    /// For `load` and `swap`: `bundled:NAME` or an absolute path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// For `load` and `swap`: its settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<serde_json::Map<String, serde_json::Value>>,
    /// For `load`: names, `GROUP:*` or `all`: it becomes the first in the chain of these processes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub judges: Vec<String>,
    /// For `load`: what of the outside it may use, in the words of `allow` in the config.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
    /// For `load`: the only SHA-256 that its component may have, in hex, now and after each swap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// For `load` and `swap`: its limits, by the keys of `limits` in the config: bytes, milliseconds, or how many.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, u64>,
    /// For `load` and `swap`: how often it may fail before it is not asked any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantine: Option<Quarantine>,
    /// For `swap`: take the new version even if it asks for more than the active one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub accept_more: bool,
    /// For `unload`: even if it is in the chain of a process; it is taken out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
}

/// The answer to a [`PluginOrder`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginChanged {
    /// The plugin after it; `null` if it is gone.
    pub plugin: Option<Plugin>,
    /// What was checked and changed, in words for people.
    pub notes: Vec<String>,
}

/// The answer to `GET /v1/plugins/NAME/blame`: the last input that made it fail, and what it makes of it now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blame {
    /// The plugin.
    pub plugin: String,
    /// The number of the version that failed.
    pub version: u64,
    /// What it was asked.
    pub call: String,
    /// The trigger, as text.
    pub input: String,
    /// The generation of the snapshot that it was shown.
    pub generation: u64,
    /// How it failed.
    pub fault: Fault,
    /// What the active version makes of the same input.
    pub now: Replayed,
}

/// What came of trying an input again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// It answered.
    Answer {
        /// The answer, in words.
        answer: String,
    },
    /// It failed.
    Fault {
        /// How.
        fault: Fault,
    },
    /// Something that only a newer host knows.
    Unknown,
}

/// The same as it is in JSON: an object with one field.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct ReplayedObject<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<Cow<'a, Fault>>,
}

impl Serialize for Replayed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (answer, fault) = match self {
            Self::Answer { answer } => (Some(answer.into()), None),
            Self::Fault { fault } => (None, Some(Cow::Borrowed(fault))),
            Self::Unknown => (None, None),
        };
        ReplayedObject { answer, fault }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Replayed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let ReplayedObject { answer, fault } = ReplayedObject::deserialize(deserializer)?;
        Ok(match (answer, fault) {
            (Some(answer), _) => Self::Answer { answer: answer.into_owned() },
            (None, Some(fault)) => Self::Fault { fault: fault.into_owned() },
            (None, None) => Self::Unknown,
        })
    }
}
