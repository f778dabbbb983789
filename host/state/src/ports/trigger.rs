//! The triggers of all kinds of decisions as one type.

use std::sync::Arc;

use super::policy::{Demand, Ended, Observation, Plan, Sample};

/// A trigger of one of the kinds of decisions.
#[derive(Clone, Debug, PartialEq)]
pub enum Trigger {
    /// A life ended unasked.
    Exit(Ended),
    /// A process is about to be spawned.
    Start(Plan),
    /// A health check has finished.
    Probe(Observation),
    /// The number of replicas is due for review.
    Scale(Demand),
    /// The resources of a process were read.
    Usage(Sample),
}

impl Trigger {
    /// Returns the name of the process that the question is about.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        match self {
            Self::Exit(it) => &it.name,
            Self::Start(it) => &it.name,
            Self::Probe(it) => &it.name,
            Self::Scale(it) => &it.name,
            Self::Usage(it) => &it.name,
        }
    }

    /// Returns the group of that process; empty if it is in none.
    #[must_use]
    pub fn group(&self) -> &Arc<str> {
        match self {
            Self::Exit(it) => &it.group,
            Self::Start(it) => &it.group,
            Self::Probe(it) => &it.group,
            Self::Scale(it) => &it.group,
            Self::Usage(it) => &it.group,
        }
    }
}
