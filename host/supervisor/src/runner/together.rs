//! Carries out the orders of the group and the replica set of a process. A stop or a start by hand meanwhile wins.

use std::sync::Arc;

use provost_state::{Cause, Desired, Event, PhaseKind};

use super::launch::restarted_by;
use super::standing::Step;
use super::task::{Beyond, Runner};
use crate::mailbox::{Motive, Refusal};
use crate::stash::Beside;

impl Runner {
    /// Holds the process while its group is restarted. If it is up, or about to be, it is stopped and not spawned again
    /// before it is released; if it was stopped, is done or was given up, it stays down.
    pub(super) fn hold(&mut self, reason: Arc<str>) -> Result<(), Refusal> {
        if self.shared.closing() || self.state.desired == Desired::Down {
            return Ok(());
        }
        match self.state.phase.kind() {
            PhaseKind::Starting | PhaseKind::Running => {
                let follows = Beyond { beside: Some(Beside::Held), again: true, ..Beyond::default() };
                let told = self.stop_for(Cause::Policy, reason.clone(), self.spec.stop_grace_ms, follows);
                self.want_up_held(reason);
                told
            }
            PhaseKind::Backoff => {
                self.want_up_held(reason);
                Ok(())
            }
            // It ended while its group was about to be stopped: the pending ruling is obsolete.
            PhaseKind::Exited if self.ruling.is_some() => {
                self.want_up_held(reason);
                Ok(())
            }
            PhaseKind::Stopping | PhaseKind::Waiting => {
                self.permission = None;
                self.step(Step::Hold);
                Ok(())
            }
            PhaseKind::Stopped | PhaseKind::Exited | PhaseKind::Fatal => Ok(()),
        }
    }

    fn want_up_held(&mut self, reason: Arc<str>) {
        if self.want_up(Cause::Policy, reason) {
            self.step(Step::Hold);
        }
    }

    /// Makes the process wait: its delay is over, and its group is still being stopped.
    pub(super) fn wait_for_group(&mut self) {
        let reason = match &self.state.decision {
            Some(ruling) => restarted_by(ruling),
            None => self.state.reason.clone(),
        };
        self.want_up(Cause::Policy, reason);
    }

    pub(super) fn release(&mut self) {
        if self.standing.is_held() {
            self.step(Step::Release);
            self.launch_if_open();
        }
    }

    /// Gives the process up, as its group is given up.
    pub(super) fn give_up(&mut self, reason: Arc<str>) -> Result<(), Refusal> {
        if self.state.desired == Desired::Down {
            return Ok(());
        }
        match self.state.phase.kind() {
            PhaseKind::Starting | PhaseKind::Running | PhaseKind::Stopping => {
                let follows = Beyond { beside: Some(Beside::Fatal(reason.clone())), ..Beyond::default() };
                let told = self.stop_for(Cause::Policy, reason.clone(), self.spec.stop_grace_ms, follows);
                self.step(Step::GiveUp(reason));
                told
            }
            PhaseKind::Exited if self.ruling.is_none() => Ok(()),
            PhaseKind::Waiting | PhaseKind::Backoff | PhaseKind::Exited => {
                self.ruling = None;
                self.permission = None;
                self.step(Step::Stop);
                self.commit_now(&Event::Refused { reason });
                Ok(())
            }
            PhaseKind::Stopped | PhaseKind::Fatal => Ok(()),
        }
    }

    /// Marks a new process as one that its set does not need.
    pub(crate) fn begin_spare(&mut self) {
        self.step(Step::Spare);
    }

    /// Starts the process if its set had stopped it, and not otherwise.
    pub(super) fn needed(&mut self, motive: &Motive) -> Result<(), Refusal> {
        if self.standing.is_spare() { self.start(motive.cause, motive.of("start")) } else { Ok(()) }
    }

    /// Stops the process, as its set does not need it; the set may start it again.
    pub(super) fn not_needed(&mut self, motive: &Motive) -> Result<(), Refusal> {
        let kind = self.state.phase.kind();
        if kind == PhaseKind::Stopped || self.state.desired == Desired::Down {
            return Ok(());
        }
        let follows = Beyond { beside: Some(Beside::Spare), ..Beyond::default() };
        let told = self.stop_for(motive.cause, motive.of("stop"), self.spec.stop_grace_ms, follows);
        self.step(Step::Spare);
        told
    }
}
