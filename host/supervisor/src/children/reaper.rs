//! Orphans. The host is the subreaper of its children (and often pid 1 of a container): when a child of a
//! child outlives its parent, it becomes ours, and somebody must reap it.
//!
//! Its own children are reaped by the tasks that own them; the reaper must never take such an exit away.
//! So every spawn is entered in [`Wards`] while a lock keeps the reaper out.

use std::collections::HashSet;
use std::io;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::jobs::Lane;
use rustix::process::{Pid, WaitOptions, set_child_subreaper, waitpid};
use tokio::signal::unix::{SignalKind, signal};

/// The children that tasks own.
#[derive(Debug, Default)]
pub(crate) struct Wards {
    /// Spawners share it, the reaper has it to itself: no child is half entered while it looks.
    gate: RwLock<()>,
    pids: Mutex<HashSet<u32>>,
}

impl Wards {
    /// Spawns and enters the child, as one step for the reaper.
    pub(crate) fn spawn(&self, command: &mut Command) -> io::Result<Child> {
        let _shared = self.gate.read().unwrap_or_else(PoisonError::into_inner);
        let child = command.spawn()?;
        self.pids.lock().unwrap_or_else(PoisonError::into_inner).insert(child.id());
        Ok(child)
    }

    /// Is this pid that of a child which has not been reaped?
    pub(crate) fn contains(&self, pid: u32) -> bool {
        self.pids.lock().unwrap_or_else(PoisonError::into_inner).contains(&pid)
    }

    /// The child was reaped by the task that owned it.
    pub(crate) fn release(&self, pid: u32) {
        self.pids.lock().unwrap_or_else(PoisonError::into_inner).remove(&pid);
    }

    /// Reaps every child that ended and that no task owns.
    fn reap_orphans(&self) {
        let _alone = self.gate.write().unwrap_or_else(PoisonError::into_inner);
        let Ok(children) = children() else { return };
        let pids = self.pids.lock().unwrap_or_else(PoisonError::into_inner);
        for child in children.into_iter().filter(|pid| !pids.contains(pid)) {
            let pid = i32::try_from(child).ok().and_then(Pid::from_raw);
            if matches!(waitpid(pid, WaitOptions::NOHANG), Ok(Some(_))) {
                tracing::debug!(pid = child, "reaped an orphan");
            }
        }
    }
}

/// The process ids of all children of this process, living or dead.
fn children() -> io::Result<Vec<u32>> {
    let mut pids = Vec::new();
    for task in std::fs::read_dir("/proc/self/task")? {
        // A thread may end between the listing and the reading.
        let Ok(list) = std::fs::read_to_string(task?.path().join("children")) else { continue };
        pids.extend(list.split_ascii_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
    }
    Ok(pids)
}

/// Makes this process the one that orphans of its children go to, and reaps them for as long as the
/// runtime lives.
pub(crate) fn adopt(wards: Arc<Wards>, reaping: Lane) -> io::Result<()> {
    set_child_subreaper(Some(rustix::process::getpid()))?;
    let mut child_ended = signal(SignalKind::child())?;
    tokio::spawn(async move {
        while child_ended.recv().await.is_some() {
            let wards = wards.clone();
            let _ = reaping.run(move || wards.reap_orphans()).await;
        }
    });
    Ok(())
}
