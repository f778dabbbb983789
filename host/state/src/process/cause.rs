//! What was asked for, and why a process came to be in its phase.

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Desired {
    /// It should run (or should have run to its end).
    Up,
    /// It should not run.
    Down,
}

/// Why a process came to be in its phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Cause {
    /// The host started.
    Boot,
    /// A person asked, by the command line.
    User,
    /// A program asked, by the API.
    Api,
    /// A policy decided.
    Policy,
    /// It ended without being asked to.
    Crash,
    /// Something that it depends on.
    Dependency,
    /// A health check.
    Health,
    /// A schedule.
    Schedule,
    /// A watched file.
    Watch,
    /// The kernel ran out of memory.
    Oom,
    /// The host is stopping.
    Shutdown,
}

impl Desired {
    /// The word that people see.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl Cause {
    /// The word that people see.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
