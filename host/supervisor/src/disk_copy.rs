//! A file on a disk that follows what the host has in memory, for the case that the keeper ends together with the host. A thread
//! writes it, and another one sees how long that takes: no task waits for the disk, one that is full or hangs is shown, and the file is
//! written anew when the disk answers.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use provost_files::{Access, Cursor, Identity};
use tokio::sync::watch;

use crate::degraded::Degraded;

/// How long a write may take until the disk counts as one that does not answer.
const HANGS_AFTER: Duration = Duration::from_secs(5);

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
    /// Whether the file has been written at all.
    begun: watch::Receiver<bool>,
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
        let Contents { thread: thread_name, together, .. } = contents;
        let lack = Lack { contents, path: path.clone(), degraded };
        let watched = Watched::start(thread_name, lack.clone())?;
        let (begin, begun) = watch::channel(false);
        thread::Builder::new().name(thread_name.to_owned()).spawn(move || {
            let mut write = || {
                watched.during(|| write(&path))?;
                begin.send_replace(true);
                Ok(())
            };
            run(together, &path, &lack, (&inbox, &woken), &mut write);
        })?;
        let copy = Self { jobs, is_woken, begun };
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

    /// Resolves when the file has been written for the first time.
    pub(crate) async fn begun(&self) {
        // It never will be if the thread has ended.
        let _ = self.begun.clone().wait_for(|begun| *begun).await;
    }

    /// Removes the file, and waits for that for a bounded time.
    pub(crate) fn discard(&self) {
        let (gone, answer) = sync_channel(1);
        if self.jobs.send(Job::Discard(gone)).is_ok() {
            let _ = answer.recv_timeout(DISCARDED_WITHIN);
        }
    }
}

/// The shortage while the file cannot be written.
#[derive(Clone, Debug)]
struct Lack {
    contents: Contents,
    path: PathBuf,
    degraded: Degraded,
}

impl Lack {
    fn set(&self, why: impl fmt::Display) {
        let Contents { name, loss, .. } = self.contents;
        let path = self.path.display();
        self.degraded.set(name, format!("if the host and its keeper are killed now, {loss}: {path}: {why}"));
    }

    fn clear(&self) {
        self.degraded.clear(self.contents.name);
    }
}

/// The writes of a thread, which another thread watches: it says which of them the disk does not answer. That thread is ended with this.
struct Watched(Arc<(Mutex<Progress>, Condvar)>);

#[derive(Default)]
struct Progress {
    /// The number of writes that were begun.
    begun: u64,
    is_writing: bool,
    /// Whether the thread that watches waits for a write.
    is_idle: bool,
    is_over: bool,
}

impl Watched {
    fn start(thread_name: &str, lack: Lack) -> io::Result<Self> {
        let shared = Arc::<(Mutex<Progress>, Condvar)>::default();
        let theirs = shared.clone();
        thread::Builder::new().name(thread_name.to_owned()).spawn(move || look_on(&theirs, &lack))?;
        Ok(Self(shared))
    }

    /// Runs `write`, which waits for the disk.
    fn during<T>(&self, write: impl FnOnce() -> T) -> T {
        let (progress, bell) = &*self.0;
        {
            let mut progress = progress.lock();
            progress.begun += 1;
            progress.is_writing = true;
            if progress.is_idle {
                bell.notify_one();
            }
        }
        let written = write();
        progress.lock().is_writing = false;
        written
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let (progress, bell) = &*self.0;
        progress.lock().is_over = true;
        bell.notify_one();
    }
}

fn look_on((progress, bell): &(Mutex<Progress>, Condvar), lack: &Lack) {
    let mut progress = progress.lock();
    while !progress.is_over {
        if !progress.is_writing {
            progress.is_idle = true;
            bell.wait(&mut progress);
            progress.is_idle = false;
            continue;
        }
        let watched = progress.begun;
        bell.wait_for(&mut progress, HANGS_AFTER);
        if progress.is_writing && progress.begun == watched {
            // Under the lock: what the end of the write says comes after it.
            lack.set("the disk does not answer");
        }
    }
}

fn run(
    together: Duration,
    path: &Path,
    lack: &Lack,
    (inbox, is_woken): (&Receiver<Job>, &AtomicBool),
    write: &mut impl FnMut() -> io::Result<()>,
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
                let written = write();
                is_due = written.is_err();
                match written {
                    Ok(()) => lack.clear(),
                    Err(error) => lack.set(error),
                }
            }
            Job::Discard(gone) => {
                if let Err(error) = std::fs::remove_file(path)
                    && error.kind() != io::ErrorKind::NotFound
                {
                    let name = lack.contents.name;
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

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;

    #[test]
    fn a_disk_that_does_not_answer_is_shown_until_it_does() {
        let dir = tempfile::tempdir().unwrap();
        let degraded = Degraded::default();
        let contents =
            Contents { thread: "copy", name: "the copy", loss: "it is lost", together: Duration::ZERO };
        let (answer, answered) = channel();
        let write = move |_: &Path| answered.recv().map_err(|_| io::ErrorKind::TimedOut.into());
        let copy = DiskCopy::start(contents, dir.path().join("copy"), degraded.clone(), write).unwrap();
        while degraded.list().is_empty() {
            thread::park_timeout(Duration::from_millis(10));
        }
        let mut begun = pin!(copy.begun());
        let mut context = Context::from_waker(Waker::noop());
        assert!(begun.as_mut().poll(&mut context).is_pending());
        assert!(
            degraded.list()[0].reason.ends_with("copy: the disk does not answer"),
            "{:?}",
            degraded.list()
        );
        answer.send(()).unwrap();
        while !degraded.list().is_empty() {
            thread::park_timeout(Duration::from_millis(10));
        }
        assert!(begun.as_mut().poll(&mut context).is_ready());
    }
}
