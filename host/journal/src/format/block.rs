//! Blocks, and walking from one to the next. A block is written with one call, so it is the unit that is whole or missing.

use super::bytes::Numbers;

/// The bytes of a block before its records.
const BLOCK_HEAD_BYTES: usize = 20;

/// The most bytes of a block, with its head. A length beyond it is not looked for in the file.
pub(crate) const BLOCK_BYTES_MAX: usize = 2 << 20;

/// The number of bytes that a length does not count: itself and the checksum.
const UNCOUNTED: usize = 8;

/// What a block has beside ordinary records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags(pub(crate) u16);

impl Flags {
    /// It has records of a checkpoint.
    pub(crate) const CHECKPOINT: Self = Self(1);
    /// It is the index at the end of a sealed segment, and has no records.
    pub(crate) const FOOTER: Self = Self(2);

    pub(crate) fn has(self, flag: Self) -> bool {
        self.0 & flag.0 != 0
    }
}

/// Begins a block in an empty buffer, to which its records are then appended.
pub(crate) fn begin(buffer: &mut Vec<u8>) {
    buffer.clear();
    buffer.resize(BLOCK_HEAD_BYTES, 0);
}

/// Completes the head of the block in `buffer`.
pub(crate) fn finish(buffer: &mut [u8], first_seq: u64, count: u16, flags: Flags) {
    let length = u32::try_from(buffer.len().saturating_sub(UNCOUNTED)).unwrap_or(u32::MAX);
    let Some((head, _)) = buffer.split_first_chunk_mut::<BLOCK_HEAD_BYTES>() else { return };
    head[0..4].copy_from_slice(&length.to_le_bytes());
    head[8..16].copy_from_slice(&first_seq.to_le_bytes());
    head[16..18].copy_from_slice(&count.to_le_bytes());
    head[18..20].copy_from_slice(&flags.0.to_le_bytes());
    let crc = crc32fast::hash(&buffer[UNCOUNTED..]);
    buffer[4..8].copy_from_slice(&crc.to_le_bytes());
}

/// One intact block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block<'a> {
    pub(crate) first_seq: u64,
    pub(crate) count: u16,
    pub(crate) flags: Flags,
    /// The bytes of its records.
    pub(crate) body: &'a [u8],
    /// Where the next block begins.
    pub(crate) end: usize,
}

/// What is at a place of a segment.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step<'a> {
    /// An intact block.
    Block(Block<'a>),
    /// The end of the file.
    End,
    /// Bytes that are not an intact block.
    Torn,
}

/// Returns what begins at byte `at` of a segment.
pub(crate) fn step(segment: &[u8], at: usize) -> Step<'_> {
    let rest = segment.get(at..).unwrap_or_default();
    if rest.is_empty() {
        return Step::End;
    }
    let read = || {
        let mut numbers = Numbers(rest);
        let (length, crc) = (usize::try_from(numbers.u32()?).ok()?, numbers.u32()?);
        if !(BLOCK_HEAD_BYTES - UNCOUNTED..=BLOCK_BYTES_MAX).contains(&length) {
            return None;
        }
        let covered = numbers.0.get(..length)?;
        if crc32fast::hash(covered) != crc {
            return None;
        }
        let mut numbers = Numbers(covered);
        let (first_seq, count, flags) = (numbers.u64()?, numbers.u16()?, Flags(numbers.u16()?));
        Some(Block { first_seq, count, flags, body: numbers.0, end: at + UNCOUNTED + length })
    };
    read().map_or(Step::Torn, Step::Block)
}
