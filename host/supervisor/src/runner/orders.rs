//! Carries out orders to a process: start, stop, restart, signal.

use std::sync::Arc;

use provost_state::{Cause, Desired, Event, PhaseKind, Signal};

use super::attempt::Attempt;
use super::standing::Step;
use super::task::{Beyond, Runner};
use crate::children::Stop;
use crate::mailbox::{Motive, Refusal, Request, Want};

impl Runner {
    pub(super) fn on_request(&mut self, request: Request) {
        let Request { want, reply } = request;
        let result = match want {
            Want::Leave(reason) => return self.begin_to_leave(reason, reply),
            Want::Stop(_) | Want::Signal(_) | Want::Kill if self.leaving.is_some() => self.carry_out(want),
            _ if self.leaving.is_some() => Err(Refusal::Removed),
            want => self.carry_out(want),
        };
        // The caller may be gone.
        let _ = reply.send(result);
    }

    fn carry_out(&mut self, want: Want) -> Result<(), Refusal> {
        match want {
            Want::Start(motive) => self.start(motive.cause, motive.of("start")),
            Want::Stop(motive) => self.stop(motive.cause, motive.of("stop")),
            Want::Restart(motive) => self.restart(&motive),
            Want::Renew(motive) => self.renew(&motive),
            Want::Reconfigure(spec) => self.reconfigure(*spec),
            Want::Signal(signal) => self.signal(signal),
            Want::Kill => {
                self.kill();
                Ok(())
            }
            Want::Resume => {
                self.go_on();
                Ok(())
            }
            Want::Hold(reason) => self.hold(reason),
            Want::Release => {
                self.release();
                Ok(())
            }
            Want::GiveUp(reason) => self.give_up(reason),
            Want::Needed(motive) => self.needed(&motive),
            Want::Spare(motive) => self.not_needed(&motive),
            // Handled where its reply is kept.
            Want::Leave(_) => Err(Refusal::Removed),
        }
    }

    /// Requests a start; only the process's own state can prevent it. A process that is already up is left alone.
    pub(super) fn start(&mut self, cause: Cause, reason: Arc<str>) -> Result<(), Refusal> {
        if self.shared.closing() {
            return Err(Refusal::ShuttingDown);
        }
        match (self.state.phase.kind(), self.state.desired) {
            (PhaseKind::Waiting, _) => {
                // An explicit start overrides the wait: the start policies are asked now.
                if self.standing.deferred().is_some() {
                    self.step(Step::Due);
                    self.launch_if_open();
                }
                return Ok(());
            }
            (PhaseKind::Starting | PhaseKind::Running, _) | (PhaseKind::Stopping, Desired::Up) => {
                return Ok(());
            }
            _ => {}
        }
        if self.want_up(cause, reason) {
            self.launch_if_open();
        }
        Ok(())
    }

    /// Commits that the process is wanted up, which settles whatever was pending about its last end.
    pub(super) fn want_up(&mut self, cause: Cause, reason: Arc<str>) -> bool {
        self.ruling = None;
        self.permission = None;
        self.attempt = Attempt::new(cause);
        self.step(Step::Start);
        self.commit_now(&Event::Start { cause, reason })
    }

    /// Requests a stop: sends the stop signal if there is a child, and is done at once otherwise. A process that is
    /// already down is left alone.
    pub(super) fn stop(&mut self, cause: Cause, reason: Arc<str>) -> Result<(), Refusal> {
        self.stop_for(cause, reason, self.spec.stop_grace_ms, Beyond::default())
    }

    /// Does what [`stop`](Self::stop) does, in order to start it again.
    pub(super) fn stop_to_restart(
        &mut self,
        cause: Cause,
        reason: Arc<str>,
        grace_ms: u64,
    ) -> Result<(), Refusal> {
        self.stop_for(cause, reason, grace_ms, Beyond { again: true, ..Beyond::default() })
    }

    /// Does what [`stop`](Self::stop) does, with another grace time, and says what follows.
    pub(super) fn stop_for(
        &mut self,
        cause: Cause,
        reason: Arc<str>,
        grace_ms: u64,
        follows: Beyond,
    ) -> Result<(), Refusal> {
        let was = self.state.phase.kind();
        let already = match was {
            PhaseKind::Stopped => true,
            PhaseKind::Stopping => self.state.desired == Desired::Down,
            _ => false,
        };
        if already {
            self.step(Step::Stop);
            return Ok(());
        }
        let kill_at = self.shared.publisher.now().plus_ms(grace_ms);
        self.ruling = None;
        self.readiness = None;
        self.permission = None;
        self.checkup.end();
        self.metering.end();
        let event = Event::Stop { cause, reason, kill_at };
        let follows = Beyond { beside: Some(follows.beside.unwrap_or_default()), ..follows };
        if !self.commit_with(self.state.incarnation, &event, follows) {
            return Ok(());
        }
        match was {
            PhaseKind::Starting | PhaseKind::Running => {
                self.step(Step::End);
                self.tell_to_end()
            }
            _ => {
                self.step(Step::Stop);
                Ok(())
            }
        }
    }

    /// Restarts a process that its policies find unfit, giving it `grace_ms` for its end. That is not a crash: it does not count as a
    /// failure.
    pub(super) fn restart_living(&mut self, cause: Cause, reason: Arc<str>, grace_ms: u64) {
        if let Err(refusal) = self.stop_to_restart(cause, reason.clone(), grace_ms) {
            tracing::warn!(process = &*self.spec.name, %refusal, "the order to stop failed");
        }
        if let Err(refusal) = self.start(cause, reason) {
            tracing::info!(process = &*self.spec.name, %refusal, "stays down");
        }
    }

    fn restart(&mut self, motive: &Motive) -> Result<(), Refusal> {
        if self.shared.closing() {
            return Err(Refusal::ShuttingDown);
        }
        if self.state.phase.kind().is_live() {
            self.stop_to_restart(motive.cause, motive.of("stop"), self.spec.stop_grace_ms)?;
        }
        self.start(motive.cause, motive.of("start"))
    }

    fn renew(&mut self, motive: &Motive) -> Result<(), Refusal> {
        match (self.state.phase.kind(), self.state.desired) {
            (PhaseKind::Starting | PhaseKind::Running, Desired::Up) => self.restart(motive),
            _ => Err(Refusal::NotRunning),
        }
    }

    fn signal(&self, signal: Signal) -> Result<(), Refusal> {
        let pid = self.state.pid().ok_or(Refusal::NotRunning)?;
        self.shared.spawner.signal(pid, signal).map_err(Refusal::SignalFailed)
    }

    /// Sends the configured stop signal, and SIGCONT in case the group is suspended.
    pub(super) fn tell_to_end(&self) -> Result<(), Refusal> {
        let pid = self.state.pid().ok_or(Refusal::NotRunning)?;
        let stop = Stop { signal: self.spec.stop_signal, to: self.spec.stop_to };
        self.shared.spawner.stop(pid, stop).map_err(Refusal::SignalFailed)
    }
}
