//! What its group and its replica set want of a process. Whoever stops or starts it by hand meanwhile wins.

use std::sync::Arc;

use provost_state::{Cause, Desired, Event, PhaseKind};

use super::Runner;
use crate::supervisor::Refusal;

impl Runner {
    /// Its group is restarted. What is up, or is about to be, is stopped and not spawned again before it is released;
    /// what is down because somebody wanted it, because it is done or was given up stays so.
    pub(super) fn hold(&mut self, reason: Arc<str>) -> Result<(), Refusal> {
        if self.shared.closing() || self.state.desired == Desired::Down {
            return Ok(());
        }
        match self.state.phase.kind() {
            PhaseKind::Starting | PhaseKind::Running => {
                let told = self.stop(Cause::Policy, reason.clone());
                self.held = self.want_up(Cause::Policy, reason);
                told
            }
            PhaseKind::Backoff => {
                self.held = self.want_up(Cause::Policy, reason);
                Ok(())
            }
            // It ended while its group was about to be stopped: what would have been decided is overtaken.
            PhaseKind::Exited if self.ruling.is_some() => {
                self.held = self.want_up(Cause::Policy, reason);
                Ok(())
            }
            PhaseKind::Stopping | PhaseKind::Waiting => {
                self.permission = None;
                self.attempt.not_before = None;
                self.held = true;
                Ok(())
            }
            PhaseKind::Stopped | PhaseKind::Exited | PhaseKind::Fatal => Ok(()),
        }
    }

    /// The delay is over, and its group is still being stopped.
    pub(super) fn wait_for_group(&mut self) {
        let reason = match &self.state.decision {
            Some(ruling) => Arc::from(format!("restarted by {}: {}", ruling.by, ruling.reason)),
            None => self.state.reason.clone(),
        };
        self.want_up(Cause::Policy, reason);
    }

    pub(super) async fn release(&mut self) {
        if std::mem::take(&mut self.held) {
            self.launch_if_open().await;
        }
    }

    /// Its group is given up.
    pub(super) fn give_up(&mut self, reason: Arc<str>) -> Result<(), Refusal> {
        if self.state.desired == Desired::Down {
            return Ok(());
        }
        match self.state.phase.kind() {
            PhaseKind::Starting | PhaseKind::Running | PhaseKind::Stopping => {
                let told = self.stop(Cause::Policy, reason.clone());
                self.doomed = Some(reason);
                told
            }
            PhaseKind::Exited if self.ruling.is_none() => Ok(()),
            PhaseKind::Waiting | PhaseKind::Backoff | PhaseKind::Exited => {
                self.ruling = None;
                self.permission = None;
                self.held = false;
                self.commit_now(&Event::Refused { reason });
                Ok(())
            }
            PhaseKind::Stopped | PhaseKind::Fatal => Ok(()),
        }
    }

    /// Its set needs it: what the set had stopped is started, and nothing else.
    pub(super) async fn needed(&mut self, reason: Arc<str>) -> Result<(), Refusal> {
        if std::mem::take(&mut self.spare) { self.start(Cause::Policy, reason).await } else { Ok(()) }
    }

    /// Its set does not need it: what is up is stopped, and may be started by the set again.
    pub(super) fn not_needed(&mut self, reason: Arc<str>) -> Result<(), Refusal> {
        let kind = self.state.phase.kind();
        // Before its first start: a stopped process takes no reason, so it is wanted for a moment.
        if kind == PhaseKind::Stopped && self.state.version.0 == 0 {
            self.want_up(Cause::Boot, reason.clone());
        } else if self.state.desired == Desired::Down {
            return Ok(());
        }
        let told = self.stop(Cause::Policy, reason);
        self.spare = true;
        told
    }
}
