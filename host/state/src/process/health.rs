//! What the checks of a process say of its current life.

use std::sync::Arc;

use super::moment::Moment;

/// What the health checks of a process say of its current life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Health {
    /// Nothing yet, or there are none.
    #[default]
    Unknown,
    /// It is well.
    Healthy,
    /// It works, but not as it should.
    Degraded,
    /// It does not work.
    Unhealthy,
}

impl Health {
    /// The word that people see.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A check that fails at the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failing {
    /// What it found, in words for people.
    pub why: Arc<str>,
    /// Since when it has failed without a success.
    pub since: Moment,
}
