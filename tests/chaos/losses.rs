//! When nobody held the processes, and which of them have ended then: what was known of those alone may be lost.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use provost_tests::bench::clock::now_ns;

use crate::places::Life;

/// How long a host on a busy machine may take to read the last lines of a life that has ended, and to copy to a disk what it has
/// written down of it, in milliseconds. The figures have the longest time that was found.
const BEHIND_MS: i64 = 5_000;

/// A time in which a keeper was lost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loss {
    /// The moment before the kill, in nanoseconds of the monotonic clock.
    pub(crate) from: u64,
    /// The moment after another host has answered.
    pub(crate) to: u64,
    /// If the host was killed as well: the moment before that, and when `provost up` was run, in milliseconds since 1970.
    pub(crate) both: Option<(i64, i64)>,
}

/// All of them, in their order.
#[derive(Debug, Default)]
pub(crate) struct Losses {
    all: Mutex<Vec<Loss>>,
    /// The longest time before both were killed at which something happened that nobody knows of, in milliseconds.
    behind: AtomicI64,
}

/// When orphans were found to have ended, by their process id. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Orphans(Arc<Mutex<BTreeMap<u32, Vec<u64>>>>);

impl Orphans {
    /// Notes that an orphan has ended.
    pub(crate) fn ended(&self, pid: u32) {
        self.0.lock().unwrap().entry(pid).or_default().push(now_ns());
    }

    /// Returns whether an orphan with this number has ended in this time.
    fn has_ended(&self, pid: u64, within: &Loss) -> bool {
        let pid = u32::try_from(pid).unwrap_or(0);
        let is_within = |at: &u64| (within.from..=within.to).contains(at);
        self.0.lock().unwrap().get(&pid).is_some_and(|times| times.iter().any(is_within))
    }
}

impl Losses {
    pub(crate) fn add(&self, loss: Loss) {
        self.all.lock().unwrap().push(loss);
    }

    /// Returns when `provost up` was run last before this time, in milliseconds since 1970.
    pub(crate) fn last_up(&self, before: i64) -> Option<i64> {
        let all = self.all.lock().unwrap();
        all.iter().filter_map(|loss| loss.both).map(|(_, up)| up).take_while(|at| *at <= before).last()
    }

    /// Whether a host was killed together with its keeper.
    pub(crate) fn have_both(&self) -> bool {
        self.all.lock().unwrap().iter().any(|loss| loss.both.is_some())
    }

    /// Whether this life has ended as an orphan while its keeper was lost.
    pub(crate) fn has_ended_orphaned(&self, orphans: &Orphans, (.., pid): &Life) -> bool {
        self.all.lock().unwrap().iter().any(|loss| orphans.has_ended(*pid, loss))
    }

    /// Whether this life has ended as an orphan while neither a keeper nor a host held it.
    pub(crate) fn has_ended_unseen(&self, orphans: &Orphans, (.., pid): &Life) -> bool {
        let all = self.all.lock().unwrap();
        all.iter().any(|loss| loss.both.is_some() && orphans.has_ended(*pid, loss))
    }

    /// Whether a life that has done something for the last time at this moment, in milliseconds since 1970, may have ended just
    /// before both were killed: what the host had not read or copied to a disk then, nobody knows.
    pub(crate) fn was_just_before(&self, last: i64) -> bool {
        let behind = self.before_both(last);
        self.behind.fetch_max(behind.unwrap_or(0), Ordering::Relaxed);
        behind.is_some()
    }

    /// Whether what a host has decided or answered at this moment, in milliseconds since 1970, may be unknown to the next one: both
    /// were killed just after it, and it was not yet in the copy on the disk.
    pub(crate) fn may_be_forgotten(&self, at: i64) -> bool {
        self.before_both(at).is_some()
    }

    /// Returns how long after this moment both were killed next, in milliseconds, if that is not [too long](BEHIND_MS).
    fn before_both(&self, at: i64) -> Option<i64> {
        let all = self.all.lock().unwrap();
        let behind = |(killed, up): (i64, i64)| (at <= up).then(|| (killed - at).max(0));
        let least = all.iter().filter_map(|loss| loss.both).filter_map(behind).min();
        least.filter(|behind| *behind <= BEHIND_MS)
    }

    /// Returns the longest time that [`was_just_before`](Self::was_just_before) has found, in milliseconds.
    pub(crate) fn behind(&self) -> i64 {
        self.behind.load(Ordering::Relaxed)
    }
}
