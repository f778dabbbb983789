//! Writes the memory of plugins into files, on a separate thread. A failed write is retried until it succeeds.

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

/// How long the host waits for the last writes when it ends, so that a disk that hangs does not keep it.
const LAST_WRITES: Duration = Duration::from_secs(5);

/// The time after which a failed write is retried, if no other write comes first.
const AGAIN: Duration = Duration::from_secs(2);

/// Writes the files of all plugins of a host. Dropping it waits for the outstanding writes, for at most
/// [`LAST_WRITES`].
#[derive(Debug)]
pub(crate) struct Keeper {
    dir: PathBuf,
    lacks: Lacks,
    jobs: Sender<Job>,
    /// Receives a message when its thread has written everything.
    written: Mutex<Receiver<()>>,
}

/// A memory whose file is older than its published values.
pub(super) trait Unwritten: Debug + Send + Sync {
    /// Writes the file, without what is not settled. Values that are settled from here on are written by another job.
    fn write(&self) -> Written;

    /// Does what [`write`](Self::write) does when the host ends: also writes what was settled after something that is not
    /// settled now, and never will be.
    fn write_last(&self) -> Written;

    /// Logs that the values that were not written are lost.
    fn tell_lost(&self);
}

/// What of a memory is in its file now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// Everything.
    All,
    /// Not what is not settled, or was settled after that.
    Settled,
    /// The file could not be written.
    Failed,
}

#[derive(Debug)]
pub(super) enum Job {
    Write(Arc<dyn Unwritten>),
    End,
}

impl Keeper {
    /// Keeps files in `dir`, which is created for this user alone.
    pub(crate) fn new(dir: &Path, lacks: &Lacks) -> std::io::Result<Self> {
        provost_files::own_dir(dir).map_err(|error| std::io::Error::other(error.to_string()))?;
        remove_unfinished(dir);
        let (jobs, inbox) = mpsc::channel();
        let (done, written) = mpsc::channel();
        thread::Builder::new().name("plugin-memory".to_owned()).spawn(move || {
            write_all(&inbox);
            // The receiver is gone if it has waited for too long.
            let _ = done.send(());
        })?;
        Ok(Self { dir: dir.to_owned(), lacks: lacks.clone(), jobs, written: Mutex::new(written) })
    }

    /// Starts the keeper of the files in `dir`. Returns `None` if there is no `dir`, or if that fails, which is
    /// reported as a lack.
    pub(crate) fn start(dir: Option<&Path>, lacks: &Lacks) -> Option<Self> {
        let failed = |error| {
            let reason = format!("plugins keep their memory only until the host ends: {error}");
            lacks.set("the memory of plugins", reason);
        };
        Self::new(dir?, lacks).map_err(failed).ok()
    }

    /// Returns a sender of jobs.
    pub(super) fn jobs(&self) -> Sender<Job> {
        self.jobs.clone()
    }

    /// Returns the file of this plugin.
    pub(super) fn file(&self, plugin: &str) -> MemoryFile {
        MemoryFile::new(self.path(plugin), plugin, self.lacks.clone())
    }

    /// Returns the path of the file of this plugin.
    pub(crate) fn path(&self, plugin: &str) -> PathBuf {
        self.dir.join(format!("{}.memory", file_name(plugin)))
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // If the thread has ended, there is nothing to wait for.
        let _ = self.jobs.send(Job::End);
        let written = self.written.get_mut();
        if written.recv_timeout(LAST_WRITES) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!(
                dir = %self.dir.display(),
                "the memory of plugins is not completely written after {} s: the host no longer waits for the disk",
                LAST_WRITES.as_secs()
            );
        }
    }
}

/// The memories whose files are behind.
#[derive(Debug, Default)]
struct Behind {
    /// Those that could not be written, which is tried again.
    failed: Vec<Arc<dyn Unwritten>>,
    /// Those with changes that are not settled. There is nothing to write until one is, which comes as a job.
    unsettled: Vec<Arc<dyn Unwritten>>,
}

impl Behind {
    fn write(&mut self, memory: Arc<dyn Unwritten>) {
        let is_other = |other: &Arc<dyn Unwritten>| !Arc::ptr_eq(other, &memory);
        self.failed.retain(is_other);
        self.unsettled.retain(is_other);
        match memory.write() {
            Written::All => {}
            Written::Settled => self.unsettled.push(memory),
            Written::Failed => self.failed.push(memory),
        }
    }

    fn retry(&mut self) {
        for memory in std::mem::take(&mut self.failed) {
            self.write(memory);
        }
    }

    fn write_last(self) {
        let all = self.failed.iter().chain(&self.unsettled);
        for lost in all.filter(|memory| memory.write_last() == Written::Failed) {
            lost.tell_lost();
        }
    }
}

fn write_all(inbox: &Receiver<Job>) {
    let mut behind = Behind::default();
    loop {
        let job = match behind.failed.is_empty() {
            true => inbox.recv().unwrap_or(Job::End),
            false => match inbox.recv_timeout(AGAIN) {
                Ok(job) => job,
                Err(RecvTimeoutError::Timeout) => {
                    behind.retry();
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => Job::End,
            },
        };
        match job {
            Job::Write(memory) => {
                behind.retry();
                behind.write(memory);
            }
            Job::End => return behind.write_last(),
        }
    }
}

/// Removes files that a host left unfinished when it was killed. No other host uses this directory.
fn remove_unfinished(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        if name.starts_with(b".") && name.ends_with(b".new") {
            // A file that cannot be removed does no harm.
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A memory that notes what is asked of it.
    #[derive(Debug)]
    struct Noting(Written, Mutex<Vec<&'static str>>);

    impl Noting {
        fn new(written: Written) -> Arc<Self> {
            Arc::new(Self(written, Mutex::default()))
        }
    }

    impl Unwritten for Noting {
        fn write(&self) -> Written {
            self.1.lock().push("write");
            self.0
        }

        fn write_last(&self) -> Written {
            self.1.lock().push("write last");
            self.0
        }

        fn tell_lost(&self) {
            self.1.lock().push("tell lost");
        }
    }

    #[test]
    fn what_has_failed_is_written_again_and_what_is_not_settled_waits_for_that() {
        let (all, unsettled, failed) =
            (Noting::new(Written::All), Noting::new(Written::Settled), Noting::new(Written::Failed));
        let (jobs, inbox) = mpsc::channel();
        for memory in [&all, &unsettled, &failed, &all, &unsettled] {
            jobs.send(Job::Write(memory.clone())).unwrap();
        }
        jobs.send(Job::End).unwrap();
        write_all(&inbox);
        assert_eq!(*all.1.lock(), ["write"; 2]);
        assert_eq!(*unsettled.1.lock(), ["write", "write", "write last"]);
        assert_eq!(*failed.1.lock(), ["write", "write", "write", "write last", "tell lost"]);
    }
}
