//! All that can happen to a runner, and the order in which it is looked at: facts before wishes.

use std::future::pending;

use provost_state::{Exit, Incarnation, Moment, Phase, StartAction};

use super::attempt::Launching;
use super::awaited::{Trial, trial_of};
use super::checkup::Finding;
use super::kept::{Kept, next_of};
use super::standing::{Standing, Step};
use super::task::{Asked, Own, Runner};
use crate::decider::Verdict;
use crate::mailbox::Request;

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
    Permitted(Incarnation, Verdict<StartAction>),
    /// A check of its health ended, or it was decided what one means.
    Health(Incarnation, Finding),
    /// The time that the phase was waiting for has come.
    Due,
    /// Another process changed, and this one waits for others.
    WorldChanged,
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
    /// Listens until nobody can give orders any more.
    pub(super) async fn listen(&mut self) {
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

    /// A place for a test to have this runner panic: by the name of the process.
    fn fault(&self) {
        fail::fail_point!("runner.panic", |name| {
            #[expect(clippy::panic, reason = "compiled in only with fail points, which a test asks for")]
            if name.is_none_or(|name| *name == *self.spec.name) {
                panic!("a panic on purpose");
            }
        });
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
}
