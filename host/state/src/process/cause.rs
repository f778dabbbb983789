//! The requested state of a process, and why it entered its phase.

/// The requested state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Desired {
    /// The process should run (or should have run to its end).
    Up,
    /// The process should not run.
    Down,
}

/// The reason why a process entered its phase, as a word for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Cause {
    /// The host started.
    Boot,
    /// A person asked for it on the command line.
    User,
    /// A program asked for it through the API.
    Api,
    /// A policy decided.
    Policy,
    /// The process ended without being asked to.
    Crash,
    /// A process that it depends on.
    Dependency,
    /// A health check.
    Health,
    /// A schedule.
    Schedule,
    /// A watched file.
    Watch,
    /// The config was reloaded.
    Reload,
    /// The kernel ran out of memory.
    Oom,
    /// The host is stopping.
    Shutdown,
}

impl Desired {
    /// Returns the word that people see.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl Cause {
    /// Returns the word that people see.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
