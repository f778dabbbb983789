//! Processes come and go: the order in which an addition and a removal are published.
//!
//! Both are commits like any other: the change is recorded first, and `latest` is advanced last. In between, whatever a
//! reader can find lets it find the rest: a new process has its name before its state, because the reader of the state
//! may advance `latest` and take a snapshot; a removed one loses its state before its name, and a reader that finds the
//! name until then finds no state. What is kept behind locks changes before the cell.

use std::sync::Arc;

use super::super::cell::Cell;
use super::super::changes::{Change, ChangeKind};
use super::super::commit::{NameTaken, NotRemoved};
use super::super::meter::Meters;
use super::super::removals::Removals;
use super::super::routing::Side;
use super::super::snapshot::Snapshot;
use super::super::table::Table;
use super::Core;
use crate::process::{Epoch, Generation, Identity, Moment, PhaseKind, ProcessId, ProcessState};
use crate::sync::Retired;

impl Core {
    pub(crate) fn add(
        &self,
        identity: Identity,
        reason: Option<Arc<str>>,
        now: Moment,
    ) -> Result<Arc<ProcessState>, NameTaken> {
        let mut writing = self.writer();
        if self.names.find(&identity.name).is_some() {
            return Err(NameTaken(identity.name));
        }
        let generation = writing.generation.next();
        let (slot, cell) = self.names.vacancy(writing.vacant.pop());
        let id = ProcessId::new(slot, Epoch::of(generation));
        let mut state = ProcessState::new(id, Arc::new(identity), now);
        state.generation = generation;
        if let Some(reason) = reason {
            state.reason = reason;
        }
        let state = Arc::new(state);
        self.changes
            .record(&mut writing.recorder, Change::new(ChangeKind::Added, PhaseKind::Stopped, state.clone()));
        cell.furnish(&state);
        let routing = self.routing();
        let side = routing.side(state.name());
        // The name and the locks before the cell: a reader that finds the state there may advance `latest`, and a snapshot
        // of that generation, which `dual` takes behind the locks, finds the process by its name.
        self.names.add(state.name(), slot);
        cell.let_to(id);
        if side != Side::Atomic {
            self.locked.add(state.clone(), Self::truth(routing));
        }
        let here = if side == Side::Locked { self.names.elsewhere.clone() } else { state.clone() };
        cell.state.store(here, &mut writing.retired);
        self.published(&mut writing, routing, &state);
        Ok(state)
    }

    /// Creates a registry with the processes of another one, under new ids, in which the next commit is the one after
    /// `generation`.
    pub(crate) fn restored<'a>(
        meters: Meters,
        generation: Generation,
        at: Moment,
        states: impl IntoIterator<Item = &'a ProcessState>,
    ) -> Result<Self, NameTaken> {
        let core = Self::new(meters, generation, at);
        let (mut table, mut retired) = (Table::default(), Retired::default());
        for state in states {
            if core.names.find(state.name()).is_some() {
                return Err(NameTaken(state.name().clone()));
            }
            let (slot, cell) = core.names.vacancy(None);
            let id = ProcessId::new(slot, Epoch::of(generation));
            let state = Arc::new(ProcessState { id, ..state.clone() });
            cell.furnish(&state);
            core.names.add(state.name(), slot);
            cell.let_to(id);
            cell.state.store(state.clone(), &mut retired);
            table.put(id.index(), Some(state));
        }
        core.root.replace(Snapshot::new(
            generation,
            at,
            table,
            Removals::from(generation),
            core.names.clone(),
        ));
        Ok(core)
    }

    pub(crate) fn remove(&self, id: ProcessId, now: Moment) -> Result<Arc<ProcessState>, NotRemoved> {
        let mut writing = self.writer();
        let cell = self.names.place(id).ok_or(NotRemoved::Unknown(id))?;
        let current = self.kept(cell, id).ok_or(NotRemoved::Unknown(id))?;
        if !current.is_at_rest() {
            let (name, phase) = (current.name().clone(), current.phase.kind());
            return Err(NotRemoved::NotAtRest { name, phase });
        }
        let generation = writing.generation.next();
        let last = ProcessState {
            version: current.version.next(),
            generation,
            changed_at: now,
            ..(*current).clone()
        };
        let last = Arc::new(last);
        self.changes
            .record(&mut writing.recorder, Change::new(ChangeKind::Removed, last.phase.kind(), last.clone()));
        let vacant = self.names.announce_removal(generation);
        // The locks before the cell, for the same reason. A reader that finds nothing behind them waits for the cell to say
        // whether the process was removed.
        let routing = self.routing();
        if routing.whole() != Some(Side::Atomic) {
            self.locked.remove(&last, Self::truth(routing));
        }
        cell.state.store(vacant, &mut writing.retired);
        self.published(&mut writing, routing, &last);
        // After `latest`: a reader that misses the name takes no snapshot in which it is.
        cell.vacate(generation);
        self.names.remove(last.name(), id.slot());
        writing.vacant.push(id.slot());
        Ok(last)
    }

    /// Returns the state of `id`, wherever it is kept, for a writer.
    fn kept(&self, cell: &Cell, id: ProcessId) -> Option<Arc<ProcessState>> {
        let here = cell.state.load();
        match here.id.epoch() {
            Epoch::ELSEWHERE => self.locked.get(id),
            _ => Some(here).filter(|state| state.id == id),
        }
    }
}
