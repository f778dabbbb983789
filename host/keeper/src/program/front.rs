//! The main thread: it is the one that the kernel gives orphans to, and the one that receives signals. Children are started
//! by the loop, on another thread: so what this thread waits for are orphans alone, and the list of its children
//! (`/proc/PID/task/PID/children`) lists orphans alone.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::io::Errno;
use rustix::process::{Pid, WaitOptions, WaitStatus, wait, waitpid};

use super::elders::{Elders, pid_of};

/// SIGCHLD.
const CHILD: i32 = 17;

/// The highest number of a signal.
const NUMBER_MAX: i32 = 64;

/// The signals that are not passed on to the host: they cannot be caught, report a fault of the keeper's own code (ILL, BUS,
/// FPE, SEGV, SYS), end no process (URG, WINCH, CONT), stop one as they should (TSTP, TTIN, TTOU), or mean that it writes to a
/// closed pipe; and those that the C library keeps for its threads.
const NOT_PASSED_ON: [i32; 17] = [4, 7, 8, 9, 11, 13, 17, 18, 19, 20, 21, 22, 23, 28, 31, 32, 33];

/// `__WNOTHREAD` of waitpid(2): children of other threads are not waited for.
const OF_THIS_THREAD: WaitOptions = WaitOptions::from_bits_retain(0x2000_0000);

/// What the main thread has for the loop. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct News(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    found: Mutex<Found>,
    /// Held from before something is taken from the kernel until it is in `found`.
    gate: Mutex<()>,
    wake: OwnedFd,
}

/// What was received and reaped since the loop took it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Found {
    /// The signals, as bits by their numbers: 1 is the lowest bit.
    pub(super) signals: u64,
    /// The number of orphans since the start.
    pub(super) orphans: u64,
    /// The last of them and its status, if there were more.
    pub(super) last: Option<(u32, i32)>,
}

impl News {
    /// Returns one that has nothing, and counts on from this number of orphans.
    pub(super) fn new(orphans: u64) -> Result<Self, Errno> {
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let found = Mutex::new(Found { orphans, ..Found::default() });
        Ok(Self(Arc::new(Shared { found, gate: Mutex::new(()), wake })))
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.0.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until everything that was taken from the kernel can be [taken](Self::take) here. As long as what this returns is held,
    /// no signal is received and no orphan is reaped: they stay with the kernel, which keeps them over an exec.
    pub(super) fn hold(&self) -> MutexGuard<'_, ()> {
        self.0.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what becomes readable when there is something.
    pub(super) fn wake(&self) -> BorrowedFd<'_> {
        self.0.wake.as_fd()
    }

    /// Takes what there is.
    pub(super) fn take(&self) -> Found {
        let _ = rustix::io::read(&self.0.wake, &mut [0; 8]);
        let mut found = self.found();
        let taken = *found;
        *found = Found { orphans: taken.orphans, ..Found::default() };
        taken
    }

    fn tell(&self, change: impl FnOnce(&mut Found)) {
        change(&mut self.found());
        let _ = rustix::io::write(&self.0.wake, &1_u64.to_ne_bytes());
    }
}

/// Blocks the signals that are wanted, for this thread and those that it starts; returns what they are read from. A hangup
/// that the starter has ignored (`nohup`) is not wanted.
pub(super) fn block_signals() -> std::io::Result<OwnedFd> {
    let keeps_hangup = provost_posix::hangup_is_ignored();
    let is_unwanted = |number: &i32| NOT_PASSED_ON.contains(number) || keeps_hangup && *number == 1;
    let is_wanted = |number: &i32| !is_unwanted(number);
    let numbers: Vec<i32> = (1..=NUMBER_MAX).filter(is_wanted).chain([CHILD]).collect();
    provost_posix::signals(&numbers)
}

/// Receives signals and reaps orphans, for ever.
pub(super) fn run(signals: &OwnedFd, news: &News, elders: &Elders) {
    // Those that have ended before this program listened.
    let held = news.hold();
    reap_orphans(news, elders);
    drop(held);
    loop {
        // Nobody else reads them, so what has come is still there when this thread may read it.
        let _ = poll(&mut [PollFd::new(signals, PollFlags::IN)], None);
        let _held = news.hold();
        match provost_posix::next_signal(signals.as_fd()) {
            Ok(CHILD) => reap_orphans(news, elders),
            Ok(number) => {
                news.tell(|found| found.signals |= 1_u64.rotate_left(number.cast_unsigned().wrapping_sub(1)));
            }
            // No signal has come.
            Err(_) => {}
        }
    }
}

fn reap_orphans(news: &News, elders: &Elders) {
    let (mut count, mut last) = (0, None);
    let mut reaped = |(pid, status): (Pid, WaitStatus)| {
        count += 1;
        last = Some((pid.as_raw_nonzero().get().cast_unsigned(), status.as_raw()));
    };
    let elders = elders.list();
    if elders.is_empty() {
        let next = || wait(WaitOptions::NOHANG | OF_THIS_THREAD).ok().flatten();
        std::iter::from_fn(next).for_each(&mut reaped);
    } else {
        // Among the children of this thread are some that are no orphans. One that ends after this look is a signal of its own.
        let children = std::fs::read_to_string("/proc/thread-self/children").unwrap_or_default();
        let pids = children.split_ascii_whitespace().filter_map(|pid| pid.parse::<u32>().ok());
        let reap = |pid| pid_of(pid).and_then(|pid| waitpid(Some(pid), WaitOptions::NOHANG)).ok().flatten();
        pids.filter(|pid| !elders.contains(pid)).filter_map(reap).for_each(&mut reaped);
    }
    drop(elders);
    if last.is_some() {
        news.tell(|found| {
            found.orphans += count;
            found.last = last;
        });
    }
}
