//! A copy of the stash in a file, for the case that the keeper ends together with the host. A thread writes it: no task
//! waits for the disk, and a disk that hangs holds up nothing.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use provost_files::{Access, Cursor, Identity};

use super::file::StashFile;
use crate::degraded::Degraded;

/// The pause before another attempt after one that failed.
const AGAIN: Duration = Duration::from_secs(2);

/// How long the end of the host waits until the file is gone.
const DISCARDED_WITHIN: Duration = Duration::from_secs(1);

/// The entry in [`Degraded`].
const LACK: &str = "the copy of the stash";

/// The file in use, which is gone with the stash.
type Current = Weak<ArcSwapOption<StashFile>>;

/// The sender of jobs to the thread.
#[derive(Debug)]
pub(super) struct Copying {
    jobs: Sender<Job>,
    /// Whether a job to copy waits, which will copy everything that there is then.
    is_woken: Arc<AtomicBool>,
}

#[derive(Debug)]
enum Job {
    /// There is something new.
    Copy,
    /// The host ends in order: another one finds nothing. The answer comes when the file is gone.
    Discard(SyncSender<()>),
}

/// What was copied so far.
struct Copied {
    number: u64,
    /// The file in memory; kept open, because it may be replaced by one that is not complete yet.
    from: File,
    to: File,
    bytes: u64,
}

impl Copying {
    /// Starts the thread.
    pub(super) fn start(current: Current, degraded: Degraded, path: PathBuf) -> io::Result<Self> {
        let (jobs, inbox) = channel();
        let is_woken = Arc::<AtomicBool>::default();
        let woken = is_woken.clone();
        thread::Builder::new()
            .name("stash-copy".to_owned())
            .spawn(move || run(&current, &degraded, &path, (&inbox, &woken)))?;
        Ok(Self { jobs, is_woken })
    }

    /// Says that there is something new. Does not wait.
    pub(super) fn wake(&self) {
        if !self.is_woken.swap(true, Ordering::AcqRel) {
            // The thread has ended after the file was discarded.
            let _ = self.jobs.send(Job::Copy);
        }
    }

    /// Removes the file, and waits for that for a bounded time.
    pub(super) fn discard(&self) {
        let (gone, answer) = sync_channel(1);
        if self.jobs.send(Job::Discard(gone)).is_ok() {
            let _ = answer.recv_timeout(DISCARDED_WITHIN);
        }
    }
}

fn run(
    current: &Current,
    degraded: &Degraded,
    path: &Path,
    (inbox, is_woken): (&Receiver<Job>, &AtomicBool),
) {
    let mut copied = None;
    let mut is_due = false;
    loop {
        let job = match is_due {
            true => inbox.recv_timeout(AGAIN),
            false => inbox.recv().map_err(RecvTimeoutError::from),
        };
        let job = match job {
            Ok(job) => job,
            Err(RecvTimeoutError::Timeout) => Job::Copy,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        is_woken.store(false, Ordering::Release);
        match job {
            Job::Copy => match copy(current, path, &mut copied) {
                Ok(()) => {
                    is_due = false;
                    degraded.clear(LACK);
                }
                Err(error) => {
                    (copied, is_due) = (None, true);
                    let reason = format!(
                        "if the host and its keeper are killed now, what was decided last is lost: {}: {error}",
                        path.display()
                    );
                    degraded.set(LACK, reason);
                }
            },
            Job::Discard(gone) => {
                if let Err(error) = std::fs::remove_file(path)
                    && error.kind() != io::ErrorKind::NotFound
                {
                    tracing::warn!(file = %path.display(), %error, "the copy of the stash cannot be removed");
                }
                // Nobody may wait for it any more.
                let _ = gone.send(());
                return;
            }
        }
    }
}

/// Copies what is new, or everything if there is another file that is complete.
fn copy(current: &Current, path: &Path, copied: &mut Option<Copied>) -> io::Result<()> {
    let is_in_place = |copied: &Copied| {
        let there = Identity::at(path).ok().flatten();
        there.is_some() && there == Identity::of(&copied.to).ok()
    };
    if copied.as_ref().is_some_and(|copied| !is_in_place(copied)) {
        *copied = None;
    }
    // Not held during the copy: whoever holds it keeps it from being replaced.
    let current = current.upgrade().and_then(|current| current.load_full());
    let current = current.filter(|file| file.is_complete());
    let other = current.filter(|file| copied.as_ref().is_none_or(|copied| copied.number != file.number));
    let other = other.map(|file| Ok::<_, io::Error>((file.number, File::from(file.again()?)))).transpose()?;
    if let Some((number, from)) = other {
        let all = read_from(&from, 0)?;
        let failed = |error: provost_files::FileError| io::Error::other(error.problem.to_string());
        provost_files::replace(path, Access::Private, &[&all]).map_err(failed)?;
        let to = provost_files::open_or_create(path, Cursor::End).map_err(failed)?;
        *copied = Some(Copied { number, from, to, bytes: all.len() as u64 });
    }
    if let Some(copied) = copied {
        let more = read_from(&copied.from, copied.bytes)?;
        copied.to.write_all(&more)?;
        copied.bytes += more.len() as u64;
    }
    Ok(())
}

/// Reads a file from a place to its end.
fn read_from(file: &File, from: u64) -> io::Result<Vec<u8>> {
    let length = file.metadata()?.len().saturating_sub(from);
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
    file.read_exact_at(&mut bytes, from)?;
    Ok(bytes)
}
