//! The records of one segment, as far as its blocks are intact.

use crate::format::{Flags, HEAD_BYTES, Step, step};
use crate::record::{Entry, Frames, Record};

/// How the intact part of a segment ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// At the end of the file, or at its footer.
    Whole,
    /// At this byte: what follows is not an intact block with the next number.
    Torn(usize),
}

/// Walks over the records of a segment.
pub(crate) struct Walk<'a> {
    segment: &'a [u8],
    /// Where the block that is read begins, and where the next one does.
    block_at: usize,
    at: usize,
    /// The number of the next record.
    next_seq: u64,
    /// The rest of the block that is being read.
    frames: Frames<'a>,
    /// How many records it still has.
    left: u16,
    end: Option<End>,
    undecoded: Vec<(u64, String)>,
}

impl<'a> Walk<'a> {
    /// Begins at the first record of a segment with an intact head.
    pub(crate) fn new(segment: &'a [u8], first_seq: u64) -> Self {
        Self::from(segment, HEAD_BYTES, first_seq)
    }

    /// Begins at a block.
    pub(crate) fn from(segment: &'a [u8], at: usize, first_seq: u64) -> Self {
        let frames = Frames(&[]);
        Self {
            segment,
            block_at: at,
            at,
            next_seq: first_seq,
            frames,
            left: 0,
            end: None,
            undecoded: Vec::new(),
        }
    }

    /// Returns the number of the record after the last one.
    pub(crate) fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Returns where the block of the last record begins.
    pub(crate) fn block_at(&self) -> usize {
        self.block_at
    }

    /// Returns where the block after it begins.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Returns how the walk has ended; it is not known before it has.
    pub(crate) fn end(&self) -> End {
        self.end.unwrap_or(End::Whole)
    }

    /// Returns the records in intact blocks that this program cannot read, with the reason.
    pub(crate) fn undecoded(&self) -> &[(u64, String)] {
        &self.undecoded
    }

    /// Goes to the next block. Returns false at the end.
    fn advance(&mut self) -> bool {
        if self.end.is_some() {
            return false;
        }
        match step(self.segment, self.at) {
            Step::Block(block) if block.flags.has(Flags::FOOTER) => self.end = Some(End::Whole),
            Step::Block(block) if block.first_seq == self.next_seq && block.count > 0 => {
                (self.block_at, self.at) = (self.at, block.end);
                (self.frames, self.left) = (Frames(block.body), block.count);
                return true;
            }
            Step::End => self.end = Some(End::Whole),
            Step::Block(_) | Step::Torn => self.end = Some(End::Torn(self.at)),
        }
        false
    }
}

impl Iterator for Walk<'_> {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        loop {
            // A block that was advanced to has a record.
            if self.left == 0 && !self.advance() {
                return None;
            }
            let seq = self.next_seq;
            (self.left, self.next_seq) = (self.left - 1, seq + 1);
            let record: Result<Record, String> = match self.frames.next() {
                Some(frame) => frame.decode().map_err(|why| why.to_string()),
                None => Err("its block has fewer records than it says".to_owned()),
            };
            match record {
                Ok(record) => return Some(Entry { seq, record }),
                Err(why) => self.undecoded.push((seq, why)),
            }
        }
    }
}
