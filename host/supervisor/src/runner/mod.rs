//! The task that owns one process: its child from spawn to decision, and the only writer of its state.
//!
//! ```text
//!  mailbox (orders) ----.
//!  child's end ---------+--> Input --> one arm each --> commit (fact) --> act
//!  readiness, health ---|                                 |
//!  what was decided ----|                                 '--> decider (asked, never waited for)
//!  timer, the world ----'
//! ```
//!
//! Whatever arrives names the incarnation that it belongs to and is committed under that name, so a late
//! message about a former life is refused by the registry and changes nothing.
//!
//! A runner that panics is replaced by a new one, which starts from the published state, the living child and the mailbox.
//!
//! | file | owns |
//! |---|---|
//! | `standing` | what holds beside the phase: held, deferred, spawning, what follows a stop |
//! | `kept` | futures that outlive a runner, with what they have come to |
//! | `takeover` | a new runner in the place of one that ended unexpectedly |
//! | `orders` | what others want of it: up, down, a signal |
//! | `launch` | from wanted to spawned: the gate, its start policies, the spawn |
//! | `readiness` | from spawned to ready: what its check finds, and the deadline |
//! | `news` | when what a check finds is worth a commit |
//! | `health` | its checks while it is ready, and what they mean |
//! | `together` | what its group and its replica set want of it |

mod health;
mod kept;
mod launch;
mod news;
mod orders;
mod readiness;
mod standing;
mod takeover;
mod together;

use std::future::{Future, pending};
use std::sync::Arc;

use provost_state::{
    At, Cause, Ended, Event, Exit, Generation, Incarnation, Moment, Phase, ProcessState, Rejected, Ruling,
    RulingAction,
};
use tokio::sync::{Semaphore, mpsc, watch};

use crate::children::{Boxed, LifeEnv};
use crate::decider::{EndCase, Permission, Verdict, seed};
use crate::groups::Chain;
use crate::mailbox::Request;
use crate::shared::Shared;
use crate::spec::ProcessSpec;
use health::{Checkup, Finding};
use kept::Kept;
use launch::{Attempt, Launching};
use readiness::{Awaited, Trial, trial_of};
use standing::{After, Standing, Step};

/// All that can happen to a runner.
enum Input {
    Requested(Request),
    Exited(Incarnation, Exit),
    /// The spawn of the life after this one has come to its end.
    Spawned,
    /// Nothing is left of a spawn that nobody wanted any more.
    Gone,
    /// Its readiness check succeeded, or fails for another reason than before.
    Tried(Incarnation, Trial),
    /// It was decided what to do about its end.
    Ruled,
    /// It was decided whether it may be spawned.
    Permitted(Incarnation, Verdict<Permission>),
    /// A check of its health ended, or it was decided what one means.
    Health(Incarnation, Finding),
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
    mailbox: mpsc::Receiver<Request>,
    changed: watch::Receiver<Generation>,
    chain: Chain,
    /// The last state it committed, which is the latest: nobody else writes.
    state: Arc<ProcessState>,
    child: Option<Own>,
    /// The spawn in progress.
    launching: Option<Launching>,
    /// A spawn that was abandoned: resolves when nothing of it is left.
    late: Option<Kept<()>>,
    standing: Standing,
    readiness: Option<Awaited>,
    /// The decision that was asked for about its end.
    ruling: Option<Asked>,
    permission: Tagged<Verdict<Permission>>,
    attempt: Attempt,
    checkup: Checkup,
    /// Held by a program that checks it.
    check_turn: Arc<Semaphore>,
    /// What start policies gave to this life.
    env: LifeEnv,
    /// The values of the variables that the checks of this life name.
    vars: LifeEnv,
}

/// The child of this runner.
struct Own {
    incarnation: Incarnation,
    pid: u32,
    /// How it ended, until that is committed.
    exit: Kept<Exit>,
}

/// A question about an end, and what was decided.
struct Asked {
    incarnation: Incarnation,
    ruling: Kept<Verdict<RulingAction>>,
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

/// The end of a child that may not be there. Asking again gives the same answer.
async fn end_of(child: &mut Option<Own>) -> (Incarnation, Exit) {
    match child {
        Some(Own { incarnation, exit, .. }) => {
            exit.settled().await;
            (*incarnation, exit.value().cloned().unwrap_or(Exit::Unobserved))
        }
        None => pending().await,
    }
}

/// The end of the spawn in progress.
async fn end_of_spawn(launching: &mut Option<Launching>) {
    match launching {
        Some(launching) => launching.ended().await,
        None => pending().await,
    }
}

/// The end of a question about its end.
async fn end_of_question(ruling: &mut Option<Asked>) {
    match ruling {
        Some(asked) => asked.ruling.settled().await,
        None => pending().await,
    }
}

/// The end of a late spawn.
async fn gone_of(late: &mut Option<Kept<()>>) {
    match late {
        Some(gone) => gone.settled().await,
        None => pending().await,
    }
}

impl Runner {
    pub(crate) fn new(
        spec: Arc<ProcessSpec>,
        shared: Arc<Shared>,
        state: Arc<ProcessState>,
        mailbox: mpsc::Receiver<Request>,
        chain: Chain,
    ) -> Self {
        let changed = shared.publisher.changed();
        Self {
            spec,
            shared,
            mailbox,
            changed,
            chain,
            state,
            child: None,
            launching: None,
            late: None,
            standing: Standing::Plain,
            readiness: None,
            ruling: None,
            permission: None,
            attempt: Attempt::new(Cause::Boot),
            checkup: Checkup::default(),
            check_turn: Arc::new(Semaphore::new(1)),
            env: Arc::default(),
            vars: Arc::default(),
        }
    }

    /// Listens until nobody can give orders any more.
    async fn listen(&mut self) {
        while let Some(input) = self.next().await {
            self.fault();
            match input {
                Input::Requested(request) => self.on_request(request),
                Input::Exited(incarnation, exit) => self.on_exited(incarnation, exit),
                Input::Spawned => self.on_spawned(),
                Input::Gone => self.on_gone(),
                Input::Tried(incarnation, trial) => self.on_trial(incarnation, trial),
                Input::Ruled => self.on_ruled(),
                Input::Permitted(incarnation, verdict) => self.on_permitted(incarnation, &verdict),
                Input::Health(incarnation, finding) => self.on_health(incarnation, finding),
                Input::Due => self.on_due(),
                Input::WorldChanged => self.launch_if_open(),
            }
        }
    }

    /// Facts before wishes: what the child did is looked at before what people want.
    async fn next(&mut self) -> Option<Input> {
        let due = self.due().map(|moment| self.shared.publisher.clock.instant(moment));
        let waits = self.waits_for_others();
        let timer = async {
            match due {
                Some(instant) => tokio::time::sleep_until(instant).await,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            (incarnation, exit) = end_of(&mut self.child) => Some(Input::Exited(incarnation, exit)),
            () = end_of_spawn(&mut self.launching) => Some(Input::Spawned),
            () = gone_of(&mut self.late) => Some(Input::Gone),
            () = end_of_question(&mut self.ruling) => Some(Input::Ruled),
            (incarnation, verdict) = next_of(&mut self.permission) => Some(Input::Permitted(incarnation, verdict)),
            (incarnation, trial) = trial_of(&mut self.readiness) => Some(Input::Tried(incarnation, trial)),
            request = self.mailbox.recv() => request.map(Input::Requested),
            (incarnation, finding) = next_of(&mut self.checkup.next) => Some(Input::Health(incarnation, finding)),
            () = timer => Some(Input::Due),
            rung = self.changed.changed(), if waits => rung.ok().map(|()| Input::WorldChanged),
        }
    }

    /// When it is to act by itself.
    fn due(&self) -> Option<Moment> {
        match (&self.state.phase, &self.standing) {
            (Phase::Stopping { .. }, Standing::Ending { killed: true, .. }) => None,
            (Phase::Stopping { kill_at, .. }, _) => Some(*kill_at),
            (Phase::Waiting | Phase::Backoff { .. }, _) if self.permission.is_some() => None,
            (Phase::Backoff { until }, Standing::Plain | Standing::Held) => Some(*until),
            (Phase::Waiting, standing) => standing.deferred(),
            (Phase::Starting { .. }, _) => self.ready_by(),
            _ => None,
        }
    }

    /// What holds beside the phase after `step`.
    fn step(&mut self, step: Step) {
        self.standing = std::mem::replace(&mut self.standing, Standing::Plain).after(step);
        if matches!(self.standing, Standing::Late(_))
            && let Some(launching) = self.launching.take()
        {
            self.late = Some(Kept::new(launching.pending.abandon()));
        }
    }

    /// A place for a test to have this runner panic: by the name of the process.
    fn fault(&self) {
        fail::fail_point!("runner.panic", |name| {
            #[expect(clippy::panic, reason = "compiled in only with fail points, which a test asks for")]
            if name.is_none_or(|name| *name == *self.spec.name) {
                panic!("a panic on purpose");
            }
        });
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

    /// Publishes what happened to the present life.
    fn commit_now(&mut self, event: &Event) -> bool {
        self.commit(self.state.incarnation, event)
    }

    fn on_due(&mut self) {
        match self.state.phase {
            Phase::Backoff { .. } if self.standing.is_held() => self.wait_for_group(),
            Phase::Backoff { .. } => self.launch_if_open(),
            Phase::Waiting => {
                self.step(Step::Due);
                self.launch_if_open();
            }
            Phase::Starting { .. } => self.on_deadline(),
            Phase::Stopping { .. } => self.kill(),
            _ => {}
        }
    }

    /// SIGKILL for its child and all that belongs to it. If that is impossible it has ended: its exit is on its way.
    fn kill(&mut self) {
        if let Some(pid) = self.state.pid()
            && let Err(error) = self.shared.spawner.kill(pid)
        {
            tracing::warn!(process = &*self.spec.name, %error, "cannot kill");
        }
        self.step(Step::Kill);
    }

    fn on_exited(&mut self, incarnation: Incarnation, exit: Exit) {
        let was_ready = matches!(self.state.phase, Phase::Running { .. });
        self.readiness = None;
        self.checkup.end();
        let exit = match &self.standing {
            Standing::Ending { after: After::Overdue(why), .. } => Exit::NotReady(why.clone()),
            _ => exit,
        };
        let committed = self.commit(incarnation, &Event::Exited { exit });
        self.child = None;
        if !committed {
            return;
        }
        if matches!(self.state.phase, Phase::Stopped) {
            self.shared.logs.stopped(self.state.id);
        }
        let doomed = match &self.standing {
            Standing::Ending { after: After::Fatal(reason), .. } => Some(reason.clone()),
            _ => None,
        };
        self.step(Step::Exited);
        match (&self.state.phase, doomed) {
            (Phase::Exited { settled: false }, _) => self.ask(was_ready),
            // It was told to end by a restart.
            (Phase::Waiting, _) => self.launch_if_open(),
            (Phase::Stopped, Some(reason)) => {
                self.commit_now(&Event::Refused { reason });
            }
            _ => {}
        }
    }

    fn on_gone(&mut self) {
        self.late = None;
        self.step(Step::Gone);
        self.launch_if_open();
    }

    /// Facts stand; now for the opinion. The runner goes on listening meanwhile.
    fn ask(&mut self, was_ready: bool) {
        let state = &self.state;
        let now = state.changed_at;
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
            seed: seed(&self.spec.name, state.incarnation.0, now),
        };
        let world = self.shared.publisher.reader().snapshot();
        let case = EndCase { ended, deaths: state.deaths.clone(), world };
        let (shared, chain) = (self.shared.clone(), self.chain.load_full());
        let ruling = async move { shared.decider.ask(&chain, case).await };
        self.ruling = Some(Asked { incarnation: state.incarnation, ruling: Kept::new(Box::pin(ruling)) });
    }

    fn on_ruled(&mut self) {
        let Some(Asked { incarnation, ruling }) = self.ruling.take() else { return };
        let Some(Verdict { action, by, reason, overruled }) = ruling.into_value() else { return };
        let ruling = Arc::new(Ruling { action, by, reason, overruled });
        if !self.commit(incarnation, &Event::Decided { ruling }) {
            return;
        }
        match (action, &self.state.phase) {
            (RulingAction::Restart { scope, .. }, Phase::Backoff { until }) => {
                let until = *until;
                self.attempt = Attempt::new(Cause::Policy);
                if self.shared.groups.restart(&self.state, scope, until) {
                    self.step(Step::Hold);
                } else if until.mono_ns <= self.state.changed_at.mono_ns {
                    self.launch_if_open();
                }
            }
            (RulingAction::GiveUp(escalation), _) => self.shared.groups.escalate(&self.state, escalation),
            _ => {}
        }
    }
}

/// Keeps the compiler honest: a runner must be able to move between threads.
#[expect(dead_code, reason = "checked at compile time only")]
fn a_runner_is_send(runner: Runner) -> impl Future<Output = ()> + Send {
    runner.run()
}
