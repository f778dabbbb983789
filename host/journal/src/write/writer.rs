//! The segments one after the other. Nothing that the disk does is an error of the caller: what cannot be written is counted as
//! a gap, which is told as soon as there is room again.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

use provost_state::Moment;

use super::bounds::{Bounds, Life, SEGMENT_AGE_NS};
use super::recovery::recover;
use super::retention::retain;
use super::segment::Segment;
use crate::format::{BLOCK_BYTES_MAX, Flags, GapSlot, Head, begin, finish};
use crate::record::{Gap, GapReason, Record, encode};

/// The size at which a block is complete.
const BLOCK_BYTES: usize = 256 << 10;

/// The most bytes of one record with its frame.
const RECORD_BYTES_MAX: usize = BLOCK_BYTES_MAX / 2;

/// The bytes of a MiB.
const MIB: u64 = 1 << 20;

/// How long a disk that has refused a write is left alone, in nanoseconds.
const PAUSE_NS: u64 = 1_000_000_000;

/// Why something was not written, in words for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Failed(String);

impl Failed {
    pub(crate) fn new(dir: &Path, error: &io::Error) -> Self {
        Self(format!("{}: {error}", dir.display()))
    }
}

/// Writes the journal in a directory.
#[derive(Debug)]
pub(crate) struct Writer {
    dir: PathBuf,
    bounds: Bounds,
    life: Life,
    /// `None` before the first record, and after a failure.
    segment: Option<Segment>,
    next_seq: u64,
    /// What was lost and is not told yet.
    gap: Option<Gap>,
    /// When the disk may be tried again, on the monotonic clock, and why it is left alone until then.
    retry_ns: u64,
    refused: Option<Failed>,
    /// The number of records that are written and not synced.
    unsynced: u64,
    /// When the first of them was written, on the monotonic clock.
    unsynced_ns: u64,
    /// Whether the states of all processes have to be written before the commits can be understood.
    needs_checkpoint: bool,
    /// The number of records that are being written: a panic loses them.
    in_hand: u64,
    /// The free room on the disk in MiB, rounded up, if it is less than a segment needs.
    nearly_full_mib: Option<u64>,
    block: Vec<u8>,
    scratch: Vec<u8>,
    /// The number of records that were written, and of their bytes, since they were last asked for.
    written: (u64, u64),
}

impl Writer {
    /// Completes what a killed host, or a former writer of this one, has left in `dir`, and begins after its last record, with
    /// what that writer has lost.
    pub(crate) fn open(
        dir: PathBuf,
        bounds: Bounds,
        life: Life,
        lost: Option<Gap>,
        now: Moment,
    ) -> io::Result<Self> {
        fail::fail_point!("journal.open", |_| Err(io::Error::other("injected")));
        let recovered = recover(&dir)?;
        retain(&dir, &bounds, now.wall_ms);
        let torn = Gap { at: now, reason: GapReason::Torn, count: 0 };
        Ok(Self {
            dir,
            bounds,
            life,
            segment: None,
            next_seq: recovered.next_seq,
            gap: lost.or(recovered.is_torn.then_some(torn)),
            retry_ns: 0,
            refused: None,
            unsynced: 0,
            unsynced_ns: 0,
            needs_checkpoint: lost.is_some(),
            in_hand: 0,
            nearly_full_mib: None,
            block: Vec::new(),
            scratch: Vec::new(),
            written: (0, 0),
        })
    }

    /// Returns what is lost with this writer after a panic: what it had not told yet, and what it was writing. `unknown` is the
    /// gap if neither is known.
    pub(crate) fn lost_with_it(self, unknown: Gap) -> Gap {
        let gap = self.gap.unwrap_or(unknown);
        Gap { count: gap.count.saturating_add(self.in_hand), ..gap }
    }

    /// Returns the number of records that were written since the last call, and of their bytes.
    pub(crate) fn take_written(&mut self) -> (u64, u64) {
        std::mem::take(&mut self.written)
    }

    /// Returns the free room on the disk in MiB, rounded up, if it is less than a segment needs.
    pub(crate) fn nearly_full_mib(&self) -> Option<u64> {
        self.nearly_full_mib
    }

    /// Looks how much room there is for the segment.
    pub(crate) fn look_for_room(&mut self) {
        let Some(segment) = &self.segment else { return };
        let low = segment.room().filter(|free| *free < self.bounds.segment_bytes());
        self.nearly_full_mib = low.map(|free| free / MIB + 1);
    }

    /// Whether the segment is complete, so that the next one should begin with a checkpoint.
    pub(crate) fn is_due(&self, now: Moment) -> bool {
        self.segment.as_ref().is_some_and(|segment| {
            segment.length() >= self.bounds.segment_bytes()
                || now.mono_ns.saturating_sub(segment.begun_ns) >= SEGMENT_AGE_NS
        })
    }

    /// Whether a checkpoint has to be written, because commits were lost.
    pub(crate) fn needs_checkpoint(&self) -> bool {
        self.needs_checkpoint && self.gap.is_none()
    }

    /// Writes the states of all processes.
    pub(crate) fn append_checkpoint(&mut self, records: &[Record], now: Moment) -> Result<(), Failed> {
        self.append(records, Flags::CHECKPOINT, now)?;
        self.needs_checkpoint = false;
        Ok(())
    }

    /// Notes that commits were lost before they came here.
    pub(crate) fn demand_checkpoint(&mut self) {
        self.needs_checkpoint = true;
    }

    /// Whether something was lost and is not told yet.
    pub(crate) fn has_gap(&self) -> bool {
        self.gap.is_some()
    }

    /// Returns how many nanoseconds are left until what is written has to be synced; `None` if nothing is.
    pub(crate) fn sync_due_ns(&self, now: Moment) -> Option<u64> {
        let longest = u64::try_from(self.bounds.sync.longest().as_nanos()).unwrap_or(u64::MAX);
        let due = self.unsynced_ns.saturating_add(longest);
        (self.unsynced > 0).then(|| due.saturating_sub(now.mono_ns))
    }

    /// Completes the segment. The next record begins another one.
    pub(crate) fn rotate(&mut self, now: Moment) -> Result<(), Failed> {
        let Some(segment) = self.segment.take() else { return Ok(()) };
        let sealed = segment.seal();
        retain(&self.dir, &self.bounds, now.wall_ms);
        match sealed {
            Ok(()) => {
                self.unsynced = 0;
                Ok(())
            }
            Err(error) => {
                // The next host completes it.
                let unsynced = std::mem::take(&mut self.unsynced);
                Err(self.lose(unsynced, reason(&error, GapReason::NotSynced), now, &error))
            }
        }
    }

    /// Appends records, and before them what was lost.
    pub(crate) fn append(&mut self, records: &[Record], flags: Flags, now: Moment) -> Result<(), Failed> {
        let lost = u64::try_from(records.len()).unwrap_or(u64::MAX);
        if let Some(refused) = self.refused.clone().filter(|_| now.mono_ns < self.retry_ns) {
            let reason = self.gap.map_or(GapReason::NotWritten, |gap| gap.reason);
            self.note_lost(lost, reason, now);
            return Err(refused);
        }
        self.refused = None;
        self.in_hand = lost;
        if self.segment.is_none()
            && let Err(error) = self.begin_segment(now)
        {
            return Err(self.lose(lost, reason(&error, GapReason::NotWritten), now, &error));
        }
        let gap = self.gap.map(Record::Gap);
        let mut all = gap.iter().chain(records).peekable();
        while all.peek().is_some() {
            let block = self.fill(&mut all, now);
            if let Err(error) = self.write(&block, flags, now) {
                return Err(self.lose(self.in_hand, reason(&error, GapReason::NotWritten), now, &error));
            }
            // The gap is the first record of the first block.
            let told = u64::from(self.gap.take().is_some());
            self.in_hand = self.in_hand.saturating_sub(block.len() as u64 - told);
        }
        Ok(())
    }

    fn begin_segment(&mut self, now: Moment) -> io::Result<()> {
        let head = Head {
            first_seq: self.next_seq,
            boot: self.life.boot,
            life: self.life.life,
            wall_ms: now.wall_ms,
            mono_ns: now.mono_ns,
        };
        self.segment = Some(Segment::create(&self.dir, &head)?);
        self.look_for_room();
        Ok(())
    }

    /// Fills the block with as many records as it may have, and returns them. One that is too large is replaced by a gap.
    fn fill<'r>(
        &mut self,
        records: &mut std::iter::Peekable<impl Iterator<Item = &'r Record>>,
        now: Moment,
    ) -> Vec<Cow<'r, Record>> {
        begin(&mut self.block);
        let mut filled = Vec::new();
        while filled.len() < usize::from(u16::MAX) && self.block.len() < BLOCK_BYTES {
            let Some(record) = records.next() else { break };
            let before = self.block.len();
            encode(record, &mut self.scratch, &mut self.block);
            let mut record = Cow::Borrowed(record);
            if self.block.len() - before > RECORD_BYTES_MAX {
                self.block.truncate(before);
                self.needs_checkpoint = true;
                record = Cow::Owned(Record::Gap(Gap { at: now, reason: GapReason::TooLarge, count: 1 }));
                encode(&record, &mut self.scratch, &mut self.block);
            }
            filled.push(record);
        }
        filled
    }

    /// Writes the block, which has these records.
    fn write(&mut self, records: &[Cow<'_, Record>], flags: Flags, now: Moment) -> io::Result<()> {
        let Some(segment) = &mut self.segment else { return Ok(()) };
        let count = u16::try_from(records.len()).unwrap_or(u16::MAX);
        finish(&mut self.block, self.next_seq, count, flags);
        let offset = segment.length();
        segment.append(&self.block)?;
        segment.footer.note_block(self.next_seq, offset);
        let repeats = flags.has(Flags::CHECKPOINT) && !self.needs_checkpoint;
        for record in records {
            segment.footer.note(self.next_seq, record);
            if !repeats {
                segment.footer.note_concerned(record);
            }
            self.next_seq += 1;
        }
        if self.unsynced == 0 {
            self.unsynced_ns = now.mono_ns;
        }
        self.unsynced += u64::from(count);
        self.written.0 += u64::from(count);
        self.written.1 += self.block.len() as u64;
        Ok(())
    }

    /// Waits until everything that is written is on the disk.
    pub(crate) fn sync(&mut self, now: Moment) -> Result<(), Failed> {
        let Some(segment) = &self.segment else { return Ok(()) };
        if segment.is_removed() {
            let lost = segment.footer.count;
            self.segment = None;
            self.unsynced = 0;
            let error = io::Error::other("its file was removed; a new one is begun");
            return Err(self.lose_and_go_on(lost, GapReason::Removed, now, &error));
        }
        match segment.sync() {
            Ok(()) => {
                self.unsynced = 0;
                self.look_for_room();
                Ok(())
            }
            Err(error) => {
                // The kernel may report the error once and then forget it, so a second sync of this file would prove nothing.
                if let Some(segment) = self.segment.take() {
                    segment.abandon();
                }
                let unsynced = std::mem::take(&mut self.unsynced);
                Err(self.lose(unsynced, reason(&error, GapReason::NotSynced), now, &error))
            }
        }
    }

    /// Completes the journal at the end of the host.
    pub(crate) fn end(&mut self, now: Moment) -> Result<(), Failed> {
        self.rotate(now)
    }

    /// Counts records that were lost because of `error`, and leaves the disk alone for a moment.
    fn lose(&mut self, count: u64, reason: GapReason, now: Moment, error: &io::Error) -> Failed {
        let failed = self.lose_and_go_on(count, reason, now, error);
        self.retry_ns = now.mono_ns.saturating_add(PAUSE_NS);
        self.refused = Some(failed.clone());
        failed
    }

    fn lose_and_go_on(&mut self, count: u64, reason: GapReason, now: Moment, error: &io::Error) -> Failed {
        self.note_lost(count, reason, now);
        Failed::new(&self.dir, error)
    }

    fn note_lost(&mut self, count: u64, reason: GapReason, now: Moment) {
        self.in_hand = 0;
        let gap = self.gap.get_or_insert(Gap { at: now, reason, count: 0 });
        gap.count = gap.count.saturating_add(count);
        self.needs_checkpoint = true;
        let slot = GapSlot { seq: self.next_seq, gap: *gap };
        if let Some(segment) = &self.segment {
            // If this fails as well, the gap is told when there is room, unless the host ends before.
            let _ = segment.set_slot(&slot);
        }
    }
}

fn reason(error: &io::Error, otherwise: GapReason) -> GapReason {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => GapReason::DiskFull,
        _ => otherwise,
    }
}
