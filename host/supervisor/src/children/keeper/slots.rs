//! What is known of the lives that the keeper holds for this host: who waits for them, and what another keeper would be given.

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use provost_keeper::protocol::{Descriptors, End, Ending, Gap, Held, Id, Refusal, SlotState};
use tokio::sync::oneshot;

use super::names::Life;

/// What is known of a life from the order to start it on.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) life: Life,
    /// Taken when its program runs, or does not.
    pub(super) started: Option<oneshot::Sender<Started>>,
    /// Taken when it has ended.
    pub(super) ended: Option<oneshot::Sender<End>>,
    /// How the keeper ends it when there is no host.
    pub(super) ending: Ending,
    /// When SIGKILL is due after a stop, in nanoseconds of `CLOCK_BOOTTIME`; 0 if no stop is in progress.
    pub(super) kill_at: u64,
    /// `None` until its program runs.
    pub(super) holding: Option<Belongings>,
}

/// What there is of a process whose program runs or has run.
#[derive(Clone, Debug)]
pub(super) struct Belongings {
    pub(super) pid: u32,
    /// When it was started, in nanoseconds of `CLOCK_BOOTTIME`.
    pub(super) started_at: u64,
    pub(super) pidfd: Arc<OwnedFd>,
    /// Standard output and standard error, as long as somebody reads them.
    pub(super) outputs: [Weak<OwnedFd>; 2],
    /// The end that keeps its standard input open.
    pub(super) stdin: Option<Arc<OwnedFd>>,
    pub(super) end: Option<End>,
}

/// A child of a former host that was not taken over yet.
#[derive(Debug)]
pub(super) struct FormerSlot {
    pub(super) id: Id,
    pub(super) pid: u32,
    /// Whether the keeper is its parent.
    pub(super) is_child: bool,
    /// Resolves when it has ended.
    pub(super) end: oneshot::Receiver<End>,
    /// How it ended, if it is reaped.
    pub(super) reaped: Option<End>,
    /// The end that keeps its standard input open.
    pub(super) stdin: Option<Arc<OwnedFd>>,
    /// How the keeper ends it when there is no host.
    pub(super) ending: Ending,
    /// What was moved out of its pipes.
    pub(super) output: FormerOutput,
}

/// The gaps of a child of a former host.
#[derive(Debug, Default)]
pub(super) struct FormerOutput {
    pub(super) gaps: [Gap; 2],
    pub(super) files: [Option<OwnedFd>; 2],
    /// Whether the keeper may still be moving output into them, because a disk does not answer.
    pub(super) may_grow: bool,
}

/// What became of a start.
#[derive(Debug)]
pub(super) enum Started {
    Runs {
        pidfd: Arc<OwnedFd>,
        outputs: [Option<Arc<OwnedFd>>; 2],
        /// The end that keeps its standard input open.
        stdin: Option<Arc<OwnedFd>>,
    },
    Refused(Refusal),
    /// It may run, but no descriptor was free for it.
    Lost,
}

/// The lives that the keeper holds for this host. Dropping an entry ends the waiting for it.
pub(super) type Slots = Arc<Mutex<HashMap<Id, Slot>>>;

/// What another keeper is given of one life. The descriptors stay open until it has them.
pub(super) struct Handed {
    pub(super) held: Held,
    pidfd: Arc<OwnedFd>,
    outputs: [Option<Arc<OwnedFd>>; 2],
    stdin: Option<Arc<OwnedFd>>,
    /// Whether its output is the other side of a terminal.
    pub(super) is_terminal: bool,
}

impl Slot {
    /// Returns a slot of a life that is about to be started, with those who wait for it.
    pub(super) fn starting(
        life: Life,
        ending: Ending,
    ) -> (Self, oneshot::Receiver<Started>, oneshot::Receiver<End>) {
        let ((started, is_started), (ended, end)) = (oneshot::channel(), oneshot::channel());
        let (started, ended) = (Some(started), Some(ended));
        (Self { life, started, ended, ending, kill_at: 0, holding: None }, is_started, end)
    }

    /// Ends the waiting, because the keeper is gone.
    pub(super) fn nobody_answers(&mut self) {
        (self.started, self.ended) = (None, None);
    }

    /// Returns what another keeper is given of it; `None` if its program has never run.
    pub(super) fn handed(&self) -> Option<Handed> {
        let Belongings { pid, started_at, pidfd, outputs, stdin, end } = self.holding.clone()?;
        let outputs = outputs.map(|output| output.upgrade());
        let there = [
            (Descriptors::PIDFD, true),
            (Descriptors::OUTPUT, outputs[0].is_some()),
            (Descriptors::ERROR, outputs[1].is_some()),
            (Descriptors::INPUT, stdin.is_some()),
        ];
        let descriptors = there.into_iter().filter(|(_, is_there)| *is_there);
        let descriptors = descriptors.fold(Descriptors::default(), |all, (one, _)| all.with(one));
        let is_terminal = outputs[0].as_ref().is_some_and(rustix::termios::isatty);
        let state = if end.is_some() { SlotState::Reaped } else { SlotState::Running };
        let held = Held {
            state,
            pid,
            started_at,
            end,
            refusal: None,
            ending: self.ending,
            kill_at: self.kill_at,
            gaps: [Gap::default(); 2],
            descriptors,
        };
        Some(Handed { held, pidfd, outputs, stdin, is_terminal })
    }
}

impl Handed {
    /// Returns the descriptors in the order of [`Descriptors::ALL`].
    pub(super) fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        let [output, error] = &self.outputs;
        let all = [Some(&self.pidfd), output.as_ref(), error.as_ref(), self.stdin.as_ref()];
        all.into_iter().flatten().map(|fd| fd.as_fd()).collect()
    }

    /// Returns copies of the descriptors in the same order.
    pub(super) fn owned(&self) -> std::io::Result<Vec<OwnedFd>> {
        self.descriptors().into_iter().map(|fd| fd.try_clone_to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use provost_keeper::protocol::Scope;
    use provost_state::Incarnation;
    use rustix::process::{PidfdFlags, getpid, pidfd_open};

    use super::*;

    #[test]
    fn another_keeper_is_told_when_a_stop_in_progress_ends() {
        let ending = Ending { rank: 1, signal: 15, scope: Scope::Main, grace_ms: 9 };
        let (mut slot, _started, _end) = Slot::starting(("web".into(), Incarnation(1)), ending);
        assert!(slot.handed().is_none());
        let pidfd = Arc::new(pidfd_open(getpid(), PidfdFlags::empty()).unwrap());
        let outputs = [Weak::new(), Weak::new()];
        slot.holding = Some(Belongings { pid: 1, started_at: 2, pidfd, outputs, stdin: None, end: None });
        slot.kill_at = 77;
        let held = slot.handed().unwrap().held;
        assert_eq!((held.kill_at, held.ending), (77, ending));
    }
}
