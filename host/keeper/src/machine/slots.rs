//! The slots: one for each life of a process that is held. A slot grows the memory at `SPAWN` only, which is refused if there
//! is none; what becomes of the process later needs none.

use std::collections::HashMap;
use std::collections::VecDeque;

use crate::machine::world::RESERVED;
use crate::protocol::{End, Ending, Id, Refusal, SlotState};

/// The report of a slot that the host has not been sent.
pub(super) const SPAWNED: u8 = 1;
/// See [`SPAWNED`].
pub(super) const REFUSED: u8 = 2;
/// See [`SPAWNED`].
pub(super) const ENDED: u8 = 4;

/// How far the keeper itself is in ending a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// It has not asked.
    Unasked,
    /// It has asked; SIGKILL follows at `kill_at`.
    Asked,
    /// It was sent SIGKILL, and is given up at this steady time.
    Killed(u64),
    /// It did not end: it waits for a disk or a driver.
    GivenUp,
}

/// One life of a process.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) id: Id,
    pub(super) state: SlotState,
    pub(super) pid: u32,
    pub(super) started_at: u64,
    pub(super) end: Option<End>,
    pub(super) refusal: Option<Refusal>,
    pub(super) ending: Ending,
    /// When SIGKILL is due after a stop; 0 if no stop is in progress.
    pub(super) kill_at: u64,
    pub(super) stop: Stop,
    /// The reports that the host has not been sent, as bits.
    pub(super) due: u8,
    /// Whether the place is in the queue of those with reports.
    is_queued: bool,
    /// Whether its group was seen to have living members.
    pub(super) is_populated: bool,
}

impl Slot {
    pub(super) fn new(id: Id, ending: Ending) -> Self {
        Self {
            id,
            state: SlotState::Free,
            pid: 0,
            started_at: 0,
            end: None,
            refusal: None,
            ending,
            kill_at: 0,
            stop: Stop::Unasked,
            due: 0,
            is_queued: false,
            is_populated: false,
        }
    }

    /// Changes the state, if there is such an edge; returns whether there is.
    pub(super) fn become_state(&mut self, next: SlotState) -> bool {
        let may = self.state.may_become(next);
        if may {
            self.state = next;
        }
        may
    }

    /// See [`SlotState::has_process`].
    pub(super) fn has_process(&self) -> bool {
        self.state.has_process()
    }

    /// Whether the keeper still has to end it.
    pub(super) fn is_left(&self) -> bool {
        self.has_process() && self.stop != Stop::GivenUp
    }
}

/// All slots.
#[derive(Debug)]
pub(super) struct Slots {
    slots: Vec<Slot>,
    free: Vec<usize>,
    places: HashMap<u32, usize>,
    /// Places with reports, each at most once; it has room for all of them.
    queue: VecDeque<usize>,
}

impl Slots {
    pub(super) fn new() -> Self {
        Self {
            slots: Vec::with_capacity(RESERVED),
            free: Vec::with_capacity(RESERVED),
            // It touches all its memory, so it has less.
            places: HashMap::with_capacity(RESERVED / 4),
            queue: VecDeque::with_capacity(RESERVED),
        }
    }

    /// Makes room for one more slot; returns the place that it will get.
    ///
    /// # Errors
    /// There is no memory.
    pub(super) fn reserve(&mut self) -> Result<usize, std::collections::TryReserveError> {
        if let Some(place) = self.free.last() {
            return Ok(*place);
        }
        self.make_room()?;
        Ok(self.slots.len())
    }

    /// Makes room for one more place, also where each place is entered when it is free or has a report.
    fn make_room(&mut self) -> Result<(), std::collections::TryReserveError> {
        let more = self.slots.len() + 1;
        self.slots.try_reserve(1)?;
        self.places.try_reserve(1)?;
        self.free.try_reserve(more.saturating_sub(self.free.len()))?;
        self.queue.try_reserve(more.saturating_sub(self.queue.len()))
    }

    /// Fills the place that [`reserve`](Self::reserve) has returned.
    pub(super) fn fill(&mut self, slot: Slot) {
        let id = slot.id.0;
        let place = match self.free.pop() {
            Some(place) => {
                if let Some(old) = self.slots.get_mut(place) {
                    let is_queued = old.is_queued;
                    *old = Slot { is_queued, ..slot };
                }
                place
            }
            None => {
                self.slots.push(slot);
                self.slots.len() - 1
            }
        };
        self.places.insert(id, place);
    }

    /// Fills this place, and makes the places before it that are not there yet, which are free. The places come in order.
    ///
    /// # Errors
    /// There is no memory.
    pub(super) fn fill_at(
        &mut self,
        place: usize,
        slot: Slot,
    ) -> Result<(), std::collections::TryReserveError> {
        while self.slots.len() < place {
            let next = self.slots.len();
            self.make_room()?;
            self.slots.push(Slot::new(Id(0), slot.ending));
            self.free.push(next);
        }
        self.make_room()?;
        self.places.insert(slot.id.0, place);
        self.slots.push(slot);
        Ok(())
    }

    /// Frees a place.
    pub(super) fn free(&mut self, place: usize) {
        let Some(slot) = self.slots.get_mut(place) else { return };
        if slot.become_state(SlotState::Free) {
            slot.due = 0;
            self.places.remove(&slot.id.0);
            self.free.push(place);
        }
    }

    /// Returns the place of the slot that is held under this id.
    pub(super) fn place(&self, id: Id) -> Option<usize> {
        self.places.get(&id.0).copied()
    }

    pub(super) fn get(&self, place: usize) -> Option<&Slot> {
        self.slots.get(place).filter(|slot| slot.state != SlotState::Free)
    }

    pub(super) fn get_mut(&mut self, place: usize) -> Option<&mut Slot> {
        self.slots.get_mut(place).filter(|slot| slot.state != SlotState::Free)
    }

    /// Returns all slots that are not free, with their places.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &Slot)> {
        self.slots.iter().enumerate().filter(|(_, slot)| slot.state != SlotState::Free)
    }

    /// Returns all slots that are not free, to be changed.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (usize, &mut Slot)> {
        self.slots.iter_mut().enumerate().filter(|(_, slot)| slot.state != SlotState::Free)
    }

    /// Returns the number of places, free ones included.
    pub(super) fn places(&self) -> usize {
        self.slots.len()
    }

    /// Returns how many are not free.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Marks a report of a slot as not yet sent.
    pub(super) fn report(&mut self, place: usize, report: u8) {
        let Some(slot) = self.slots.get_mut(place) else { return };
        slot.due |= report;
        if !slot.is_queued {
            slot.is_queued = true;
            self.queue.push_back(place);
        }
    }

    /// Returns the first place with a report that is due, and which.
    pub(super) fn next_report(&mut self) -> Option<(usize, u8)> {
        while let Some(place) = self.queue.front().copied() {
            let slot = self.slots.get_mut(place)?;
            // In the order in which they happened.
            if let Some(report) = [SPAWNED, REFUSED, ENDED].into_iter().find(|one| slot.due & one != 0) {
                return Some((place, report));
            }
            slot.is_queued = false;
            self.queue.pop_front();
        }
        None
    }

    /// Marks a report as sent.
    pub(super) fn reported(&mut self, place: usize, report: u8) {
        if let Some(slot) = self.slots.get_mut(place) {
            slot.due &= !report;
        }
    }
}
