//! The frames of a stash: each record is preceded by its length, its kind, its version and a checksum. What is behind the
//! first frame that is not whole is not read: a host that was killed in the middle of a write leaves such a tail.
//!
//! ```text
//!  file    magic (16 bytes), frames
//!  frame   length of the body (u32) | kind (u8) | version (u8) | zero (u16) | crc32 of all but itself (u32) | body
//! ```
//!
//! All numbers are little endian. A reader passes over a frame whose kind or version it does not know, and counts it.

use crc32fast::Hasher;

/// The first bytes of every file. Another format of frames would have another number.
pub(crate) const MAGIC: &[u8; 16] = b"provost-stash 1\n";

/// The length of the head of a frame, in bytes.
const HEAD: usize = 12;

/// The longest body that is read, in bytes: more than the longest that is written.
const BODY_MAX: usize = 16 << 20;

/// The kind and the version of a record, which say how its body is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) kind: u8,
    pub(crate) version: u8,
}

/// Appends a frame to `bytes`.
pub(crate) fn put_frame(bytes: &mut Vec<u8>, Kind { kind, version }: Kind, body: &[u8]) {
    let mut head = [0; HEAD];
    head[..4].copy_from_slice(&u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes());
    (head[4], head[5]) = (kind, version);
    let sum = checksum(&head[..8], body);
    head[8..].copy_from_slice(&sum.to_le_bytes());
    bytes.reserve(HEAD + body.len());
    bytes.extend_from_slice(&head);
    bytes.extend_from_slice(body);
}

fn checksum(head: &[u8], body: &[u8]) -> u32 {
    let mut hasher = Hasher::new();
    hasher.update(head);
    hasher.update(body);
    hasher.finalize()
}

/// The frames of one file, oldest first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frames<'a> {
    rest: &'a [u8],
}

impl<'a> Frames<'a> {
    /// Returns the frames of a file; `None` if it is not a stash of this format.
    pub(crate) fn of(file: &'a [u8]) -> Option<Self> {
        file.strip_prefix(MAGIC).map(|rest| Self { rest })
    }

    /// Returns the frames in the body of another one.
    pub(crate) fn within(body: &'a [u8]) -> Self {
        Self { rest: body }
    }

    /// Returns the number of bytes that were not read (yet). When there are no more frames, they are a torn tail.
    pub(crate) fn unread(&self) -> usize {
        self.rest.len()
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = (Kind, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (head, rest) = self.rest.split_at_checked(HEAD)?;
        let word =
            |at: usize| head.get(at..at + 4).and_then(|word| word.try_into().ok()).map(u32::from_le_bytes);
        let length = usize::try_from(word(0)?).ok().filter(|length| *length <= BODY_MAX)?;
        let (body, rest) = rest.split_at_checked(length)?;
        if word(8)? != checksum(&head[..8], body) {
            return None;
        }
        self.rest = rest;
        Some((Kind { kind: head[4], version: head[5] }, body))
    }
}
