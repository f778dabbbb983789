//! The head of a segment, with the reserved place for a gap.

use provost_state::Moment;

use super::bytes::Numbers;
use crate::record::{Gap, GapReason};

/// The size of the head. It is one page, so that the reserved place has its room on the disk as soon as the file exists.
pub(crate) const HEAD_BYTES: usize = 4096;

/// Where the reserved place begins.
pub(crate) const SLOT_AT: u64 = 64;

const MAGIC: &[u8; 8] = b"PROVOSTJ";
const FORMAT: u16 = 1;
const SLOT_BYTES: usize = 38;

/// Who has written a segment, and when it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// The number of its first record.
    pub(crate) first_seq: u64,
    /// A number of the boot of the machine.
    pub(crate) boot: u64,
    /// A number of the life of the host: monotonic times of one life can be compared.
    pub(crate) life: u64,
    pub(crate) wall_ms: u64,
    pub(crate) mono_ns: u64,
}

/// Why a file is not a segment that this program can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoHead {
    /// It is too short, begins with other bytes, or its checksum is wrong.
    #[error("it does not begin with the head of a segment")]
    Damaged,
    /// A later version of this program has written it.
    #[error("it has format {0}, and this program knows format {FORMAT} only")]
    Format(u16),
}

impl Head {
    /// Returns the bytes of the head.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD_BYTES);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&FORMAT.to_le_bytes());
        // Flags, and a place that is not used yet.
        bytes.extend_from_slice(&[0; 6]);
        for number in [self.first_seq, self.boot, self.life, self.wall_ms, self.mono_ns] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        let crc = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes.resize(HEAD_BYTES, 0);
        bytes
    }

    /// Reads the head of a segment.
    pub(crate) fn of(bytes: &[u8]) -> Result<Self, NoHead> {
        let read = || {
            let (covered, rest) = bytes.get(..HEAD_BYTES)?.split_at_checked(56)?;
            let format = Numbers(covered.strip_prefix(MAGIC)?).u16()?;
            let is_intact = Numbers(rest).u32()? == crc32fast::hash(covered);
            let mut numbers = Numbers(covered.get(16..)?);
            let mut next = || numbers.u64();
            let head =
                Self { first_seq: next()?, boot: next()?, life: next()?, wall_ms: next()?, mono_ns: next()? };
            is_intact.then_some((format, head))
        };
        match read() {
            None => Err(NoHead::Damaged),
            Some((FORMAT, head)) => Ok(head),
            Some((format, _)) => Err(NoHead::Format(format)),
        }
    }
}

/// The gap in the reserved place: what was lost after the last record of the segment. It counts until a record with its
/// number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GapSlot {
    /// The number that the record about the gap would have.
    pub(crate) seq: u64,
    pub(crate) gap: Gap,
}

impl GapSlot {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(SLOT_BYTES);
        let Gap { at, reason, count } = self.gap;
        for number in [self.seq, count, at.wall_ms, at.mono_ns] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&reason.number().to_le_bytes());
        let crc = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads the reserved place of a segment; `None` if there is nothing in it, or if it was not written completely.
    pub(crate) fn of(segment: &[u8]) -> Option<Self> {
        let at = usize::try_from(SLOT_AT).ok()?;
        let (covered, rest) = segment.get(at..at + SLOT_BYTES)?.split_at_checked(SLOT_BYTES - 4)?;
        let is_intact = Numbers(rest).u32()? == crc32fast::hash(covered);
        let mut numbers = Numbers(covered);
        let (seq, count) = (numbers.u64()?, numbers.u64()?);
        let at = Moment { wall_ms: numbers.u64()?, mono_ns: numbers.u64()? };
        let reason = GapReason::of(numbers.u16()?)?;
        is_intact.then_some(Self { seq, gap: Gap { at, reason, count } })
    }
}
