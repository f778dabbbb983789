//! Log files. For all bytes: reading ends and yields no more bytes than there are, and no joined line exceeds the bound by more
//! than one part. Lines that were written as records are read back byte for byte, even after garbage.

use provost_supervisor::LogStream;
use provost_supervisor::fuzzing::{JOINED_BYTES_MAX, log_lines, log_record};

/// The size of the largest part of a line in one record, in bytes.
const PART_BYTES: usize = 64 << 10;

pub(super) fn run(data: &[u8]) {
    let lines = log_lines(data);
    let bytes: usize = lines.iter().map(|(_, _, text)| text.len()).sum();
    assert!(bytes <= data.len(), "{bytes} bytes out of {}", data.len());
    assert!(lines.iter().all(|(_, _, text)| text.len() < JOINED_BYTES_MAX + data.len().min(PART_BYTES) + 64));
    round_trip(data);
}

/// Writes the lines of `data` as records, each split in two at its first `|`, and reads them back.
fn round_trip(data: &[u8]) {
    let mut file = b"rubbish without a date\n\n2026 stdout F\n".to_vec();
    let mut written = Vec::new();
    for (number, line) in data.split(|byte| *byte == b'\n').enumerate() {
        let at_ms = 1_790_000_000_000 + number as u64;
        let stream = if number % 2 == 0 { LogStream::Out } else { LogStream::Err };
        let cut = line.iter().position(|byte| *byte == b'|').unwrap_or(0);
        if cut > 0 {
            file.extend(log_record(at_ms, stream, false, &line[..cut]));
        }
        file.extend(log_record(at_ms, stream, true, &line[cut..]));
        written.push((at_ms, stream, line.to_vec()));
    }
    let read: Vec<_> =
        log_lines(&file).into_iter().map(|(at_ms, stream, text)| (at_ms, stream, text.to_vec())).collect();
    assert_eq!(read, written);
}
