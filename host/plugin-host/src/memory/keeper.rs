//! Writes what plugins remember into their files, on a thread of its own. What cannot be written is tried again until it can.

use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;

use crate::lacks::Lacks;

use super::file::{MemoryFile, file_name};

/// How long the host waits at its end for what is still to be written. A disk that hangs must not keep it.
const LAST_WRITES: Duration = Duration::from_secs(5);

/// When what could not be written is tried again, if nobody writes anything before.
const AGAIN: Duration = Duration::from_secs(2);

/// Writes the files of all plugins of a host. When it is dropped, all that was to be written has been.
#[derive(Debug)]
pub(crate) struct Keeper {
    dir: PathBuf,
    lacks: Lacks,
    jobs: Sender<Job>,
    /// Says when its thread has written everything.
    written: Mutex<Receiver<()>>,
}

/// Something whose file is behind what was published of it.
pub(super) trait Unwritten: Debug + Send + Sync {
    /// Writes the file; returns false if that is not possible now. What is published from here on is written again.
    fn write(&self) -> bool;

    /// Says that what could not be written is lost.
    fn tell_lost(&self);
}

#[derive(Debug)]
pub(super) enum Job {
    Write(Arc<dyn Unwritten>),
    End,
}

impl Keeper {
    /// Keeps files in `dir`, which is created, for this user alone.
    pub(crate) fn new(dir: &Path, lacks: &Lacks) -> std::io::Result<Self> {
        provost_files::own_dir(dir).map_err(|error| std::io::Error::other(error.to_string()))?;
        remove_unfinished(dir);
        let (jobs, inbox) = mpsc::channel();
        let (done, written) = mpsc::channel();
        thread::Builder::new().name("plugin-memory".to_owned()).spawn(move || {
            write_all(&inbox);
            // Whoever has waited long enough has gone.
            let _ = done.send(());
        })?;
        Ok(Self { dir: dir.to_owned(), lacks: lacks.clone(), jobs, written: Mutex::new(written) })
    }

    /// The keeper of the files in `dir`, if one is wanted and possible.
    pub(crate) fn start(dir: Option<&Path>, lacks: &Lacks) -> Option<Self> {
        let failed = |error| {
            let reason = format!("what plugins remember is not kept, and ends with the host: {error}");
            lacks.set("the memory of plugins", reason);
        };
        Self::new(dir?, lacks).map_err(failed).ok()
    }

    /// Whoever has this can have something written.
    pub(super) fn jobs(&self) -> Sender<Job> {
        self.jobs.clone()
    }

    /// The file of this plugin.
    pub(super) fn file(&self, plugin: &str) -> MemoryFile {
        MemoryFile::new(self.path(plugin), plugin, self.lacks.clone())
    }

    /// The path of the file of this plugin.
    pub(crate) fn path(&self, plugin: &str) -> PathBuf {
        self.dir.join(format!("{}.memory", file_name(plugin)))
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // If its thread has ended, there is nothing left to be told or waited for.
        let _ = self.jobs.send(Job::End);
        let written = self.written.get_mut();
        if written.recv_timeout(LAST_WRITES) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!(
                dir = %self.dir.display(),
                "what plugins remember is not all written after {} s: the host does not wait for the disk any longer",
                LAST_WRITES.as_secs()
            );
        }
    }
}

fn write_all(inbox: &Receiver<Job>) {
    let mut unwritten: Vec<Arc<dyn Unwritten>> = Vec::new();
    loop {
        let job = match unwritten.is_empty() {
            true => inbox.recv().unwrap_or(Job::End),
            false => match inbox.recv_timeout(AGAIN) {
                Ok(job) => job,
                Err(RecvTimeoutError::Timeout) => {
                    unwritten.retain(|memory| !memory.write());
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => Job::End,
            },
        };
        match job {
            Job::Write(memory) => {
                unwritten.retain(|other| !Arc::ptr_eq(other, &memory));
                unwritten.push(memory);
                unwritten.retain(|memory| !memory.write());
            }
            Job::End => {
                for lost in unwritten.iter().filter(|memory| !memory.write()) {
                    lost.tell_lost();
                }
                return;
            }
        }
    }
}

/// Removes what a host that was killed has not finished. No other host uses this directory.
fn remove_unfinished(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        if name.starts_with(b".") && name.ends_with(b".new") {
            // What cannot be removed is in nobody's way.
            let _ = fs::remove_file(entry.path());
        }
    }
}
