//! A new runner in the place of one that ended unexpectedly. It starts from the published state, the living child and
//! the mailbox, which still has all orders; whatever else was in progress is begun anew.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use provost_state::{Event, Phase, PhaseKind};
use tokio::time::{Instant, sleep};

use super::attempt::Launching;
use super::departure::Leaving;
use super::kept::Kept;
use super::standing::{Standing, Step};
use super::task::{Asked, Beyond, Own, Runner};
use crate::panics::unpanicked;

/// A second unexpected end within this time is followed by a pause.
const QUIET: Duration = Duration::from_secs(10);

/// The first pause before such a takeover; it doubles up to [`PAUSE_MAX`].
const PAUSE_FIRST: Duration = Duration::from_millis(100);

/// The longest pause before a takeover.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// What a runner leaves to the one that takes over.
pub(super) struct Estate {
    pub(super) child: Option<Own>,
    pub(super) launching: Option<Launching>,
    pub(super) late: Option<Kept<()>>,
    pub(super) ruling: Option<Asked>,
    pub(super) standing: Standing,
    pub(super) leaving: Option<Leaving>,
}

impl Runner {
    /// Runs until no more orders can be sent, and replaces the runner whenever it panics.
    #[expect(
        clippy::manual_async_fn,
        reason = "an async fn would hold the runner twice in memory, and there is one for each process"
    )]
    pub(crate) fn run(mut self) -> impl Future<Output = ()> + Send {
        async move {
            let (mut pause, mut last): (Duration, Option<Instant>) = (PAUSE_FIRST, None);
            loop {
                let ended = unpanicked(pin!(self.listen())).await;
                let Err(why) = ended else { return };
                tracing::error!(
                    process = &*self.spec.name,
                    "its task ended unexpectedly and is taken over: {why}"
                );
                let now = Instant::now();
                if last.is_some_and(|last| now.duration_since(last) < QUIET) {
                    sleep(pause).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                } else {
                    pause = PAUSE_FIRST;
                }
                last = Some(now);
                self = self.replaced();
                // The resumption may panic as well; the new runner then listens without it.
                let resumed = catch_unwind(AssertUnwindSafe(|| self.resume(&why)));
                if resumed.is_err() {
                    tracing::error!(process = &*self.spec.name, "the takeover ended unexpectedly");
                }
            }
        }
    }

    /// Returns a new runner with the estate of this one.
    fn replaced(self) -> Self {
        let Self {
            record,
            shared,
            mailbox,
            state,
            child,
            launching,
            late,
            ruling,
            standing,
            leaving,
            env,
            vars,
            aside,
            adoption,
            heard,
            ..
        } = self;
        let state = shared.publisher.reader().state(state.id).unwrap_or(state);
        let mut runner = Self::new(record, shared, state, mailbox);
        (runner.env, runner.vars) = (env, vars);
        (runner.aside, runner.adoption) = (aside, adoption);
        runner.heard = heard;
        runner.inherit(Estate { child, launching, late, ruling, standing, leaving });
        runner
    }

    /// Takes over what is still alive of the process.
    fn inherit(&mut self, estate: Estate) {
        let Estate { child, launching, late, ruling, standing, leaving } = estate;
        // A future that has panicked is dropped: a question is asked again, and of a late spawn nothing is left to wait
        // for.
        let late = late.filter(|late| !late.is_lost());
        let ruling = ruling.filter(|asked| !asked.ruling.is_lost());
        self.standing = match standing {
            // A spawn that is no longer there cannot be waited for.
            Standing::Spawning if launching.is_none() => Standing::Plain,
            gone @ Standing::Late(_) if late.is_none() => gone.after(Step::Gone),
            other => other,
        };
        (self.child, self.launching, self.late, self.ruling) = (child, launching, late, ruling);
        self.leaving = leaving.map(Leaving::resumed);
    }

    /// Commits the takeover, and goes on from the published phase.
    fn resume(&mut self, why: &str) {
        if self.is_gone() {
            // It ended while it was leaving, which goes on.
            return;
        }
        if self.adoption.is_some() {
            // The order to go on is what it was handling: there is no other before that.
            self.go_on();
            return;
        }
        // Before anything is committed, because the question contains the moment of the last change.
        let is_undecided = self.state.phase == Phase::Exited { settled: false };
        if is_undecided && self.ruling.is_none() {
            self.ask(false, None);
        }
        self.commit_now(&Event::TakenOver {
            reason: Arc::from(format!("taken over: the task that owned it ended unexpectedly ({why})")),
        });
        // The child existed before its start could be committed.
        let unannounced =
            self.child.as_ref().filter(|child| child.incarnation == self.state.incarnation.next());
        if let Some(pid) = unannounced.map(|child| child.pid) {
            let reason = Arc::from("taken over while it was being started");
            let incarnation = self.state.incarnation.next();
            let spawned = self.record.spawned.load_full().filter(|it| it.incarnation == incarnation);
            let said = spawned.map_or_else(Beyond::default, |spawned| self.beyond_spawn(spawned));
            self.commit_with(self.state.incarnation, &Event::Spawned { pid, reason }, said);
        }
        match self.state.phase.kind() {
            PhaseKind::Waiting => self.launch_if_open(),
            PhaseKind::Starting => {
                let incarnation = self.state.incarnation;
                let text_seen = self.await_text(incarnation);
                self.watch_readiness(incarnation, text_seen);
            }
            PhaseKind::Running => self.go_on_running(),
            PhaseKind::Stopping => self.go_on_ending(),
            PhaseKind::Exited | PhaseKind::Stopped | PhaseKind::Backoff | PhaseKind::Fatal => {}
        }
    }

    /// Goes on with a child that is ready: its checks and its samples are begun anew.
    pub(super) fn go_on_running(&mut self) {
        self.begin_checkup();
        self.begin_metering();
        self.begin_watchdog();
    }

    /// Goes on with the end of a child.
    pub(super) fn go_on_ending(&mut self) {
        // The stop signal may not have been sent yet; sending it twice does no harm.
        let _ = self.tell_to_end();
        if !matches!(self.standing, Standing::Ending { .. }) {
            self.step(Step::End);
        }
    }
}

/// Fails to compile if a runner cannot move between threads.
#[expect(dead_code, reason = "checked at compile time only")]
fn a_runner_is_send(runner: Runner) -> impl Future<Output = ()> + Send {
    runner.run()
}
