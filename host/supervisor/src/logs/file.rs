//! Writing the log file of one process. A line never straddles two files, a line that cannot be written leaves nothing of
//! itself behind, and a restart of the host goes on in the same file. All of it blocks: it is done on the threads for log
//! writes and nowhere else.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use super::LogStream;
use super::disk::{Files, Reserve, faulty, is_out_of_descriptors};
use super::record::{PART_BYTES_MAX, prefix};

/// Lines of about this length are the most common ones of those that are short.
const SHORT_BYTES: usize = 16;

/// What was read from a pipe: lines, each but perhaps the last with its newline.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) stream: LogStream,
    pub(super) at_ms: u64,
    pub(super) bytes: Vec<u8>,
    /// The end of the last line has come; otherwise the next batch goes on with it.
    pub(super) complete: bool,
}

impl Batch {
    /// The lines without their newlines.
    pub(super) fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let bytes = self.bytes.strip_suffix(b"\n").unwrap_or(&self.bytes);
        let mut rest = Some(bytes);
        std::iter::from_fn(move || {
            let line = rest.take()?;
            // A short line is over before a search of many bytes at a time has begun.
            let (near, far) = line.split_at(line.len().min(SHORT_BYTES));
            let end = near.iter().position(|byte| *byte == b'\n');
            let end = end.or_else(|| memchr::memchr(b'\n', far).map(|at| near.len() + at));
            let Some(end) = end else { return Some(line) };
            rest = Some(&line[end + 1..]);
            Some(&line[..end])
        })
    }
}

/// Where the end of what was written is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    /// Which file is the current one, as [`Files::turns`].
    pub(super) turns: u64,
    /// Bytes in it.
    pub(super) bytes: u64,
}

/// What could not be written.
#[derive(Debug)]
pub(super) struct Failed {
    /// How many lines are lost; none if only a rotation failed, and the file grows beyond its limit.
    pub(super) lines: u64,
    pub(super) error: io::Error,
}

#[derive(Debug)]
pub(super) struct LogFile {
    files: Arc<Files>,
    file_bytes_max: u64,
    reserve: Arc<Reserve>,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    bytes: u64,
    /// The end of the file is a piece of a line.
    torn: bool,
    /// Opened with a descriptor of the reserve, which gets it back after each write.
    borrowed: bool,
}

impl LogFile {
    /// The file is opened at the first line.
    pub(super) fn new(files: Arc<Files>, file_bytes_max: u64, reserve: Arc<Reserve>) -> Self {
        Self { files, file_bytes_max, reserve, open: None }
    }

    /// Opens the file, if it is not open; the end of what is in it. To be called, and told to those who read back, before
    /// the first [`LogFile::append`].
    pub(super) fn opened(&mut self) -> io::Result<Position> {
        if self.open.is_none() {
            self.open = Some(self.open()?);
        }
        Ok(self.position())
    }

    fn open(&self) -> io::Result<Open> {
        let (file, borrowed) = match self.files.open_to_append() {
            Err(error) if is_out_of_descriptors(&error) && self.reserve.give_up() => {
                let opened = self.files.open_to_append();
                if opened.is_err() {
                    self.reserve.give_back();
                }
                (opened?, true)
            }
            other => (other?, false),
        };
        let bytes = file.metadata()?.len();
        let mut last = [b'\n'];
        if bytes > 0 {
            file.read_exact_at(&mut last, bytes - 1)?;
        }
        Ok(Open { file, bytes, torn: last != *b"\n", borrowed })
    }

    fn position(&self) -> Position {
        let bytes = self.open.as_ref().map_or(0, |open| open.bytes);
        Position { turns: self.files.turns(), bytes }
    }

    /// Writes the lines, rotating whenever a file is full; where the end is then, and what could not be written.
    pub(super) fn append(&mut self, batch: &Batch) -> (Position, Option<Failed>) {
        let prefix = prefix(batch.at_ms, batch.stream);
        let mut records = Vec::with_capacity(batch.bytes.len() + prefix.len() + 8);
        let mut failed = None;
        let mut lines = batch.lines().peekable();
        while let Some(line) = lines.next() {
            let complete = batch.complete || lines.peek().is_some();
            let mut parts = line.chunks(PART_BYTES_MAX).peekable();
            let empty = parts.peek().is_none().then_some(&b""[..]);
            let mut parts = empty.into_iter().chain(parts).peekable();
            while let Some(part) = parts.next() {
                let tag: &[u8] = if parts.peek().is_some() || !complete { b"P " } else { b"F " };
                let size = prefix.len() + tag.len() + part.len() + 1;
                if self.is_full_with(records.len(), size) {
                    self.flush(&mut records, &mut failed);
                    self.rotate(&mut failed);
                }
                for piece in [prefix.as_bytes(), tag, part, b"\n"] {
                    records.extend_from_slice(piece);
                }
            }
        }
        self.flush(&mut records, &mut failed);
        let position = self.position();
        if self.open.as_ref().is_some_and(|open| open.borrowed) {
            self.open = None;
            self.reserve.give_back();
        }
        (position, failed)
    }

    /// Would `line` more bytes behind `pending` ones overfill a file that is not empty?
    fn is_full_with(&self, pending: usize, line: usize) -> bool {
        let written = self.open.as_ref().map_or(0, |open| open.bytes);
        let before = written.saturating_add(pending as u64);
        before > 0 && before.saturating_add(line as u64) > self.file_bytes_max
    }

    fn rotate(&mut self, failed: &mut Option<Failed>) {
        if self.open.take().is_some_and(|open| open.borrowed) {
            self.reserve.give_back();
        }
        if let Err(error) = self.files.rotate() {
            failed.get_or_insert(Failed { lines: 0, error });
        }
    }

    /// Writes what is there and empties it.
    fn flush(&mut self, records: &mut Vec<u8>, failed: &mut Option<Failed>) {
        if let Err((kept, error)) = self.write(records) {
            let lines = memchr::memchr_iter(b'\n', &records[kept..]).count() as u64;
            let before = failed.take().map_or(0, |failed| failed.lines);
            *failed = Some(Failed { lines: before + lines, error });
        }
        records.clear();
    }

    /// Writes all of `records`, or tells how many bytes of it, whole lines, are in the file.
    fn write(&mut self, records: &[u8]) -> Result<(), (usize, io::Error)> {
        if records.is_empty() {
            return Ok(());
        }
        self.opened().map_err(|error| (0, error))?;
        let Some(open) = self.open.as_mut() else { return Ok(()) };
        if open.torn {
            write_some(&mut open.file, b"\n").map_err(|error| (0, error))?;
            open.torn = false;
            open.bytes += 1;
        }
        let mut done = 0;
        while done < records.len() {
            match write_some(&mut open.file, &records[done..]) {
                Ok(more) => done += more,
                Err(error) => {
                    let kept = memchr::memrchr(b'\n', &records[..done]).map_or(0, |at| at + 1);
                    open.take_back(done, kept);
                    return Err((kept, error));
                }
            }
        }
        open.bytes += done as u64;
        Ok(())
    }
}

impl Open {
    /// Of `done` bytes that have just been written, leaves only the first `kept`.
    fn take_back(&mut self, done: usize, kept: usize) {
        self.bytes += done as u64;
        if done == kept {
            return;
        }
        let torn = (done - kept) as u64;
        // Somebody may have shortened the file: then what its length is now counts.
        let whole = self.file.metadata().map(|meta| meta.len().saturating_sub(torn));
        match whole.and_then(|whole| self.file.set_len(whole).map(|()| whole)) {
            Ok(whole) => self.bytes = whole,
            Err(_) => self.torn = true,
        }
    }
}

/// Writes as much as goes at once, at least one byte.
fn write_some(file: &mut File, bytes: &[u8]) -> io::Result<usize> {
    faulty!("log.write");
    loop {
        match file.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_ends_within_a_line_leaves_nothing_of_that_line() {
        let dir = tempfile::tempdir().unwrap();
        let files = Arc::new(Files::new(dir.path().join("web.log"), 2));
        let mut log = LogFile::new(files, 1_000, Arc::new(Reserve::new()));
        log.opened().unwrap();
        let open = log.open.as_mut().unwrap();
        open.file.write_all(b"whole\nto").unwrap();
        open.take_back(8, 6);
        assert_eq!((open.bytes, open.torn), (6, false));
        log.write(b"next\n").unwrap();
        assert_eq!(std::fs::read(dir.path().join("web.log")).unwrap(), b"whole\nnext\n");
    }
}
