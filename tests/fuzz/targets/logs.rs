//! Log files. Whatever bytes lie there: reading ends, yields no more bytes than there are, and no piece that grows beyond the
//! bound. What was framed comes back byte for byte, also behind rubbish.

use provost_supervisor::LogStream;
use provost_supervisor::fuzzing::{JOINED_BYTES_MAX, log_lines, log_record};

/// Parts of lines that are written into one record at most.
const PART_BYTES: usize = 64 << 10;

pub(super) fn run(data: &[u8]) {
    let lines = log_lines(data);
    let bytes: usize = lines.iter().map(|(_, _, text)| text.len()).sum();
    assert!(bytes <= data.len(), "{bytes} bytes out of {}", data.len());
    assert!(lines.iter().all(|(_, _, text)| text.len() < JOINED_BYTES_MAX + data.len().min(PART_BYTES) + 64));
    round_trip(data);
}

/// Frames the pieces of `data` between newlines, with a part boundary wherever a byte says so.
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
