//! The attributes of a process that never change: its name, its group and its type.

use std::sync::Arc;

use super::exit::Exit;

/// The type of a process, which defines when it is ready and what a success is.
#[derive(Clone, Debug, Default, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum ProcessType {
    /// A process that is meant to keep running: it is ready when its readiness check has passed, and exit code 0 is a
    /// success.
    #[default]
    Service,
    /// A process that is meant to end: it is ready when it has ended with a success code.
    Job {
        /// The exit codes that are successes; never empty.
        success_codes: Arc<[i32]>,
    },
}

impl ProcessType {
    /// Creates a job whose only success code is 0.
    #[must_use]
    pub fn job() -> Self {
        Self::Job { success_codes: Arc::from([0]) }
    }

    /// Whether it is a job.
    #[must_use]
    pub fn is_job(&self) -> bool {
        matches!(self, Self::Job { .. })
    }

    /// Whether this exit is a success.
    #[must_use]
    pub fn is_success(&self, exit: &Exit) -> bool {
        match self {
            Self::Service => exit.is_success(),
            Self::Job { success_codes } => matches!(exit, Exit::Code(code) if success_codes.contains(code)),
        }
    }

    /// Returns the word of the config and of the API.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        self.into()
    }
}

/// The attributes of a process that never change, shared by all versions of its state.
#[derive(Debug, PartialEq)]
pub struct Identity {
    /// The name in the config: `web`, or `web.1` for a replica.
    pub name: Arc<str>,
    /// The group that shares its fate; empty if it is in none.
    pub group: Arc<str>,
    /// Whether the process is a service or a job.
    pub process_type: ProcessType,
}

impl Identity {
    /// Creates the identity of the service called `name`, in `group` unless that is empty.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>, group: impl Into<Arc<str>>) -> Self {
        Self { name: name.into(), group: group.into(), process_type: ProcessType::default() }
    }

    /// Returns this identity with another type.
    #[must_use]
    pub fn of_type(self, process_type: ProcessType) -> Self {
        Self { process_type, ..self }
    }
}
