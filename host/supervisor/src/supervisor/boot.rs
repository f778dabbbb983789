//! The boot: everything that runners share, all processes, then their first orders.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use parking_lot::Mutex;
use provost_state::{Cause, Consumer, Generation, Incarnation, ProcessId, ProcessState, Version};
use tokio::runtime::Handle as Runtime;
use tokio::sync::watch;

use super::adopting::{Found, Resumed};
use super::handle::Supervisor;
use super::outputs::{GAPS, find_leftovers, share};
use super::unfinished::{Lives, Unfinished};
use crate::adoption::Adopted;
use crate::children::Spawner;
use crate::children::leftovers::Leftovers;
use crate::children::os::{OsSettings, OsSpawner};
use crate::children::resolver::Resolver;
#[cfg(any(test, feature = "scripted"))]
use crate::children::scripted::Scripted;
use crate::clock::Clock;
use crate::decider::Decider;
use crate::groups::{Dispatch, Groups, Lineup, Roster, Sets};
use crate::jobs::Jobs;
use crate::logs::{LogReader, Logs};
use crate::mailbox::{Motive, Want};
use crate::publish::Publisher;
use crate::settings::{BootError, Settings};
use crate::shared::Shared;
use crate::spec::{ProcessSpec, ReplicaSet};
use crate::usage::{METERED_EVERY_MS, Sampler, Table};

/// The processes to run, the consumers to notify, and what is found of a former host.
struct Wanted {
    specs: Vec<ProcessSpec>,
    sets: Vec<ReplicaSet>,
    consumers: Vec<Box<dyn Consumer>>,
    adopted: Adopted,
}

/// What starts processes and runs the programs of checks, and the threads for that.
struct Means {
    spawner: Arc<dyn Spawner>,
    helpers: OsSpawner,
    jobs: Jobs,
    clock: Clock,
    /// How often the use of all processes is read, in milliseconds; `None` for never.
    metered_every_ms: Option<u64>,
}

/// A supervisor that has added its processes and started none of them.
pub struct Prepared {
    supervisor: Supervisor,
    /// The processes that are new.
    processes: Vec<ProcessId>,
    /// The processes that go on, each with whether its spec is [another one](super::adopting::Resumed::is_changed).
    resumed: Vec<(ProcessId, bool)>,
    /// The processes that are not in the config any more.
    leaving: Vec<ProcessId>,
    unfinished: Unfinished,
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

    /// Resolves when what happens from now on is safe from the end of this host: the keeper of the stash has confirmed its
    /// file. Resolves at once if nothing is written down. It may never resolve, if the keeper is gone.
    pub async fn kept(&self) {
        if let Some(stash) = self.supervisor.shared.publisher.stash() {
            stash.confirmed().await;
        }
    }

    /// Starts the processes with `autostart` that their replica set needs, and goes on with those of a former host: takes
    /// over their children, decides the ends that are not decided, and ends what the config does not have any more. Must
    /// be called within the tokio runtime.
    #[must_use]
    pub fn start(self) -> Supervisor {
        let Self { supervisor, processes, resumed, leaving, unfinished } = self;
        let roster = &supervisor.roster;
        for (id, is_changed) in resumed {
            roster.tell(id, Want::Resume);
            if is_changed {
                let reason = "its config was changed before the host was started anew";
                roster.tell(id, Want::Renew(Motive::because(Cause::Reload, reason)));
            }
        }
        for id in processes.into_iter().filter(|id| supervisor.is_autostarted(*id)) {
            roster.tell(id, Want::Start(Cause::Boot.into()));
        }
        supervisor.finish(unfinished);
        let reason: Arc<str> = Arc::from("it is not in the config any more");
        let leaving = leaving.into_iter().map(|id| (id, reason.clone())).collect();
        drop(supervisor.remove_in_order(leaving));
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
        Self::prepare(settings, specs, sets, consumers, Adopted::default()).map(Prepared::start)
    }

    /// Does the first half of [`Supervisor::boot`]: adds all processes and notifies `consumers`, but starts nothing, so
    /// that a log reader can be attached before the first line is written.
    ///
    /// What was found of a former host goes on: generations, incarnations, restarts and deaths count on, its children keep
    /// running, and what it had decided is carried out at the time that it had decided. Processes that the config does not
    /// have any more are stopped, and those whose config has changed are restarted if a reload would restart them.
    ///
    /// # Errors
    /// [`BootError`].
    pub fn prepare(
        settings: Settings,
        specs: Vec<ProcessSpec>,
        sets: Vec<ReplicaSet>,
        consumers: Vec<Box<dyn Consumer>>,
        adopted: Adopted,
    ) -> Result<Prepared, BootError> {
        let jobs = Jobs::start(&settings.degraded);
        let leftovers = Leftovers::default();
        let of_children = OsSettings {
            open_files: settings.children_open_files,
            keeper: settings.keeper.clone(),
            stage: settings.stage.clone(),
            cgroups: settings.cgroups.clone(),
            home: settings.log_dir.clone(),
        };
        let spawner = OsSpawner::new(&jobs, settings.degraded.clone(), leftovers, of_children);
        spawner.clear_cgroups(&adopted.held, &specs);
        let wanted = Wanted { specs, sets, consumers, adopted };
        let means = Means {
            spawner: Arc::new(spawner.clone()),
            helpers: spawner,
            jobs,
            clock: Clock::of_boot(),
            metered_every_ms: Some(METERED_EVERY_MS),
        };
        Self::prepare_with(settings, wanted, means)
    }

    fn prepare_with(settings: Settings, wanted: Wanted, means: Means) -> Result<Prepared, BootError> {
        let Wanted { mut specs, sets, consumers, adopted } = wanted;
        let mut found = Found::of(adopted);
        found.add_replicas(&mut specs, &sets);
        let gone = found.not_in(&specs);
        let leaving: HashSet<Arc<str>> = gone.iter().map(|spec| spec.name.clone()).collect();
        means.spawner.settle(&specs, &gone, &|name| found.has_child(name));
        specs.extend(gone);
        found.keep(&specs);
        if let Some(stash) = &settings.stash {
            stash.go_on(&found.former);
        }
        let specs: Vec<_> = specs.into_iter().map(|mut spec| (found.take(&mut spec), spec)).collect();
        let states: Vec<&ProcessState> =
            specs.iter().filter_map(|(resumed, _)| resumed.as_ref()).map(|resumed| &resumed.state).collect();
        let (clock, former) = (means.clock.clone(), &found.former);
        let routing = former.routing.unwrap_or(settings.routing);
        let publisher = match former.generation {
            Generation(0) if states.is_empty() => Publisher::new(clock, routing, settings.recorder.clone()),
            generation => Publisher::after(clock, routing, settings.recorder.clone(), generation, states)?,
        };
        let supervisor = Self::empty(settings, publisher, means)?;
        for consumer in consumers {
            supervisor.tell_from(consumer, former.known);
        }
        for set in sets {
            let count = former.sets.get(&set.name).copied();
            supervisor.enter_set(set, count);
        }
        // All are added before the first is started, so that none waits for one that does not exist yet.
        supervisor.enter_all(specs, &leaving)
    }

    /// Enters the processes that go on, and adds the others.
    fn enter_all(
        self,
        specs: Vec<(Option<Resumed>, ProcessSpec)>,
        leaving: &HashSet<Arc<str>>,
    ) -> Result<Prepared, BootError> {
        let names: Vec<Arc<str>> = specs.iter().map(|(_, spec)| spec.name.clone()).collect();
        let mut lives = Lives::default();
        let (mut resumed, mut left, mut new, mut started) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (former, spec) in specs {
            let name = spec.name.clone();
            let Some(Resumed { adoption, is_changed, .. }) = former else {
                new.push(spec);
                continue;
            };
            let Some(state) = self.reader().handle(&name).and_then(|it| self.reader().state(it.id)) else {
                continue;
            };
            if let Some(at) = adoption.child_started_at() {
                lives.started.insert(name.clone(), at);
            }
            if adoption.is_held() {
                lives.held.insert(name.clone());
            }
            let is_unstarted = state.version == Version(0) && state.incarnation == Incarnation(0);
            let id = self.re_enter(spec, state, adoption);
            resumed.push((id, is_changed));
            if is_unstarted {
                // The former host ended before it started it.
                started.push(id);
            }
            if leaving.contains(&name) {
                left.push(id);
            }
        }
        let mut processes = self.enter(new)?;
        processes.extend(started);
        // Those that go on were entered before the new ones.
        if !resumed.is_empty() {
            self.arrange(&names);
        }
        let unfinished = self.unfinished(&lives);
        Ok(Prepared { supervisor: self, processes, resumed, leaving: left, unfinished })
    }

    /// Returns a supervisor without processes.
    fn empty(settings: Settings, mut publisher: Publisher, means: Means) -> Result<Self, BootError> {
        let Means { spawner, helpers, jobs, clock: _, metered_every_ms } = means;
        let envelope = settings.envelope();
        let stash = settings.stash.clone();
        if let Some(stash) = &stash {
            publisher.write_into(stash.clone());
        }
        let decider = Decider::new(envelope, jobs.judging.clone(), stash, Some(publisher.notes().clone()));
        let (roster, lineup) = (Arc::<Roster>::default(), Arc::<Lineup>::default());
        let dispatch = Dispatch {
            reader: publisher.reader().clone(),
            lineup: lineup.clone(),
            changed: publisher.changed(),
            roster: Arc::downgrade(&roster),
        };
        let runtime = Runtime::current();
        let gaps = std::path::absolute(settings.log_dir.join(GAPS))?;
        let mut logs =
            Logs::new(settings.log_dir, settings.log_owners, settings.host_log, &jobs, &settings.degraded)?;
        if let Some(keeper) = &settings.keeper {
            share(keeper, &gaps, &mut logs);
        }
        find_leftovers(settings.keeper.as_ref(), &gaps, &logs);
        let sampler = Sampler {
            table: Table::new(),
            reader: publisher.reader().clone(),
            clock: publisher.clock.clone(),
            spawner: spawner.clone(),
            every_ms: metered_every_ms,
            metering: jobs.metering.clone(),
            inspecting: jobs.inspecting.clone(),
        };
        let shared = Arc::new(Shared {
            groups: Groups::new(dispatch.clone(), publisher.clock.clone(), runtime.clone()),
            publisher,
            spawner,
            resolver: Resolver::of_system(jobs.names.clone()),
            decider: Arc::new(decider),
            logs,
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
        self.prepare(settings, specs, sets, consumers, Adopted::default()).map(Prepared::start)
    }

    /// Does what [`Supervisor::prepare`] does, with these scripted children.
    ///
    /// # Errors
    /// As [`Supervisor::prepare`].
    pub fn prepare(
        &self,
        settings: Settings,
        specs: Vec<ProcessSpec>,
        sets: Vec<ReplicaSet>,
        consumers: Vec<Box<dyn Consumer>>,
        adopted: Adopted,
    ) -> Result<Prepared, BootError> {
        let (jobs, metered_every_ms) = match self.is_directed() {
            true => (Jobs::at_once(), None),
            false => (Jobs::virtual_time(), Some(METERED_EVERY_MS)),
        };
        let helpers =
            OsSpawner::new(&jobs, settings.degraded.clone(), Leftovers::default(), OsSettings::default());
        let wanted = Wanted { specs, sets, consumers, adopted };
        let (spawner, clock) = (Arc::new(self.clone()), self.clock());
        let means = Means { spawner, helpers, jobs, clock, metered_every_ms };
        Supervisor::prepare_with(settings, wanted, means)
    }
}
