//! The thread that keeps the table of living processes on a disk. No task waits for it: a disk that is full or hangs is shown,
//! and the table is written anew when it answers.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use provost_files::{Access, Cursor};
use provost_keeper::protocol::{Ending, Id};

use super::names::Life;
use super::slots::{Holding, Slot, Slots as Lives};
use super::table::{Identity, KeeperId, Row, added, head, inode, removed};
use crate::degraded::Degraded;

/// The pause before another attempt after one that failed.
const AGAIN: Duration = Duration::from_secs(2);

/// How long the end of the host waits until the file is gone.
const DISCARDED_WITHIN: Duration = Duration::from_secs(1);

/// Changes within this time are written together.
const TOGETHER: Duration = Duration::from_millis(2);

/// The file is written anew when it has this many lines more than four times the living processes.
const LINES_TO_SPARE: usize = 4_096;

/// The entry in [`Degraded`].
const LACK: &str = "the table of processes";

/// The sender of jobs to the thread.
#[derive(Debug)]
pub(super) struct Tabling {
    jobs: Sender<Job>,
    /// Whether a job waits that will write everything that has changed by then.
    is_woken: Arc<AtomicBool>,
}

#[derive(Debug)]
enum Job {
    /// Something has changed.
    Write,
    /// The host ends in order. The answer comes when the file is gone.
    Discard(SyncSender<()>),
}

/// What is in the file.
struct Written {
    file: File,
    lives: HashMap<Id, Life>,
    lines: usize,
}

impl Tabling {
    /// Starts the thread, which writes the whole table first.
    pub(super) fn start(lives: Lives, keeper: u32, path: PathBuf, degraded: Degraded) -> io::Result<Self> {
        let (jobs, inbox) = channel();
        let is_woken = Arc::<AtomicBool>::default();
        let woken = is_woken.clone();
        let head = head(&boot_id(), KeeperId::of(keeper));
        thread::Builder::new().name("process-table".to_owned()).spawn(move || {
            run(&lives, &head, &path, &degraded, (&inbox, &woken));
        })?;
        let tabling = Self { jobs, is_woken };
        tabling.wake();
        Ok(tabling)
    }

    /// Says that something has changed. Does not wait.
    pub(super) fn wake(&self) {
        if !self.is_woken.swap(true, Ordering::AcqRel) {
            // The thread has ended after the file was discarded.
            let _ = self.jobs.send(Job::Write);
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

/// Returns the name that the kernel gives this boot of the machine.
pub(super) fn boot_id() -> String {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_owned()
}

fn run(
    lives: &Lives,
    head: &str,
    path: &Path,
    degraded: &Degraded,
    (inbox, is_woken): (&Receiver<Job>, &AtomicBool),
) {
    let (mut written, mut is_due) = (None, false);
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
                thread::park_timeout(TOGETHER);
                is_woken.store(false, Ordering::Release);
                match write(lives, head, path, &mut written) {
                    Ok(()) => {
                        is_due = false;
                        degraded.clear(LACK);
                    }
                    Err(error) => {
                        (written, is_due) = (None, true);
                        let reason = format!(
                            "if the host and its keeper are killed now, the next `up` has to search for the processes: {}: {error}",
                            path.display()
                        );
                        degraded.set(LACK, reason);
                    }
                }
            }
            Job::Discard(gone) => {
                if let Err(error) = std::fs::remove_file(path)
                    && error.kind() != io::ErrorKind::NotFound
                {
                    tracing::warn!(file = %path.display(), %error, "the table of processes cannot be removed");
                }
                // Nobody may wait for it any more.
                let _ = gone.send(());
                return;
            }
        }
    }
}

/// A life whose main process has not ended.
struct Living {
    id: Id,
    life: Life,
    holding: Holding,
    ending: Ending,
}

impl Living {
    fn all(lives: &Lives) -> Vec<Self> {
        let of = |(id, slot): (&Id, &Slot)| {
            let holding = slot.holding.clone().filter(|holding| holding.end.is_none())?;
            Some(Self { id: *id, life: slot.life.clone(), holding, ending: slot.ending })
        };
        lives.lock().iter().filter_map(of).collect()
    }

    /// Returns its line; `None` if it is gone by now.
    fn line(&self) -> Option<String> {
        let Holding { pid, started_at, pidfd, outputs, .. } = &self.holding;
        let pipe = |output: &Weak<OwnedFd>| output.upgrade().map_or(0, |pipe| inode(pipe.as_fd()));
        Some(added(&Row {
            life: self.life.clone(),
            pid: *pid,
            identity: Identity::of(*pid, pidfd)?,
            started_at: *started_at,
            pipes: outputs.each_ref().map(pipe),
            ending: self.ending,
        }))
    }
}

/// Appends what has changed, or writes everything.
fn write(lives: &Lives, head: &str, path: &Path, written: &mut Option<Written>) -> io::Result<()> {
    let living = Living::all(lives);
    let most = living.len().saturating_mul(4) + LINES_TO_SPARE;
    if let Some(written) = written.as_mut().filter(|written| written.lines < most) {
        return append(&living, written);
    }
    let mut text = head.to_owned();
    let mut known = HashMap::new();
    for (one, line) in living.iter().filter_map(|one| Some((one, one.line()?))) {
        text += &line;
        known.insert(one.id, one.life.clone());
    }
    let failed = |error: provost_files::FileError| io::Error::other(error.problem.to_string());
    provost_files::replace(path, Access::Private, &[text.as_bytes()]).map_err(failed)?;
    let file = provost_files::open_or_create(path, Cursor::End).map_err(failed)?;
    *written = Some(Written { file, lines: known.len(), lives: known });
    Ok(())
}

fn append(living: &[Living], written: &mut Written) -> io::Result<()> {
    let mut text = String::new();
    let are_there: HashSet<Id> = living.iter().map(|one| one.id).collect();
    written.lives.retain(|id, life| {
        let is_there = are_there.contains(id);
        if !is_there {
            text += &removed(life);
            written.lines += 1;
        }
        is_there
    });
    for one in living {
        if !written.lives.contains_key(&one.id)
            && let Some(line) = one.line()
        {
            text += &line;
            written.lines += 1;
            written.lives.insert(one.id, one.life.clone());
        }
    }
    written.file.write_all(text.as_bytes())
}
