//! Real children: started in their own sessions, by the keeper or by the host itself, and watched through pidfds.
//!
//! A pidfd becomes readable at the very moment the child ends, before it is reaped. So its pid is still its own when
//! what is left of its group is killed, and no later process with the same pid can be hit (pitchfork #878).
//!
//! A spawn waits for disks, so it runs on a thread for spawning. One that hangs occupies its thread and nothing else;
//! when it is abandoned, the child that hangs in its exec is killed. A shortage of the machine (descriptors, processes,
//! memory) is not a failure of the program: the spawn is retried until it is abandoned.
//!
//! | room | owns |
//! |---|---|
//! | `persist` | a spawn until there is a child, or none is wanted |
//! | `kept` | starting a child of the keeper |
//! | `direct` | starting a child of the host itself |
//! | `enclosure` | the cgroup of a start |
//! | `extras` | sockets and other descriptors that a child is given |
//! | `flight` | a spawn in progress |
//! | `ranks` | in which order the keeper ends processes when there is no host |
//! | `request` | what is to be started, and what became of it |

mod direct;
mod enclosure;
mod extras;
mod flight;
mod kept;
mod persist;
mod ranks;
mod request;
#[cfg(test)]
mod tests;

use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use dashmap::DashMap;
use provost_state::{Exit, Incarnation, Signal};
use tokio::sync::oneshot;

use self::direct::Direct;
use self::extras::Sockets;
use self::flight::{Flight, InFlight};
use self::ranks::Ranks;
use self::request::{Failure, SpawnRequest, Started};
use super::cgroups::{CgroupPlace, Cgroups};
use super::family::{Family, lives, pid_of};
use super::keeper::{FormerChild, Keeper, Kept, Shelf};
use super::leftovers::{Leftover, Leftovers};
use super::life::{Endings, Life, Owner, Parent, Surroundings, gone};
use super::partings::Partings;
use super::pidfd::Pidfd;
use super::resources::{Forest, Source};
use super::stage::StageProgram;
use super::{Boxed, Child, LifeEnd, LifeEnv, Output, Past, PendingSpawn, Spawner, Stop};
use crate::adoption::Held;
use crate::clock::Clock;
use crate::degraded::{Degraded, Shared};
use crate::gave::Given;
use crate::jobs::{Jobs, Lane};
use crate::spec::{CommandLine, Escaped, ProcessSpec, StopTo};

/// How long abandoned spawns may take to end before they are reported.
const LATE_WITHIN: Duration = Duration::from_secs(2);

/// The pause between two looks at them.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// The entry in [`Degraded`] while spawns are retried.
const SHORT: &str = "spawning";

/// What holds for all children.
#[derive(Clone, Debug, Default)]
pub(crate) struct OsSettings {
    /// The soft limit on open files that they get, if the host has raised its own.
    pub(crate) open_files: Option<u64>,
    /// Their parent, if it is not this process.
    pub(crate) keeper: Option<Keeper>,
    /// The program of the exec stage.
    pub(crate) stage: StageProgram,
    /// Where their cgroups are made.
    pub(crate) cgroups: CgroupPlace,
    /// The directory that tells this host from others.
    pub(crate) home: PathBuf,
}

/// The real spawner. Clones share everything.
#[derive(Clone, Debug)]
pub(crate) struct OsSpawner {
    spawning: Lane,
    around: Surroundings,
    /// The shortage of what the machine lacks for spawns.
    short: Shared,
    degraded: Degraded,
    living: Arc<DashMap<u32, Arc<Life>>>,
    /// The spawns in progress, by number.
    flights: Arc<DashMap<u64, Flight>>,
    flight: Arc<AtomicU64>,
    direct: Direct,
    /// The parent of the processes, if it is not this process.
    keeper: Option<Keeper>,
    sockets: Sockets,
    ranks: Arc<Ranks>,
}

impl OsSpawner {
    pub(crate) fn new(jobs: &Jobs, degraded: Degraded, leftovers: Leftovers, settings: OsSettings) -> Self {
        let OsSettings { open_files, keeper, stage, cgroups, home } = settings;
        let family = keeper.as_ref().map(Keeper::family).unwrap_or_default();
        let cgroups = Cgroups::new(cgroups, keeper.as_ref().map(Keeper::pid));
        let around = Surroundings {
            family: family.clone(),
            leftovers,
            reading: jobs.reading.clone(),
            cgroups: cgroups.clone(),
            partings: Partings::default(),
        };
        let sockets = Sockets::new(Shelf::new(keeper.clone()), &home);
        let direct = Direct {
            family,
            open_files,
            stage,
            cgroups,
            degraded: degraded.clone(),
            sockets: sockets.clone(),
        };
        Self {
            spawning: jobs.spawning.clone(),
            around,
            short: Shared::new(&degraded, SHORT),
            degraded,
            living: Arc::default(),
            flights: Arc::default(),
            flight: Arc::default(),
            direct,
            sockets,
            keeper,
            ranks: Arc::default(),
        }
    }

    /// Returns the process id of the keeper, while it is there.
    pub(crate) fn keeper_pid(&self) -> Option<u32> {
        self.keeper.as_ref().filter(|keeper| !keeper.is_gone()).map(Keeper::pid)
    }

    pub(crate) fn family(&self) -> Arc<Family> {
        self.around.family.clone()
    }

    /// Ends what former hosts have left in cgroups, apart from the lives that are held. What a spec leaves alone is left alone.
    pub(crate) fn clear_cgroups(&self, held: &[Held], specs: &[ProcessSpec]) {
        if held.is_empty() && specs.iter().all(|spec| spec.cgroup.is_none()) {
            return;
        }
        let lives = held.iter().map(|held| (held.name.clone(), held.incarnation)).collect();
        let leaves =
            |name: &str| specs.iter().any(|spec| &*spec.name == name && spec.escaped == Escaped::Leave);
        self.around.cgroups.sweep(&lives, leaves);
    }

    pub(crate) fn leftovers(&self) -> Leftovers {
        self.around.leftovers.clone()
    }

    /// Starts the program of a check, whose output is not wanted. A shortage of the machine fails the check: the next
    /// one tries again.
    pub(crate) fn run(
        &self,
        line: CommandLine,
        spec: Arc<ProcessSpec>,
        env: LifeEnv,
    ) -> Boxed<Result<Child, Arc<str>>> {
        let (spawner, in_flight) = (self.clone(), Arc::new(InFlight::default()));
        let request = Arc::new(SpawnRequest { line, spec, incarnation: None, env });
        let (tell, told) = oneshot::channel();
        tokio::spawn(async move {
            let spawned = match spawner.attempt(&request, &in_flight, None).await {
                Ok(child) => Ok(child),
                Err(Failure::Refused(why)) => Err(why),
                Err(Failure::Short(error)) => Err(Arc::from(error.to_string())),
            };
            if let Err(Ok(unwanted)) = tell.send(spawned) {
                let _ = spawner.kill(unwanted.pid);
            }
        });
        Box::pin(async move { told.await.unwrap_or_else(|_| Err(Arc::from("the host is ending"))) })
    }

    /// Makes one attempt. The keeper starts processes, if there is one, and this process starts checks.
    async fn attempt(
        &self,
        request: &Arc<SpawnRequest>,
        in_flight: &Arc<InFlight>,
        past: Option<Past>,
    ) -> Result<Child, Failure> {
        let keeper = self.keeper.as_ref().filter(|keeper| !keeper.is_given_up());
        let (started, parent) = match (keeper, request.incarnation) {
            // The next host starts it, if another keeper takes the place of this one.
            (Some(keeper), Some(_)) if keeper.is_gone() => {
                return Err(Failure::Short(io::Error::other(
                    "the keeper has ended, and another one is awaited",
                )));
            }
            (Some(keeper), Some(life)) => {
                self.attempt_of_keeper(keeper, life, request, in_flight, past).await?
            }
            (None, _) | (_, None) => {
                let (wanted, in_flight, direct) = (request.clone(), in_flight.clone(), self.direct.clone());
                let started = self.spawning.run(move || in_flight.enter(|| direct.start(&wanted))).await??;
                (started, Parent::Host)
            }
        };
        Ok(self.begin(started, parent, request))
    }

    async fn attempt_of_keeper(
        &self,
        keeper: &Keeper,
        incarnation: Incarnation,
        request: &Arc<SpawnRequest>,
        in_flight: &Arc<InFlight>,
        past: Option<Past>,
    ) -> Result<(Started, Parent), Failure> {
        let (keeper, wanted, entered) = (keeper.clone(), request.clone(), in_flight.clone());
        let (means, rank) = (self.direct.clone(), self.ranks.of(&request.spec));
        // The thread that has prepared the start asks the keeper, so that the order need not wait for another one.
        let ask = move || {
            let ready = kept::ready(&wanted, &means)?;
            let start = ready.ask(&keeper, (&wanted.spec, rank), incarnation)?;
            entered.enter_keeper(start.starting());
            drop(past);
            Ok::<_, Failure>((ready, start))
        };
        let (ready, start) = self.spawning.run(ask).await??;
        let started = ready.done(start, &request.spec).await;
        in_flight.leave();
        started
    }

    /// Begins to watch a child that was started.
    fn begin(&self, started: Started, parent: Parent, request: &SpawnRequest) -> Child {
        let Started { pid, pidfd, output, stdin, ready, vars, given, cgroup, without } = started;
        let spec = &request.spec;
        let owner = Owner { name: spec.name.clone(), incarnation: request.incarnation };
        let of_spec = Endings::from(&**spec);
        let is_check = request.incarnation.is_none();
        let escaped = if is_check { Escaped::Kill } else { of_spec.escaped };
        let endings = Endings { escaped, ..of_spec };
        let life = Arc::new(Life::new(pid, owner, parent, endings, &self.around.family).within(cgroup));
        let exit = self.live(life, Pidfd::watch(pidfd), (stdin, without));
        let notices = request
            .incarnation
            .and_then(|incarnation| self.sockets.notifiers.hear(spec, incarnation, pid, ready));
        Child { pid, exit, output, notices, vars, given }
    }

    /// Waits for the end of a life; `held` is kept until then, such as the end that keeps its standard input open.
    fn live(&self, life: Arc<Life>, watch: Pidfd, held: impl Send + 'static) -> Boxed<LifeEnd> {
        let pid = life.pid;
        self.living.insert(pid, life.clone());
        let (living, around) = (self.living.clone(), self.around.clone());
        let (ended, end) = oneshot::channel();
        // A separate task, so that the child is reaped whatever becomes of the task that waits for it.
        let watching = tokio::spawn(async move {
            let end = life.clone().ended(watch, around).await;
            // Its pid may be reused by now.
            living.remove_if(&pid, |_, other| Arc::ptr_eq(other, &life));
            drop(held);
            if ended.send(end).is_err() {
                // It was never taken, and nobody records its end.
                life.forget();
            }
        });
        Box::pin(async move {
            match end.await {
                Ok(end) => end,
                Err(_) if watching.await.is_err_and(|error| error.is_panic()) => gone(pid).await,
                // The runtime is ending and the child is not: the next host goes on with it.
                Err(_) => std::future::pending().await,
            }
        })
    }

    /// Has the keeper end a child of a former host as its spec says now. One that the config does not have keeps its rank.
    fn bring_in_line(&self, spec: &ProcessSpec, former: &FormerChild) {
        let rank = self.ranks.get_or(&spec.name, former.ending.rank);
        let ending = Endings::from(spec).of_keeper(rank);
        if former.reaped.is_none() && former.ending != ending {
            former.kept.amend(ending);
        }
    }

    /// Kills the programs of checks.
    pub(crate) fn end_checks(&self) {
        for life in self.living.iter().filter(|life| life.owner.incarnation.is_none()) {
            // One that has ended by now needs nothing.
            let _ = life.kill();
        }
    }

    fn life(&self, pid: u32) -> Result<Arc<Life>, Arc<str>> {
        self.living.get(&pid).map(|life| life.value().clone()).ok_or_else(|| Arc::from("no such process"))
    }
}

impl Spawner for OsSpawner {
    fn spawn(
        &self,
        spec: Arc<ProcessSpec>,
        incarnation: Incarnation,
        env: LifeEnv,
        past: Option<Past>,
    ) -> PendingSpawn {
        let (pending, ticket) = PendingSpawn::new();
        let request = SpawnRequest { line: spec.command.clone(), spec, incarnation: Some(incarnation), env };
        tokio::spawn(self.clone().persist(Arc::new(request), ticket, past));
        pending
    }

    fn adopt(&self, spec: Arc<ProcessSpec>, held: Held, wanted: bool) -> Child {
        let Held { incarnation, pid, pidfd, stdout, stderr, ended, .. } = held;
        let keeper = self.keeper.as_ref();
        let mut former = keeper.and_then(|keeper| Kept::take(keeper, &spec.name, incarnation));
        if let Some(former) = &former {
            self.bring_in_line(&spec, former);
        }
        let outputs = former.as_mut().and_then(|former| former.output.take());
        let output = stdout.map(|stdout| Output { stdout, stderr, kept: outputs });
        let exit: Boxed<LifeEnd> = match (former, ended) {
            (Some(FormerChild { reaped: Some(exit), .. }), _) => self.past(&spec, incarnation, exit),
            // One that has ended is not reaped yet: there may be others in its group.
            (Some(FormerChild { kept, stdin, .. }), _) => {
                self.watch_former(&spec, incarnation, (pid, pidfd), Parent::Keeper(kept), stdin)
            }
            (None, Some(end)) => self.past(&spec, incarnation, end.exit),
            (None, None) => self.watch_former(&spec, incarnation, (pid, pidfd), Parent::Host, None),
        };
        // The socket is that of all lives of the process, so one that is not wanted would take what the next one says.
        let heard = wanted.then(|| self.sockets.notifiers.hear_former(&spec, incarnation, pid));
        let notices = heard.flatten();
        Child { pid, exit, output, notices, vars: Arc::default(), given: Given::default() }
    }

    fn settle(&self, specs: &[ProcessSpec], leaving: &[ProcessSpec], lives: &dyn Fn(&str) -> bool) {
        self.ranks.settle(specs);
        self.sockets.settle(specs, leaving, lives);
    }

    fn release(&self, spec: &ProcessSpec) {
        self.sockets.release(spec);
    }

    fn forget(&self, process: &Arc<str>, incarnation: Incarnation) {
        if let Some(keeper) = &self.keeper {
            keeper.forget(process, incarnation);
        }
    }

    fn stop(&self, pid: u32, stop: Stop) -> Result<(), Arc<str>> {
        // A child that is not there any more has ended: its exit is yet to be handled.
        self.life(pid).map_or(Ok(()), |life| life.stop(stop))
    }

    fn kill(&self, pid: u32) -> Result<(), Arc<str>> {
        self.life(pid).map_or(Ok(()), |life| life.kill())
    }

    fn kill_escaped(&self) {
        self.around.partings.kill();
    }

    fn reconfigure(&self, pid: u32, spec: &ProcessSpec) {
        // A child that is not there any more has ended.
        let _ = self.life(pid).map(|life| life.reconfigure(Endings::from(spec), self.ranks.of(spec)));
    }

    fn signal(&self, pid: u32, signal: Signal) -> Result<(), Arc<str>> {
        self.life(pid)?.signal(signal, StopTo::Group)
    }

    fn resources(&self, clock: Clock) -> Box<dyn Source> {
        Box::new(Forest::new(clock, self.family()))
    }

    fn look_for_leftovers(&self) -> Boxed<()> {
        let spawner = self.clone();
        Box::pin(async move {
            spawner.name_leftovers().await;
            spawner.sockets.end(&spawner.around.reading).await;
            let cgroups = spawner.around.cgroups.clone();
            // What cannot be removed now is removed by the next host.
            let _ = spawner.around.reading.run(move || cgroups.close()).await;
        })
    }
}

impl OsSpawner {
    /// Watches a child of a former host. Only its parent can tell how it ends.
    fn watch_former(
        &self,
        spec: &ProcessSpec,
        incarnation: Incarnation,
        (pid, pidfd): (u32, Option<Arc<OwnedFd>>),
        parent: Parent,
        stdin: Option<Arc<OwnedFd>>,
    ) -> Boxed<LifeEnd> {
        let opened = || {
            pid_of(pid)
                .map_or_else(|| Err(io::ErrorKind::NotFound.into()), |pid| Pidfd::open(pid).map(Arc::new))
        };
        let pidfd = match pidfd.map_or_else(opened, Ok) {
            Ok(pidfd) => pidfd,
            Err(error) => {
                if lives(pid) {
                    tracing::error!(process = &*spec.name, pid, %error, "cannot watch a process, and waits until it is gone");
                }
                return Box::pin(gone(pid));
            }
        };
        let owner = Owner { name: spec.name.clone(), incarnation: Some(incarnation) };
        let cgroup = self.around.cgroups.find(&spec.name, incarnation);
        let without = enclosure::missed(&self.degraded, spec, cgroup.as_deref());
        let life = Life::new(pid, owner, parent, Endings::from(spec), &self.around.family).within(cgroup);
        self.live(Arc::new(life), Pidfd::watch(pidfd), (stdin, without))
    }

    /// Returns the end of a child of a former host that has ended and is reaped. What its cgroup says about that is still there.
    fn past(&self, spec: &ProcessSpec, incarnation: Incarnation, exit: Exit) -> Boxed<LifeEnd> {
        let Some(cgroup) = self.around.cgroups.find(&spec.name, incarnation) else {
            return Box::pin(std::future::ready(exit.into()));
        };
        let owner = Owner { name: spec.name.clone(), incarnation: Some(incarnation) };
        let life = Life::new(0, owner, Parent::Host, Endings::from(spec), &self.around.family);
        let life = life.within(Some(cgroup));
        let around = self.around.clone();
        Box::pin(async move {
            let end = life.end_with(exit, &around).await;
            life.kill_cgroup();
            life.close(&around).await;
            end
        })
    }

    /// Waits a little for abandoned spawns, and for what is being ended after its process; then enters the children that hang in
    /// spawns, and orphans.
    async fn name_leftovers(&self) {
        let until = tokio::time::Instant::now() + LATE_WITHIN;
        while !self.flights.is_empty() && tokio::time::Instant::now() < until {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        self.around.partings.over(2 * LATE_WITHIN).await;
        let leave = |process: Option<Arc<str>>, pid: u32, reason: &str| {
            if !self.around.leftovers.has(pid) {
                self.around.leftovers.add(Leftover { process, pid, reason: Arc::from(reason) });
            }
        };
        for flight in self.flights.iter() {
            for pid in flight.in_flight.children(&self.around.family) {
                leave(Some(flight.name.clone()), pid, "its start hangs, and SIGKILL does not end it");
            }
        }
        if self.around.family.adopter().is_none() || self.around.family.is_alone() {
            return;
        }
        let survey = self.around.family.survey(&self.around.reading);
        let Ok(Some(found)) = tokio::time::timeout(LATE_WITHIN, survey).await else {
            // Unknown does not mean ended.
            leave(
                None,
                std::process::id(),
                "the host could not look for descendants that have left their groups: some may be alive",
            );
            return;
        };
        for relative in found.iter() {
            match &relative.owner {
                Some((name, _)) => {
                    leave(Some(Arc::from(name.as_str())), relative.pid, "it has left its group")
                }
                None => leave(None, relative.pid, "owner unknown: it descends from one of the processes"),
            }
        }
    }
}
