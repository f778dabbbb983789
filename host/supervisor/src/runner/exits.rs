//! Handles the end of a child: asks the policies what to do about it, and carries out their ruling.

use std::sync::Arc;

use provost_state::{Cause, Ended, Event, Exit, Incarnation, Phase, PhaseKind, RulingAction};

use super::attempt::Attempt;
use super::heard::Heard;
use super::kept::Kept;
use super::standing::{Standing, Step};
use super::task::{Asked, Beyond, Runner};
use crate::children::{LifeEnd, Past};
use crate::decider::{Answered, EndCase, seed};
use crate::stash::Beside;

impl Runner {
    pub(super) fn on_exited(&mut self, incarnation: Incarnation, end: LifeEnd) {
        let was_ready = matches!(self.state.phase, Phase::Running { .. });
        self.readiness = None;
        self.checkup.end();
        self.heard = Heard::default();
        self.metering.end();
        let exit = match &self.standing {
            Standing::Ending { after: Beside::Overdue(why), .. } => Exit::NotReady(why.clone()),
            _ => end.exit,
        };
        let at = self.child.as_ref().and_then(|child| child.ended_at);
        let said = Beyond { at, was_ready, ..Beyond::default() };
        let committed =
            self.commit_with(incarnation, &Event::Exited { exit, out_of_memory: end.out_of_memory }, said);
        self.child = None;
        self.record.spawned.store(None);
        // Not before it is written down: until then, whoever holds the child tells another host of its end.
        let past = Past::new(self.shared.spawner.clone(), self.spec.name.clone(), incarnation);
        if !committed {
            return;
        }
        if matches!(self.state.phase, Phase::Stopped) {
            self.shared.logs.stopped(self.state.id);
        }
        let doomed = match &self.standing {
            Standing::Ending { after: Beside::Fatal(reason), .. } => Some(reason.clone()),
            _ => None,
        };
        self.step(Step::Exited);
        match (&self.state.phase, doomed) {
            (Phase::Exited { settled: false }, _) => self.ask(was_ready, Some(past)),
            // A restart stopped it.
            (Phase::Waiting, _) => {
                self.past = Some(past);
                self.launch_if_open();
                self.past = None;
            }
            (Phase::Stopped, Some(reason)) => {
                self.commit_now(&Event::Refused { reason });
            }
            _ => {}
        }
    }

    pub(super) fn on_gone(&mut self) {
        self.late = None;
        self.step(Step::Gone);
        // A delay that is not over is waited for as without this.
        if self.state.phase.kind() != PhaseKind::Backoff {
            self.launch_if_open();
        }
    }

    /// Asks the policies what to do about the committed exit. The runner goes on listening meanwhile.
    pub(super) fn ask(&mut self, was_ready: bool, past: Option<Past>) {
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
        let (shared, chain) = (self.shared.clone(), self.record.chain.load_full());
        let ruling = async move { shared.decider.answer(&chain, case).await };
        self.ruling =
            Some(Asked { incarnation: state.incarnation, ruling: Kept::new(Box::pin(ruling)), past });
    }

    pub(super) fn on_ruled(&mut self) {
        let Some(Asked { incarnation, ruling, past }) = self.ruling.take() else { return };
        let Some(answered) = ruling.into_value() else { return };
        self.past = past;
        self.act_on(incarnation, answered);
        // It has not been followed by a start.
        self.past = None;
    }

    fn act_on(&mut self, incarnation: Incarnation, answered: Answered<RulingAction>) {
        let Answered { verdict: ruling, written } = answered;
        let (action, ruling) = (ruling.action, Arc::new(ruling));
        // Both or none: the decision, and what the policy remembers of it.
        let said = Beyond { memory: written, ..Beyond::default() };
        if !self.commit_with(incarnation, &Event::Decided { ruling }, said) {
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
