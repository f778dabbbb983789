//! The parts of a supervisor that all runners share, and whether the host is stopping.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::runtime::Handle as Runtime;
use tokio::sync::watch;

use crate::children::Spawner;
use crate::children::leftovers::Leftovers;
use crate::children::os::OsSpawner;
use crate::children::resolver::Resolver;
use crate::decider::Decider;
use crate::degraded::Degraded;
use crate::groups::{Groups, Lineup, Roster};
use crate::jobs::Jobs;
use crate::logs::Logs;
use crate::publish::Publisher;
use crate::usage::Sampling;

/// The [changes](crate::Supervisor::changing) in several steps.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Changes {
    /// How many are in progress.
    pub(crate) in_progress: usize,
    /// How many have begun since the boot.
    pub(crate) begun: u64,
}

/// The parts of a supervisor that every runner uses.
pub(crate) struct Shared {
    pub(crate) publisher: Publisher,
    pub(crate) spawner: Arc<dyn Spawner>,
    /// Starts the programs of checks.
    pub(crate) helpers: OsSpawner,
    /// Looks up the host names in checks.
    pub(crate) resolver: Resolver,
    pub(crate) decider: Arc<Decider>,
    pub(crate) logs: Logs,
    pub(crate) groups: Groups,
    pub(crate) lineup: Arc<Lineup>,
    /// Not kept alive by this: when it is gone, the tasks end.
    pub(crate) roster: Weak<Roster>,
    pub(crate) jobs: Jobs,
    pub(crate) degraded: Degraded,
    pub(crate) leftovers: Leftovers,
    pub(crate) usage: Sampling,
    /// The runtime that the supervisor was booted in.
    pub(crate) runtime: Runtime,
    pub(crate) closing: AtomicBool,
    pub(crate) changing: watch::Sender<Changes>,
    /// Held while processes are added.
    pub(crate) adding: Mutex<()>,
}

impl Shared {
    /// Returns true if the host is stopping.
    pub(crate) fn closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }
}
