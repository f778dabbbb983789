//! Writes what plugins remember into their files, on a thread of its own. What cannot be written is tried again until it can.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::Memory;
use super::file::{Kept, file_name};
use crate::lacks::Lacks;

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

#[derive(Debug)]
pub(super) enum Job {
    Write(Arc<Memory>),
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

    /// The file of this plugin.
    pub(super) fn of(&self, plugin: &str) -> Kept {
        Kept::new(self.file(plugin), plugin, self.lacks.clone(), self.jobs.clone())
    }

    /// Its path.
    pub(crate) fn file(&self, plugin: &str) -> PathBuf {
        self.dir.join(format!("{}.memory", file_name(plugin)))
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // If its thread has ended, there is nothing left to be told or waited for.
        let _ = self.jobs.send(Job::End);
        let written = self.written.get_mut().unwrap_or_else(PoisonError::into_inner);
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
    let mut unwritten: Vec<Arc<Memory>> = Vec::new();
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
