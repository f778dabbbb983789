//! How far the output of a batch is written, which is said in the ledger before each write: a batch is written in several steps
//! if files are rotated in between.

use crc32fast::Hasher;

use super::batch::Batch;
use crate::logs::ledger::Progress;

/// The bytes of a batch, as far as they were added to the records and as far as these were written.
pub(super) struct Raw<'a> {
    batch: &'a Batch,
    /// The number of bytes up to the end of the part at hand.
    next: usize,
    /// The number of bytes in the records that are pending or written.
    pushed: usize,
    /// The number of bytes in the records that are written, and their checksum.
    written: usize,
    crc: Hasher,
}

impl<'a> Raw<'a> {
    pub(super) fn new(batch: &'a Batch) -> Self {
        Self { batch, next: 0, pushed: 0, written: 0, crc: Hasher::new() }
    }

    /// Moves on by a part of a line, with its newline. The last line may have none.
    pub(super) fn next(&mut self, bytes: usize) {
        self.next = self.next.saturating_add(bytes).min(self.batch.bytes.len());
    }

    /// The part at hand is among the records, or left out.
    pub(super) fn pushed(&mut self) {
        self.pushed = self.next;
    }

    /// The records were written.
    pub(super) fn flushed(&mut self) {
        if self.batch.claim.is_some() && self.pushed < self.batch.bytes.len() {
            self.crc = self.crc_with_pushed();
        }
        self.written = self.pushed;
    }

    fn crc_with_pushed(&self) -> Hasher {
        let mut crc = self.crc.clone();
        crc.update(self.batch.bytes.get(self.written..self.pushed).unwrap_or_default());
        crc
    }

    /// Says in the ledger what is about to be written, if another host could write it again.
    pub(super) fn intend(&self, inode: u64, before: Progress, after: Progress) {
        let Some(claim) = &self.batch.claim else { return };
        let of = |bytes: usize, crc: Hasher| (u32::try_from(bytes).unwrap_or(u32::MAX), crc.finalize());
        let (raw, crc) = of(self.written, self.crc.clone());
        let before = Progress { raw, crc, ..before };
        let (raw, crc) = of(self.pushed, self.crc_with_pushed());
        claim.entry.intend(claim.origin, inode, before, Progress { raw, crc, ..after });
    }
}
