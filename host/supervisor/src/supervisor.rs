//! The supervisor as a whole: boots the runners, passes orders on to them, and shuts everything down in order.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use provost_state::{
    Cause, Consumer, Generation, Identity, Policy, ProcessId, ProcessState, Reader, Routing, Signal,
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
    Chain, Chains, Dispatch, Groups, Inbox, Named, ReplicaCount, Replicas, Roster, StartOrder, chain,
    not_needed,
};
use crate::jobs::Jobs;
use crate::logs::{LogReader, Logs};
use crate::mailbox::{Refusal, Want};
use crate::publish::{Publisher, fanout};
use crate::runner::Runner;
use crate::settings::{BootError, Settings};
use crate::shared::Shared;
use crate::spec::{ProcessSpec, ReplicaSet};

/// How long the remaining output of ended processes may take to be read during a shutdown.
const OUTPUT_GRACE: Duration = Duration::from_secs(3);

/// The processes to run, and the consumers to notify.
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
    /// With the first order of each in its mailbox.
    runners: Vec<Runner>,
    inbox: Inbox,
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prepared").field("processes", &self.runners.len()).finish_non_exhaustive()
    }
}

impl Prepared {
    /// Follows every line that the processes write, from the first one on. Must be called within the tokio runtime.
    #[must_use]
    pub fn follow_output(&self) -> LogReader {
        let world = self.supervisor.reader().snapshot();
        let ids: Vec<ProcessId> = world.iter().map(|state| state.id).collect();
        self.supervisor.logs().follow(&ids, 0, true)
    }

    /// Starts the processes with `autostart` that their replica set needs. Must be called within the tokio runtime.
    #[must_use]
    pub fn start(self) -> Supervisor {
        let Self { supervisor, runners, inbox } = self;
        let clock = supervisor.shared.publisher.clock;
        for runner in runners {
            tokio::spawn(runner.run());
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
        // The chains are kept apart from the specs: a spec must not keep a removed policy alive.
        let (specs, chains): (Vec<_>, Vec<_>) = specs
            .into_iter()
            .map(|mut spec| {
                let policies = std::mem::take(&mut spec.policies);
                (Arc::new(spec), chain(policies))
            })
            .unzip();
        let order = Arc::new(StartOrder::new(specs.clone()));
        let (groups, inbox) = Groups::new(order.groups());
        let shared = Arc::new(Shared {
            publisher: Publisher::new(Clock::new(), settings.routing),
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
        Ok(Prepared { supervisor, runners, inbox })
    }

    /// Adds all processes before the first is started, so that none waits for one that does not exist yet.
    fn add_all(&self, specs: Vec<(Arc<ProcessSpec>, Chain)>) -> Result<Vec<Runner>, BootError> {
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
            if spec.autostart && !is_spare {
                self.roster.tell(state.id, Want::Start(Cause::Boot));
            }
            let mut runner = Runner::new(spec, self.shared.clone(), state, orders, chain);
            if is_spare {
                runner.begin_spare();
            }
            runners.push(runner);
        }
        Ok(runners)
    }

    /// Notifies `consumer` of every change from now on, until it [is gone](Consumer::is_gone). If its thread cannot be
    /// started, the start is retried and the host is shown as degraded. May be called from any thread.
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

    /// Returns the policies that judge a process now, in the order in which they are asked; none if there is no such
    /// process.
    #[must_use]
    pub fn policies_of(&self, id: ProcessId) -> Vec<Arc<dyn Policy>> {
        self.roster.chain(id).map_or_else(Vec::new, |chain| chain.load().to_vec())
    }

    /// Puts a policy first in the chains of `ids`, from the next trigger on. A policy that judges all replicas of a set also
    /// judges how many of them there are.
    pub fn prepend_policy(&self, ids: &[ProcessId], policy: &Arc<dyn Policy>) {
        self.chains().prepend(ids, policy);
    }

    /// Removes the policy `name` from all chains, and returns the processes that it judged.
    pub fn remove_policy(&self, name: &str) -> Vec<ProcessId> {
        self.chains().remove(name)
    }

    /// Returns the processes whose chain contains the policy, and the replicas of the sets whose size it judges.
    #[must_use]
    pub fn judged_by(&self, name: &str) -> Vec<ProcessId> {
        self.chains().judged_by(name)
    }

    fn chains(&self) -> Chains<'_> {
        Chains::new(&self.roster, &self.replicas, self.reader().snapshot())
    }

    /// Returns how many replicas of each set are wanted now, in the order of the config.
    #[must_use]
    pub fn replica_sets(&self) -> Vec<ReplicaCount> {
        self.replicas.iter().map(|replicas| replicas.count()).collect()
    }

    /// Returns a receiver that becomes the exit code when a policy asks for a shutdown of the host. The owner of the
    /// supervisor then calls [`Supervisor::shutdown`] and exits with that code.
    #[must_use]
    pub fn shutdown_wanted(&self) -> watch::Receiver<Option<u8>> {
        self.shared.groups.shutdown_wanted()
    }

    /// Makes this program the subreaper of its descendants, and reaps orphans from then on. Only for programs that
    /// start all of their children through this supervisor: any other child would be reaped, too.
    ///
    /// # Errors
    /// The error of the kernel; orphans then go to pid 1, as usual.
    pub fn adopt_orphans(&self) -> io::Result<()> {
        reaper::adopt(self.shared.helpers.family(), self.shared.jobs.reaping.clone())
    }

    /// Returns the wait-free reader of all states.
    #[must_use]
    pub fn reader(&self) -> &Reader {
        self.shared.publisher.reader()
    }

    pub(crate) fn order(&self) -> &StartOrder {
        &self.dispatch.order
    }

    /// Replaces the routing of the state core's backends at run time with what `change` makes of it, and returns the
    /// former one. No process is touched, no commit is lost, and no reader sees a state go backwards.
    pub fn reroute(&self, change: impl FnOnce(Routing) -> Routing) -> Routing {
        self.shared.publisher.reroute(change)
    }

    /// Returns a receiver that is woken at every commit.
    #[must_use]
    pub fn changed(&self) -> watch::Receiver<Generation> {
        self.shared.publisher.changed()
    }

    /// Returns the threads for blocking work.
    #[must_use]
    pub fn jobs(&self) -> &Jobs {
        &self.shared.jobs
    }

    /// Returns the list of what the host is short of at the moment.
    #[must_use]
    pub fn degraded(&self) -> &Degraded {
        &self.shared.degraded
    }

    /// Returns the operating-system processes that are still there although they should not be.
    #[must_use]
    pub fn left(&self) -> Vec<Leftover> {
        self.shared.leftovers.list()
    }

    /// Returns the current time, by the clocks of the published states.
    #[must_use]
    pub fn now(&self) -> provost_state::Moment {
        self.shared.publisher.now()
    }

    /// Returns the output of all processes.
    #[must_use]
    pub fn logs(&self) -> &Logs {
        &self.shared.logs
    }

    /// Requests that a process be up, and forgets its failures. Returns when that is committed, not when the process
    /// runs. A process that is already up is left alone.
    ///
    /// # Errors
    /// [`Refusal::ShuttingDown`].
    pub async fn start(&self, id: ProcessId, cause: Cause) -> Result<(), Refusal> {
        self.roster.order(id, Want::Start(cause)).await
    }

    /// Requests that a process be down. Returns when the stop signal has been sent, not when the process has ended.
    ///
    /// # Errors
    /// [`Refusal::SignalFailed`] if the signal could not be sent; SIGKILL still follows after the grace time.
    pub async fn stop(&self, id: ProcessId, cause: Cause) -> Result<(), Refusal> {
        self.roster.order(id, Want::Stop(cause)).await
    }

    /// Stops a process if it is up, and starts it again.
    ///
    /// # Errors
    /// As [`Supervisor::start`] and [`Supervisor::stop`].
    pub async fn restart(&self, id: ProcessId, cause: Cause) -> Result<(), Refusal> {
        self.roster.order(id, Want::Restart(cause)).await
    }

    /// Sends a signal to the group of a process.
    ///
    /// # Errors
    /// [`Refusal::NotRunning`], [`Refusal::SignalFailed`].
    pub async fn signal(&self, id: ProcessId, signal: Signal) -> Result<(), Refusal> {
        self.roster.order(id, Want::Signal(signal)).await
    }

    /// Stops everything, each process after those that depend on it, and returns when no child is left and their output
    /// is in the log files. Nothing is started any more from the call on.
    ///
    /// It takes at most the grace times along the dependencies plus a few seconds; [`Supervisor::left`] names what is
    /// still there after that.
    pub async fn shutdown(&self, cause: Cause) {
        self.shared.closing.store(true, Ordering::Release);
        let world = self.reader().snapshot();
        let named = |state: &Arc<ProcessState>| {
            Some(Named { name: state.name().clone(), handle: self.reader().handle_of(state.id)? })
        };
        let all = world.iter().filter_map(named).collect();
        drop(world);
        let stop = Want::Stop(cause);
        let stuck = self.dispatch.stop_in_order(all, stop, Some(self.shared.publisher.clock)).await;
        for process in stuck {
            let state = self.reader().state(process.handle.id);
            if let Some(pid) = state.and_then(|state| state.pid()) {
                self.shared.leftovers.add_stuck(process.name, pid);
            }
        }
        self.shared.spawner.look_for_leftovers().await;
        self.shared.logs.finish(OUTPUT_GRACE).await;
    }

    /// Sends SIGKILL to every process group at once, without the grace time, and waits for nothing.
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
        let helpers = OsSpawner::new(&jobs, settings.degraded.clone(), Leftovers::default(), None);
        let wanted = Wanted { specs, sets, consumers };
        Supervisor::prepare_with(settings, wanted, Arc::new(self.clone()), helpers, jobs).map(Prepared::start)
    }
}
