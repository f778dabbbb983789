//! The log file of one process: `NAME.log`, rotated by size to `NAME.log.1`, `NAME.log.2`, …
//!
//! A line never straddles two files, and a restart of the host goes on in the same file.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::LogStream;
use super::record::{PART_BYTES_MAX, Record, joined, prefix};
use crate::spec::LogLimits;

/// How much of a file's end is read at first to find its last lines.
const TAIL_WINDOW_BYTES: u64 = 64 << 10;

#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    limits: LogLimits,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    bytes: u64,
}

/// Lines of one read, made ready to be written at once.
#[derive(Debug)]
pub(super) struct Batch {
    prefix: String,
    bytes: Vec<u8>,
}

impl Batch {
    /// Adds one line, in parts if it is long or not `complete` yet; writes what came before it first if a
    /// new file is due.
    pub(super) fn push(&mut self, line: &[u8], complete: bool, file: &mut LogFile) {
        let mut parts = line.chunks(PART_BYTES_MAX).peekable();
        if parts.peek().is_none() {
            self.part(b"F ", b"", file);
        }
        while let Some(part) = parts.next() {
            let tag: &[u8] = if parts.peek().is_some() || !complete { b"P " } else { b"F " };
            self.part(tag, part, file);
        }
    }

    fn part(&mut self, tag: &[u8], text: &[u8], file: &mut LogFile) {
        let size = self.prefix.len() + tag.len() + text.len() + 1;
        if file.is_full_with(self.bytes.len(), size) {
            let before = std::mem::take(&mut self.bytes);
            if let Err(error) = file.write(&before).and_then(|()| file.rotate()) {
                tracing::error!(file = %file.path.display(), %error, "cannot rotate the log file");
            }
        }
        self.bytes.extend_from_slice(self.prefix.as_bytes());
        self.bytes.extend_from_slice(tag);
        self.bytes.extend_from_slice(text);
        self.bytes.push(b'\n');
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

impl LogFile {
    /// The file is opened at the first line.
    pub(super) fn new(path: PathBuf, limits: LogLimits) -> Self {
        Self { path, limits, open: None }
    }

    pub(super) fn batch(&self, at_ms: u64, stream: LogStream) -> Batch {
        Batch { prefix: prefix(at_ms, stream), bytes: Vec::new() }
    }

    fn opened(&mut self) -> io::Result<&mut Open> {
        if self.open.is_none() {
            let file = OpenOptions::new().create(true).append(true).open(&self.path)?;
            let bytes = file.metadata()?.len();
            self.open = Some(Open { file, bytes });
        }
        self.open.as_mut().ok_or_else(|| io::Error::other("not open"))
    }

    /// Would `line` more bytes behind `pending` ones overfill a file that is not empty?
    fn is_full_with(&mut self, pending: usize, line: usize) -> bool {
        let limit = self.limits.file_bytes_max;
        self.opened().is_ok_and(|open| {
            let before = open.bytes.saturating_add(pending as u64);
            before > 0 && before.saturating_add(line as u64) > limit
        })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let open = self.opened()?;
        open.file.write_all(bytes)?;
        open.bytes += bytes.len() as u64;
        Ok(())
    }

    /// Shifts `.log` to `.log.1`, `.log.1` to `.log.2`, …; what exceeds the number of files is deleted.
    fn rotate(&mut self) -> io::Result<()> {
        self.open = None;
        let oldest = self.limits.files_max.max(1) - 1;
        if oldest == 0 {
            return ignore_missing(std::fs::remove_file(&self.path));
        }
        for number in (0..oldest).rev() {
            ignore_missing(std::fs::rename(self.numbered(number), self.numbered(number + 1)))?;
        }
        Ok(())
    }

    fn numbered(&self, number: usize) -> PathBuf {
        match number {
            0 => self.path.clone(),
            _ => {
                let mut name = self.path.clone().into_os_string();
                name.push(format!(".{number}"));
                name.into()
            }
        }
    }

    /// The last `lines` lines, oldest first, from as many files as it takes.
    pub(super) fn tail(&self, lines: usize) -> io::Result<Vec<Record>> {
        let mut newest_first: Vec<Vec<Bytes>> = Vec::new();
        let mut found = 0;
        for number in 0..self.limits.files_max.max(1) {
            if found >= lines {
                break;
            }
            let Some(part) = last_lines(&self.numbered(number), lines - found)? else { break };
            found += part.len();
            newest_first.push(part);
        }
        let oldest_first = newest_first.into_iter().rev().flatten();
        Ok(joined(oldest_first.filter_map(|line| Record::parse(&line)).collect()))
    }
}

fn ignore_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// The last `wanted` lines of a file, oldest first; `None` if there is no such file.
fn last_lines(path: &Path, wanted: usize) -> io::Result<Option<Vec<Bytes>>> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let size = file.metadata()?.len();
    let mut window = TAIL_WINDOW_BYTES;
    loop {
        let start = size.saturating_sub(window);
        file.seek(SeekFrom::Start(start))?;
        let mut end = Vec::new();
        Read::by_ref(&mut file).take(size - start).read_to_end(&mut end)?;
        let newlines = memchr::memchr_iter(b'\n', &end).count();
        if start > 0 && newlines <= wanted {
            window *= 4;
            continue;
        }
        let end = Bytes::from(end);
        // The first line of a window that begins inside the file may be half a line: it is not wanted.
        let lines: Vec<Bytes> = end.split(|byte| *byte == b'\n').map(|line| end.slice_ref(line)).collect();
        let complete = lines.len().saturating_sub(1);
        let first = complete.saturating_sub(wanted);
        return Ok(Some(lines[first..complete].to_vec()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(limits: LogLimits, lines: &[&str]) -> (tempfile::TempDir, LogFile) {
        let dir = tempfile::tempdir().unwrap();
        let mut file = LogFile::new(dir.path().join("web.log"), limits);
        for line in lines {
            let mut batch = file.batch(1_700_000_000_000, LogStream::Out);
            batch.push(line.as_bytes(), true, &mut file);
            let bytes = batch.finish();
            file.write(&bytes).unwrap();
        }
        (dir, file)
    }

    fn texts(file: &LogFile, lines: usize) -> Vec<String> {
        let records = file.tail(lines).unwrap();
        records.into_iter().map(|record| String::from_utf8(record.text.to_vec()).unwrap()).collect()
    }

    #[test]
    fn the_tail_reaches_back_over_rotated_files_and_no_file_exceeds_its_limit() {
        let names: Vec<String> = (0..20).map(|n| format!("line {n}")).collect();
        let lines: Vec<&str> = names.iter().map(String::as_str).collect();
        let (dir, file) = written(LogLimits { file_bytes_max: 200, files_max: 10 }, &lines);
        assert_eq!(texts(&file, 20), lines);
        assert_eq!(texts(&file, 3), lines[17..]);
        assert_eq!(texts(&file, 0), [""; 0]);
        let sizes: Vec<u64> = std::fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().metadata().unwrap().len())
            .collect();
        assert!(sizes.len() > 2 && sizes.iter().all(|size| *size <= 200), "{sizes:?}");
    }

    #[test]
    fn no_more_files_are_kept_than_asked_for() {
        for files_max in 1..4 {
            let (dir, file) = written(LogLimits { file_bytes_max: 60, files_max }, &["a"; 12]);
            assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), files_max);
            assert_eq!(texts(&file, 100).len(), files_max);
        }
    }

    #[test]
    fn a_very_long_line_comes_back_whole() {
        let long = "x".repeat(3 * PART_BYTES_MAX + 17);
        let (_dir, file) = written(LogLimits::default(), &["before", &long, "after"]);
        assert_eq!(texts(&file, 10), ["before", &long, "after"]);
        assert_eq!(texts(&file, 1), ["after"]);
    }
}
