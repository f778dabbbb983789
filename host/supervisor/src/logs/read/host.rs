//! Reads back and follows the host's own log. Its writer writes to a file and signals each change.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use provost_files::Identity;
use tokio::sync::{mpsc, watch};

use super::format::{Format, Stored, WINDOW_BYTES, host_line, host_record};
use super::merged::{Merged, Step};
use super::past::Past;
use super::query::LogQuery;
use crate::jobs::Lane;
use crate::logs::disk::{Files, Position, label, read_at};
use crate::logs::item::{LogItem, LogLine};
use crate::logs::piece::Piece;
use crate::logs::position::Mark;
use crate::logs::record::RECORD_BYTES_MAX;

/// The number of bytes that are read at once.
const STEP_BYTES: usize = 4 * WINDOW_BYTES;

/// The name of the host among the processes whose logs are read.
pub const HOST_LOG: &str = "provost";

/// The host's own log.
#[derive(Clone, Debug)]
pub struct HostLog {
    /// The current file; older ones have its name and a number.
    pub path: PathBuf,
    /// Changes whenever something was written.
    pub written: watch::Receiver<u64>,
}

impl HostLog {
    /// Hands out the lines that match the query, those after a place if there is one, and then, if `live`, new ones, until the
    /// receiver is dropped.
    pub(crate) async fn hand_out(
        self,
        query: Arc<LogQuery>,
        live: bool,
        after: Option<Mark>,
        reading: Lane,
        lines: mpsc::Sender<Piece>,
    ) {
        let Self { path, mut written } = self;
        let files = Arc::new(Files::new(path, usize::MAX));
        let stored = Stored { name: Arc::from(HOST_LOG), files, format: Format::Host };
        written.mark_unchanged();
        let of_past = query.clone();
        let Ok(mut tail) = reading.run(move || Tail::at_the_end(stored)).await else { return };
        if query.lines > 0 {
            let (stored, end) = (tail.stored.clone(), Position { epoch: 0, bytes: tail.offset });
            let begun = reading.run(move || first(stored, end, of_past, after)).await;
            let Ok((mut past, has_gap)) = begun else { return };
            if has_gap {
                let missed = LogItem::Missed { process: Arc::from(HOST_LOG), lines: None };
                let missed = Piece { items: vec![missed], ..Piece::default() };
                if lines.send(missed).await.is_err() {
                    return;
                }
            }
            while let Some(merged) = past {
                let Ok((piece, next)) = reading.run(move || piece(merged)).await else { return };
                if lines.send(piece_of(piece)).await.is_err() {
                    return;
                }
                past = next;
            }
        }
        if !live {
            return;
        }
        loop {
            let of_tail = query.clone();
            let Ok((read, there_is_more, next)) = reading.run(move || tail.step(&of_tail)).await else {
                return;
            };
            tail = next;
            if !read.is_empty() && lines.send(piece_of(read)).await.is_err() {
                return;
            }
            if there_is_more {
                continue;
            }
            tokio::select! {
                rung = written.changed() => if rung.is_err() { return },
                () = lines.closed() => return,
            }
        }
    }
}

/// Returns the past from its first wanted line, and whether lines after the place may be missing; no past if the files cannot be
/// read.
fn first(stored: Stored, end: Position, query: Arc<LogQuery>, after: Option<Mark>) -> (Option<Merged>, bool) {
    let begun = match after {
        Some(mark) => Past::after(mark, stored, end, query),
        None => Past::counted(stored, end, query).map(|past| (past, false)),
    };
    match begun {
        Ok((past, has_gap)) => (Some(Merged::new(vec![past], Box::new(super::past::cannot_read))), has_gap),
        Err(_) => (None, after.is_some()),
    }
}

fn piece_of(lines: Vec<LogLine>) -> Piece {
    Piece { items: lines.into_iter().map(LogItem::Line).collect(), ..Piece::default() }
}

fn piece(merged: Merged) -> (Vec<LogLine>, Option<Merged>) {
    match merged.step() {
        Step::Lines(merged, lines) => (lines, Some(merged)),
        Step::Later(merged) => (Vec::new(), Some(merged)),
        Step::End(lines) => (lines, None),
    }
}

/// The growing end of the log.
#[derive(Debug)]
struct Tail {
    stored: Stored,
    open: Option<(File, Identity)>,
    /// The label of that file, once it has a whole line.
    label: Option<u64>,
    /// The offset of the first byte that has not been handed out.
    offset: u64,
    last_ms: u64,
}

impl Tail {
    fn at_the_end(stored: Stored) -> Self {
        let mut tail = Self { stored, open: None, label: None, offset: 0, last_ms: 0 };
        if let Some(bytes) = tail.open() {
            tail.offset = bytes;
        }
        tail
    }

    /// Opens the current file and returns its size.
    fn open(&mut self) -> Option<u64> {
        // A file that is missing or cannot be opened counts as empty.
        let file = self.stored.files.open_past(0, 0).ok().flatten()?;
        let meta = file.metadata().ok()?;
        (self.open, self.label) = (Some((file, Identity::from(&meta))), None);
        Some(meta.len())
    }

    /// Returns the next matching lines and whether more are available at once.
    fn step(mut self, query: &LogQuery) -> (Vec<LogLine>, bool, Self) {
        if self.open.is_none() {
            self.offset = 0;
            self.open();
        }
        let Some((file, identity)) = &self.open else { return (Vec::new(), false, self) };
        // Checked before the read, so that the read sees everything that was written before the rotation.
        let rotated = !self.stored.files.is_current(*identity);
        let bytes = Bytes::from(read_at(file, self.offset, STEP_BYTES).unwrap_or_default());
        let Some(end) = memchr::memrchr(b'\n', &bytes) else {
            if bytes.len() > RECORD_BYTES_MAX {
                // Not a line of this log: too long.
                self.offset += bytes.len() as u64;
                return (Vec::new(), true, self);
            }
            // After a rotation the rest is in the next file.
            if rotated {
                self.open = None;
            }
            return (Vec::new(), rotated, self);
        };
        if self.label.is_none() {
            self.label = label(file).ok().flatten();
        }
        let mut lines = Vec::new();
        for line in bytes[..end].split(|byte| *byte == b'\n') {
            let record = host_record(&bytes.slice_ref(line), self.last_ms);
            self.last_ms = record.at_ms;
            self.offset += line.len() as u64 + 1;
            let at = self.label.map(|file| Mark::at(file, self.offset));
            let mark = at.map(|at| Mark { at_ms: record.at_ms, ..at });
            lines.push(LogLine { mark, ..host_line(&self.stored.name, record) });
        }
        lines.retain(|line| query.takes(line));
        (lines, true, self)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::degraded::Degraded;
    use crate::jobs::Jobs;

    #[tokio::test]
    async fn the_log_of_the_host_is_followed_across_its_rotation() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("provost.log");
        let line = |text: &str| {
            let mut file = File::options().append(true).create(true).open(&path).unwrap();
            file.write_all(format!("2026-11-23T05:41:23.123Z {text}\n").as_bytes()).unwrap();
        };
        line("provost ◆ one");
        line("notify  ◆ two");
        let (bell, written) = watch::channel(0);
        let log = HostLog { path: path.clone(), written };
        let (sender, mut lines) = mpsc::channel(1);
        let reading = Jobs::start(&Degraded::default()).reading.clone();
        let query = Arc::new(LogQuery { plugin: Some("notify".to_owned()), ..LogQuery::last(5) });
        let following = tokio::spawn(log.hand_out(query, true, None, reading, sender));
        let mut texts = Vec::new();
        for number in 0..4 {
            while texts.len() <= number {
                let piece: Piece = lines.recv().await.unwrap();
                texts.extend(piece.items.into_iter().map(|item| match item {
                    LogItem::Line(line) => String::from_utf8_lossy(&line.text).into_owned(),
                    other => panic!("{other:?}"),
                }));
            }
            line(&format!("provost ◆ other {number}"));
            line(&format!("notify ◆ next {number}"));
            if number == 1 {
                std::fs::rename(&path, dir.path().join("provost.log.1")).unwrap();
                line("notify ◆ in the new file");
            }
            bell.send_modify(|count| *count += 1);
        }
        assert_eq!(texts[..4], ["two", "next 0", "next 1", "in the new file"]);
        drop(lines);
        following.await.unwrap();
    }

    #[tokio::test]
    async fn the_log_of_the_host_is_resumed_after_each_line_also_across_its_rotation() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("provost.log");
        let (bell, written) = watch::channel(0);
        let write = |text: &str| {
            let mut file = File::options().append(true).create(true).open(&path).unwrap();
            file.write_all(format!("2026-11-23T05:41:23.123Z provost ◆ {text}\nno time\n").as_bytes())
                .unwrap();
            bell.send_modify(|count| *count += 1);
        };
        let log = HostLog { path: path.clone(), written };
        let reading = Jobs::start(&Degraded::default()).reading.clone();
        let read = async |live: bool, after: Option<Mark>, count: usize| {
            let (sender, mut pieces) = mpsc::channel(1);
            let query = Arc::new(LogQuery::last(usize::MAX));
            let following = tokio::spawn(log.clone().hand_out(query, live, after, reading.clone(), sender));
            let mut items = Vec::new();
            while items.len() < count
                && let Some(piece) = pieces.recv().await
            {
                items.extend(piece.items);
                if live && items.len() == 2 {
                    write("two");
                    std::fs::rename(&path, dir.path().join("provost.log.1")).unwrap();
                    write("three");
                }
            }
            drop(pieces);
            following.await.unwrap();
            items
        };
        write("one");
        let live = read(true, None, 6).await;
        let marks: Vec<Mark> = live
            .iter()
            .map(|item| match item {
                LogItem::Line(line) => line.mark.unwrap(),
                other => panic!("{other:?}"),
            })
            .collect();
        let stored = read(false, None, usize::MAX).await;
        assert_eq!(stored, live, "the places are the same, however a line was read");
        for (number, mark) in marks.iter().enumerate() {
            assert_eq!(read(false, Some(*mark), usize::MAX).await, live[number + 1..], "{number}");
        }
        std::fs::remove_file(dir.path().join("provost.log.1")).unwrap();
        let missed = LogItem::Missed { process: Arc::from(HOST_LOG), lines: None };
        assert_eq!(read(false, Some(marks[0]), usize::MAX).await[0], missed);
    }
}
