//! The results of the checks of a process.

use std::sync::Arc;

use super::moment::Moment;

/// The health of the current life of a process, according to its health checks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Health {
    /// No check has reported yet, or there are no checks.
    #[default]
    Unknown,
    /// The process works.
    Healthy,
    /// The process works, but not as it should.
    Degraded,
    /// The process does not work.
    Unhealthy,
}

impl Health {
    /// Returns the word that people see.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A check that is failing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failing {
    /// What the check found, in words for people.
    pub why: Arc<str>,
    /// When it began to fail; it has not succeeded since.
    pub since: Moment,
}
