//! What others want of a process: up, down, a signal.

use std::sync::Arc;

use provost_state::{Cause, Desired, Event, PhaseKind, Signal};

use super::launch::Attempt;
use super::{Order, Runner, Want};
use crate::supervisor::Refusal;

impl Runner {
    pub(super) async fn on_order(&mut self, order: Order) {
        let result = match order.want {
            Want::Start(cause) => self.start(cause, asked("start", cause)).await,
            Want::Stop(cause) => self.stop(cause, asked("stop", cause)),
            Want::StopFor(cause, reason) => self.stop(cause, reason),
            Want::Restart(cause) => self.restart(cause).await,
            Want::Signal(signal) => self.signal(signal),
            Want::Kill => self.signal(Signal::KILL),
            Want::Hold(reason) => self.hold(reason),
            Want::Release => {
                self.release().await;
                Ok(())
            }
            Want::GiveUp(reason) => self.give_up(reason),
            Want::Needed(reason) => self.needed(reason).await,
            Want::Spare(reason) => self.not_needed(reason),
        };
        // Whoever asked may have gone.
        let _ = order.reply.send(result);
    }

    /// Wanted up: by nobody but its own state prevented. What is up already is left alone.
    pub(super) async fn start(&mut self, cause: Cause, reason: Arc<str>) -> Result<(), Refusal> {
        if self.shared.closing() {
            return Err(Refusal::ShuttingDown);
        }
        match (self.state.phase.kind(), self.state.desired) {
            (PhaseKind::Waiting, _) => {
                // Somebody is in haste: its start policies are asked now and not when they wanted to be.
                if self.attempt.not_before.take().is_some() {
                    self.launch_if_open().await;
                }
                return Ok(());
            }
            (PhaseKind::Starting | PhaseKind::Running, _) | (PhaseKind::Stopping, Desired::Up) => {
                return Ok(());
            }
            _ => {}
        }
        if self.want_up(cause, reason) {
            self.launch_if_open().await;
        }
        Ok(())
    }

    /// Commits that it is wanted up. What was pending about its last end is settled by that.
    pub(super) fn want_up(&mut self, cause: Cause, reason: Arc<str>) -> bool {
        self.ruling = None;
        self.permission = None;
        self.doomed = None;
        self.spare = false;
        self.attempt = Attempt::new(cause);
        self.commit_now(&Event::Start { cause, reason })
    }

    /// Wanted down: told to end if it has a child, at once otherwise. What is down already is left alone.
    pub(super) fn stop(&mut self, cause: Cause, reason: Arc<str>) -> Result<(), Refusal> {
        self.held = false;
        self.spare = false;
        let was = self.state.phase.kind();
        let already = match was {
            PhaseKind::Stopped => true,
            PhaseKind::Stopping => self.state.desired == Desired::Down,
            _ => false,
        };
        if already {
            return Ok(());
        }
        let kill_at = self.shared.publisher.now().plus_ms(self.spec.stop_grace_ms);
        self.ruling = None;
        self.readiness = None;
        self.permission = None;
        self.checkup.end();
        if !self.commit_now(&Event::Stop { cause, reason, kill_at }) {
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
            self.stop(cause, asked("stop", cause))?;
        }
        self.start(cause, asked("start", cause)).await
    }

    fn signal(&self, signal: Signal) -> Result<(), Refusal> {
        let pid = self.state.pid().ok_or(Refusal::NotRunning)?;
        self.shared.spawner.signal(pid, signal).map_err(Refusal::SignalFailed)
    }

    /// The configured signal, and SIGCONT for a group that is suspended (as s6's `-d` does).
    fn tell_to_end(&self) -> Result<(), Refusal> {
        self.signal(self.spec.stop_signal)?;
        self.signal(Signal::CONT)
    }
}

fn asked(what: &str, cause: Cause) -> Arc<str> {
    let by = match cause {
        Cause::Boot => "the start of the host",
        Cause::User => "a user",
        Cause::Api => "the API",
        Cause::Shutdown => "the shutdown of the host",
        other => other.as_str(),
    };
    Arc::from(format!("{what} asked for by {by}"))
}
