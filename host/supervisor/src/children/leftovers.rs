//! Operating-system processes that are still there although they should not be: descendants that were left alone or
//! could not be ended, and children that outlived a SIGKILL. `status` and `down` name them.

use std::sync::Arc;

use parking_lot::Mutex;

use super::family::{is_stuck, lives};

/// The maximum number of entries; further ones are only logged.
const LISTED_MAX: usize = 1_000;

/// An operating-system process that was left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// The process that it belongs to, as far as that is known.
    pub process: Option<Arc<str>>,
    /// Its process id.
    pub pid: u32,
    /// Why it is still there, in words for people.
    pub reason: Arc<str>,
}

/// The list of leftovers. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leftovers(Arc<Mutex<Vec<Leftover>>>);

impl Leftovers {
    /// Enters a leftover, and replaces an entry of the same process id.
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

    /// Returns all that were left and are still there.
    pub(crate) fn list(&self) -> Vec<Leftover> {
        let mut all = self.0.lock();
        all.retain(|left| lives(left.pid));
        all.clone()
    }
}
