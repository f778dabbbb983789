//! The comparison of both sides, while `dual` is in force. What differs is counted and kept as text; the locked value is
//! served.

use std::fmt::Debug;
use std::sync::Arc;

use super::super::cell::Cell;
use super::super::differences::Difference;
use super::super::root::Moved;
use super::super::snapshot::Snapshot;
use super::Core;
use crate::process::{ProcessId, ProcessState};

/// How often a comparison is repeated when a commit came between its two reads.
const TRIES: usize = 8;

impl Core {
    pub(super) fn compared_state(&self, cell: &Cell, id: ProcessId) -> Option<Arc<ProcessState>> {
        let mut locked = self.locked.get(id);
        for _ in 0..TRIES {
            let atomic = Some(cell.state.load()).filter(|state| state.id == id);
            let version = |state: &Option<Arc<ProcessState>>| state.as_ref().map(|state| state.version);
            if version(&atomic) == version(&locked) {
                if atomic != locked {
                    self.differ("a state", &atomic, &locked);
                }
                return locked;
            }
            locked = self.locked.get(id);
        }
        // Every try met a commit that had reached only one side: this read is not compared.
        locked
    }

    pub(super) fn compared_snapshot(&self) -> Result<Arc<Snapshot>, Moved> {
        let mut locked = self.locked.snapshot()?;
        for _ in 0..TRIES {
            self.seen(locked.generation);
            let atomic = self.root.at_least(locked.generation, &self.changes)?;
            if atomic.generation == locked.generation {
                let pairs = atomic.table.iter().zip(locked.table.iter());
                for (atomic, locked) in pairs.filter(|(atomic, locked)| atomic != locked) {
                    self.differ("a snapshot", atomic, locked);
                }
                break;
            }
            locked = self.locked.snapshot()?;
        }
        Ok(Arc::new(locked))
    }

    pub(super) fn differ(&self, of: &str, atomic: &impl Debug, locked: &impl Debug) {
        self.meters.difference();
        self.differences.keep(of, atomic, locked);
    }

    /// Takes the differences that were not taken before, newest first.
    pub(crate) fn take_differences(&self) -> Vec<Difference> {
        self.differences.take()
    }
}
