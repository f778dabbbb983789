//! When nobody held the processes, and which of them have ended then: what was known of those alone may be lost.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use provost_tests::bench::clock::now_ns;

use crate::lines::Life;

/// How long the last lines of a life that has ended may wait in its pipe, in nanoseconds.
const UNREAD_NS: u64 = 1_000_000_000;

/// A time in which a keeper was lost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loss {
    /// The moment before the kill, in nanoseconds of the monotonic clock.
    pub(crate) from: u64,
    /// The moment after another host has answered.
    pub(crate) to: u64,
    /// When `provost up` was run, in milliseconds since 1970, if the host was killed as well.
    pub(crate) up_at: Option<i64>,
}

/// All of them, in their order.
#[derive(Debug, Default)]
pub(crate) struct Losses(Mutex<Vec<Loss>>);

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
        self.0.lock().unwrap().push(loss);
    }

    /// Returns when `provost up` was run last before this time, in milliseconds since 1970.
    pub(crate) fn last_up(&self, before: i64) -> Option<i64> {
        let ups = self.0.lock().unwrap();
        ups.iter().filter_map(|loss| loss.up_at).take_while(|at| *at <= before).last()
    }

    /// Whether a host was killed together with its keeper.
    pub(crate) fn have_both(&self) -> bool {
        self.0.lock().unwrap().iter().any(|loss| loss.up_at.is_some())
    }

    /// Whether this life has ended as an orphan while its keeper was lost.
    pub(crate) fn has_ended_orphaned(&self, orphans: &Orphans, (.., pid): &Life) -> bool {
        self.0.lock().unwrap().iter().any(|loss| orphans.has_ended(*pid, loss))
    }

    /// Whether this life has ended as an orphan while neither a keeper nor a host held it.
    pub(crate) fn has_ended_unseen(&self, orphans: &Orphans, (.., pid): &Life) -> bool {
        let losses = self.0.lock().unwrap();
        losses.iter().any(|loss| loss.up_at.is_some() && orphans.has_ended(*pid, loss))
    }

    /// Whether a life that has ended at this time may have left lines that nobody had read as both were killed.
    pub(crate) fn was_just_before(&self, ended: u64) -> bool {
        let losses = self.0.lock().unwrap();
        losses.iter().any(|loss| loss.up_at.is_some() && (loss.from - UNREAD_NS..loss.from).contains(&ended))
    }
}
