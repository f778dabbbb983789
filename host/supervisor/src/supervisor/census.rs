//! What a supervisor holds of its processes, for tests that look for leaks.

use super::handle::Supervisor;

/// The numbers of what is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Census {
    /// Mailboxes.
    pub mailboxes: usize,
    /// Specs in the order of starting.
    pub specs: usize,
    /// Logs.
    pub logs: usize,
    /// Groups with members, each with a task.
    pub groups: usize,
    /// Replica sets, each with a task.
    pub sets: usize,
    /// Tasks of the runtime.
    pub tasks: usize,
}

impl Supervisor {
    /// Counts what is held at the moment.
    #[must_use]
    pub fn census(&self) -> Census {
        Census {
            mailboxes: self.roster.len(),
            specs: self.shared.lineup.len(),
            logs: self.logs().len(),
            groups: self.shared.groups.len(),
            sets: self.sets.all().len(),
            tasks: self.shared.runtime.metrics().num_alive_tasks(),
        }
    }
}
