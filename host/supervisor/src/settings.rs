//! The settings of a supervisor, with their defaults, and the errors of a boot.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use provost_files::{FileError, Owners};
use provost_state::{NameTaken, Recorder, Routing};

use crate::children::cgroups::CgroupPlace;
use crate::children::keeper::Keeper;
use crate::children::stage::StageProgram;
use crate::decider::{Envelope, RestartBudget};
use crate::degraded::Degraded;
use crate::logs::{HostLog, NotKept};
use crate::stash::Stash;

/// The settings that hold for all processes.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The directory of the log files; created if it does not exist.
    pub log_dir: PathBuf,
    /// The users that may own the directories above it.
    pub log_owners: Owners,
    /// How long a decision may take before the failsafe answers, in milliseconds. This includes all policies of a chain
    /// and the last good versions of those that fail.
    pub decision_deadline_ms: u64,
    /// The longest delay that a policy may ask for, in milliseconds.
    pub restart_delay_ms_max: u64,
    /// The shortest delay before a restart, in milliseconds: a shorter one is raised to it.
    pub restart_delay_ms_min: u64,
    /// How many restarts of one process are allowed within which period.
    pub restart_budget: RestartBudget,
    /// The initial routing of the state core's backends.
    pub routing: Routing,
    /// The list of what the host is short of.
    pub degraded: Degraded,
    /// The soft limit on open files that children get; `None` if the host did not raise its own, which they inherit.
    pub children_open_files: Option<u64>,
    /// The program of the exec stage, which a child runs first if its spec asks for more than an exec.
    pub stage: StageProgram,
    /// Where the cgroups of processes are made.
    pub cgroups: CgroupPlace,
    /// The host's own log, for readers that ask for it.
    pub host_log: Option<HostLog>,
    /// The recorder of decisions, orders and changes, if there is one.
    pub recorder: Option<Arc<dyn Recorder>>,
    /// The parent of the processes, if it is not this process.
    pub keeper: Option<Keeper>,
    /// Where everything is written down that another host needs to go on; `None` to write nothing down.
    pub stash: Option<Stash>,
}

impl Settings {
    /// Returns the defaults: one second for a decision, restart delays of up to an hour and without a minimum, and the
    /// default budget.
    #[must_use]
    pub fn new(log_dir: PathBuf) -> Self {
        Self {
            log_dir,
            log_owners: Owners::default(),
            decision_deadline_ms: 1_000,
            restart_delay_ms_max: 3_600_000,
            restart_delay_ms_min: 0,
            restart_budget: RestartBudget::default(),
            routing: Routing::default(),
            degraded: Degraded::default(),
            children_open_files: None,
            stage: StageProgram::default(),
            cgroups: CgroupPlace::default(),
            host_log: None,
            recorder: None,
            keeper: None,
            stash: None,
        }
    }

    /// Returns the bounds that every decision is held to.
    pub(crate) fn envelope(&self) -> Envelope {
        Envelope {
            deadline: Duration::from_millis(self.decision_deadline_ms),
            restart_delay_ms_max: self.restart_delay_ms_max,
            restart_delay_ms_min: self.restart_delay_ms_min,
            restart_budget: self.restart_budget,
        }
    }
}

/// Why the supervisor could not be booted.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// Two processes have the same name.
    #[error(transparent)]
    NameTaken(#[from] NameTaken),
    /// The directory of the logs cannot be used.
    #[error("cannot keep logs: {0}")]
    LogDir(#[from] FileError),
    /// A thread or a signal handler could not be set up.
    #[error("cannot set up the supervisor")]
    Io(#[from] io::Error),
}

impl From<NotKept> for BootError {
    fn from(error: NotKept) -> Self {
        match error {
            NotKept::Dir(error) => Self::LogDir(error),
            NotKept::Thread(error) => Self::Io(error),
        }
    }
}
