//! What the machine tells the program that takes its place, and how it begins where another one has ended.

use super::outbox::Greeting;
use super::slots::{Slot, Stop};
use super::{Handover, Machine};
use crate::protocol::{HostState, Report};
use crate::table::{HostEntry, Orphans, SlotEntry, Table};

/// What a table says of one slot besides what the world knows.
pub(crate) struct Slotted {
    pub(crate) stop: u8,
    pub(crate) stop_until: u64,
    pub(crate) due: u8,
}

impl Machine {
    /// Whether another program may take the place of this one now: a host is attached that is a child of this process, is
    /// not on trial and was greeted, and nobody is about to end.
    #[must_use]
    pub fn may_be_replaced(&self) -> bool {
        self.host.state() == HostState::Attached
            && self.host.trial.is_none()
            && self.outbox.greeting == Greeting::Over
            && !self.gaps_may_grow
            && self.handover == Handover::None
            && self.ending.is_none()
    }

    /// Returns what is said of the host; the world adds its process and descriptors.
    pub(crate) fn host_entry(&self) -> HostEntry {
        self.host.entry()
    }

    /// Returns the answers that the host has not been sent.
    pub(crate) fn answers_left(&self) -> Vec<(u32, u32, i32, u32)> {
        let all = self.outbox.answers();
        let done = |(seq, report): &(u32, Report)| match report {
            Report::Done { id, errno, pid } => Some((*seq, *id, *errno, *pid)),
            _ => None,
        };
        all.filter_map(done).collect()
    }

    /// Returns the signals and the orphans that the host has not been told of, and whether everything is to end.
    pub(crate) fn news_left(&self) -> (u64, Orphans, bool) {
        (self.outbox.signals(), self.outbox.orphans, self.is_asked_to_end)
    }

    /// Returns what is said of the slot at this place, if it is not free.
    pub(crate) fn slotted(&self, place: usize) -> Option<Slotted> {
        let slot = self.slots.get(place)?;
        let (stop, stop_until) = match slot.stop {
            Stop::Unasked => (0, 0),
            Stop::Asked => (1, 0),
            Stop::Killed(until) => (2, until),
            Stop::GivenUp => (3, 0),
        };
        Some(Slotted { stop, stop_until, due: slot.due })
    }

    /// Returns the keeper that goes on where the one that has written this table has ended. None if there is no memory for it.
    pub(crate) fn resumed(table: &Table) -> Option<Self> {
        let mut machine = Self::new(table.host.is_stubborn);
        machine.version = table.protocol;
        machine.host.resume(&table.host);
        machine.outbox.greeting = Greeting::Over;
        for (seq, id, errno, pid) in &table.answers {
            machine.outbox.answer(*seq, Report::Done { id: *id, errno: *errno, pid: *pid });
        }
        machine.outbox.resume_signals(table.signals);
        machine.outbox.orphans = table.orphans;
        machine.is_asked_to_end = table.is_asked_to_end;
        for entry in &table.slots {
            machine.resume_slot(entry)?;
        }
        Some(machine)
    }

    fn resume_slot(&mut self, entry: &SlotEntry) -> Option<()> {
        let held = &entry.held;
        let place = usize::try_from(entry.place).ok()?;
        let mut slot = Slot::new(entry.id, held.ending);
        (slot.state, slot.pid, slot.started_at) = (held.state, held.pid, held.started_at);
        (slot.end, slot.refusal, slot.kill_at) = (held.end, held.refusal, held.kill_at);
        slot.stop = match entry.stop {
            0 => Stop::Unasked,
            1 => Stop::Asked,
            2 => Stop::Killed(entry.stop_until),
            _ => Stop::GivenUp,
        };
        self.slots.fill_at(place, slot).ok()?;
        for report in [super::slots::SPAWNED, super::slots::REFUSED, super::slots::ENDED] {
            if entry.due & report != 0 {
                self.slots.report(place, report);
            }
        }
        Some(())
    }
}
