//! Pauses that are shorter than a tick of the runtime's timer, for many pipes with one kernel timer.
//!
//! A reader that wakes up for each line costs three times the processor time of one that lets lines accumulate, and
//! takes the core from the child that writes them. All pauses of one timer are equally long, so the first to begin is
//! the first to end.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::Interest;
use tokio::sync::oneshot;

use crate::children::watched::registered;
use crate::clock::figure_ns;

/// The pause after a short look at an ordinary pipe, in nanoseconds: long enough for half of the pipe to fill, too
/// short for people to notice.
pub(crate) const SHORT_NS: u64 = 200_000;

/// The pause after a short look at an enlarged pipe, in nanoseconds.
pub(crate) const LONG_NS: u64 = 800_000;

/// Pauses that are due within this time end together, in nanoseconds.
const SLACK_NS: u64 = 20_000;

/// The pauses of all pipes. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Pauses(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// The length of one pause, in nanoseconds.
    ns: u64,
    timer: Arc<OwnedFd>,
    waiting: Mutex<VecDeque<(u64, oneshot::Sender<()>)>>,
}

impl Pauses {
    /// Creates pauses of `ns` nanoseconds.
    pub(crate) fn new(ns: u64) -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = Arc::new(timerfd_create(TimerfdClockId::Monotonic, flags)?);
        Ok(Self(Arc::new(Inner { ns, timer, waiting: Mutex::default() })))
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<(u64, oneshot::Sender<()>)>> {
        self.0.waiting.lock()
    }

    /// Begins a pause, which ends when the receiver resolves.
    pub(crate) fn begin(&self) -> oneshot::Receiver<()> {
        let (over, pause) = oneshot::channel();
        let first = {
            let mut waiting = self.waiting();
            waiting.push_back((figure_ns().saturating_add(self.0.ns), over));
            waiting.len() == 1
        };
        if first && self.set(self.0.ns).is_err() {
            // If the timer cannot be set, the pause ends at once.
            self.waiting().clear();
        }
        pause
    }

    /// Ends pauses as they fall due, for ever. Runs on the reading thread.
    pub(crate) async fn run(self) -> io::Result<()> {
        let timer = registered(self.0.timer.clone(), Interest::READABLE)?;
        loop {
            timer.readable().await?.clear_ready();
            // The count of expirations is not needed.
            let _ = rustix::io::read(timer.get_ref().as_fd(), &mut [0_u8; 8]);
            let now = figure_ns();
            let next = {
                let mut waiting = self.waiting();
                while waiting.front().is_some_and(|(due, _)| *due <= now + SLACK_NS) {
                    if let Some((_, over)) = waiting.pop_front() {
                        // The pausing task may have ended.
                        let _ = over.send(());
                    }
                }
                waiting.front().map(|(due, _)| *due)
            };
            if let Some(due) = next
                && self.set(due.saturating_sub(now).max(1)).is_err()
            {
                self.waiting().clear();
            }
        }
    }

    /// Sets the timer to fire once in `ns` nanoseconds, at most the length of a pause.
    fn set(&self, ns: u64) -> io::Result<()> {
        let once = Timespec { tv_sec: 0, tv_nsec: ns.min(self.0.ns).cast_signed() };
        let never = Timespec { tv_sec: 0, tv_nsec: 0 };
        let times = Itimerspec { it_interval: never, it_value: once };
        timerfd_settime(self.0.timer.as_fd(), TimerfdTimerFlags::empty(), &times)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_pause_ends_and_the_first_that_began_ends_first() {
        let pauses = Pauses::new(SHORT_NS).unwrap();
        let running = tokio::spawn(pauses.clone().run());
        for _ in 0..3 {
            let begun: Vec<_> = (0..50).map(|_| pauses.begin()).collect();
            for pause in begun {
                pause.await.unwrap();
            }
            assert!(pauses.waiting().is_empty());
        }
        running.abort();
    }
}
