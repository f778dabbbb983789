//! One line as it stands in a log file: the CRI format that Kubernetes' container runtimes write.
//!
//! ```text
//! 2026-11-23T05:41:23.123Z stdout F the line's bytes, whatever they are
//! ```
//!
//! `F` is a full line, `P` a part of a line that is longer than [`PART_BYTES_MAX`]: its other parts
//! follow on the same stream.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

use super::{LogLine, LogStream};

/// A line longer than this is written in parts.
pub(super) const PART_BYTES_MAX: usize = 64 << 10;

/// A line of a log file, read back.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) at_ms: u64,
    pub(super) stream: LogStream,
    pub(super) full: bool,
    pub(super) text: Bytes,
}

impl Record {
    /// Reads one line, without its newline; `None` if it is none of ours.
    pub(super) fn parse(line: &Bytes) -> Option<Self> {
        let mut fields = line.splitn(4, |byte| *byte == b' ');
        let at: Timestamp = std::str::from_utf8(fields.next()?).ok()?.parse().ok()?;
        let stream = match fields.next()? {
            b"stdout" => LogStream::Out,
            b"stderr" => LogStream::Err,
            _ => return None,
        };
        let full = match fields.next()? {
            b"F" => true,
            b"P" => false,
            _ => return None,
        };
        let text = line.slice_ref(fields.next()?);
        Some(Self { at_ms: u64::try_from(at.as_millisecond()).ok()?, stream, full, text })
    }

    pub(super) fn into_line(self, process: &Arc<str>) -> LogLine {
        LogLine { process: process.clone(), stream: self.stream, at_ms: self.at_ms, text: self.text }
    }
}

/// What stands before the text of a line, up to the tag.
pub(super) fn prefix(at_ms: u64, stream: LogStream) -> String {
    let at =
        i64::try_from(at_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or_default();
    let stream = match stream {
        LogStream::Out => "stdout",
        LogStream::Err => "stderr",
    };
    format!("{at:.3} {stream} ")
}

/// Puts the parts of long lines together again.
pub(super) fn joined(records: Vec<Record>) -> Vec<Record> {
    let mut whole: Vec<Record> = Vec::with_capacity(records.len());
    // For each stream, the place of a line whose end has not come, and its bytes so far.
    let mut open: [Option<(usize, Vec<u8>)>; 2] = [None, None];
    for record in records {
        let slot = &mut open[record.stream as usize];
        let full = record.full;
        match slot.as_mut() {
            Some((_, bytes)) => bytes.extend_from_slice(&record.text),
            None if full => whole.push(record),
            None => {
                *slot = Some((whole.len(), record.text.to_vec()));
                whole.push(record);
            }
        }
        if full && let Some((at, bytes)) = slot.take() {
            whole[at].text = bytes.into();
            whole[at].full = true;
        }
    }
    for (at, bytes) in open.into_iter().flatten() {
        whole[at].text = bytes.into();
    }
    whole
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
    fn parts_are_joined_by_stream() {
        let parse = |line: Bytes| Record::parse(&line).unwrap();
        let records = vec![
            parse(line(1, LogStream::Out, "P", b"long ")),
            parse(line(1, LogStream::Err, "F", b"other")),
            parse(line(2, LogStream::Out, "F", b"line")),
            parse(line(3, LogStream::Out, "F", b"next")),
        ];
        let texts: Vec<_> = joined(records).into_iter().map(|record| record.text).collect();
        assert_eq!(texts, [&b"long line"[..], b"other", b"next"]);
    }

    #[test]
    fn what_is_no_record_is_not_one() {
        for line in ["", "x", "2026-11-23T05:41:23.123Z", "2026-11-23T05:41:23.123Z stdout", "a stdout F x"] {
            assert_eq!(Record::parse(&Bytes::from(line)), None, "{line:?}");
        }
    }
}
