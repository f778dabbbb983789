//! A file on a disk that follows what the host has in memory, for the case that the keeper ends together with the host. A thread
//! writes it: no task waits for the disk, one that is full or hangs is shown, and the file is written anew when the disk answers.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

use provost_files::{Access, Cursor, Identity};

use crate::degraded::Degraded;

/// The pause before another attempt after one that failed.
const AGAIN: Duration = Duration::from_secs(2);

/// How long the end of the host waits until the file is gone.
const DISCARDED_WITHIN: Duration = Duration::from_secs(5);

/// What is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Contents {
    /// The name of the thread.
    pub(crate) thread: &'static str,
    /// What the file is, for people; the entry in [`Degraded`].
    pub(crate) name: &'static str,
    /// What follows if the host and its keeper are killed while it cannot be written.
    pub(crate) loss: &'static str,
    /// Changes within this time are written together.
    pub(crate) together: Duration,
}

/// The sender of jobs to the thread.
#[derive(Debug)]
pub(crate) struct DiskCopy {
    jobs: Sender<Job>,
    /// Whether a job waits that will write everything that has changed by then.
    is_woken: Arc<AtomicBool>,
}

#[derive(Debug)]
enum Job {
    /// Something has changed.
    Write,
    /// The host ends in order: another one finds nothing. The answer comes when the file is gone.
    Discard(SyncSender<()>),
}

impl DiskCopy {
    /// Starts the thread. It calls `write` at first and after something has changed, and again after a pause if that fails; `write` begins anew
    /// then.
    pub(crate) fn start(
        contents: Contents,
        path: PathBuf,
        degraded: Degraded,
        mut write: impl FnMut(&Path) -> io::Result<()> + Send + 'static,
    ) -> io::Result<Self> {
        let (jobs, inbox) = channel();
        let is_woken = Arc::<AtomicBool>::default();
        let woken = is_woken.clone();
        thread::Builder::new()
            .name(contents.thread.to_owned())
            .spawn(move || run(contents, &path, &degraded, (&inbox, &woken), &mut write))?;
        let copy = Self { jobs, is_woken };
        copy.wake();
        Ok(copy)
    }

    /// Says that something has changed. Does not wait.
    pub(crate) fn wake(&self) {
        if !self.is_woken.swap(true, Ordering::AcqRel) {
            // The thread has ended after the file was discarded.
            let _ = self.jobs.send(Job::Write);
        }
    }

    /// Removes the file, and waits for that for a bounded time.
    pub(crate) fn discard(&self) {
        let (gone, answer) = sync_channel(1);
        if self.jobs.send(Job::Discard(gone)).is_ok() {
            let _ = answer.recv_timeout(DISCARDED_WITHIN);
        }
    }
}

fn run(
    Contents { name, loss, together, .. }: Contents,
    path: &Path,
    degraded: &Degraded,
    (inbox, is_woken): (&Receiver<Job>, &AtomicBool),
    write: &mut impl FnMut(&Path) -> io::Result<()>,
) {
    let mut is_due = false;
    loop {
        let job = match is_due {
            true => inbox.recv_timeout(AGAIN),
            false => inbox.recv().map_err(RecvTimeoutError::from),
        };
        let job = match job {
            Ok(job) => job,
            Err(RecvTimeoutError::Timeout) => Job::Write,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        match job {
            Job::Write => {
                if !together.is_zero() {
                    thread::park_timeout(together);
                }
                is_woken.store(false, Ordering::Release);
                let written = write(path);
                is_due = written.is_err();
                match written {
                    Ok(()) => degraded.clear(name),
                    Err(error) => {
                        let reason = format!(
                            "if the host and its keeper are killed now, {loss}: {}: {error}",
                            path.display()
                        );
                        degraded.set(name, reason);
                    }
                }
            }
            Job::Discard(gone) => {
                if let Err(error) = std::fs::remove_file(path)
                    && error.kind() != io::ErrorKind::NotFound
                {
                    tracing::warn!(file = %path.display(), %error, "{name} cannot be removed");
                }
                // Nobody may wait for it any more.
                let _ = gone.send(());
                return;
            }
        }
    }
}

/// Replaces the file by one with these bytes, and opens it at its end.
pub(crate) fn begin(path: &Path, bytes: &[u8]) -> io::Result<File> {
    let failed = |error: provost_files::FileError| io::Error::other(error.problem.to_string());
    provost_files::replace(path, Access::Private, &[bytes]).map_err(failed)?;
    provost_files::open_or_create(path, Cursor::End).map_err(failed)
}

/// Whether the file is still the one at this path.
pub(crate) fn is_in_place(file: &File, path: &Path) -> bool {
    let there = Identity::at(path).ok().flatten();
    there.is_some() && there == Identity::of(file).ok()
}
