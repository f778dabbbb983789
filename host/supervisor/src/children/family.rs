//! The descendants of the processes that no task owns: orphans, which come to the subreaper, and the descendants of these.
//! The subreaper is the keeper, or this process if it has none. The process that one belongs to is told by its session, or
//! by the variables that the host gave to the process that started it.
//!
//! Orphans are found among the children of the main thread of the subreaper: the kernel gives them to it, and both the
//! keeper and the host start children from other threads. So a look costs one small read as long as there are none, and a
//! child that is being started is never taken for an orphan.

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use provost_posix as posix;
use provost_state::{Exit, Incarnation, Signal};
use rustix::process::{Pid, PidfdFlags, WaitOptions, pidfd_open, waitpid};
use tokio::sync::watch;

use super::survey::Survey;
use crate::jobs::Lane;

/// The variable that names the runtime directory. The keeper gives it to its host, and both find by it what belongs to them.
pub const RUNTIME_DIR_VARIABLE: &str = "PROVOST_RUNTIME_DIR";

/// The children that tasks own, and what this process has adopted.
#[derive(Debug)]
pub(crate) struct Family {
    /// The children that tasks own: only these tasks may reap them.
    own: Mutex<HashSet<u32>>,
    /// The process id of the subreaper, which is this process or the keeper; 0 if orphans go elsewhere.
    adopter: AtomicU32,
    /// Counts the looks for ended orphans; each wakes the tasks that wait for a group to become empty.
    deaths: watch::Sender<u64>,
    survey: Survey<Vec<Relative>>,
    /// The process ids of main processes whose parent is neither this process nor the keeper: orphans of theirs go elsewhere.
    foreign: Mutex<HashSet<u32>>,
}

/// A main process is among the foreign ones as long as this is there.
#[derive(Debug)]
pub(super) struct Foreign {
    family: Arc<Family>,
    pid: u32,
}

impl Drop for Foreign {
    fn drop(&mut self) {
        self.family.foreign.lock().remove(&self.pid);
    }
}

/// A living process that no task owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Relative {
    pub(crate) pid: u32,
    pub(crate) group: u32,
    pub(crate) session: u32,
    /// The process and the life that it descends from, as its environment says.
    pub(crate) owner: Option<(String, u64)>,
}

impl Relative {
    /// Whether it belongs to this life of a process, whose leader is `leader`.
    pub(crate) fn is_of(&self, leader: u32, name: &str, incarnation: Incarnation) -> bool {
        let named = self.owner.as_ref().is_some_and(|(owner, life)| owner == name && *life == incarnation.0);
        self.session == leader || named
    }

    /// Opens a pidfd, if the process is still the one that was seen; `adopter` is the process that orphans go to.
    fn open(&self, adopter: Option<u32>) -> Option<OwnedFd> {
        let pid = pid_of(self.pid)?;
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).ok()?;
        // Checked after the opening: the pid cannot have been reused between the two.
        let is_same =
            stat(self.pid).is_some_and(|now| (now.group, now.session) == (self.group, self.session));
        (is_same || adopter.is_some_and(|adopter| is_descendant(self.pid, adopter))).then_some(pidfd)
    }
}

pub(super) fn pid_of(pid: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(pid).ok()?)
}

/// Returns the end of a process that this status of `wait` tells.
pub(super) fn exit_of(status: i32) -> Exit {
    match status & 0x7f {
        0 => Exit::Code((status >> 8) & 0xff),
        signal => Exit::Signal(signal),
    }
}

/// Whether the chain of its parents leads to `ancestor`.
fn is_descendant(pid: u32, ancestor: u32) -> bool {
    let mut pid = pid;
    for _ in 0..64 {
        match parent(pid) {
            Some(parent) if parent == ancestor => return true,
            Some(parent) if parent > 1 => pid = parent,
            _ => return false,
        }
    }
    false
}

/// The state, parent, group and session of a process, as `/proc/PID/stat` has them.
pub(super) struct Stat {
    state: u8,
    pub(super) parent: u32,
    pub(super) group: u32,
    pub(super) session: u32,
}

/// Returns the fields of a line of `/proc/PID/stat` from the third one on, which is the state.
pub(super) fn stat_fields(line: &[u8]) -> Option<std::str::SplitAsciiWhitespace<'_>> {
    // The name before these fields may contain anything, even a parenthesis.
    let end = line.iter().rposition(|byte| *byte == b')')?;
    Some(std::str::from_utf8(line.get(end + 1..)?).ok()?.split_ascii_whitespace())
}

impl Stat {
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        let mut fields = stat_fields(line)?;
        Some(Self {
            state: *fields.next()?.as_bytes().first()?,
            parent: fields.next()?.parse().ok()?,
            group: fields.next()?.parse().ok()?,
            session: fields.next()?.parse().ok()?,
        })
    }

    pub(super) fn has_ended(&self) -> bool {
        matches!(self.state, b'Z' | b'X')
    }
}

pub(super) fn stat(pid: u32) -> Option<Stat> {
    Stat::parse(&std::fs::read(stat_path(pid)).ok()?)
}

fn stat_path(pid: u32) -> String {
    format!("/proc/{pid}/stat")
}

pub(super) fn parent(pid: u32) -> Option<u32> {
    Some(stat(pid)?.parent)
}

/// Whether the kernel says that there is no such process.
pub(super) fn is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(libc::ESRCH)
}

/// Whether the process exists and has not ended. One that cannot be looked at (for want of a descriptor) counts as
/// alive: nothing counts as ended that was not looked at.
pub(crate) fn lives(pid: u32) -> bool {
    match std::fs::read(stat_path(pid)) {
        Ok(stat) => Stat::parse(&stat).is_some_and(|stat| !stat.has_ended()),
        Err(error) => !is_gone(&error),
    }
}

/// Whether the process waits for a disk or a driver in a way that no signal interrupts.
pub(crate) fn is_stuck(pid: u32) -> bool {
    stat(pid).is_some_and(|stat| stat.state == b'D')
}

/// Tells a process that is gone, or that may not be looked at, from one that cannot be looked at now (for want of a
/// descriptor or of memory): only the latter is an error, because nothing is known of it.
pub(super) fn of_living<T>(read: io::Result<T>) -> io::Result<Option<T>> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(error) if is_gone(&error) || error.kind() == io::ErrorKind::PermissionDenied => Ok(None),
        Err(error) => Err(error),
    }
}

/// How often a look that found something else than the one before is repeated before nothing counts as known.
const LOOKS: u32 = 32;

/// Repeats `look` until two in succession find the same, or nothing.
///
/// # Errors
/// It could not be looked, or each look found something else: nothing is known.
fn settled<T: PartialEq + Default>(mut look: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let mut last = look()?;
    for _ in 0..LOOKS {
        if last == T::default() {
            return Ok(last);
        }
        let now = look()?;
        if now == last {
            return Ok(now);
        }
        last = now;
    }
    Err(io::ErrorKind::WouldBlock.into())
}

/// Returns the children of one thread of a process; none if it is gone.
///
/// The kernel walks this list without holding it: if a child that was listed is reaped meanwhile, it goes on at the
/// place where it was, which by then is that of the child after the next, and one child is skipped (proc(5): the list is
/// only reliable while no child ends). An omission therefore needs a listed child that is gone afterwards, which the
/// next look does not list: two looks that agree have omitted nothing. An empty list is never wrong.
///
/// # Errors
/// It could not be looked at, so that nothing is known.
pub(super) fn children_of_thread(pid: u32, thread: u32) -> io::Result<Vec<u32>> {
    fail::fail_point!("family.look", |_| Err(io::Error::from_raw_os_error(libc::EMFILE)));
    let list = settled(|| {
        let list = std::fs::read(format!("/proc/{pid}/task/{thread}/children"));
        Ok(of_living(list)?.unwrap_or_default())
    })?;
    let list = String::from_utf8_lossy(&list);
    Ok(list.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect())
}

/// Returns the children of all threads of a process; none if it is gone.
fn children_of(pid: u32) -> io::Result<Vec<u32>> {
    let mut children = Vec::new();
    for thread in of_living(std::fs::read_dir(format!("/proc/{pid}/task")))?.into_iter().flatten() {
        let Some(thread) = of_living(thread)? else { continue };
        if let Some(thread) = thread.file_name().to_str().and_then(|name| name.parse().ok()) {
            children.extend(children_of_thread(pid, thread)?);
        }
    }
    Ok(children)
}

/// How often an empty environment is read again: a process in the middle of an exec has one for a moment.
const EMPTY_LOOKS: u32 = 5;

/// Reads the environment that a process was started with.
pub(super) fn environ(pid: u32) -> io::Result<Option<Vec<u8>>> {
    for _ in 0..EMPTY_LOOKS {
        let Some(environ) = of_living(std::fs::read(format!("/proc/{pid}/environ")))? else {
            return Ok(None);
        };
        if !environ.is_empty() {
            return Ok(Some(environ));
        }
        std::thread::park_timeout(Duration::from_millis(1));
    }
    Ok(None)
}

/// Returns the process and the life that the environment of a process names.
pub(super) fn owner(pid: u32) -> io::Result<Option<(String, u64)>> {
    Ok(environ(pid)?.as_deref().and_then(owner_in))
}

/// Returns the process and the life that an environment names.
pub(super) fn owner_in(environ: &[u8]) -> Option<(String, u64)> {
    Some((value_in(environ, "PROVOST_PROCESS")?, value_in(environ, "PROVOST_INCARNATION")?.parse().ok()?))
}

/// Returns the value of a variable in an environment.
pub(super) fn value_in(environ: &[u8], name: &str) -> Option<String> {
    let mut variables = environ.split(|byte| *byte == 0);
    let found = variables.find_map(|variable| variable.strip_prefix(name.as_bytes())?.strip_prefix(b"="))?;
    String::from_utf8(found.to_vec()).ok()
}

/// Returns the process with its group and session, if it lives.
pub(super) fn relative(pid: u32) -> io::Result<Option<Relative>> {
    let stat = of_living(std::fs::read(stat_path(pid)))?.as_deref().and_then(Stat::parse);
    let living = stat.filter(|stat| !stat.has_ended());
    Ok(living.map(|Stat { group, session, .. }| Relative { pid, group, session, owner: None }))
}

impl Default for Family {
    fn default() -> Self {
        Self {
            own: Mutex::default(),
            adopter: AtomicU32::new(0),
            deaths: watch::Sender::new(0),
            survey: Survey::default(),
            foreign: Mutex::default(),
        }
    }
}

impl Family {
    /// Enters a main process whose parent is neither this process nor the keeper.
    pub(super) fn enter_foreign(self: &Arc<Self>, pid: u32) -> Foreign {
        self.foreign.lock().insert(pid);
        Foreign { family: self.clone(), pid }
    }

    fn own<R>(&self, look: impl FnOnce(&mut HashSet<u32>) -> R) -> R {
        look(&mut self.own.lock())
    }

    /// Enters a child that a task owns. Must be called on the thread that started it, before that thread does anything
    /// else.
    pub(super) fn enter(&self, pid: u32) {
        self.own(|own| own.insert(pid));
    }

    /// Reaps an ended child that the caller owns, and removes it in the same step, so that the next child with its pid
    /// is entered after that.
    pub(super) fn reap_own(&self, pid: u32) -> Exit {
        let reaped = self.own(|own| {
            let reaped = waitpid(pid_of(pid), WaitOptions::NOHANG);
            own.remove(&pid);
            reaped.ok().flatten()
        });
        reaped.map_or(Exit::Unobserved, |(_, status)| exit_of(status.as_raw()))
    }

    /// Removes a child that cannot be used and that the code that started it has reaped.
    pub(super) fn release(&self, pid: u32) {
        self.own(|own| own.remove(&pid));
    }

    pub(super) fn is_own(&self, pid: u32) -> bool {
        self.own(|own| own.contains(&pid))
    }

    /// Records to which process orphans of children go from now on: this one, or the keeper; `None` if to another.
    pub(super) fn adopted_by(&self, adopter: Option<u32>) {
        self.adopter.store(adopter.unwrap_or(0), Ordering::Release);
    }

    /// Returns the process that orphans of children go to, if it is this one or the keeper.
    pub(super) fn adopter(&self) -> Option<u32> {
        Some(self.adopter.load(Ordering::Acquire)).filter(|adopter| *adopter != 0)
    }

    /// Returns a receiver that is woken at every look for ended orphans.
    pub(super) fn deaths(&self) -> watch::Receiver<u64> {
        self.deaths.subscribe()
    }

    /// Returns the children of the main thread of the subreaper that no task owns, ended ones included; none if orphans go
    /// elsewhere.
    fn orphans(&self) -> io::Result<Vec<u32>> {
        let Some(adopter) = self.adopter() else { return Ok(Vec::new()) };
        let mut found = children_of_thread(adopter, adopter)?;
        if !found.is_empty() {
            self.own(|own| found.retain(|pid| !own.contains(pid)));
        }
        Ok(found)
    }

    /// Returns true if there is certainly nothing to survey. It costs one small read.
    pub(super) fn is_alone(&self) -> bool {
        self.adopter().is_some()
            && self.foreign.lock().is_empty()
            && self.orphans().is_ok_and(|orphans| orphans.is_empty())
    }

    /// Sends a signal to a relative. Returns false if the process is gone.
    pub(super) fn signal(&self, relative: &Relative, signal: Signal) -> bool {
        let pidfd = relative.open(self.adopter());
        pidfd.is_some_and(|pidfd| posix::signal_pidfd(pidfd.as_fd(), signal.number()).is_ok())
    }

    /// Reaps the orphans that have ended, and wakes the tasks that wait for a group.
    pub(super) fn reap(&self) {
        // Those that cannot be listed now are reaped at the next look.
        for orphan in self.orphans().unwrap_or_default() {
            if matches!(waitpid(pid_of(orphan), WaitOptions::NOHANG), Ok(Some(_))) {
                tracing::debug!(pid = orphan, "reaped an orphan");
            }
        }
        self.orphans_ended();
    }

    /// Wakes the tasks that wait for a group, because orphans have ended.
    pub(super) fn orphans_ended(&self) {
        self.deaths.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Returns every living process that no task owns: the orphans and their descendants. One pass serves all callers
    /// that asked before it began.
    /// Returns `None` if the survey could not be made: nothing is known then.
    pub(super) async fn survey(self: &Arc<Self>, reading: &Lane) -> Option<Arc<Vec<Relative>>> {
        let family = self.clone();
        // Reading about a process whose memory is locked may block.
        let look = move || if family.adopter().is_some() { family.look() } else { everybody() };
        self.survey.make(reading, look).await
    }

    /// Looks until nothing changes its parent any more: the children of one that ends during a look become orphans, and
    /// those were listed before.
    fn look(&self) -> io::Result<Vec<Relative>> {
        let pids = settled(|| self.descendants())?;
        let mut found = Vec::new();
        for pid in pids {
            if let Some(relative) = relative(pid)? {
                found.push(Relative { owner: owner(pid)?, ..relative });
            }
        }
        self.add_foreign(&mut found)?;
        Ok(found)
    }

    /// Adds what is in the sessions of foreign main processes. A descendant of theirs that has left its session is not found.
    fn add_foreign(&self, found: &mut Vec<Relative>) -> io::Result<()> {
        let foreign = self.foreign.lock().clone();
        if foreign.is_empty() {
            return Ok(());
        }
        let known: HashSet<u32> = found.iter().map(|relative| relative.pid).collect();
        let is_theirs = |relative: &Relative| {
            foreign.contains(&relative.session)
                && !foreign.contains(&relative.pid)
                && !known.contains(&relative.pid)
        };
        found.extend(everybody()?.into_iter().filter(is_theirs));
        Ok(())
    }

    /// Returns the orphans and their descendants, ended ones included.
    fn descendants(&self) -> io::Result<BTreeSet<u32>> {
        let mut left = self.orphans()?;
        let mut found = BTreeSet::new();
        while let Some(pid) = left.pop() {
            // A pid that is listed twice was adopted during the look.
            if found.insert(pid) {
                left.extend(children_of(pid)?);
            }
        }
        Ok(found)
    }
}

/// Returns every process of the machine, for a host to which no orphans come. They are told apart by group and session
/// alone: the environment of a foreign process need not be about this host.
fn everybody() -> io::Result<Vec<Relative>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        if let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) {
            found.extend(relative(pid)?);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};

    use super::*;

    #[test]
    fn no_child_is_omitted_while_its_elder_siblings_are_reaped() {
        let start = |_| Command::new("sleep").arg("1000").spawn().unwrap();
        let mut elder: Vec<Child> = (0..150).map(start).collect();
        let mut youngest = start(150);
        for child in &mut elder {
            child.kill().unwrap();
        }
        let thread = rustix::thread::gettid().as_raw_nonzero().get().cast_unsigned();
        let reaping = std::thread::spawn(move || elder.iter_mut().all(|child| child.wait().is_ok()));
        let mut looks = Vec::new();
        while !reaping.is_finished() || looks.is_empty() {
            // Where every look finds something else, nothing is claimed.
            looks.extend(children_of_thread(std::process::id(), thread));
        }
        assert!(reaping.join().unwrap());
        youngest.kill().unwrap();
        youngest.wait().unwrap();
        assert!(looks.iter().all(|found| found.contains(&youngest.id())), "{looks:?}");
    }
}
