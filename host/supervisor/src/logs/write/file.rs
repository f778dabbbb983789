//! Writes the log file of one process. A line never straddles two files, a record that cannot be written whole is taken
//! back or ended, and a restarted host continues the same file. All of it blocks and runs only on the threads for log
//! writes.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use provost_files::Identity;

use super::batch::{Batch, End};
use super::line::{CUT, Line, Part};
use super::open::Open;
use super::outcome::{Appended, Failed};
use super::pending::Pending;
use super::tail;
use crate::logs::disk::{Files, Position, Reserve, Standing, is_out_of_descriptors, label, read_at};
use crate::logs::item::LogStream;
use crate::logs::ledger::{Entry, Progress, Record};
use crate::logs::marker::Segment;
use crate::logs::record::{PART_BYTES_MAX, prefix};

/// The number of times that a deleted file is recreated for the same lines.
const NEW_FILES_MAX: usize = 3;

/// The least time between two warnings that the file of a process was replaced.
const WARNING_INTERVAL_NS: u64 = 60_000_000_000;

#[derive(Debug)]
pub(crate) struct LogFile {
    process: Arc<str>,
    files: Arc<Files>,
    /// Shared with the log, which may change it at any time.
    file_bytes_max: Arc<AtomicU64>,
    reserve: Arc<Reserve>,
    open: Option<Open>,
    /// The state of the last line of each stream; `None` before the end of the existing file was examined.
    lines: Option<[Line; 2]>,
    /// What a former host was writing, until the end of the existing file was examined.
    left: Vec<Arc<Entry>>,
    /// The time of the last warning that the file was replaced, in nanoseconds of the monotonic clock.
    warned_ns: Option<u64>,
}

impl LogFile {
    /// Creates the log file's writer. The file is opened with the first line.
    pub(crate) fn new(
        process: Arc<str>,
        files: Arc<Files>,
        file_bytes_max: Arc<AtomicU64>,
        reserve: Arc<Reserve>,
        left: Vec<Arc<Entry>>,
    ) -> Self {
        Self { process, files, file_bytes_max, reserve, open: None, lines: None, left, warned_ns: None }
    }

    /// Opens the file if it is not open, and returns the end of its content. Called before the first
    /// [`LogFile::append`], so that readers know where the past ends.
    pub(crate) fn opened(&mut self) -> io::Result<Position> {
        if self.open.is_none() {
            self.open = Some(self.open()?);
        }
        if self.lines.is_none() {
            self.take_up()?;
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
        let meta = file.metadata()?;
        let (identity, bytes) = (Identity::from(&meta), meta.len());
        let torn = tail::torn(&file, bytes)?;
        Ok(Open { file, identity, bytes, label: None, torn, borrowed })
    }

    /// Continues where an earlier host has ended, perhaps within a line.
    fn take_up(&mut self) -> io::Result<()> {
        // Kept until everything was examined.
        let left = self.left.clone();
        for entry in &left {
            if let Some(record) = entry.last().filter(|record| !record.is_taken)
                && !self.has_written(&record)?
            {
                entry.not_written();
            }
        }
        let Some(open) = &self.open else { return Ok(()) };
        let mut lines = if open.bytes > 0 {
            tail::lines(&open.file, open.bytes)?
        } else {
            match self.files.open_past(self.files.epoch(), 1) {
                Ok(Some(older)) => tail::lines(&older, older.metadata()?.len())?,
                // A line in an unreadable file is not continued.
                Ok(None) | Err(_) => [Line::Whole; 2],
            }
        };
        for entry in left.iter().filter(|entry| entry.last().is_some_and(|last| last.after.is_within_line)) {
            // Its process goes on with it.
            let line = &mut lines[entry.stream() as usize];
            if *line == Line::Cut {
                *line = Line::Open;
            }
        }
        self.lines = Some(lines);
        self.left.clear();
        Ok(())
    }

    /// Whether the last write of a former host is in the files. What is there of an incomplete one is taken back.
    fn has_written(&mut self, record: &Record) -> io::Result<bool> {
        let (before, after) = (record.before.bytes, record.after.bytes);
        let Some(open) = self.open.as_mut().filter(|open| open.identity.inode() == record.inode) else {
            let file = self.files.with_inode(record.inode)?;
            return Ok(file.map(|file| file.metadata()).transpose()?.is_some_and(|file| file.len() >= after));
        };
        if open.bytes >= after {
            return Ok(true);
        }
        let is_record_end = |at: u64| Ok::<_, io::Error>(at == 0 || read_at(&open.file, at - 1, 1)? == b"\n");
        if open.bytes > before && is_record_end(before)? && open.file.set_len(before).is_ok() {
            (open.bytes, open.torn) = (before, None);
        }
        Ok(false)
    }

    /// Returns the end of the file and what a former host was writing of an output, after everything that it left was
    /// examined.
    pub(crate) fn resume(&mut self, entry: &Entry) -> io::Result<Option<Record>> {
        self.opened()?;
        Ok(entry.last())
    }

    fn position(&self) -> Position {
        let bytes = self.open.as_ref().map_or(0, |open| open.bytes);
        Position { epoch: self.files.epoch(), bytes }
    }

    /// Writes the lines, rotating whenever a file is full.
    pub(crate) fn append(&mut self, batch: &Batch) -> Appended {
        let prefix = prefix(batch.at_ms, batch.stream);
        let records = Vec::with_capacity(batch.bytes.len() + batch.bytes.len() / 2 + prefix.len() + 8);
        let mut pending = Pending::new(batch, prefix, records);
        let overhead = pending.prefix.len() as u64 + 3;
        let room = usize::try_from(self.bytes_max().saturating_sub(overhead)).unwrap_or(PART_BYTES_MAX);
        let part_max = room.clamp(1, PART_BYTES_MAX);
        let mut lines = batch.lines().peekable();
        while let Some(line) = lines.next() {
            let complete = batch.end == End::Whole || lines.peek().is_some();
            let mut parts = line.chunks(part_max).peekable();
            let empty = parts.peek().is_none().then_some(&b""[..]);
            let mut parts = empty.into_iter().chain(parts).peekable();
            while let Some(part) = parts.next() {
                let last = complete && parts.peek().is_none();
                pending.raw.next(part.len() + usize::from(last));
                self.add(&mut pending, part, last);
            }
        }
        self.flush(&mut pending);
        let position = self.position();
        if self.open.as_ref().is_some_and(|open| open.borrowed) {
            self.close();
        }
        let Pending { segments, failed, .. } = pending;
        Appended { position, segments, part_bytes_max: part_max, failed }
    }

    /// Deletes everything written and returns the new end. The rest of an open line becomes a separate line.
    pub(crate) fn clear(&mut self) -> io::Result<Position> {
        self.files.clear()?;
        self.close();
        self.lines = Some(self.lines.unwrap_or_default().map(Line::ended));
        Ok(self.position())
    }

    /// Closes the file; the next line opens it again.
    fn close(&mut self) {
        if self.open.take().is_some_and(|open| open.borrowed) {
            self.reserve.give_back();
        }
    }

    fn line(&mut self, stream: LogStream) -> &mut Line {
        &mut self.lines.get_or_insert_default()[stream as usize]
    }

    /// Adds a part of a line, unless an earlier part of that line was lost.
    fn add(&mut self, pending: &mut Pending<'_>, part: &[u8], last: bool) {
        if pending.records.is_empty() && self.line(pending.stream).is_cut() {
            self.push(pending, CUT, true);
            pending.ends_cut = !pending.records.is_empty();
            pending.segments = None;
        }
        let standing = *self.line(pending.stream);
        let standing = if pending.ends_cut { standing.ended() } else { standing };
        let lost = pending.records.is_empty() || pending.is_only_the_end_of_a_cut_line();
        if lost && standing.is_lost() {
            let left_out = if last { Part::Last } else { Part::More };
            let line = self.line(pending.stream);
            *line = line.after(left_out);
            pending.raw.pushed();
            pending.segments = None;
            return;
        }
        self.push(pending, part, last);
    }

    fn push(&mut self, pending: &mut Pending<'_>, text: &[u8], last: bool) {
        let size = pending.prefix.len() + 3 + text.len();
        let torn = self.open.as_ref().and_then(|open| open.torn).map_or(0, <[u8]>::len);
        if self.is_full_with(pending.records.len() + torn, size) {
            let flushed = !pending.records.is_empty();
            self.flush(pending);
            self.rotate(&mut pending.failed);
            if flushed {
                // The fate of the flushed records decides how this one is added.
                return self.add(pending, text, last);
            }
        }
        pending.count += 1;
        if text != CUT {
            pending.raw.pushed();
        }
        let tag: &[u8] = if last { b"F " } else { b"P " };
        for piece in [pending.prefix.as_bytes(), tag, text, b"\n"] {
            pending.records.extend_from_slice(piece);
        }
    }

    /// Returns true if `line` more bytes after `pending` ones exceed the limit of a non-empty file.
    fn is_full_with(&self, pending: usize, line: usize) -> bool {
        let written = self.open.as_ref().map_or(0, |open| open.bytes);
        let before = written.saturating_add(pending as u64);
        before > 0 && before.saturating_add(line as u64) > self.bytes_max()
    }

    fn bytes_max(&self) -> u64 {
        self.file_bytes_max.load(Ordering::Relaxed)
    }

    /// Rotates the files. If that fails, the lines go to the current file.
    fn rotate(&mut self, failed: &mut Option<Failed>) {
        self.open = match self.files.rotate() {
            Ok(()) => None,
            Err(error) => {
                failed.get_or_insert(Failed { lines: 0, error });
                return;
            }
        };
    }

    /// Writes the pending records and clears them.
    fn flush(&mut self, pending: &mut Pending<'_>) {
        if pending.records.is_empty() {
            return;
        }
        let outcome = self.write(pending);
        pending.raw.flushed();
        let kept = outcome.as_ref().map_or_else(|(kept, _)| *kept, |()| pending.records.len());
        let (written, lost) = pending.records.split_at(kept);
        let line = self.line(pending.stream);
        if pending.ends_cut && kept > 0 {
            *line = line.ended();
        }
        if let Some(last) = pending.last_of(written) {
            *line = line.after(if last { Part::Last } else { Part::More });
        }
        if let Some(last) = pending.last_of(lost) {
            *line = line.after(if last { Part::LostLast } else { Part::LostMore });
        }
        let are_written = outcome.is_ok();
        if let Err((_, error)) = outcome {
            let lines = pending.lines_of(lost) - u64::from(pending.ends_cut && kept == 0);
            let before = pending.failed.take().map_or(0, |failed| failed.lines);
            pending.failed = Some(Failed { lines: before + lines, error });
        }
        self.note_segment(pending, are_written);
        pending.ends_cut = false;
        pending.records.clear();
    }

    /// Notes where the pending records were written.
    fn note_segment(&mut self, pending: &mut Pending<'_>, are_written: bool) {
        let first = std::mem::replace(&mut pending.flushed, pending.count);
        let place = self.open.as_mut().filter(|_| are_written).and_then(|open| {
            open.label = open.label.or_else(|| label(&open.file).ok().flatten());
            Some((open.label?, open.bytes.checked_sub(pending.records.len() as u64)?))
        });
        pending.segments = pending.segments.take().zip(place).map(|(mut segments, (file, offset))| {
            segments.push(Segment { first, file, offset });
            segments
        });
    }

    /// Writes all pending records. On failure, the error comes with the number of bytes, in whole records, that are in the
    /// file. If the file was deleted meanwhile, the records are written again to a new one.
    fn write(&mut self, pending: &Pending<'_>) -> Result<(), (usize, io::Error)> {
        let records = &*pending.records;
        let is_within_line = self.lines.is_some_and(|lines| lines[pending.stream as usize] == Line::Open);
        for _ in 0..NEW_FILES_MAX {
            self.opened().map_err(|error| (0, error))?;
            let Some(open) = self.open.as_mut() else { return Ok(()) };
            let before = Progress {
                is_within_line,
                bytes: open.bytes + open.torn.map_or(0, |end| end.len() as u64),
                ..Progress::default()
            };
            let after = Progress {
                is_within_line: pending.last_of(records) == Some(false),
                bytes: before.bytes + records.len() as u64,
                ..Progress::default()
            };
            pending.raw.intend(open.identity.inode(), before, after);
            open.write(records)?;
            match self.files.standing(&open.file, open.identity) {
                Standing::Same { bytes } => {
                    open.bytes = bytes;
                    return Ok(());
                }
                standing => {
                    self.open_anew();
                    if standing == Standing::Moved {
                        return Ok(());
                    }
                }
            }
        }
        Err((0, io::Error::other("the file is deleted every time it is created")))
    }

    /// Handles a replaced file: closes the open one, so that the next line opens a new one.
    fn open_anew(&mut self) {
        self.close();
        let now = crate::clock::figure_ns();
        if self.warned_ns.is_none_or(|warned| now.saturating_sub(warned) >= WARNING_INTERVAL_NS) {
            self.warned_ns = Some(now);
            tracing::warn!(
                process = &*self.process,
                "the log file was removed, moved or replaced by somebody else; new lines go to a new file"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write;

    use super::*;

    fn log(dir: &tempfile::TempDir, file_bytes_max: u64) -> LogFile {
        let files = Arc::new(Files::new(dir.path().join("web.log"), 20));
        let reserve = Arc::new(Reserve::new());
        LogFile::new(Arc::from("web"), files, Arc::new(file_bytes_max.into()), reserve, Vec::new())
    }

    fn batch(text: &[u8], end: End) -> Batch {
        Batch { stream: LogStream::Out, at_ms: 0, bytes: text.to_vec(), end, claim: None }
    }

    fn text(dir: &tempfile::TempDir) -> String {
        std::fs::read_to_string(dir.path().join("web.log"))
            .unwrap()
            .replace("1970-01-01T00:00:00.000Z stdout ", "")
    }

    #[test]
    fn a_write_that_ends_within_a_record_leaves_nothing_of_it() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = log(&dir, 1_000);
        log.opened().unwrap();
        let open = log.open.as_mut().unwrap();
        open.file.write_all(b"whole\nto").unwrap();
        open.take_back(b"whole\nto", 6);
        assert_eq!((open.bytes, open.torn), (6, None));
        assert!(log.append(&batch(b"next\n", End::Whole)).failed.is_none());
        assert_eq!(text(&dir), "whole\nF next\n");
    }

    #[test]
    fn a_line_whose_rest_cannot_be_written_is_ended_and_nothing_is_glued_to_it() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = log(&dir, 100_000);
        assert!(log.append(&batch(b"begun ", End::Shown)).failed.is_none());
        let writable = log.open.take().unwrap();
        let read_only = File::open(dir.path().join("web.log")).unwrap();
        log.open = Some(Open { file: read_only, ..writable });
        // The next part of the line, its end, a whole line, and the beginning of a long one.
        assert_eq!(log.append(&batch(b"more", End::Long)).failed.unwrap().lines, 1);
        assert!(
            log.append(&batch(b"end\nlost\nlong ", End::Long)).failed.is_some_and(|failed| failed.lines == 2)
        );
        log.open = None;
        assert!(log.append(&batch(b"rest of it\nwhole\n", End::Whole)).failed.is_none());
        let ended = "F  [provost: the rest of this line is missing]";
        assert_eq!(text(&dir), format!("P begun \n{ended}\nF whole\n"));
    }

    #[test]
    fn no_file_is_larger_than_its_limit_however_long_a_line_is() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = log(&dir, 4_096);
        for size in [50_000, 1, 4_096, 4_060, 100_000, 0] {
            let line = [&vec![b'x'; size][..], b"\n"].concat();
            assert!(log.append(&batch(&line, End::Whole)).failed.is_none());
        }
        let sizes: Vec<u64> = std::fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().metadata().unwrap().len())
            .collect();
        assert!(sizes.len() > 10 && sizes.iter().all(|size| *size <= 4_096), "{sizes:?}");
    }

    #[test]
    fn a_file_that_is_removed_moved_or_emptied_by_somebody_is_followed_by_a_new_one() {
        let dir = tempfile::tempdir().unwrap();
        let (path, away) = (dir.path().join("web.log"), dir.path().join("away"));
        let mut log = log(&dir, 4_096);
        let mut line = |text: &[u8]| assert!(log.append(&batch(text, End::Whole)).failed.is_none());
        line(b"one\n");
        std::fs::remove_file(&path).unwrap();
        line(b"two\n");
        assert_eq!(text(&dir), "F two\n", "nothing goes into a file that nobody can read");
        std::fs::rename(&path, &away).unwrap();
        line(b"three\n");
        line(b"four\n");
        assert!(
            std::fs::read_to_string(&away)
                .unwrap()
                .ends_with("F two\n1970-01-01T00:00:00.000Z stdout F three\n")
        );
        assert_eq!(text(&dir), "F four\n");
        File::create(&path).unwrap();
        line(b"five\n");
        assert_eq!(text(&dir), "F five\n");
        std::fs::remove_dir_all(dir.path()).unwrap();
        line(b"six\n");
        assert_eq!(text(&dir), "F six\n", "the directory is made again, too");
    }
}
