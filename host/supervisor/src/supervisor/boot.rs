//! The boot: everything that runners share, all processes, then their first orders.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use parking_lot::Mutex;
use provost_state::{Cause, Consumer, Generation, ProcessId};
use tokio::runtime::Handle as Runtime;
use tokio::sync::watch;

use super::handle::Supervisor;
use crate::children::Spawner;
use crate::children::leftovers::Leftovers;
use crate::children::os::OsSpawner;
use crate::children::resolver::Resolver;
#[cfg(any(test, feature = "scripted"))]
use crate::children::scripted::Scripted;
use crate::clock::Clock;
use crate::decider::Decider;
use crate::groups::{Dispatch, Groups, Lineup, Roster, Sets};
use crate::jobs::Jobs;
use crate::logs::{LogReader, Logs};
use crate::mailbox::Want;
use crate::publish::Publisher;
use crate::settings::{BootError, Settings};
use crate::shared::Shared;
use crate::spec::{ProcessSpec, ReplicaSet};
use crate::usage::{Sampler, Table};

/// The processes to run, and the consumers to notify.
struct Wanted {
    specs: Vec<ProcessSpec>,
    sets: Vec<ReplicaSet>,
    consumers: Vec<Box<dyn Consumer>>,
}

/// A supervisor that has added its processes and started none of them.
pub struct Prepared {
    supervisor: Supervisor,
    processes: Vec<ProcessId>,
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prepared").field("processes", &self.processes.len()).finish_non_exhaustive()
    }
}

impl Prepared {
    /// Follows every line that the processes write, from the first one on, also of processes that are added later. Must
    /// be called within the tokio runtime.
    #[must_use]
    pub fn follow_output(&self) -> LogReader {
        self.supervisor.logs().follow_all(0)
    }

    /// Does what [`Supervisor::adopt_orphans`] does before the first process is started, so that no orphan goes elsewhere.
    ///
    /// # Errors
    /// The error of the kernel; orphans then go to pid 1, as usual.
    pub fn adopt_orphans(&self) -> io::Result<()> {
        self.supervisor.adopt_orphans()
    }

    /// Starts the processes with `autostart` that their replica set needs. Must be called within the tokio runtime.
    #[must_use]
    pub fn start(self) -> Supervisor {
        let Self { supervisor, processes } = self;
        for id in processes.into_iter().filter(|id| supervisor.is_autostarted(*id)) {
            supervisor.roster.tell(id, Want::Start(Cause::Boot.into()));
        }
        supervisor
    }
}

impl Supervisor {
    /// Adds all processes, starts those with `autostart` that their replica set needs, and notifies `consumers` from
    /// the first change on. Must be called within a tokio runtime, whose threads it uses.
    ///
    /// # Errors
    /// [`BootError`]; no process has been started in that case.
    pub fn boot(
        settings: Settings,
        specs: Vec<ProcessSpec>,
        sets: Vec<ReplicaSet>,
        consumers: Vec<Box<dyn Consumer>>,
    ) -> Result<Self, BootError> {
        Self::prepare(settings, specs, sets, consumers).map(Prepared::start)
    }

    /// Does the first half of [`Supervisor::boot`]: adds all processes and notifies `consumers`, but starts nothing, so
    /// that a log reader can be attached before the first line is written.
    ///
    /// # Errors
    /// [`BootError`].
    pub fn prepare(
        settings: Settings,
        specs: Vec<ProcessSpec>,
        sets: Vec<ReplicaSet>,
        consumers: Vec<Box<dyn Consumer>>,
    ) -> Result<Prepared, BootError> {
        let jobs = Jobs::start(&settings.degraded);
        let leftovers = Leftovers::default();
        let (degraded, keeper) = (settings.degraded.clone(), settings.keeper.clone());
        let spawner = OsSpawner::new(&jobs, degraded, leftovers, settings.children_open_files, keeper);
        let wanted = Wanted { specs, sets, consumers };
        Self::prepare_with(settings, wanted, Arc::new(spawner.clone()), spawner, jobs)
    }

    fn prepare_with(
        settings: Settings,
        wanted: Wanted,
        spawner: Arc<dyn Spawner>,
        helpers: OsSpawner,
        jobs: Jobs,
    ) -> Result<Prepared, BootError> {
        let Wanted { specs, sets, consumers } = wanted;
        let supervisor = Self::empty(settings, spawner, helpers, jobs)?;
        for consumer in consumers {
            supervisor.tell_from(consumer, Generation(0));
        }
        for set in sets {
            supervisor.enter_set(set);
        }
        // All are added before the first is started, so that none waits for one that does not exist yet.
        let processes = supervisor.enter(specs)?;
        Ok(Prepared { supervisor, processes })
    }

    /// Returns a supervisor without processes.
    fn empty(
        settings: Settings,
        spawner: Arc<dyn Spawner>,
        helpers: OsSpawner,
        jobs: Jobs,
    ) -> Result<Self, BootError> {
        let envelope = settings.envelope();
        let publisher = Publisher::new(Clock::new(), settings.routing);
        let (roster, lineup) = (Arc::<Roster>::default(), Arc::<Lineup>::default());
        let dispatch = Dispatch {
            reader: publisher.reader().clone(),
            lineup: lineup.clone(),
            changed: publisher.changed(),
            roster: Arc::downgrade(&roster),
        };
        let runtime = Runtime::current();
        let sampler = Sampler {
            table: Table::new(),
            reader: publisher.reader().clone(),
            clock: publisher.clock,
            spawner: spawner.clone(),
            metering: jobs.metering.clone(),
            inspecting: jobs.inspecting.clone(),
        };
        let shared = Arc::new(Shared {
            groups: Groups::new(dispatch.clone(), publisher.clock, runtime.clone()),
            publisher,
            spawner,
            resolver: Resolver::of_system(jobs.names.clone()),
            decider: Arc::new(Decider::new(envelope, jobs.judging.clone())),
            logs: Logs::new(
                settings.log_dir,
                settings.log_owners,
                settings.host_log,
                &jobs,
                &settings.degraded,
            )?,
            lineup,
            roster: Arc::downgrade(&roster),
            jobs,
            degraded: settings.degraded,
            leftovers: helpers.leftovers(),
            usage: sampler.start(),
            runtime,
            helpers,
            closing: AtomicBool::new(false),
            changing: watch::Sender::default(),
            adding: Mutex::default(),
        });
        Ok(Self { shared, roster, sets: Arc::<Sets>::default(), dispatch })
    }
}

#[cfg(any(test, feature = "scripted"))]
impl Scripted {
    /// Does what [`Supervisor::boot`] does, with these scripted children. Readiness checks are real.
    ///
    /// # Errors
    /// As [`Supervisor::boot`].
    pub fn boot(
        &self,
        settings: Settings,
        specs: Vec<ProcessSpec>,
        sets: Vec<ReplicaSet>,
        consumers: Vec<Box<dyn Consumer>>,
    ) -> Result<Supervisor, BootError> {
        let jobs = Jobs::virtual_time();
        let helpers = OsSpawner::new(&jobs, settings.degraded.clone(), Leftovers::default(), None, None);
        let wanted = Wanted { specs, sets, consumers };
        Supervisor::prepare_with(settings, wanted, Arc::new(self.clone()), helpers, jobs).map(Prepared::start)
    }
}
