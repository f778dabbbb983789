//! Real children: started by `posix_spawn` in their own sessions, and watched through pidfds.
//!
//! A pidfd becomes readable at the very moment the child ends, before it is reaped. So its pid is still its own when
//! what is left of its group is killed, and no later process with the same pid can be hit (pitchfork #878).
//!
//! A spawn waits for disks, so it runs on a thread for spawning. One that hangs occupies its thread and nothing else;
//! when it is abandoned, the child that hangs in its exec is killed. A shortage of the machine (descriptors, processes,
//! memory) is not a failure of the program: the spawn is retried until it is abandoned.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dashmap::DashMap;
use parking_lot::{Mutex, MutexGuard};
use provost_state::{Exit, Incarnation, Signal};
use tokio::sync::oneshot;

use super::command::{Prepared, exec_error, prepare};
use super::ends::{Ends, pipe};
use super::family::{Family, children_of_thread, pid_of};
use super::leftovers::{Leftover, Leftovers};
use super::life::{Endings, Life, Owner, Surroundings};
use super::pidfd::Pidfd;
use super::posix::{self, Launch, Target};
use super::resources::{Forest, Source};
use super::spawned_with::Gave;
use super::stage;
use super::{Boxed, Child, LifeEnv, Output, PendingSpawn, SpawnTicket, Spawned, Spawner, Stop};
use crate::adoption::Held;
use crate::clock::Clock;
use crate::degraded::Degraded;
use crate::jobs::{Jobs, Lane};
use crate::spec::{CommandLine, Escaped, ProcessSpec, StopTo};

/// The first pause before a spawn is retried after a shortage; it doubles up to [`RETRY_MAX`].
const RETRY_FIRST: Duration = Duration::from_millis(50);

/// The longest such pause.
const RETRY_MAX: Duration = Duration::from_secs(1);

/// How long abandoned spawns may take to end before they are reported.
const LATE_WITHIN: Duration = Duration::from_secs(2);

/// The entry in [`Degraded`] while spawns are retried.
const LACK: &str = "spawning";

/// The real spawner. Clones share everything.
#[derive(Clone, Debug)]
pub(crate) struct OsSpawner {
    spawning: Lane,
    around: Surroundings,
    degraded: Degraded,
    living: Arc<DashMap<u32, Arc<Life>>>,
    /// The spawns in progress, by number.
    flights: Arc<DashMap<u64, Flight>>,
    flight: Arc<AtomicU64>,
    /// The soft limit on open files that children get, if the host has raised its own.
    open_files: Option<u64>,
}

/// A request to start a program.
struct SpawnRequest {
    line: CommandLine,
    spec: Arc<ProcessSpec>,
    /// `None` for a check.
    incarnation: Option<Incarnation>,
    env: LifeEnv,
}

/// Why there is no child.
enum Failure {
    /// The command cannot be run, for this reason.
    Refused(Arc<str>),
    /// The machine is short of something at the moment.
    Short(io::Error),
}

impl From<Arc<str>> for Failure {
    fn from(why: Arc<str>) -> Self {
        Self::Refused(why)
    }
}

/// A spawn in progress.
#[derive(Debug)]
struct Flight {
    name: Arc<str>,
    in_flight: Arc<InFlight>,
}

/// The thread of a spawn, by which the spawn is reached from outside while it hangs.
#[derive(Debug, Default)]
struct InFlight(Mutex<Option<u32>>);

impl InFlight {
    /// Runs `act` with this thread entered.
    fn enter<T>(&self, act: impl FnOnce() -> T) -> T {
        let thread = rustix::thread::gettid().as_raw_nonzero().get().cast_unsigned();
        *self.thread() = Some(thread);
        let done = act();
        *self.thread() = None;
        done
    }

    fn thread(&self) -> MutexGuard<'_, Option<u32>> {
        self.0.lock()
    }

    /// Returns the child that hangs in its exec, if there is one: the child of that thread that no task owns yet.
    fn children(&self, family: &Family) -> Vec<u32> {
        let thread = self.thread();
        Self::of_thread(*thread, family)
    }

    fn of_thread(thread: Option<u32>, family: &Family) -> Vec<u32> {
        let children = thread.map(|thread| children_of_thread(std::process::id(), thread));
        // A child that cannot be listed now is looked for again.
        children
            .and_then(Result::ok)
            .unwrap_or_default()
            .into_iter()
            .filter(|pid| !family.is_own(*pid))
            .collect()
    }

    /// Kills the child that hangs. The thread cannot go on to anything else meanwhile, because it would have to take
    /// the lock.
    fn kill(&self, family: &Family) {
        let thread = self.thread();
        for pid in Self::of_thread(*thread, family) {
            let _ = posix::signal_process(pid, Signal::KILL);
        }
    }
}

impl OsSpawner {
    pub(crate) fn new(
        jobs: &Jobs,
        degraded: Degraded,
        leftovers: Leftovers,
        open_files: Option<u64>,
    ) -> Self {
        let around = Surroundings { family: Arc::default(), leftovers, reading: jobs.reading.clone() };
        Self {
            spawning: jobs.spawning.clone(),
            around,
            degraded,
            living: Arc::default(),
            flights: Arc::default(),
            flight: Arc::default(),
            open_files,
        }
    }

    pub(crate) fn family(&self) -> Arc<Family> {
        self.around.family.clone()
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
            let spawned = match spawner.attempt(&request, &in_flight).await {
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

    /// Spawns, and retries after shortages, until the child is not wanted any more.
    async fn persist(self, request: Arc<SpawnRequest>, ticket: SpawnTicket) {
        let number = self.flight.fetch_add(1, Ordering::Relaxed);
        let in_flight = Arc::new(InFlight::default());
        let flight = Flight { name: request.spec.name.clone(), in_flight: in_flight.clone() };
        self.flights.insert(number, flight);
        self.try_until_there(request, ticket, in_flight).await;
        self.flights.remove(&number);
    }

    async fn try_until_there(
        &self,
        request: Arc<SpawnRequest>,
        mut ticket: SpawnTicket,
        in_flight: Arc<InFlight>,
    ) {
        let mut pause = RETRY_FIRST;
        loop {
            let attempt = self.attempt(&request, &in_flight);
            tokio::pin!(attempt);
            let spawned = tokio::select! {
                spawned = &mut attempt => spawned,
                () = ticket.abandoned() => {
                    in_flight.kill(&self.around.family);
                    if let Ok(unwanted) = attempt.await {
                        self.end_unwanted(unwanted).await;
                    }
                    return;
                }
            };
            let error = match spawned {
                Ok(child) => {
                    self.degraded.clear(LACK);
                    return self.hand_over(ticket, Ok(child)).await;
                }
                Err(Failure::Refused(why)) => return self.hand_over(ticket, Err(why)).await,
                Err(Failure::Short(error)) => error,
            };
            self.degraded.set(LACK, format!("{}: {error}; it is tried again", request.spec.name));
            tokio::select! {
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(RETRY_MAX),
                () = ticket.abandoned() => return,
            }
        }
    }

    async fn hand_over(&self, ticket: SpawnTicket, spawned: Spawned) {
        let pid = spawned.as_ref().ok().map(|child| child.pid);
        match ticket.hand_over(spawned) {
            Ok(ticket) => {
                // The spawn may have been abandoned with the child in the channel, where nothing takes it out.
                if let Some(pid) = ticket.lost().await.and(pid) {
                    let _ = self.kill(pid);
                    while self.living.contains_key(&pid) {
                        tokio::time::sleep(RETRY_FIRST).await;
                    }
                }
            }
            Err((Ok(unwanted), _over)) => self.end_unwanted(unwanted).await,
            Err(_) => {}
        }
    }

    async fn end_unwanted(&self, child: Child) {
        let _ = self.kill(child.pid);
        child.exit.await;
    }

    /// Makes one attempt, on a thread for spawning.
    async fn attempt(
        &self,
        request: &Arc<SpawnRequest>,
        in_flight: &Arc<InFlight>,
    ) -> Result<Child, Failure> {
        let (wanted, in_flight, spawner) = (request.clone(), in_flight.clone(), self.clone());
        let started = self.spawning.run(move || in_flight.enter(|| spawner.start(&wanted))).await;
        let started = started.map_err(|lost| Failure::Refused(Arc::from(lost.to_string())))??;
        let Started { pid, pidfd, output, stdin, vars, env_files } = started;
        let watch = match Pidfd::watch(pidfd) {
            Ok(watch) => watch,
            Err(error) => {
                let spawner = self.clone();
                let _ = self.spawning.run(move || spawner.undo(pid)).await;
                return Err(Failure::Short(error));
            }
        };
        let spec = &request.spec;
        let owner = Owner { name: spec.name.clone(), incarnation: request.incarnation };
        let of_spec = Endings::from(&**spec);
        let is_check = request.incarnation.is_none();
        let escaped = if is_check { Escaped::Kill } else { of_spec.escaped };
        let life = Arc::new(Life::new(pid, owner, Endings { escaped, ..of_spec }));
        let exit = self.live(life, watch, stdin);
        Ok(Child { pid, exit, output, vars, env_files })
    }

    /// Waits for the end of a life; `stdin` keeps its standard input open until then.
    fn live(&self, life: Arc<Life>, watch: Pidfd, stdin: Option<OwnedFd>) -> Boxed<Exit> {
        let pid = life.pid;
        self.living.insert(pid, life.clone());
        let (living, around) = (self.living.clone(), self.around.clone());
        let (ended, end) = oneshot::channel();
        // A separate task, so that the child is reaped whatever becomes of the task that waits for it.
        tokio::spawn(async move {
            let exit = life.clone().ended(watch, around).await;
            // Its pid may be reused by now.
            living.remove_if(&pid, |_, other| Arc::ptr_eq(other, &life));
            drop(stdin);
            let _ = ended.send(exit);
        });
        Box::pin(async move { end.await.unwrap_or(Exit::Unobserved) })
    }

    /// Starts the child. Blocks for as long as its exec does.
    fn start(&self, request: &SpawnRequest) -> Result<Started, Failure> {
        let SpawnRequest { line, spec, incarnation, env } = request;
        fail::fail_point!("spawn.prepare", |why| Err(Failure::Refused(Arc::from(why.unwrap_or_default()))));
        let prepared = prepare(line, spec, *incarnation, env)?;
        // Reserves a descriptor for the pidfd, which must be available once the child exists.
        let spare = File::open("/dev/null").map_err(Failure::Short)?;
        let ends = Ends::open(spec, incarnation.is_some()).map_err(Failure::Short)?;
        let pid = self.execute(&prepared, spec, &ends)?;
        self.around.family.enter(pid);
        drop(spare);
        let pidfd = match pid_of(pid).map(Pidfd::open) {
            Some(Ok(pidfd)) => pidfd,
            Some(Err(error)) => {
                self.undo(pid);
                return Err(Failure::Short(error));
            }
            None => return Err(Failure::Refused(Arc::from("the kernel gave no process id"))),
        };
        let Ends { output, keep, .. } = ends;
        let Prepared { vars, env_files, .. } = prepared;
        Ok(Started { pid, pidfd, output, stdin: keep, vars, env_files })
    }

    fn execute(&self, prepared: &Prepared, spec: &ProcessSpec, ends: &Ends) -> Result<u32, Failure> {
        fail::fail_point!("spawn.fork", |errno| Err(Failure::Short(io::Error::from_raw_os_error(
            errno.and_then(|errno| errno.parse().ok()).unwrap_or(libc::EAGAIN)
        ))));
        fail::fail_point!("spawn.exec", spec.name.starts_with("hang"), |_| Err(Failure::Refused(Arc::from(
            "on purpose"
        ))));
        let launch = Launch {
            program: &prepared.program,
            arguments: &prepared.arguments,
            environment: &prepared.environment,
            directory: prepared.directory.as_deref(),
            stdio: ends.targets(),
            third: None,
        };
        let spawned = match self.open_files {
            None => posix::spawn(&launch),
            Some(limit) => self.through_stage(&launch, limit),
        };
        spawned.map_err(|error| match error.raw_os_error() {
            Some(libc::EAGAIN | libc::ENOMEM | libc::EMFILE | libc::ENFILE | libc::ENOSPC) => {
                Failure::Short(error)
            }
            _ => Failure::Refused(Arc::from(exec_error(prepared, spec, &error))),
        })
    }

    /// Spawns through the exec stage, which restores the limit on open files.
    fn through_stage(&self, launch: &Launch<'_>, limit: u64) -> io::Result<u32> {
        let (report, reported) = pipe()?;
        let arguments = stage::arguments(limit, launch)?;
        let staged = Launch {
            program: c"/proc/self/exe",
            arguments: &arguments,
            environment: launch.environment,
            directory: launch.directory,
            stdio: launch.stdio.each_ref().map(Target::again),
            third: Some(reported.as_fd()),
        };
        let pid = posix::spawn(&staged)?;
        drop(reported);
        stage::await_program(report).inspect_err(|_| self.undo(pid))?;
        Ok(pid)
    }

    /// Kills and reaps a child that cannot be used.
    fn undo(&self, pid: u32) {
        let _ = posix::signal_group(pid, Signal::KILL);
        let _ = rustix::process::waitpid(pid_of(pid), rustix::process::WaitOptions::empty());
        self.around.family.release(pid);
    }

    fn life(&self, pid: u32) -> Result<Arc<Life>, Arc<str>> {
        self.living.get(&pid).map(|life| life.value().clone()).ok_or_else(|| Arc::from("no such process"))
    }
}

impl Spawner for OsSpawner {
    fn spawn(&self, spec: Arc<ProcessSpec>, incarnation: Incarnation, env: LifeEnv) -> PendingSpawn {
        let (pending, ticket) = PendingSpawn::new();
        let request = SpawnRequest { line: spec.command.clone(), spec, incarnation: Some(incarnation), env };
        tokio::spawn(self.clone().persist(Arc::new(request), ticket));
        pending
    }

    fn adopt(&self, spec: Arc<ProcessSpec>, held: Held) -> Child {
        let Held { incarnation, pid, pidfd, stdout, stderr, ended, .. } = held;
        let output = stdout.map(|stdout| Output { stdout, stderr });
        let exit: Boxed<Exit> = match ended {
            Some(end) => Box::pin(std::future::ready(end.exit)),
            None => self.watch_stranger(&spec, incarnation, pid, pidfd),
        };
        Child { pid, exit, output, vars: Arc::default(), env_files: Arc::default() }
    }

    fn forget(&self, _: &Arc<str>, _: Incarnation) {}

    fn stop(&self, pid: u32, stop: Stop) -> Result<(), Arc<str>> {
        // A child that is not there any more has ended: its exit is yet to be handled.
        self.life(pid).map_or(Ok(()), |life| life.stop(stop))
    }

    fn kill(&self, pid: u32) -> Result<(), Arc<str>> {
        self.life(pid).map_or(Ok(()), |life| life.kill())
    }

    fn reconfigure(&self, pid: u32, spec: &ProcessSpec) {
        // A child that is not there any more has ended.
        let _ = self.life(pid).map(|life| life.reconfigure(Endings::from(spec)));
    }

    fn signal(&self, pid: u32, signal: Signal) -> Result<(), Arc<str>> {
        self.life(pid)?.signal(signal, StopTo::Group)
    }

    fn resources(&self, clock: Clock) -> Box<dyn Source> {
        Box::new(Forest::new(clock, self.family()))
    }

    fn look_for_leftovers(&self) -> Boxed<()> {
        let spawner = self.clone();
        Box::pin(async move { spawner.name_leftovers().await })
    }
}

impl OsSpawner {
    /// Watches a child of another host. Only its parent could tell how it ends.
    fn watch_stranger(
        &self,
        spec: &ProcessSpec,
        incarnation: Incarnation,
        pid: u32,
        pidfd: Option<OwnedFd>,
    ) -> Boxed<Exit> {
        let opened = || pid_of(pid).map_or_else(|| Err(io::ErrorKind::NotFound.into()), Pidfd::open);
        let watch = pidfd.map_or_else(opened, Ok).and_then(Pidfd::watch);
        let Ok(watch) = watch else { return Box::pin(std::future::ready(Exit::Unobserved)) };
        let owner = Owner { name: spec.name.clone(), incarnation: Some(incarnation) };
        self.live(Arc::new(Life::new(pid, owner, Endings::from(spec))), watch, None)
    }

    /// Waits a little for abandoned spawns, then enters the children that hang in them, and orphans.
    async fn name_leftovers(&self) {
        let until = tokio::time::Instant::now() + LATE_WITHIN;
        while !self.flights.is_empty() && tokio::time::Instant::now() < until {
            tokio::time::sleep(RETRY_FIRST).await;
        }
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
        if !self.around.family.adopts() || self.around.family.is_alone() {
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

/// A child that has just been started.
struct Started {
    pid: u32,
    pidfd: OwnedFd,
    output: Option<Output>,
    /// The end that keeps its standard input open.
    stdin: Option<OwnedFd>,
    vars: LifeEnv,
    env_files: Arc<[Gave]>,
}
