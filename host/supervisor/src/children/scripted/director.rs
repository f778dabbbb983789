//! The port to what decides how scripted children live, where no test does so step by step: a scenario of a simulation.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use provost_state::{Exit, Incarnation, Moment, Usage};

/// Decides how scripted children live. It is asked in virtual time, on the thread of the simulation.
pub trait Director: Send + Sync + fmt::Debug {
    /// Returns how the next child of `process` lives, which starts at `at`.
    ///
    /// # Errors
    /// Why it cannot be started; that is an end of the process like that of a program that does not exist.
    fn enters(&self, process: &Arc<str>, incarnation: Incarnation, at: Moment) -> Result<Part, Arc<str>>;

    /// Says whether the living child of `process` answers its checks at `at`, of readiness and of health.
    ///
    /// # Errors
    /// What a check finds if it does not.
    fn answers(&self, process: &Arc<str>, incarnation: Incarnation, at: Moment) -> Result<(), Arc<str>>;

    /// Returns what the living child of `process` uses at `at`, which is filled in; `None` if that is not known.
    fn uses(&self, process: &Arc<str>, incarnation: Incarnation, at: Moment) -> Option<Usage>;
}

/// How one scripted child lives. SIGKILL always ends it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// How it ends unasked; `None` if it lives until it is told to end.
    pub ends: Option<Ending>,
    /// How long it takes to end after its stop signal; `None` if it ignores the signal.
    pub obeys_within: Option<Duration>,
}

/// How a scripted child ends unasked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// How long it has lived then.
    pub after: Duration,
    /// How it ends.
    pub exit: Exit,
    /// Whether that is because the memory of its cgroup has run out.
    pub out_of_memory: bool,
}
