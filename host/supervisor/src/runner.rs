//! The task that owns one process: its child from spawn to decision, and the only writer of its state.
//!
//! ```text
//!  mailbox (orders) ----.
//!  child's end ---------+--> Input --> one arm each --> commit (fact) --> act
//!  readiness -----------|                                 |
//!  ruling --------------|                                 '--> decider (asked, never waited for)
//!  timer, the world ----'
//! ```
//!
//! Whatever arrives names the incarnation that it belongs to and is committed under that name, so a late
//! message about a former life is refused by the registry and changes nothing.

use std::future::{Future, pending};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use provost_state::{
    At, Cause, Desired, Ended, Event, Exit, Generation, Incarnation, Phase, PhaseKind, ProcessState,
    Rejected, Ruling,
};
use tokio::sync::{mpsc, oneshot, watch};

use crate::decider::Trigger;
use crate::order::{Gate, gate};
use crate::probe;
use crate::spawn::Boxed;
use crate::spec::{Check, ProcessSpec};
use crate::supervisor::{Refusal, Shared};

/// What others want of a process.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Want {
    Start(Cause),
    Stop(Cause),
    Restart(Cause),
    Signal(i32),
    /// SIGKILL, without waiting for the grace time.
    Kill,
}

/// A want, and where to say whether it was granted.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) want: Want,
    pub(crate) reply: oneshot::Sender<Result<(), Refusal>>,
}

/// All that can happen to a runner.
enum Input {
    Order(Order),
    Exited(Incarnation, Exit),
    Ready(Incarnation, String),
    Ruled(Incarnation, Arc<Ruling>),
    /// The time that the phase was waiting for has come.
    Due,
    /// Another process changed, and this one waits for others.
    WorldChanged,
}

type Tagged<T> = Option<(Incarnation, Boxed<T>)>;

/// The owner of one process.
pub(crate) struct Runner {
    spec: Arc<ProcessSpec>,
    shared: Arc<Shared>,
    mailbox: mpsc::Receiver<Order>,
    changed: watch::Receiver<Generation>,
    /// The last state it committed, which is the latest: nobody else writes.
    state: Arc<ProcessState>,
    child: Tagged<Exit>,
    readiness: Tagged<String>,
    ruling: Tagged<Ruling>,
    /// The life that was sent SIGKILL: there is nothing left to wait for but its end.
    killed: Option<Incarnation>,
}

/// The next of a future that may not be there.
async fn next_of<T>(slot: &mut Tagged<T>) -> (Incarnation, T) {
    match slot {
        Some((incarnation, future)) => {
            let incarnation = *incarnation;
            let value = future.await;
            *slot = None;
            (incarnation, value)
        }
        None => pending().await,
    }
}

impl Runner {
    pub(crate) fn new(
        spec: Arc<ProcessSpec>,
        shared: Arc<Shared>,
        state: Arc<ProcessState>,
        mailbox: mpsc::Receiver<Order>,
    ) -> Self {
        let changed = shared.publisher.changed();
        Self {
            spec,
            shared,
            mailbox,
            changed,
            state,
            child: None,
            readiness: None,
            ruling: None,
            killed: None,
        }
    }

    /// Runs until nobody can give orders any more.
    pub(crate) async fn run(mut self) {
        while let Some(input) = self.next().await {
            match input {
                Input::Order(order) => self.on_order(order).await,
                Input::Exited(incarnation, exit) => self.on_exited(incarnation, exit).await,
                Input::Ready(incarnation, reason) => self.on_ready(incarnation, &reason),
                Input::Ruled(incarnation, ruling) => self.on_ruled(incarnation, ruling).await,
                Input::Due => self.on_due().await,
                Input::WorldChanged => self.launch_if_open().await,
            }
        }
    }

    /// Facts before wishes: what the child did is looked at before what people want.
    async fn next(&mut self) -> Option<Input> {
        let due = self.state.next_action_at().filter(|_| self.killed != Some(self.state.incarnation));
        let due = due.map(|moment| self.shared.publisher.clock.instant(moment));
        let waits = self.state.phase == Phase::Waiting;
        let timer = async {
            match due {
                Some(instant) => tokio::time::sleep_until(instant).await,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            (incarnation, exit) = next_of(&mut self.child) => Some(Input::Exited(incarnation, exit)),
            (incarnation, ruling) = next_of(&mut self.ruling) => Some(Input::Ruled(incarnation, Arc::new(ruling))),
            (incarnation, reason) = next_of(&mut self.readiness) => Some(Input::Ready(incarnation, reason)),
            order = self.mailbox.recv() => order.map(Input::Order),
            () = timer => Some(Input::Due),
            rung = self.changed.changed(), if waits => rung.ok().map(|()| Input::WorldChanged),
        }
    }

    /// Publishes what happened to `incarnation`. False if it was refused: then it is not so.
    fn commit(&mut self, incarnation: Incarnation, event: &Event) -> bool {
        let at = At { incarnation, version: self.state.version };
        match self.shared.publisher.commit(self.state.id, at, event) {
            Ok(state) => {
                self.state = state;
                true
            }
            Err(rejected @ (Rejected::StaleIncarnation { .. } | Rejected::StaleVersion { .. })) => {
                tracing::debug!(process = &*self.spec.name, %rejected, "dropped a stale event");
                false
            }
            Err(rejected) => {
                tracing::error!(process = &*self.spec.name, %rejected, "a commit was refused: a defect of the host");
                false
            }
        }
    }

    async fn on_order(&mut self, order: Order) {
        let result = match order.want {
            Want::Start(cause) => self.start(cause).await,
            Want::Stop(cause) => self.stop(cause),
            Want::Restart(cause) => self.restart(cause).await,
            Want::Signal(number) => self.signal(number),
            Want::Kill => self.signal(rustix::process::Signal::KILL.as_raw()),
        };
        // Whoever asked may have gone.
        let _ = order.reply.send(result);
    }

    /// Wanted up: by nobody but its own state prevented. What is up already is left alone.
    async fn start(&mut self, cause: Cause) -> Result<(), Refusal> {
        if self.shared.closing() {
            return Err(Refusal::ShuttingDown);
        }
        match (self.state.phase.kind(), self.state.desired) {
            (PhaseKind::Waiting | PhaseKind::Starting | PhaseKind::Running, _)
            | (PhaseKind::Stopping, Desired::Up) => return Ok(()),
            _ => {}
        }
        let reason = Arc::from(format!("start asked for by {}", told(cause)));
        self.ruling = None;
        if self.commit(self.state.incarnation, &Event::Start { cause, reason }) {
            self.launch_if_open().await;
        }
        Ok(())
    }

    /// Wanted down: told to end if it has a child, at once otherwise. What is down already is left alone.
    fn stop(&mut self, cause: Cause) -> Result<(), Refusal> {
        let already = match self.state.phase.kind() {
            PhaseKind::Stopped => true,
            PhaseKind::Stopping => self.state.desired == Desired::Down,
            _ => false,
        };
        if already {
            return Ok(());
        }
        let was = self.state.phase.kind();
        let kill_at = self.shared.publisher.now().plus_ms(self.spec.stop_grace_ms);
        let reason = Arc::from(format!("stop asked for by {}", told(cause)));
        self.ruling = None;
        self.readiness = None;
        if !self.commit(self.state.incarnation, &Event::Stop { cause, reason, kill_at }) {
            return Ok(());
        }
        match was {
            PhaseKind::Starting | PhaseKind::Running => self.tell_to_end(),
            _ => Ok(()),
        }
    }

    async fn restart(&mut self, cause: Cause) -> Result<(), Refusal> {
        if self.shared.closing() {
            return Err(Refusal::ShuttingDown);
        }
        if self.state.phase.kind().is_live() {
            self.stop(cause)?;
        }
        self.start(cause).await
    }

    fn signal(&self, number: i32) -> Result<(), Refusal> {
        let pid = self.state.pid().ok_or(Refusal::NotRunning)?;
        self.shared.spawner.signal(pid, number).map_err(Refusal::SignalFailed)
    }

    /// The configured signal, and SIGCONT for a group that is suspended (as s6's `-d` does).
    fn tell_to_end(&self) -> Result<(), Refusal> {
        self.signal(self.spec.stop_signal)?;
        self.signal(rustix::process::Signal::CONT.as_raw())
    }

    async fn on_due(&mut self) {
        match self.state.phase {
            Phase::Backoff { .. } => self.launch_if_open().await,
            Phase::Stopping { pid, .. } => {
                // If it cannot be killed it has ended: its exit is on its way.
                if let Err(error) = self.shared.spawner.signal(pid, rustix::process::Signal::KILL.as_raw()) {
                    tracing::warn!(process = &*self.spec.name, %error, "cannot kill");
                }
                self.killed = Some(self.state.incarnation);
            }
            _ => {}
        }
    }

    /// Spawns if what it depends on allows it; says what it waits for otherwise.
    async fn launch_if_open(&mut self) {
        if !matches!(self.state.phase, Phase::Waiting | Phase::Backoff { .. }) {
            return;
        }
        if self.shared.closing() {
            // What was about to start when the host began to stop has no child to be told.
            let _ = self.stop(Cause::Shutdown);
            return;
        }
        self.changed.mark_unchanged();
        let gate = gate(&self.spec.depends_on, &self.shared.publisher.reader().look());
        match gate {
            Gate::Open => self.launch().await,
            Gate::Shut(why) if self.state.phase == Phase::Waiting && *self.state.reason == *why => {}
            Gate::Shut(why) => {
                self.commit(self.state.incarnation, &Event::Wait { reason: why.into() });
            }
        }
    }

    async fn launch(&mut self) {
        let before = self.state.incarnation;
        let incarnation = before.next();
        let text_seen = match self.spec.ready.as_ref().map(|ready| &ready.check) {
            Some(Check::LogLine(text)) => Some(self.shared.logs.await_text(self.state.id, incarnation, text)),
            _ => None,
        };
        match self.shared.spawner.spawn(self.spec.clone(), incarnation).await {
            Ok(child) => {
                let reason = self.why_now();
                if let Some(output) = child.output {
                    self.shared.logs.capture(self.state.id, incarnation, output);
                }
                self.child = Some((incarnation, child.exit));
                self.commit(before, &Event::Spawned { pid: child.pid, reason });
                self.watch_readiness(incarnation, text_seen);
            }
            Err(error) => {
                if self.commit(before, &Event::SpawnFailed { error }) {
                    self.ask(false);
                }
            }
        }
    }

    /// Why it is spawned at this moment.
    fn why_now(&self) -> Arc<str> {
        let why = match (&self.state.phase, &self.state.decision, self.state.cause) {
            (Phase::Backoff { .. }, Some(ruling), _) => {
                Arc::from(format!("restarted by {}: {}", ruling.by, ruling.reason))
            }
            (_, _, Cause::Dependency) => Arc::from("what it waited for has come"),
            _ => self.state.reason.clone(),
        };
        match &self.spec.ready {
            Some(ready) => Arc::from(format!("{why}; it will be ready when {}", ready.check)),
            None => why,
        }
    }

    fn watch_readiness(&mut self, incarnation: Incarnation, text_seen: Option<oneshot::Receiver<()>>) {
        match self.spec.ready.clone() {
            None => {
                let reason = self.state.reason.clone();
                self.commit(incarnation, &Event::Ready { reason });
            }
            Some(readiness) => {
                let helpers = self.shared.helpers.clone();
                let ready = probe::until_ready(readiness, self.spec.clone(), text_seen, helpers);
                self.readiness = Some((incarnation, Box::pin(ready)));
            }
        }
    }

    fn on_ready(&mut self, incarnation: Incarnation, reason: &str) {
        self.commit(incarnation, &Event::Ready { reason: Arc::from(reason) });
    }

    async fn on_exited(&mut self, incarnation: Incarnation, exit: Exit) {
        let was_ready = self.state.ready();
        self.child = None;
        self.readiness = None;
        if !self.commit(incarnation, &Event::Exited { exit }) {
            return;
        }
        match self.state.phase {
            Phase::Exited => self.ask(was_ready),
            // It was told to end by a restart.
            Phase::Waiting => self.launch_if_open().await,
            _ => {}
        }
    }

    /// Facts stand; now for the opinion. The runner goes on listening meanwhile.
    fn ask(&mut self, was_ready: bool) {
        let state = &self.state;
        let now = state.changed_at;
        let mut seed = DefaultHasher::new();
        (&*self.spec.name, state.incarnation, now.wall_ms).hash(&mut seed);
        let ended = Ended {
            name: state.name().clone(),
            group: state.group().clone(),
            incarnation: state.incarnation,
            exit: state.exit.clone().unwrap_or(Exit::Unobserved),
            uptime_ms: state.deaths.first().map_or(0, |death| death.uptime_ms),
            was_ready,
            failures: state.failures,
            restarts: state.restarts,
            now,
            seed: seed.finish(),
        };
        let trigger =
            Trigger { ended, deaths: state.deaths.clone(), world: self.shared.publisher.reader().snapshot() };
        let shared = self.shared.clone();
        let policies = self.spec.policies.clone();
        let ruling = async move { shared.decider.ask(policies, trigger).await };
        self.ruling = Some((state.incarnation, Box::pin(ruling)));
    }

    async fn on_ruled(&mut self, incarnation: Incarnation, ruling: Arc<Ruling>) {
        if !self.commit(incarnation, &Event::Decided { ruling }) {
            return;
        }
        let overdue = matches!(self.state.phase, Phase::Backoff { until } if until.mono_ns <= self.state.changed_at.mono_ns);
        if overdue {
            self.launch_if_open().await;
        }
    }
}

fn told(cause: Cause) -> &'static str {
    match cause {
        Cause::Boot => "the start of the host",
        Cause::User => "a user",
        Cause::Api => "the API",
        Cause::Shutdown => "the shutdown of the host",
        other => other.as_str(),
    }
}

/// Keeps the compiler honest: a runner must be able to move between threads.
#[expect(dead_code, reason = "checked at compile time only")]
fn a_runner_is_send(runner: Runner) -> impl Future<Output = ()> + Send {
    runner.run()
}
