//! The index at the end of a sealed segment: how many records it has, from when to when, where they are, and which names may be
//! in it. A segment without one can be read all the same, from its beginning.

use std::fs::File;
use std::os::unix::fs::FileExt;

use provost_state::hash;
use provost_state::naming::replica_of;
use serde::{Deserialize, Serialize};

use super::block::{self, BLOCK_BYTES_MAX, Flags, Step};
use super::bytes::Numbers;
use crate::record::{Kind, Record};

/// The distance of the entries of an index, in bytes.
pub(crate) const STRIDE_BYTES: u64 = 64 << 10;

/// The bytes after the block of the footer: its offset, and a word.
const TRAILER_BYTES: usize = 16;
const MAGIC: &[u8; 8] = b"PROVOSTE";

/// The words of a Bloom filter of 4,096 bits: with 3 bits for each name, 1 of 50 absent names passes when there are 1,000.
const BLOOM_WORDS: usize = 64;
const BLOOM_HASHES: u32 = 3;

/// Stands in the filter for records that concern every process: gaps, the starts and ends of hosts, and other notes about none.
/// No process has this name.
const EVERYBODY: &str = "\0everybody";

/// A block from which reading may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stride {
    /// The number of its first record.
    pub(crate) seq: u64,
    /// The latest time of the records before it: the clock may have been set back.
    pub(crate) before_ms: u64,
    pub(crate) offset: u64,
}

/// The index of a segment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Footer {
    /// The number of records.
    pub(crate) count: u64,
    /// The number of the last record; 0 if there is none.
    pub(crate) last_seq: u64,
    /// The earliest and the latest time of a record by the wall clock, in milliseconds since the Unix epoch.
    pub(crate) wall_ms: (u64, u64),
    pub(crate) strides: Vec<Stride>,
    names: Vec<u64>,
}

impl Footer {
    /// Notes that a block begins at `offset`, whose first record has number `seq`.
    pub(crate) fn note_block(&mut self, seq: u64, offset: u64) {
        if self.strides.last().is_none_or(|last| offset >= last.offset + STRIDE_BYTES) {
            self.strides.push(Stride { seq, before_ms: self.wall_ms.1, offset });
        }
    }

    /// Notes a record.
    pub(crate) fn note(&mut self, seq: u64, record: &Record) {
        let wall_ms = record.at().wall_ms;
        let (first, last) = if self.count == 0 { (wall_ms, wall_ms) } else { self.wall_ms };
        self.wall_ms = (first.min(wall_ms), last.max(wall_ms));
        (self.count, self.last_seq) = (self.count + 1, seq);
    }

    /// Notes whom a record concerns. It is not called for the checkpoint with which every segment after the first of a host begins:
    /// it repeats what the segments before it say.
    pub(crate) fn note_concerned(&mut self, record: &Record) {
        match record.name() {
            Some(name) => {
                self.note_name(name);
                if let Some((base, _)) = replica_of(name) {
                    self.note_name(base);
                }
            }
            None if matches!(record.kind(), Kind::Checkpoint | Kind::InForce) => {}
            None => self.note_name(EVERYBODY),
        }
    }

    fn note_name(&mut self, name: &str) {
        self.names.resize(BLOOM_WORDS, 0);
        for bit in bits(name) {
            if let Some(word) = self.names.get_mut(bit / 64) {
                *word |= 1 << (bit % 64);
            }
        }
    }

    /// Whether a record about the process or the replica set `name`, or one that concerns every process, may be in the segment.
    pub(crate) fn may_concern(&self, name: &str) -> bool {
        let has = |bit: usize| self.names.get(bit / 64).is_some_and(|word| word & (1 << (bit % 64)) != 0);
        bits(name).all(has) || bits(EVERYBODY).all(has)
    }

    /// Returns where reading may begin so that no record at or after `since_ms` is left out, and the number of the first
    /// record there; `None` if that is the beginning.
    pub(crate) fn begin_at(&self, since_ms: u64) -> Option<(u64, u64)> {
        let skipped = self.strides.iter().skip(1).take_while(|stride| stride.before_ms < since_ms);
        skipped.last().map(|stride| (stride.offset, stride.seq))
    }

    /// Returns the bytes of the footer, which begins at `offset`.
    pub(crate) fn bytes(&self, offset: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        block::begin(&mut bytes);
        if let Ok(whole) = postcard::to_extend(self, std::mem::take(&mut bytes)) {
            bytes = whole;
        }
        block::finish(&mut bytes, self.last_seq, 0, Flags::FOOTER);
        bytes.extend_from_slice(&offset.to_le_bytes());
        bytes.extend_from_slice(MAGIC);
        bytes
    }

    /// Reads the footer of a file of `length` bytes without reading the rest of it; `None` if it has none, or if it is
    /// damaged.
    pub(crate) fn of(file: &File, length: u64) -> Option<Self> {
        let mut trailer = [0; TRAILER_BYTES];
        let trailer_at = length.checked_sub(TRAILER_BYTES as u64)?;
        file.read_exact_at(&mut trailer, trailer_at).ok()?;
        let at = Numbers(trailer.strip_suffix(MAGIC)?).u64()?;
        let size = trailer_at.checked_sub(at).and_then(|size| usize::try_from(size).ok())?;
        let mut bytes = vec![0; Some(size).filter(|size| *size <= BLOCK_BYTES_MAX)?];
        file.read_exact_at(&mut bytes, at).ok()?;
        match block::step(&bytes, 0) {
            Step::Block(block) if block.flags.has(Flags::FOOTER) && block.end == size => {
                postcard::from_bytes(block.body).ok()
            }
            _ => None,
        }
    }
}

/// Returns the bits of a name in the filter: its hash, divided into one number for each.
fn bits(name: &str) -> impl Iterator<Item = usize> {
    let hash = hash::mixed(name.bytes());
    (0..BLOOM_HASHES).map(move |at| (hash >> (16 * at)) as usize % (64 * BLOOM_WORDS))
}
