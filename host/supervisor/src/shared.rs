//! The parts of a supervisor that all runners share, and whether the host is stopping.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::runtime::Handle as Runtime;

use crate::children::Spawner;
use crate::children::leftovers::Leftovers;
use crate::children::os::OsSpawner;
use crate::children::resolver::Resolver;
use crate::decider::Decider;
use crate::degraded::Degraded;
use crate::groups::Groups;
use crate::jobs::Jobs;
use crate::logs::Logs;
use crate::publish::Publisher;

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
    pub(crate) jobs: Jobs,
    pub(crate) degraded: Degraded,
    pub(crate) leftovers: Leftovers,
    /// The runtime that the supervisor was booted in.
    pub(crate) runtime: Runtime,
    pub(crate) closing: AtomicBool,
}

impl Shared {
    /// Returns true if the host is stopping.
    pub(crate) fn closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }
}
