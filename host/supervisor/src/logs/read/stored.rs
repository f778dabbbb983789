//! Reads log files without a running host: those of processes and of the host itself, at any time after they were
//! written. Only regular files of the current user (as root: of any user) are opened, links are not followed, and
//! nothing waits. Memory is bounded whatever the files contain.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

use super::format::{Format, Stored};
use super::merged::{Merged, Step};
use super::past::Past;
use super::query::LogQuery;
use crate::logs::disk::{Files, NotOpened, Position};
use crate::logs::item::LogLine;

/// The most names that are collected in a directory.
const NAMES_MAX: usize = 100_000;

/// The end position for files that no writer in this process rotates.
const EVERYTHING: Position = Position { epoch: 0, bytes: u64::MAX };

/// A set of log files and their formats.
#[derive(Clone, Debug, Default)]
pub struct StoredFiles(Vec<Stored>);

impl StoredFiles {
    /// Selects the logs of these processes in the log directory of a host.
    #[must_use]
    pub fn of_processes(dir: &Path, names: impl IntoIterator<Item = String>) -> Self {
        let stored = |name: String| {
            let files = Files::new(dir.join(format!("{name}.log")), usize::MAX);
            Stored { name: name.into(), files: Arc::new(files), format: Format::Process }
        };
        Self(names.into_iter().map(stored).collect())
    }

    /// Selects the log of a host by the path of its current file.
    #[must_use]
    pub fn of_host(path: &Path) -> Self {
        let files = Arc::new(Files::new(path.to_owned(), usize::MAX));
        Self(vec![Stored { name: Arc::from("provost"), files, format: Format::Host }])
    }

    /// Returns the names of the processes that have a log in this directory, rotated or not, in order.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn names_in(dir: &Path) -> io::Result<Vec<String>> {
        let mut names = BTreeSet::new();
        for entry in std::fs::read_dir(dir)? {
            let name = entry?.file_name();
            let Some(name) = name.to_str() else { continue };
            let current = name.trim_end_matches(|c: char| c.is_ascii_digit());
            let current = if current == name { name } else { current.strip_suffix('.').unwrap_or(name) };
            if let Some(name) = current.strip_suffix(".log")
                && names.len() < NAMES_MAX
            {
                names.insert(name.to_owned());
            }
        }
        Ok(names.into_iter().collect())
    }

    /// Returns the lines that match `query`, in order of time. It blocks, and so does the iterator.
    #[must_use]
    pub fn read(self, query: LogQuery) -> StoredLines {
        let unreadable = Arc::new(Mutex::new(Vec::new()));
        let query = Arc::new(query);
        let mut pasts = Vec::new();
        for stored in self.0 {
            let name = stored.name.clone();
            match Past::counted(stored, EVERYTHING, query.clone()) {
                Ok(past) => pasts.push(past),
                Err(error) => note(&unreadable, &name, &error),
            }
        }
        let noted = unreadable.clone();
        let merged = Merged::new(pasts, Box::new(move |name, error| note(&noted, name, error)));
        StoredLines { merged: Some(merged), piece: Vec::new().into_iter(), unreadable }
    }
}

type Unreadable = Arc<Mutex<Vec<(String, String)>>>;

fn note(unreadable: &Unreadable, name: &str, error: &NotOpened) {
    let noted = (name.to_owned(), error.to_string());
    unreadable.lock().push(noted);
}

/// Lines of log files in order of time.
#[derive(Debug)]
pub struct StoredLines {
    merged: Option<Merged>,
    piece: std::vec::IntoIter<LogLine>,
    unreadable: Unreadable,
}

impl StoredLines {
    /// Returns the logs that could not be read so far, each with its name and the reason.
    #[must_use]
    pub fn unreadable(&self) -> Vec<(String, String)> {
        self.unreadable.lock().clone()
    }
}

impl Iterator for StoredLines {
    type Item = LogLine;

    fn next(&mut self) -> Option<LogLine> {
        loop {
            if let Some(line) = self.piece.next() {
                return Some(line);
            }
            let lines = match self.merged.take()?.step() {
                Step::Lines(merged, lines) => {
                    self.merged = Some(merged);
                    lines
                }
                // No writer in this process rotates the files, so this ends at once.
                Step::Later(merged) => {
                    self.merged = Some(merged);
                    continue;
                }
                Step::End(lines) => lines,
            };
            self.piece = lines.into_iter();
        }
    }
}
