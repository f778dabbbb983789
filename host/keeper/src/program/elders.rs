//! The children that are those of the main thread although they are no orphans. A program that takes the place of another has one
//! thread at first, which gets all its children. The kernel gives orphans to the same thread, so the two are told apart by this
//! list. Children that are started later are those of the loop.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;
use rustix::process::{Pid, WaitOptions, waitpid};

/// The process ids of these children that are not reaped. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Elders(Arc<Mutex<BTreeSet<u32>>>);

impl Elders {
    /// Returns the children of these process ids.
    pub(super) fn of(pids: impl Iterator<Item = u32>) -> Self {
        Self(Arc::new(Mutex::new(pids.collect())))
    }

    /// Returns the list. As long as it is held, none of them is reaped.
    pub(super) fn list(&self) -> MutexGuard<'_, BTreeSet<u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reaps a child that has ended, of either thread. Its number may be that of an orphan from then on.
    pub(super) fn reap(&self, pid: u32) {
        let mut list = self.list();
        let _ = pid_of(pid).and_then(|pid| waitpid(Some(pid), WaitOptions::NOHANG));
        list.remove(&pid);
    }
}

/// Returns a process id as the system calls take it.
pub(super) fn pid_of(pid: u32) -> Result<Pid, Errno> {
    i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(Errno::SRCH)
}
