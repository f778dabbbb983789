//! One line as stored in a log file: the CRI format that Kubernetes' container runtimes write.
//!
//! ```text
//! 2026-11-23T05:41:23.123Z stdout F the line's bytes, whatever they are
//! ```
//!
//! `F` marks a full line, `P` a part of a line longer than [`PART_BYTES_MAX`]; the other parts follow on the same
//! stream.

use std::sync::Arc;

use bytes::Bytes;

use super::item::{LogLine, LogStream};
use crate::clock::rfc3339;

/// The most bytes of text in one record; a longer line is written in parts.
pub(super) const PART_BYTES_MAX: usize = 64 << 10;

/// The most bytes of a line that is joined when read back; a longer line is handed out in pieces.
pub(crate) const JOINED_BYTES_MAX: usize = 4 << 20;

/// The length of the timestamp at the beginning of a record.
pub(super) const TIME_BYTES: usize = 24;

/// The length of everything before the text.
pub(super) const HEAD_BYTES: usize = TIME_BYTES + 10;

/// The most bytes of one record, including its newline.
pub(super) const RECORD_BYTES_MAX: usize = PART_BYTES_MAX + 64;

/// One parsed record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) at_ms: u64,
    pub(crate) stream: LogStream,
    pub(crate) full: bool,
    pub(crate) text: Bytes,
}

impl Record {
    /// Parses one line without its newline; `None` if it is not a record.
    pub(crate) fn parse(line: &Bytes) -> Option<Self> {
        let (head, text) = line.split_at_checked(HEAD_BYTES)?;
        let (time, tags) = head.split_at(TIME_BYTES);
        let (stream, full) = match tags {
            b" stdout F " => (LogStream::Out, true),
            b" stdout P " => (LogStream::Out, false),
            b" stderr F " => (LogStream::Err, true),
            b" stderr P " => (LogStream::Err, false),
            _ => return None,
        };
        Some(Self { at_ms: time_ms(time)?, stream, full, text: line.slice_ref(text) })
    }

    pub(super) fn into_line(self, process: &Arc<str>) -> LogLine {
        LogLine {
            process: process.clone(),
            stream: self.stream,
            at_ms: self.at_ms,
            text: self.text,
            partial: !self.full,
            mark: None,
        }
    }
}

/// Parses a timestamp in exactly the form that is written, `2026-11-23T05:41:23.123Z`, to milliseconds since the Unix
/// epoch.
pub(super) fn time_ms(text: &[u8]) -> Option<u64> {
    let number = |from: usize, to: usize| {
        text[from..to].iter().try_fold(0_u64, |number, byte| {
            byte.is_ascii_digit().then(|| number * 10 + u64::from(byte - b'0'))
        })
    };
    let is_shaped = text.len() == TIME_BYTES
        && [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'.'), (23, b'Z')]
            .iter()
            .all(|(at, byte)| text[*at] == *byte);
    if !is_shaped {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute) = (number(11, 13)?, number(14, 16)?);
    let (second, ms) = (number(17, 19)?, number(20, 23)?);
    if year < 1970 || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Days since the epoch, computed with years that begin in March.
    let (of_year, of_month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days =
        of_year * 365 + of_year / 4 - of_year / 100 + of_year / 400 + (of_month * 153 + 2) / 5 + day - 1;
    let seconds = ((days.checked_sub(719_468)? * 24 + hour) * 60 + minute) * 60 + second;
    Some(seconds * 1_000 + ms)
}

/// Formats the beginning of a record, up to the tag.
pub(crate) fn prefix(at_ms: u64, stream: LogStream) -> String {
    let stream = match stream {
        LogStream::Out => "stdout",
        LogStream::Err => "stderr",
    };
    format!("{} {stream} ", rfc3339(at_ms))
}

/// Joins the parts of long lines as they arrive.
#[derive(Debug, Default)]
pub(crate) struct Joiner {
    /// For each stream, the first record of an incomplete line.
    open: [Option<Record>; 2],
    parts: [Vec<u8>; 2],
}

impl Joiner {
    /// Returns true if a line is incomplete.
    pub(super) fn is_open(&self) -> bool {
        self.open.iter().any(Option::is_some)
    }

    /// Takes the next record. Returns the line that it completes, or a piece of a line that has reached
    /// [`JOINED_BYTES_MAX`].
    pub(crate) fn take(&mut self, record: Record) -> Option<Record> {
        let at = record.stream as usize;
        let full = record.full;
        if full && self.open[at].is_none() {
            return Some(record);
        }
        self.parts[at].extend_from_slice(&record.text);
        self.open[at].get_or_insert(record);
        (full || self.parts[at].len() >= JOINED_BYTES_MAX).then(|| self.close(at, full)).flatten()
    }

    /// Returns what has arrived of incomplete lines.
    pub(crate) fn finish(&mut self) -> impl Iterator<Item = Record> {
        (0..2).filter_map(|at| self.close(at, false))
    }

    fn close(&mut self, at: usize, full: bool) -> Option<Record> {
        let line = self.open[at].take()?;
        Some(Record { text: std::mem::take(&mut self.parts[at]).into(), full, ..line })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(at_ms: u64, stream: LogStream, tag: &str, text: &[u8]) -> Bytes {
        [prefix(at_ms, stream).as_bytes(), tag.as_bytes(), b" ", text].concat().into()
    }

    #[test]
    fn any_bytes_come_back_as_they_were() {
        for text in [&b"hello"[..], b"", b" two  spaces ", b"\xff\x00\xfe", "ünï".as_bytes()] {
            let record = Record::parse(&line(1_700_000_000_123, LogStream::Err, "F", text)).unwrap();
            assert_eq!(record.text, text);
            assert_eq!((record.at_ms, record.stream, record.full), (1_700_000_000_123, LogStream::Err, true));
        }
    }

    #[test]
    fn a_time_is_read_as_it_is_written() {
        assert!(
            prefix(u64::MAX, LogStream::Out).starts_with("9999-12-30T"),
            "not the beginning of the calendar"
        );
        for at_ms in
            [0, 951_782_399_999, 951_827_696_789, 1_709_164_800_000, 1_735_689_599_999, 4_102_444_800_001]
        {
            let text = prefix(at_ms, LogStream::Out);
            assert_eq!(time_ms(&text.as_bytes()[..TIME_BYTES]), Some(at_ms), "{text}");
        }
        for text in [
            "2026-13-23T05:41:23.123Z",
            "2026-11-23 05:41:23.123Z",
            "2026-11-23T05:41:23.12Z",
            "xxxx-11-23T05:41:23.123Z",
        ] {
            assert_eq!(time_ms(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn parts_are_joined_by_stream() {
        let parse = |line: Bytes| Record::parse(&line).unwrap();
        let mut joiner = Joiner::default();
        let mut texts = Vec::new();
        for line in [
            line(1, LogStream::Out, "P", b"long "),
            line(1, LogStream::Err, "F", b"other"),
            line(2, LogStream::Out, "F", b"line"),
            line(3, LogStream::Out, "F", b"next"),
            line(4, LogStream::Out, "P", b"no end"),
        ] {
            texts.extend(joiner.take(parse(line)).map(|record| record.text));
        }
        assert!(joiner.is_open());
        texts.extend(joiner.finish().map(|record| record.text));
        assert_eq!(texts, [&b"other"[..], b"long line", b"next", b"no end"]);
        assert!(!joiner.is_open());
    }

    #[test]
    fn a_line_is_held_up_to_the_size_that_is_handed_out_at_once() {
        let part = vec![b'x'; PART_BYTES_MAX];
        let mut joiner = Joiner::default();
        let parts = 3 * JOINED_BYTES_MAX / PART_BYTES_MAX;
        let given = (0..parts).filter_map(|_| {
            let record = Record { at_ms: 0, stream: LogStream::Out, full: false, text: part.clone().into() };
            joiner.take(record).map(|line| line.text.len())
        });
        assert_eq!(given.collect::<Vec<_>>(), [JOINED_BYTES_MAX; 3]);
    }

    #[test]
    fn a_malformed_line_is_not_a_record() {
        for line in ["", "x", "2026-11-23T05:41:23.123Z", "2026-11-23T05:41:23.123Z stdout", "a stdout F x"] {
            assert_eq!(Record::parse(&Bytes::from(line)), None, "{line:?}");
        }
    }
}
