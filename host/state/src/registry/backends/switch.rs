//! The change of the backend at run time.
//!
//! It is done under the writers' mutex: first the new side is brought up to date, then the word is changed, then the old
//! side drops the states it no longer serves. No commit is lost, because none is in progress. A reader that saw the old
//! word finds one of two things on the old side: either the states at the moment of the change, which are never older
//! than what it had seen before, because its read began before the change; or that everything has moved. Then it reads
//! again, and the new word is visible by then. The cell of a process knows on every backend whether the process is still
//! there: only a cell may say that it was removed.

use std::sync::Arc;

use super::super::routing::{Routing, Side};
use super::super::snapshot::Snapshot;
use super::{Core, Writing};
use crate::process::{ProcessId, ProcessState};

impl Core {
    /// Changes the backend at run time and returns the previous routing.
    pub(crate) fn reroute(&self, routing: Routing) -> Routing {
        let mut writing = self.writer();
        let before = self.routing();
        // No other writer is active: each process has its latest state where it is kept.
        let world = match before.whole() {
            Some(Side::Locked | Side::Both) => self.locked.snapshot().map(Arc::new),
            Some(Side::Atomic) | None => self.root.at_least(writing.generation, &self.changes),
        };
        // Each side that is in force has all of its states.
        let Ok(world) = world else { return before };
        let whole = routing.whole();
        if whole != Some(Side::Atomic) {
            self.locked.put_all(&world, Self::truth(routing));
        }
        for state in world.iter().filter(|state| routing.side(state.name()) != Side::Locked) {
            self.put_in_cell(&mut writing, state.id, state.clone());
        }
        let (removals, names) = (world.removals.clone(), self.names.clone());
        let root = Snapshot::new(writing.generation, writing.at, world.table.clone(), removals, names);
        self.root.replace(root);
        writing.rolled = writing.generation;
        self.routing.store(routing);
        // Only now: a reader that came with the old word and finds nothing must see the new word.
        for state in world.iter().filter(|state| routing.side(state.name()) == Side::Locked) {
            self.put_in_cell(&mut writing, state.id, self.names.elsewhere.clone());
        }
        match whole {
            Some(Side::Atomic) => self.locked.clear(),
            Some(Side::Locked) => self.root.replace(Snapshot::elsewhere()),
            Some(Side::Both) | None => {}
        }
        before
    }

    pub(super) fn put_in_cell(&self, writing: &mut Writing, id: ProcessId, state: Arc<ProcessState>) {
        if let Some(cell) = self.names.place(id) {
            cell.state.store(state, &mut writing.retired);
        }
    }
}
