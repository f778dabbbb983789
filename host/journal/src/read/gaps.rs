//! The gaps that are found while segments are read one after the other: those in the reserved places of segments, those between
//! segments, and what is damaged. Each is reported as an entry whose number is that of the first missing record.

use provost_state::Moment;

use super::walk::{End, Walk};
use crate::format::GapSlot;
use crate::record::{Entry, Gap, GapReason, Record};

/// What is known of the gaps so far.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    /// The number of the next record; `None` before the first segment, and after a damaged one.
    next_seq: Option<u64>,
    /// A gap that counts unless the next record is about it.
    slot: Option<GapSlot>,
    /// The time of the last record.
    last: Moment,
}

impl Gaps {
    /// Returns the gap before a segment that begins with this record.
    pub(super) fn before(&self, first_seq: u64) -> Option<Entry> {
        let next = self.next_seq.filter(|next| *next < first_seq)?;
        Some(self.found(next, GapReason::Missing, first_seq - next))
    }

    /// Notes a segment that is not read, and whose last record is before this one.
    pub(super) fn pass_to(&mut self, next_seq: u64) {
        self.next_seq = Some(next_seq);
        self.slot = None;
    }

    /// Notes a segment without a head, and returns the gap. A host that was killed while it made the segment leaves a part of
    /// the head, which is no gap.
    pub(super) fn headless(&mut self, first_seq: u64, may_be_unfinished: bool) -> Option<Entry> {
        self.next_seq = None;
        (!may_be_unfinished).then(|| self.found(first_seq, GapReason::Damaged, 0))
    }

    /// Notes a record, and returns the gap before it.
    pub(super) fn before_record(&mut self, entry: &Entry) -> Option<Entry> {
        // The record about the gap was written after all, unless the host was killed before that.
        let is_about_it = |slot: &GapSlot| slot.seq == entry.seq && matches!(entry.record, Record::Gap(_));
        let gap = self.slot.take().filter(|slot| !is_about_it(slot)).map(told);
        self.last = entry.record.at();
        gap
    }

    /// Notes the end of the walk over a segment with these bytes, and returns the gap at its end. The block at the end of a
    /// segment that may be unfinished is being written, or the next host cuts it.
    pub(super) fn after(&mut self, bytes: &[u8], walk: &Walk<'_>, may_be_unfinished: bool) -> Option<Entry> {
        let next_seq = walk.next_seq();
        self.slot = GapSlot::of(bytes).filter(|slot| slot.seq == next_seq);
        let is_damaged = matches!(walk.end(), End::Torn(_)) && !may_be_unfinished;
        self.next_seq = (!is_damaged).then_some(next_seq);
        is_damaged.then(|| self.found(next_seq, GapReason::Damaged, 0))
    }

    /// Returns the gap after everything that was read.
    pub(super) fn at_the_end(self) -> Option<Entry> {
        self.slot.map(told)
    }

    fn found(&self, seq: u64, reason: GapReason, count: u64) -> Entry {
        Entry { seq, record: Record::Gap(Gap { at: self.last, reason, count }) }
    }
}

fn told(slot: GapSlot) -> Entry {
    Entry { seq: slot.seq, record: Record::Gap(slot.gap) }
}
