//! The inputs of a runner, and the order in which they are handled: facts before orders.

use std::future::pending;

use provost_state::{Exit, Incarnation, Moment, Phase, StartAction};

use super::attempt::Launching;
use super::awaited::{Trial, trial_of};
use super::checkup::Finding;
use super::departure::drained;
use super::heard::notice_of;
use super::kept::{Kept, next_of};
use super::metered::Metered;
use super::standing::{Standing, Step};
use super::task::{Asked, Own, Runner};
use crate::children::{LifeEnd, Notice};
use crate::decider::Verdict;
use crate::mailbox::Request;

/// An input of a runner.
enum Input {
    Requested(Request),
    Exited(Incarnation, LifeEnd),
    /// The spawn of the next life has ended.
    Spawned,
    /// Nothing is left of an abandoned spawn.
    Gone,
    /// The readiness check succeeded, or fails for another reason than before.
    Tried(Incarnation, Trial),
    /// It was decided what to do about an end.
    Ruled,
    /// It was decided whether the process may be spawned.
    Permitted(Incarnation, Verdict<StartAction>),
    /// A health check ended, or it was decided what one means.
    Health(Incarnation, Finding),
    /// The process has said something about itself.
    Noticed(Incarnation, Notice),
    /// The status of the process may be committed.
    StatusDue,
    /// The use of resources was read, or it was decided what it means.
    Metered(Incarnation, Metered),
    /// The deadline of the phase has come.
    Due,
    /// Another process changed, and this one waits for others.
    WorldChanged,
    /// It is leaving, has no child, and its output is in its log.
    Drained,
}

/// Waits for the end of the child, if there is one. Waiting again gives the same result.
async fn end_of(child: &mut Option<Own>) -> (Incarnation, LifeEnd) {
    match child {
        Some(Own { incarnation, exit, .. }) => {
            exit.settled().await;
            (*incarnation, exit.value().cloned().unwrap_or_else(|| Exit::Unobserved.into()))
        }
        None => pending().await,
    }
}

/// Waits for the end of the spawn in progress, if there is one.
async fn end_of_spawn(launching: &mut Option<Launching>) {
    match launching {
        Some(launching) => launching.ended().await,
        None => pending().await,
    }
}

/// Waits for the ruling about an end, if one was asked for.
async fn end_of_question(ruling: &mut Option<Asked>) {
    match ruling {
        Some(asked) => asked.ruling.settled().await,
        None => pending().await,
    }
}

/// Waits until nothing is left of a late spawn, if there is one.
async fn gone_of(late: &mut Option<Kept<()>>) {
    match late {
        Some(gone) => gone.settled().await,
        None => pending().await,
    }
}

impl Runner {
    /// Handles inputs until no more orders can be sent, or until the process has been removed.
    pub(super) async fn listen(&mut self) {
        self.go_on_leaving();
        while let Some(input) = self.next().await {
            self.fault();
            match input {
                Input::Requested(request) => self.on_request(request),
                Input::Exited(incarnation, end) => self.on_exited(incarnation, end),
                Input::Spawned => self.on_spawned(),
                Input::Gone => self.on_gone(),
                Input::Tried(incarnation, trial) => self.on_trial(incarnation, trial),
                Input::Ruled => self.on_ruled(),
                Input::Permitted(incarnation, verdict) => self.on_permitted(incarnation, &verdict),
                Input::Health(incarnation, finding) => self.on_health(incarnation, finding),
                Input::Metered(incarnation, metered) => self.on_metered(incarnation, metered),
                Input::Noticed(incarnation, notice) => self.on_notice(incarnation, &notice),
                Input::StatusDue => self.tell_status(),
                Input::Due => self.on_due(),
                Input::WorldChanged => self.launch_if_open(),
                Input::Drained => return self.leave(),
            }
            self.note_standing();
            self.go_on_leaving();
        }
    }

    /// Waits for the next input. Facts come before orders: what the child did is handled before what others ask for.
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
            (incarnation, end) = end_of(&mut self.child) => Some(Input::Exited(incarnation, end)),
            () = end_of_spawn(&mut self.launching) => Some(Input::Spawned),
            () = gone_of(&mut self.late) => Some(Input::Gone),
            () = drained(&mut self.leaving) => Some(Input::Drained),
            () = end_of_question(&mut self.ruling) => Some(Input::Ruled),
            (incarnation, verdict) = next_of(&mut self.permission) => Some(Input::Permitted(incarnation, verdict)),
            (incarnation, notice) = notice_of(&mut self.heard.notices) => Some(Input::Noticed(incarnation, notice)),
            (incarnation, trial) = trial_of(&mut self.readiness) => Some(Input::Tried(incarnation, trial)),
            request = self.mailbox.recv() => request.map(Input::Requested),
            (incarnation, finding) = next_of(&mut self.checkup.next) => Some(Input::Health(incarnation, finding)),
            (incarnation, metered) = next_of(&mut self.metering.next) => Some(Input::Metered(incarnation, metered)),
            (_, ()) = next_of(&mut self.heard.later) => Some(Input::StatusDue),
            () = timer => Some(Input::Due),
            rung = self.changed.changed(), if waits => rung.ok().map(|()| Input::WorldChanged),
        }
    }

    /// Returns when the runner has to act without another input.
    fn due(&self) -> Option<Moment> {
        if self.adoption.is_some() {
            return None;
        }
        match (&self.state.phase, &self.standing) {
            (Phase::Stopping { .. }, Standing::Ending { killed: true, .. }) => None,
            (Phase::Stopping { kill_at, .. }, _) => Some(*kill_at),
            (Phase::Waiting | Phase::Backoff { .. }, _) if self.permission.is_some() => None,
            (Phase::Backoff { until }, Standing::Plain | Standing::Held) => Some(*until),
            (Phase::Waiting, standing) => standing.deferred(),
            (Phase::Starting { .. }, _) => self.ready_by(),
            (Phase::Running { .. }, _) => self.heard_by(),
            _ => None,
        }
    }

    /// Lets a test make this runner panic, by the name of the process.
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
            Phase::Running { .. } => self.on_unheard(),
            Phase::Stopping { .. } => self.kill(),
            _ => {}
        }
    }
}
