//! What an entry of the ledger says: 64 bytes that are written at once.
//!
//! ```text
//! crc32 of the rest | id | flags, 3 zeros | identity of the gap file
//! bytes of the output before, and with the write | crc32 of both
//! inode of the log file | its size before, and after the write | offset in the gap file
//! ```

use crate::logs::item::LogStream;

/// The length of a record.
pub(super) const RECORD_BYTES: usize = 64;

const IS_ERROR: u8 = 1;
const FROM_GAP: u8 = 2;
const IS_TAKEN: u8 = 4;
const BEGUN_BEFORE: u8 = 8;
const BEGUN_AFTER: u8 = 16;

/// Where the bytes of a write are until they are consumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// At the front of the pipe.
    Pipe,
    /// In a gap file.
    Gap {
        /// What tells the file from a later one of the same name.
        identity: u32,
        /// Where the bytes begin.
        offset: u64,
    },
}

/// How far a log file is with an output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// The number of bytes of the output, counted from the origin, that are in the log.
    pub(crate) raw: u32,
    /// Their checksum.
    pub(crate) crc: u32,
    /// Whether their last line is incomplete, so that what follows continues it.
    pub(crate) is_within_line: bool,
    /// The size of the log file.
    pub(crate) bytes: u64,
}

/// What is being written of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// The number by which the keeper knows the life.
    pub(crate) id: u32,
    pub(crate) stream: LogStream,
    pub(crate) origin: Origin,
    /// Whether the bytes were consumed, so that what is at their place now is something else.
    pub(crate) is_taken: bool,
    pub(crate) inode: u64,
    pub(crate) before: Progress,
    pub(crate) after: Progress,
}

impl Record {
    pub(super) fn to_bytes(self) -> [u8; RECORD_BYTES] {
        let Self { id, stream, origin, is_taken, inode, before, after } = self;
        let (identity, offset) = match origin {
            Origin::Pipe => (0, 0),
            Origin::Gap { identity, offset } => (identity, offset),
        };
        let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
        let flags = flag(stream == LogStream::Err, IS_ERROR)
            | flag(origin != Origin::Pipe, FROM_GAP)
            | flag(is_taken, IS_TAKEN)
            | flag(before.is_within_line, BEGUN_BEFORE)
            | flag(after.is_within_line, BEGUN_AFTER);
        let mut bytes = [0; RECORD_BYTES];
        let words = [id, u32::from(flags), identity, before.raw, after.raw, before.crc, after.crc];
        let longs = [inode, before.bytes, after.bytes, offset];
        let (short, long) = bytes.split_at_mut(RECORD_BYTES / 2);
        for (place, word) in short[4..].chunks_exact_mut(4).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        for (place, number) in long.chunks_exact_mut(8).zip(longs) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        let crc = crc32fast::hash(&bytes[4..]);
        bytes[..4].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads a record; `None` if the bytes are not one.
    pub(super) fn from_bytes(bytes: &[u8; RECORD_BYTES]) -> Option<Self> {
        let word = |at: usize| bytes[at * 4..].first_chunk().map(|word| u32::from_le_bytes(*word));
        let long = |at: usize| bytes[at * 8..].first_chunk().map(|long| u64::from_le_bytes(*long));
        if word(0)? != crc32fast::hash(&bytes[4..]) {
            return None;
        }
        let flags = u8::try_from(word(2)?).ok()?;
        let is = |flag: u8| flags & flag != 0;
        let progress = |raw, crc, is_within_line, bytes| Progress { raw, crc, is_within_line, bytes };
        Some(Self {
            id: word(1)?,
            stream: if is(IS_ERROR) { LogStream::Err } else { LogStream::Out },
            origin: if is(FROM_GAP) {
                Origin::Gap { identity: word(3)?, offset: long(7)? }
            } else {
                Origin::Pipe
            },
            is_taken: is(IS_TAKEN),
            inode: long(4)?,
            before: progress(word(4)?, word(6)?, is(BEGUN_BEFORE), long(5)?),
            after: progress(word(5)?, word(7)?, is(BEGUN_AFTER), long(6)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn progress() -> impl Strategy<Value = Progress> {
        (any::<u32>(), any::<u32>(), any::<bool>(), any::<u64>())
            .prop_map(|(raw, crc, is_within_line, bytes)| Progress { raw, crc, is_within_line, bytes })
    }

    fn origin() -> impl Strategy<Value = Origin> {
        let gap =
            (any::<u32>(), any::<u64>()).prop_map(|(identity, offset)| Origin::Gap { identity, offset });
        prop_oneof![Just(Origin::Pipe), gap]
    }

    proptest! {
        #[test]
        fn a_record_is_read_as_it_was_written_and_a_damaged_one_is_none(
            (id, is_error, is_taken, inode) in any::<(u32, bool, bool, u64)>(),
            (origin, before, after) in (origin(), progress(), progress()),
            (at, flip) in (0..RECORD_BYTES, 1..=255_u8),
        ) {
            let stream = if is_error { LogStream::Err } else { LogStream::Out };
            let record = Record { id, stream, origin, is_taken, inode, before, after };
            let mut bytes = record.to_bytes();
            prop_assert_eq!(Record::from_bytes(&bytes), Some(record));
            bytes[at] ^= flip;
            prop_assert_eq!(Record::from_bytes(&bytes), None);
        }
    }

    #[test]
    fn a_place_that_was_never_written_is_no_record() {
        assert_eq!(Record::from_bytes(&[0; RECORD_BYTES]), None);
    }

    #[test]
    fn version_one_is_frozen() {
        let progress =
            |n: u32| Progress { raw: n, crc: n + 1, is_within_line: true, bytes: u64::from(n) + 2 };
        let record = Record {
            id: 7,
            stream: LogStream::Err,
            origin: Origin::Gap { identity: 9, offset: 11 },
            is_taken: true,
            inode: 13,
            before: progress(20),
            after: progress(30),
        };
        let bytes = record.to_bytes();
        let words: Vec<u32> =
            bytes.chunks_exact(4).map(|word| u32::from_le_bytes(word.try_into().unwrap())).collect();
        assert_eq!(words[1..], [7, 31, 9, 20, 30, 21, 31, 13, 0, 22, 0, 32, 0, 11, 0]);
    }
}
