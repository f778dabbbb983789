//! The table of living processes on a disk, as its [thread](DiskCopy) keeps it: what has changed is appended, and the whole table is
//! written anew when most of its lines are of the past.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Weak;
use std::time::Duration;

use provost_keeper::protocol::{Ending, Id};

use super::names::Life;
use super::slots::{Belongings, Slot, Slots as Lives};
use super::table::{Identity, KeeperId, Row, added, head, inode, removed};
use crate::clock::boot_id;
use crate::degraded::Degraded;
use crate::disk_copy::{Contents, DiskCopy, begin, is_in_place};

/// The file is written anew when it has this many lines more than four times the living processes.
const LINES_TO_SPARE: usize = 4_096;

const CONTENTS: Contents = Contents {
    thread: "process-table",
    name: "the table of processes",
    loss: "the next `up` has to search for the processes",
    together: Duration::from_millis(2),
};

/// What is in the file.
struct Written {
    file: File,
    lives: HashMap<Id, Life>,
    lines: usize,
}

/// Starts the thread, which writes the whole table first.
pub(super) fn start(lives: Lives, keeper: u32, path: PathBuf, degraded: Degraded) -> io::Result<DiskCopy> {
    let head = head(&boot_id(), KeeperId::of(keeper));
    let mut written = None;
    DiskCopy::start(CONTENTS, path, degraded, move |path| {
        write(&lives, &head, path, &mut written).inspect_err(|_| written = None)
    })
}

/// A life whose main process has not ended.
struct Living {
    id: Id,
    life: Life,
    holding: Belongings,
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
        let Belongings { pid, started_at, pidfd, outputs, .. } = &self.holding;
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
    if let Some(written) = written.as_mut().filter(|it| it.lines < most && is_in_place(&it.file, path)) {
        return append(&living, written);
    }
    let mut text = head.to_owned();
    let mut known = HashMap::new();
    for (one, line) in living.iter().filter_map(|one| Some((one, one.line()?))) {
        text += &line;
        known.insert(one.id, one.life.clone());
    }
    let file = begin(path, text.as_bytes())?;
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
