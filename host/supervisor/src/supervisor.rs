//! The supervisor as a whole: boots the runners, takes orders, and brings everything down in order.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use provost_state::{
    Cause, Consumer, Generation, Handle, Identity, Policy, ProcessId, Reader, Routing, Signal,
};
use tokio::runtime::Handle as Runtime;
use tokio::sync::watch;

use crate::children::Spawner;
use crate::children::leftovers::{Leftover, Leftovers};
use crate::children::os::OsSpawner;
use crate::children::reaper;
use crate::children::resolver::Resolver;
#[cfg(any(test, feature = "scripted"))]
use crate::children::scripted::Scripted;
use crate::clock::Clock;
use crate::decider::Decider;
use crate::degraded::Degraded;
use crate::groups::{
    Chain, Chains, Dispatch, Groups, Inbox, ReplicaCount, Replicas, Roster, StartOrder, chain, not_needed,
};
use crate::jobs::Jobs;
use crate::logs::{LogReader, Logs};
use crate::mailbox::{Refusal, Want};
use crate::publish::{Publisher, fanout};
use crate::runner::Runner;
use crate::settings::{BootError, Settings};
use crate::shared::Shared;
use crate::spec::{ProcessSpec, ReplicaSet};

/// How long the output of processes that have ended may take to be read.
const OUTPUT_GRACE: Duration = Duration::from_secs(3);

/// What is to be run, and who is to be told.
struct Wanted {
    specs: Vec<ProcessSpec>,
    sets: Vec<ReplicaSet>,
    consumers: Vec<Box<dyn Consumer>>,
}

/// A handle to the supervisor. Cheap to clone.
#[derive(Clone)]
pub struct Supervisor {
    shared: Arc<Shared>,
    pub(crate) roster: Arc<Roster>,
    pub(crate) replicas: Arc<[Arc<Replicas>]>,
    dispatch: Dispatch,
}

impl std::fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Supervisor")
            .field("generation", &self.reader().look().generation())
            .finish_non_exhaustive()
    }
}

/// A supervisor that has added its processes and started none of them.
pub struct Prepared {
    supervisor: Supervisor,
    runners: Vec<Unstarted>,
    inbox: Inbox,
    clock: Clock,
}

/// A runner that does not run yet, and the order that it is given first.
struct Unstarted {
    id: ProcessId,
    first: Option<Want>,
    runner: Runner,
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prepared").field("processes", &self.runners.len()).finish_non_exhaustive()
    }
}

impl Prepared {
    /// Every line that any of the processes writes, from its first line on. To be called within the tokio runtime.
    #[must_use]
    pub fn follow_output(&self) -> LogReader {
        let ids: Vec<ProcessId> = self.runners.iter().map(|unstarted| unstarted.id).collect();
        self.supervisor.logs().follow(&ids, 0, true)
    }

    /// Starts the processes with `autostart` that their replica set needs. To be called within the tokio runtime.
    #[must_use]
    pub fn start(self) -> Supervisor {
        let Self { supervisor, runners, inbox, clock } = self;
        for Unstarted { id, first, runner } in runners {
            tokio::spawn(runner.run());
            if let Some(want) = first {
                supervisor.roster.tell(id, want);
            }
        }
        inbox.start(&supervisor.dispatch, clock);
        for replicas in &*supervisor.replicas {
            let shared = Arc::downgrade(&supervisor.shared);
            let decider = move || {
                let shared = shared.upgrade().filter(|shared| !shared.closing())?;
                Some(shared.decider.clone())
            };
            tokio::spawn(replicas.clone().run(decider, supervisor.dispatch.clone(), clock));
        }
        supervisor
    }
}

impl Supervisor {
    /// Adds all processes, starts those with `autostart` that their replica set needs, and tells `consumers` from the
    /// first change on. To be called within a tokio runtime, whose threads it uses.
    ///
    /// # Errors
    /// [`BootError`]; no process has been started then.
    pub fn boot(
        settings: Settings,
        specs: Vec<ProcessSpec>,
        sets: Vec<ReplicaSet>,
        consumers: Vec<Box<dyn Consumer>>,
    ) -> Result<Self, BootError> {
        Self::prepare(settings, specs, sets, consumers).map(Prepared::start)
    }

    /// The first half of [`Supervisor::boot`]: adds all processes and tells `consumers`, but starts nothing yet, so that a
    /// reader of the logs can be there before the first line.
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
        let spawner =
            OsSpawner::new(&jobs, settings.degraded.clone(), leftovers, settings.children_open_files);
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
        // The chains go their own way: a spec must not keep a policy alive that was taken out.
        let (specs, chains): (Vec<_>, Vec<_>) = specs
            .into_iter()
            .map(|mut spec| {
                let policies = std::mem::take(&mut spec.policies);
                (Arc::new(spec), chain(policies))
            })
            .unzip();
        let order = Arc::new(StartOrder::new(specs.clone()));
        let (groups, inbox) = Groups::new(order.groups());
        let clock = Clock::new();
        let shared = Arc::new(Shared {
            publisher: Publisher::new(clock, settings.routing),
            spawner,
            resolver: Resolver::of_system(jobs.names.clone()),
            decider: Arc::new(Decider::new(settings.envelope(), jobs.judging.clone())),
            logs: Logs::new(
                settings.log_dir,
                settings.log_owners,
                settings.host_log,
                &jobs,
                &settings.degraded,
            )?,
            groups,
            jobs,
            degraded: settings.degraded,
            leftovers: helpers.leftovers(),
            runtime: Runtime::current(),
            helpers,
            closing: AtomicBool::new(false),
        });
        let roster = Arc::new(Roster::default());
        let dispatch = Dispatch {
            reader: shared.publisher.reader().clone(),
            order,
            changed: shared.publisher.changed(),
            roster: Arc::downgrade(&roster),
        };
        let replicas = sets.into_iter().map(|set| Arc::new(Replicas::new(set))).collect();
        let supervisor = Self { shared, roster, replicas, dispatch };
        for consumer in consumers {
            supervisor.tell_from(consumer, Generation(0));
        }
        let runners = supervisor.add_all(specs.into_iter().zip(chains).collect())?;
        Ok(Prepared { supervisor, runners, inbox, clock })
    }

    /// All are added before the first is started: a process never waits for one that is not there yet.
    fn add_all(&self, specs: Vec<(Arc<ProcessSpec>, Chain)>) -> Result<Vec<Unstarted>, BootError> {
        let mut spare = not_needed(&self.replicas);
        let mut runners = Vec::with_capacity(specs.len());
        for (spec, chain) in specs {
            let identity =
                Identity::new(spec.name.clone(), spec.group.clone()).of_type(spec.process_type.clone());
            let spare = spare.remove(&*spec.name);
            let is_spare = spare.is_some();
            let state = self.shared.publisher.add(identity, spare)?;
            self.shared.logs.add(state.id, &spec);
            let orders = self.roster.enter(state.id, chain.clone());
            let first = (spec.autostart && !is_spare).then_some(Want::Start(Cause::Boot));
            let id = state.id;
            let mut runner = Runner::new(spec, self.shared.clone(), state, orders, chain);
            if is_spare {
                runner.begin_spare();
            }
            runners.push(Unstarted { id, first, runner });
        }
        Ok(runners)
    }

    /// Tells `consumer` all that happens from now on, until it [is gone](Consumer::is_gone). A thread that cannot be had is
    /// tried again and shown as degraded. To be called within the runtime that the supervisor was booted in.
    pub fn consume(&self, consumer: Box<dyn Consumer>) {
        let now = self.reader().look().generation();
        self.tell_from(consumer, now);
    }

    fn tell_from(&self, consumer: Box<dyn Consumer>, from: Generation) {
        // Plugins are loaded on threads that are not the runtime's.
        let _within = self.shared.runtime.enter();
        let (reader, changed) = (self.reader().clone(), self.shared.publisher.changed());
        fanout::start(consumer, reader, changed, from, self.shared.degraded.clone());
    }

    /// Who judges a process now, in the order in which they are asked; nobody if there is no such process.
    #[must_use]
    pub fn policies_of(&self, id: ProcessId) -> Vec<Arc<dyn Policy>> {
        self.roster.chain(id).map_or_else(Vec::new, |chain| chain.load().to_vec())
    }

    /// Puts a policy first in the chains of `ids`, from the next trigger on. A policy that judges all replicas of a set also
    /// judges how many of them there are.
    pub fn prepend_policy(&self, ids: &[ProcessId], policy: &Arc<dyn Policy>) {
        self.chains().prepend(ids, policy);
    }

    /// Takes the policy of that name out of all chains, and returns the processes that it judged.
    pub fn remove_policy(&self, name: &str) -> Vec<ProcessId> {
        self.chains().remove(name)
    }

    /// Returns the processes in whose chain the policy is, and the replicas whose number it judges.
    #[must_use]
    pub fn judged_by(&self, name: &str) -> Vec<ProcessId> {
        self.chains().judged_by(name)
    }

    fn chains(&self) -> Chains<'_> {
        Chains::new(&self.roster, &self.replicas, self.reader().snapshot())
    }

    /// How many replicas of each set are wanted now, in the order of the config.
    #[must_use]
    pub fn replica_sets(&self) -> Vec<ReplicaCount> {
        self.replicas.iter().map(|replicas| replicas.count()).collect()
    }

    /// Becomes the exit code when a policy wants the host to be shut down. Whoever owns the supervisor then calls
    /// [`Supervisor::shutdown`] and exits with it.
    #[must_use]
    pub fn shutdown_wanted(&self) -> watch::Receiver<Option<u8>> {
        self.shared.groups.shutdown_wanted()
    }

    /// Makes this program the one that orphans of its children go to, and reaps them from then on. For a
    /// program that starts no children but by this supervisor: it would reap those, too.
    ///
    /// # Errors
    /// What the kernel says; orphans then go to pid 1, as usual.
    pub fn adopt_orphans(&self) -> io::Result<()> {
        reaper::adopt(self.shared.helpers.family(), self.shared.jobs.reaping.clone())
    }

    /// Reads the state of everything, wait-free.
    #[must_use]
    pub fn reader(&self) -> &Reader {
        self.shared.publisher.reader()
    }

    pub(crate) fn order(&self) -> &StartOrder {
        &self.dispatch.order
    }

    /// Puts another backend of the state core in force, under way: what `change` makes of what is in force, which it
    /// returns. No process is touched, no commit lost, and nobody's reads go backwards.
    pub fn reroute(&self, change: impl FnOnce(Routing) -> Routing) -> Routing {
        self.shared.publisher.reroute(change)
    }

    /// Wakes at every commit.
    #[must_use]
    pub fn changed(&self) -> watch::Receiver<Generation> {
        self.shared.publisher.changed()
    }

    /// The threads for work that blocks.
    #[must_use]
    pub fn jobs(&self) -> &Jobs {
        &self.shared.jobs
    }

    /// What the host lacks at the moment.
    #[must_use]
    pub fn degraded(&self) -> &Degraded {
        &self.shared.degraded
    }

    /// What is still there of the processes although it should not be.
    #[must_use]
    pub fn left(&self) -> Vec<Leftover> {
        self.shared.leftovers.list()
    }

    /// This instant, by the clocks of the published states.
    #[must_use]
    pub fn now(&self) -> provost_state::Moment {
        self.shared.publisher.now()
    }

    /// The output of all processes.
    #[must_use]
    pub fn logs(&self) -> &Logs {
        &self.shared.logs
    }

    /// Wants a process up, and forgets its failures. Returns when that is committed, not when it runs. What
    /// is up already is left alone.
    ///
    /// # Errors
    /// [`Refusal::ShuttingDown`].
    pub async fn start(&self, id: ProcessId, cause: Cause) -> Result<(), Refusal> {
        self.roster.order(id, Want::Start(cause)).await
    }

    /// Wants a process down. Returns when it was told so, not when it has ended.
    ///
    /// # Errors
    /// [`Refusal::SignalFailed`] if it could not be told; SIGKILL follows after the grace time all the same.
    pub async fn stop(&self, id: ProcessId, cause: Cause) -> Result<(), Refusal> {
        self.roster.order(id, Want::Stop(cause)).await
    }

    /// Stops it if it is up, and starts it again.
    ///
    /// # Errors
    /// As [`Supervisor::start`] and [`Supervisor::stop`].
    pub async fn restart(&self, id: ProcessId, cause: Cause) -> Result<(), Refusal> {
        self.roster.order(id, Want::Restart(cause)).await
    }

    /// Sends a signal to its process group.
    ///
    /// # Errors
    /// [`Refusal::NotRunning`], [`Refusal::SignalFailed`].
    pub async fn signal(&self, id: ProcessId, signal: Signal) -> Result<(), Refusal> {
        self.roster.order(id, Want::Signal(signal)).await
    }

    /// Stops everything, each process after those that depend on it, and returns when no child is left and what they wrote is
    /// in the log files. From the first moment on nothing is started any more.
    ///
    /// It takes no longer than the grace times along the dependencies and a few seconds: what is still there after that is
    /// named by [`Supervisor::left`].
    pub async fn shutdown(&self, cause: Cause) {
        self.shared.closing.store(true, Ordering::Release);
        let world = self.reader().snapshot();
        let all = world.iter().map(|state| Handle::of(state)).collect();
        drop(world);
        let stop = Want::Stop(cause);
        let stuck = self.dispatch.stop_in_order(all, stop, Some(self.shared.publisher.clock)).await;
        for process in stuck {
            let state = self.reader().state(process.id);
            if let Some(pid) = state.and_then(|state| state.pid()) {
                self.shared.leftovers.add_stuck(process.name().clone(), pid);
            }
        }
        self.shared.spawner.look_for_leftovers().await;
        self.shared.logs.finish(OUTPUT_GRACE).await;
    }

    /// SIGKILL for every process group at once: for those who will not wait for the grace time. It waits for nobody.
    pub async fn kill_all(&self) {
        let world = self.reader().snapshot();
        for state in world.iter().filter(|state| state.phase.kind().is_live()) {
            if let Some(pid) = state.pid() {
                // What has ended meanwhile needs no signal.
                let _ = self.shared.spawner.kill(pid);
            }
            self.roster.tell(state.id, Want::Kill);
        }
    }
}

#[cfg(any(test, feature = "scripted"))]
impl Scripted {
    /// [`Supervisor::boot`], but that the children are these. Readiness checks are real ones.
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
        let helpers = OsSpawner::new(&jobs, settings.degraded.clone(), Leftovers::default(), None);
        let wanted = Wanted { specs, sets, consumers };
        Supervisor::prepare_with(settings, wanted, Arc::new(self.clone()), helpers, jobs).map(Prepared::start)
    }
}
