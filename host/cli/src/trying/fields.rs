//! What a case may say. Everything that it does not say has a default that fits the role and what it does say.

use provost_state::{Cause, Exit, Health, PhaseKind, Usage};

/// What a case says about its trigger and its snapshot.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Fields {
    /// What is said of the process that the question is about.
    pub(crate) process: ProcessFields,
    /// The time of the trigger, in milliseconds since the Unix epoch.
    pub(crate) now_ms: Option<u64>,
    /// The seed for jitter.
    pub(crate) seed: Option<u64>,
    pub(crate) was_ready: Option<bool>,
    pub(crate) cause: Option<Cause>,
    pub(crate) waited_ms: Option<u64>,
    pub(crate) passed: Option<bool>,
    pub(crate) detail: Option<String>,
    pub(crate) took_ms: Option<u64>,
    pub(crate) in_a_row: Option<u32>,
    pub(crate) wanted: Option<u32>,
    pub(crate) running: Option<u32>,
    pub(crate) least: Option<u32>,
    pub(crate) most: Option<u32>,
    pub(crate) usage: Option<Usage>,
    /// The samples before, newest first.
    pub(crate) former: Vec<Usage>,
    pub(crate) path: Option<String>,
    pub(crate) query: Option<String>,
    pub(crate) missed: Option<u64>,
    /// Further processes of the snapshot.
    pub(crate) others: Vec<ProcessFields>,
}

impl Fields {
    /// Returns the names of the fields that belong to some roles only, each with whether it is given.
    pub(super) fn of_some_roles(&self) -> [(&'static str, bool); 17] {
        [
            ("seed", self.seed.is_some()),
            ("was_ready", self.was_ready.is_some()),
            ("cause", self.cause.is_some()),
            ("waited", self.waited_ms.is_some()),
            ("passed", self.passed.is_some()),
            ("detail", self.detail.is_some()),
            ("took", self.took_ms.is_some()),
            ("in_a_row", self.in_a_row.is_some()),
            ("wanted", self.wanted.is_some()),
            ("running", self.running.is_some()),
            ("least", self.least.is_some()),
            ("most", self.most.is_some()),
            ("usage", self.usage.is_some()),
            ("former", !self.former.is_empty()),
            ("path", self.path.is_some()),
            ("query", self.query.is_some()),
            ("missed", self.missed.is_some()),
        ]
    }
}

/// What a case says about one process.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ProcessFields {
    pub(crate) name: Option<String>,
    pub(crate) group: Option<String>,
    pub(crate) phase: Option<PhaseKind>,
    pub(crate) incarnation: Option<u64>,
    pub(crate) health: Option<Health>,
    pub(crate) exit: Option<Exit>,
    pub(crate) uptime_ms: Option<u64>,
    pub(crate) failures: Option<u32>,
    pub(crate) restarts: Option<u64>,
    /// Its tally, newest first; made up of `failures` if it is not given.
    pub(crate) deaths: Option<Vec<DeathFields>>,
}

/// What a case says about one death.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct DeathFields {
    pub(crate) exit: Option<Exit>,
    pub(crate) uptime_ms: Option<u64>,
    /// How long before the trigger it was; by default, each life began at the death before it.
    pub(crate) ago_ms: Option<u64>,
}
