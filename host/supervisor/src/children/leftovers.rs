//! What of the processes is still there although it should not be: descendants that were left alone or could not be
//! ended, and children that outlived a SIGKILL. `status` and `down` name them.

use std::sync::Arc;

use parking_lot::Mutex;

use super::family::{is_stuck, lives};

/// The most entries: beyond them they are only logged.
const LISTED_MAX: usize = 1_000;

/// An operating-system process that is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// Whose it is, as far as that is known.
    pub process: Option<Arc<str>>,
    /// Its process id.
    pub pid: u32,
    /// Why it is still there, in words for people.
    pub reason: Arc<str>,
}

/// The list of them. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leftovers(Arc<Mutex<Vec<Leftover>>>);

impl Leftovers {
    /// Enters one. An entry of the same process id is replaced.
    pub(super) fn add(&self, leftover: Leftover) {
        let mut all = self.0.lock();
        all.retain(|known| known.pid != leftover.pid);
        if all.len() < LISTED_MAX {
            all.push(leftover);
        }
    }

    /// Enters a child that is still there although it was sent SIGKILL.
    pub(crate) fn add_stuck(&self, process: Arc<str>, pid: u32) {
        let why = if is_stuck(pid) {
            "it waits for a disk or a driver, which SIGKILL does not end"
        } else {
            "it did not end within 5 s of SIGKILL"
        };
        self.add(Leftover { process: Some(process), pid, reason: Arc::from(why) });
    }

    /// Whether there is an entry of this process id.
    pub(super) fn has(&self, pid: u32) -> bool {
        self.0.lock().iter().any(|left| left.pid == pid)
    }

    /// All that were left and are still there.
    pub(crate) fn list(&self) -> Vec<Leftover> {
        let mut all = self.0.lock();
        all.retain(|left| lives(left.pid));
        all.clone()
    }
}
