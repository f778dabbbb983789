//! The records of all segments in order, with the gaps between them. What is damaged or missing becomes a gap, and never an
//! error: what can be read is read.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use provost_files::{FileError, read_open};
use provost_state::Moment;

use super::listing::{Found, SEGMENT_BYTES_MAX, list, open};
use super::walk::{End, Walk};
use crate::format::{Footer, GapSlot, Head, State};
use crate::record::{Entry, Gap, GapReason, Record};

/// What to read.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Only records at or after this time by the wall clock, in milliseconds since the Unix epoch.
    pub since_ms: Option<u64>,
    /// Only records before this time.
    pub until_ms: Option<u64>,
    /// Only segments that may have a record about this process, or about a gap.
    pub name: Option<String>,
}

impl Wanted {
    fn has(&self, wall_ms: u64) -> bool {
        self.since_ms.is_none_or(|since| wall_ms >= since)
            && self.until_ms.is_none_or(|until| wall_ms < until)
    }

    /// Whether a segment with this footer may have something.
    fn may_have(&self, footer: &Footer) -> bool {
        let (first, last) = footer.wall_ms;
        self.since_ms.is_none_or(|since| last >= since)
            && self.until_ms.is_none_or(|until| first < until)
            && self.name.as_deref().is_none_or(|name| footer.may_concern(name))
    }
}

/// The journal in a directory, to be read.
#[derive(Clone, Debug)]
pub struct History {
    dir: PathBuf,
}

/// What is known while the segments are read one after the other.
struct Reading<'a> {
    wanted: &'a Wanted,
    /// The number of the next record; `None` before the first segment.
    next_seq: Option<u64>,
    /// A gap that counts unless the next record is about it.
    slot: Option<GapSlot>,
    /// The time of the last record.
    last: Moment,
}

impl History {
    /// Creates a reader of the journal in `dir`, which need not exist.
    #[must_use]
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    /// Returns whether there is anything to read.
    #[must_use]
    pub fn exists(&self) -> bool {
        list(&self.dir).is_ok_and(|segments| !segments.is_empty())
    }

    /// Calls `each` with the wanted records in their order, until it breaks. Gaps are among them: those that were recorded,
    /// those in the reserved place of a segment, and those that are found, whose number is that of the first missing record.
    ///
    /// # Errors
    /// [`FileError`] if the directory or a segment cannot be read; a damaged segment is not an error.
    pub fn read(
        &self,
        wanted: &Wanted,
        mut each: impl FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<(), FileError> {
        let segments =
            list(&self.dir).map_err(|error| FileError { path: self.dir.clone(), problem: error.into() })?;
        let mut reading = Reading { wanted, next_seq: None, slot: None, last: Moment::default() };
        for (at, segment) in segments.iter().enumerate() {
            let is_last = at + 1 == segments.len();
            if reading.segment(segment, is_last, &mut each)?.is_break() {
                return Ok(());
            }
        }
        // Nothing was written after it.
        if let Some(slot) = reading.slot.take() {
            let _ = reading.tell(slot.seq, slot.gap, &mut each);
        }
        Ok(())
    }
}

impl Reading<'_> {
    fn segment(
        &mut self,
        segment: &Found,
        is_last: bool,
        each: &mut impl FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, FileError> {
        let Some((file, footer)) = open(segment)? else { return Ok(ControlFlow::Continue(())) };
        if self.missing_before(segment.first_seq, each).is_break() {
            return Ok(ControlFlow::Break(()));
        }
        if let Some(footer) = footer.as_ref().filter(|footer| !self.wanted.may_have(footer)) {
            self.next_seq = Some(footer.last_seq + 1);
            self.slot = None;
            return Ok(ControlFlow::Continue(()));
        }
        let bytes = read_open(&segment.path, file, SEGMENT_BYTES_MAX)?;
        if Head::of(&bytes).is_err() {
            self.next_seq = None;
            // A host that was killed while it made the segment leaves a part of the head.
            if is_last && segment.state == State::Open {
                return Ok(ControlFlow::Continue(()));
            }
            let told = self.tell(segment.first_seq, self.found_gap(GapReason::Damaged, 0), each);
            return Ok(told);
        }
        let begin = footer.as_ref().zip(self.wanted.since_ms).and_then(|(it, since)| it.begin_at(since));
        let mut walk = match begin.and_then(|(at, seq)| usize::try_from(at).ok().map(|at| (at, seq))) {
            Some((at, seq)) => Walk::from(&bytes, at, seq),
            None => Walk::new(&bytes, segment.first_seq),
        };
        for entry in walk.by_ref() {
            if self.entry(entry, each).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        self.next_seq = Some(walk.next_seq());
        self.slot = GapSlot::of(&bytes).filter(|slot| slot.seq == walk.next_seq());
        // The block at the end of an open segment is being written, or the next host cuts it.
        if matches!(walk.end(), End::Torn(_)) && !(is_last && segment.state == State::Open) {
            let next_seq = walk.next_seq();
            self.next_seq = None;
            return Ok(self.tell(next_seq, self.found_gap(GapReason::Damaged, 0), each));
        }
        Ok(ControlFlow::Continue(()))
    }

    fn entry(&mut self, entry: Entry, each: &mut impl FnMut(Entry) -> ControlFlow<()>) -> ControlFlow<()> {
        if let Some(slot) = self.slot.take() {
            // The record about the gap was written after all, unless the host was killed before that.
            if !(slot.seq == entry.seq && matches!(entry.record, Record::Gap(_))) {
                self.tell(slot.seq, slot.gap, each)?;
            }
        }
        self.last = entry.record.at();
        if self.wanted.has(self.last.wall_ms) { each(entry) } else { ControlFlow::Continue(()) }
    }

    /// Reports the records between the last segment and the one that begins with `first_seq`, if there are any.
    fn missing_before(
        &mut self,
        first_seq: u64,
        each: &mut impl FnMut(Entry) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        match self.next_seq {
            Some(next) if next < first_seq => {
                self.tell(next, self.found_gap(GapReason::Missing, first_seq - next), each)
            }
            _ => ControlFlow::Continue(()),
        }
    }

    fn found_gap(&self, reason: GapReason, count: u64) -> Gap {
        Gap { at: self.last, reason, count }
    }

    fn tell(&self, seq: u64, gap: Gap, each: &mut impl FnMut(Entry) -> ControlFlow<()>) -> ControlFlow<()> {
        let is_wanted = self.wanted.has(gap.at.wall_ms) || gap.at == Moment::default();
        if is_wanted { each(Entry { seq, record: Record::Gap(gap) }) } else { ControlFlow::Continue(()) }
    }
}
