//! The supervisor as a whole: boots the runners, takes orders, and brings everything down in order.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dashmap::DashMap;
use provost_state::{
    Cause, Consumer, Generation, Handle, Identity, NameTaken, PhaseKind, ProcessId, Reader, Routing,
};
use tokio::sync::{mpsc, oneshot, watch};

use crate::clock::Clock;
use crate::decider::{Decider, Envelope};
use crate::logs::Logs;
use crate::publisher::Publisher;
use crate::reaper::{self, Wards};
use crate::runner::{Order, Runner, Want};
use crate::spawn::Spawner;
use crate::spawn::os::OsSpawner;
use crate::spec::ProcessSpec;
use crate::{fanout, order};

/// Orders that may wait in the mailbox of one process.
const MAILBOX: usize = 64;

/// How long the output of processes that have ended may take to be read.
const OUTPUT_GRACE: Duration = Duration::from_secs(3);

/// What holds for all processes.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where log files go; created if it does not exist.
    pub log_dir: PathBuf,
    /// How long a decision may take before the failsafe answers, in milliseconds.
    pub decision_deadline_ms: u64,
    /// The longest delay that a policy may ask for, in milliseconds.
    pub restart_delay_ms_max: u64,
    /// The backend of the state core that is in force at first.
    pub routing: Routing,
}

/// Why the supervisor could not be booted.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// Two processes have the same name.
    #[error(transparent)]
    NameTaken(#[from] NameTaken),
    /// A directory, a thread or a signal could not be had.
    #[error("cannot set up the supervisor")]
    Io(#[from] io::Error),
}

/// Why an order was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no child to send a signal to.
    #[error("it is not running")]
    NotRunning,
    /// The host is stopping; nothing is started any more.
    #[error("the host is shutting down")]
    ShuttingDown,
    /// The kernel refused.
    #[error("{0}")]
    SignalFailed(Arc<str>),
}

/// What every runner shares.
pub(crate) struct Shared {
    pub(crate) publisher: Publisher,
    pub(crate) spawner: Arc<dyn Spawner>,
    /// Runs readiness checks.
    pub(crate) helpers: OsSpawner,
    pub(crate) decider: Decider,
    pub(crate) logs: Logs,
    closing: AtomicBool,
}

impl Shared {
    /// Is the host stopping?
    pub(crate) fn closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }
}

/// A handle to the supervisor. Cheap to clone.
#[derive(Clone)]
pub struct Supervisor {
    shared: Arc<Shared>,
    mailboxes: Arc<DashMap<ProcessId, mpsc::Sender<Order>>>,
    dependents: Arc<HashMap<Arc<str>, Vec<Arc<str>>>>,
}

impl std::fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Supervisor")
            .field("generation", &self.reader().look().generation())
            .finish_non_exhaustive()
    }
}

impl Supervisor {
    /// Adds all processes, starts those with `autostart`, and tells `consumers` from the first change on. To
    /// be called within a tokio runtime, whose threads it uses.
    ///
    /// # Errors
    /// [`BootError`]; no process has been started then.
    pub fn boot(
        settings: Settings,
        specs: Vec<ProcessSpec>,
        consumers: Vec<Box<dyn Consumer>>,
    ) -> Result<Self, BootError> {
        let spawner = OsSpawner::new(Arc::new(Wards::default()));
        Self::boot_with(settings, specs, consumers, Arc::new(spawner.clone()), spawner)
    }

    pub(crate) fn boot_with(
        settings: Settings,
        specs: Vec<ProcessSpec>,
        consumers: Vec<Box<dyn Consumer>>,
        spawner: Arc<dyn Spawner>,
        helpers: OsSpawner,
    ) -> Result<Self, BootError> {
        let specs: Vec<Arc<ProcessSpec>> = specs.into_iter().map(Arc::new).collect();
        let envelope = Envelope {
            deadline: Duration::from_millis(settings.decision_deadline_ms),
            restart_delay_ms_max: settings.restart_delay_ms_max,
        };
        let shared = Arc::new(Shared {
            publisher: Publisher::new(Clock::new(), settings.routing),
            spawner,
            helpers,
            decider: Decider::new(envelope),
            logs: Logs::new(settings.log_dir)?,
            closing: AtomicBool::new(false),
        });
        for consumer in consumers {
            fanout::start(consumer, shared.publisher.reader().clone(), shared.publisher.changed())?;
        }
        let dependents = Arc::new(order::dependents(&specs));
        let supervisor = Self { shared, mailboxes: Arc::default(), dependents };
        supervisor.add_all(specs)?;
        Ok(supervisor)
    }

    /// All are added before the first is started: a process never waits for one that is not there yet.
    fn add_all(&self, specs: Vec<Arc<ProcessSpec>>) -> Result<(), BootError> {
        let mut runners = Vec::with_capacity(specs.len());
        for spec in specs {
            let identity = Identity::new(spec.name.clone(), spec.group.clone());
            let state = self.shared.publisher.add(identity)?;
            self.shared.logs.add(state.id, &spec);
            let (mailbox, orders) = mpsc::channel(MAILBOX);
            self.mailboxes.insert(state.id, mailbox.clone());
            let runner = Runner::new(spec.clone(), self.shared.clone(), state, orders);
            runners.push((spec.autostart.then_some(mailbox), runner));
        }
        for (autostart, runner) in runners {
            tokio::spawn(runner.run());
            if let Some(mailbox) = autostart {
                let (reply, _) = oneshot::channel();
                // A mailbox that was just made has room.
                let _ = mailbox.try_send(Order { want: Want::Start(Cause::Boot), reply });
            }
        }
        Ok(())
    }

    /// Makes this program the one that orphans of its children go to, and reaps them from then on. For a
    /// program that starts no children but by this supervisor: it would reap those, too.
    ///
    /// # Errors
    /// What the kernel says; orphans then go to pid 1, as usual.
    pub fn adopt_orphans(&self) -> io::Result<()> {
        reaper::adopt(self.shared.helpers.wards())
    }

    /// Reads the state of everything, wait-free.
    #[must_use]
    pub fn reader(&self) -> &Reader {
        self.shared.publisher.reader()
    }

    /// Puts another backend of the state core in force, under way; what was in force before. No process is
    /// touched, no commit lost, and nobody's reads go backwards.
    pub fn reroute(&self, routing: Routing) -> Routing {
        self.shared.publisher.reroute(routing)
    }

    /// Wakes at every commit.
    #[must_use]
    pub fn changed(&self) -> watch::Receiver<Generation> {
        self.shared.publisher.changed()
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
        self.order(id, Want::Start(cause)).await
    }

    /// Wants a process down. Returns when it was told so, not when it has ended.
    ///
    /// # Errors
    /// [`Refusal::SignalFailed`] if it could not be told; SIGKILL follows after the grace time all the same.
    pub async fn stop(&self, id: ProcessId, cause: Cause) -> Result<(), Refusal> {
        self.order(id, Want::Stop(cause)).await
    }

    /// Stops it if it is up, and starts it again.
    ///
    /// # Errors
    /// As [`Supervisor::start`] and [`Supervisor::stop`].
    pub async fn restart(&self, id: ProcessId, cause: Cause) -> Result<(), Refusal> {
        self.order(id, Want::Restart(cause)).await
    }

    /// Sends the signal of this number to its process group.
    ///
    /// # Errors
    /// [`Refusal::NotRunning`], [`Refusal::SignalFailed`].
    pub async fn signal(&self, id: ProcessId, signal: i32) -> Result<(), Refusal> {
        self.order(id, Want::Signal(signal)).await
    }

    async fn order(&self, id: ProcessId, want: Want) -> Result<(), Refusal> {
        let mailbox = self.mailboxes.get(&id).map(|mailbox| mailbox.value().clone());
        let mailbox = mailbox.ok_or(Refusal::ShuttingDown)?;
        let (reply, answer) = oneshot::channel();
        mailbox.send(Order { want, reply }).await.map_err(|_| Refusal::ShuttingDown)?;
        answer.await.unwrap_or(Err(Refusal::ShuttingDown))
    }

    /// Stops everything, each process after those that depend on it, and returns when no child is left and
    /// what they wrote is in the log files. From the first moment on nothing is started any more.
    pub async fn shutdown(&self, cause: Cause) {
        self.shared.closing.store(true, Ordering::Release);
        let reader = self.reader();
        let mut stops = tokio::task::JoinSet::new();
        for process in reader.snapshot().iter().map(|state| Handle::of(state)) {
            let dependents = self.dependents.get(process.name()).into_iter().flatten();
            let dependents: Vec<Handle> = dependents.filter_map(|name| reader.handle(name)).collect();
            let supervisor = self.clone();
            stops.spawn(async move {
                supervisor.until_down(&dependents).await;
                if let Err(refusal) = supervisor.stop(process.id, cause).await {
                    tracing::warn!(process = &**process.name(), %refusal, "cannot be told to stop");
                }
                supervisor.until_down(&[process]).await;
            });
        }
        stops.join_all().await;
        self.shared.logs.finish(OUTPUT_GRACE).await;
    }

    /// SIGKILL for every process group at once: for those who will not wait for the grace time.
    pub async fn kill_all(&self) {
        let world = self.reader().snapshot();
        for state in world.iter().filter(|state| state.phase.kind().is_live()) {
            let _ = self.order(state.id, Want::Kill).await;
        }
    }

    /// Waits until nothing of these runs and nothing will.
    async fn until_down(&self, processes: &[Handle]) {
        let mut changed = self.changed();
        loop {
            changed.mark_unchanged();
            // Every commit of every process wakes every waiter: by their status words, a look is one load each.
            if processes.iter().all(is_down) || changed.changed().await.is_err() {
                return;
            }
        }
    }
}

/// Is it at rest?
fn is_down(process: &Handle) -> bool {
    matches!(process.status().phase(), PhaseKind::Stopped | PhaseKind::Exited | PhaseKind::Fatal)
}
