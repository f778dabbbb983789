//! What of the processes is still there although it should not be: descendants that were left alone or could not be
//! ended, and children that outlived a SIGKILL. `status` and `down` name them.

use std::sync::{Arc, Mutex, PoisonError};

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
    /// All that were left and are still there.
    pub(crate) fn list(&self) -> Vec<Leftover> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|left| is_there(left.pid));
        all.clone()
    }
}

/// Whether there is such a process that is no zombie.
fn is_there(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.trim_start().starts_with(['Z', 'X']) && !rest.is_empty())
}
