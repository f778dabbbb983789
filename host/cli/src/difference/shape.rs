//! What a config asks for, or what a host runs, key by key in the words of the config, so that two of them can be compared.

use std::collections::BTreeMap;

/// What a change of a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Effect {
    /// It takes effect in place.
    Live,
    /// The process is restarted, or has the old value until its next start.
    Restart,
    /// It takes another host.
    NewHost,
}

/// The value of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    /// The key below the title of its section, such as `stop.grace`.
    pub(crate) key: String,
    /// The value as the config writes it.
    pub(crate) text: String,
    /// Whether the value may be a secret, and is compared but never shown.
    pub(crate) hidden: bool,
    /// The digest of the content that the value refers to, if it names files.
    pub(crate) content: Option<String>,
}

impl Setting {
    pub(crate) fn new(key: impl Into<String>, text: impl Into<String>) -> Self {
        Self { key: key.into(), text: text.into(), hidden: false, content: None }
    }

    /// Returns the same setting with a value that is not shown.
    pub(crate) fn hidden(self) -> Self {
        Self { hidden: true, ..self }
    }

    /// Returns the same setting with the digest of what its value refers to.
    pub(crate) fn holding(self, content: Option<String>) -> Self {
        Self { content, ..self }
    }

    /// Returns the value as it may be shown.
    pub(crate) fn shown(&self) -> &str {
        if self.hidden { HIDDEN } else { &self.text }
    }

    /// Whether both have the same value and refer to the same content. Content that is unknown on one side is not compared.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        let contents = self.content.as_ref().zip(other.content.as_ref());
        self.text == other.text && contents.is_none_or(|(one, other)| one == other)
    }
}

/// The text in place of a value that is not shown.
pub(crate) const HIDDEN: &str = "(hidden)";

/// Settings by their keys, in the order of the keys.
pub(crate) type Settings = BTreeMap<String, Setting>;

/// Collects settings by their keys.
pub(crate) fn by_key(settings: impl IntoIterator<Item = Setting>) -> Settings {
    settings.into_iter().map(|setting| (setting.key.clone(), setting)).collect()
}

/// One process of the registry, or one replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    /// Its name in the registry: `web`, or `web.1`.
    pub(crate) name: String,
    /// The settings in force for it. Those that need a restart are the ones that it was started with, while it lives.
    pub(crate) settings: Settings,
}

/// A process of the config.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProcessShape {
    /// Its name in the config.
    pub(crate) name: String,
    /// Whether it is being removed: then its members are only shown, and its name is as good as free.
    pub(crate) leaving: bool,
    /// Whether it has replicas.
    pub(crate) replicated: bool,
    /// The settings of its replica set; empty without one.
    pub(crate) set: Settings,
    /// The process itself, or its replicas. A config has one member that stands for all replicas.
    pub(crate) members: Vec<Member>,
}

/// A plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PluginShape {
    /// Its name.
    pub(crate) name: String,
    /// Its settings.
    pub(crate) settings: Settings,
}

/// What a config asks for, or what a host runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    /// The processes, in the order of the config or of the registry.
    pub(crate) processes: Vec<ProcessShape>,
    /// The plugins, in order.
    pub(crate) plugins: Vec<PluginShape>,
    /// The settings of the host; their keys begin with the section, such as `host.log_dir`.
    pub(crate) host: Settings,
}
