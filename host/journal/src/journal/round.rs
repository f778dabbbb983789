//! One round of the thread: the commits since the last one and the notes, in one order.
//!
//! A note belongs after the last commit of its moment. It comes into the queue before what follows from it is committed, so
//! once the commits up to a generation are read, the queue has every note that belongs before the last of them.

use std::collections::VecDeque;

use provost_state::changes::Page;
use provost_state::{
    Change, ChangeKind, EventKind, Generation, Moment, Note, Noted, PluginNote, Reader, Snapshot,
};

use super::shared::{NOTES_MAX, Shared};
use crate::format::Flags;
use crate::record::{Commit, Gap, GapReason, Record};
use crate::write::{Failed, Writer};

/// The most commits that are read at once.
const PAGE: usize = 1_024;

/// How far the journal has come.
#[derive(Debug, Default)]
pub(super) struct Course {
    /// The last commit that was read.
    cursor: Generation,
    /// Notes that belong after it, in their order.
    held: VecDeque<Note>,
}

/// What a round has done.
#[derive(Debug)]
pub(super) struct Done {
    /// Whether there is more.
    pub(super) has_more: bool,
    /// Whether something was among it that is synced at once if decisions are.
    pub(super) is_grave: bool,
    pub(super) result: Result<(), Failed>,
}

impl Course {
    /// Writes the commits since the last round and the notes that belong to them.
    pub(super) fn round(
        &mut self,
        reader: &Reader,
        shared: &Shared,
        writer: &mut Writer,
        now: Moment,
    ) -> Done {
        if writer.is_due(now) || writer.needs_checkpoint() {
            return self.checkpoint(reader, shared, writer, now);
        }
        let page = reader.changes_since(self.cursor, PAGE);
        let (records, is_grave) = self.records(page, shared, writer, now);
        // What was lost is told also if nothing else happens.
        let result = match records.is_empty() && !writer.has_gap() {
            true => Ok(()),
            false => writer.append(&records, Flags::default(), now),
        };
        let has_more = reader.latest() > self.cursor || writer.needs_checkpoint();
        Done { has_more, is_grave, result }
    }

    /// Writes everything up to a snapshot and then the snapshot, in another segment if the present one is complete.
    fn checkpoint(&mut self, reader: &Reader, shared: &Shared, writer: &mut Writer, now: Moment) -> Done {
        let (is_due, world) = (writer.is_due(now), reader.snapshot());
        let mut done = Done { has_more: true, is_grave: false, result: Ok(()) };
        while self.cursor < world.generation() {
            let page = reader.changes_until(self.cursor, &world, PAGE);
            let (records, is_grave) = self.records(page, shared, writer, now);
            done.is_grave |= is_grave;
            done.result = done.result.and(writer.append(&records, Flags::default(), now));
        }
        if is_due {
            done.result = done.result.and(writer.rotate(now));
        }
        if done.result.is_ok() {
            done.result = writer.append_checkpoint(&standing(&world, shared.plugins(), now), now);
        }
        done.has_more = reader.latest() > self.cursor;
        done
    }

    /// Returns the records of a page and of the notes that belong to it, in their order.
    fn records(
        &mut self,
        page: Page,
        shared: &Shared,
        writer: &mut Writer,
        now: Moment,
    ) -> (Vec<Record>, bool) {
        let mut records = Vec::with_capacity(page.changes.len());
        if page.missed > 0 {
            records.push(Record::Gap(Gap { at: now, reason: GapReason::Lapped, count: page.missed }));
            writer.demand_checkpoint();
        }
        self.cursor = page.cursor;
        if self.held.len() < NOTES_MAX {
            let (notes, dropped) = shared.take();
            self.held.extend(notes);
            self.held.make_contiguous().sort_by_key(|note| note.after);
            if dropped > 0 {
                records.push(Record::Gap(Gap { at: now, reason: GapReason::QueueFull, count: dropped }));
            }
        }
        let mut is_grave = false;
        for change in page.changes {
            self.notes_before(change.generation, &mut records, &mut is_grave);
            is_grave |= change.kind == ChangeKind::Event(EventKind::Exited);
            records.push(commit(change));
        }
        self.notes_before(self.cursor.next(), &mut records, &mut is_grave);
        (records, is_grave)
    }

    fn notes_before(&mut self, generation: Generation, into: &mut Vec<Record>, is_grave: &mut bool) {
        while let Some(note) = self.held.pop_front_if(|note| note.after < generation) {
            *is_grave |= matches!(note.what, Noted::Decision(_));
            into.push(Record::Note(note));
        }
    }
}

fn commit(Change { kind, from, state, .. }: Change) -> Record {
    Record::Commit(Commit { kind, from, state })
}

/// Returns the records of a checkpoint.
fn standing(world: &Snapshot, plugins: Vec<PluginNote>, now: Moment) -> Vec<Record> {
    let processes = u32::try_from(world.len()).unwrap_or(u32::MAX);
    let begin = Record::Checkpoint { at: world.taken_at(), generation: world.generation(), processes };
    let states = world.iter().map(|state| Record::Standing(state.clone()));
    let plugins = plugins.into_iter().map(|plugin| Record::InForce { at: now, plugin });
    std::iter::once(begin).chain(states).chain(plugins).collect()
}
