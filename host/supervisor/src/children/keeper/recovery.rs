//! Finding processes of a host that was killed together with its keeper: those of its table that are still the same, and others
//! whose environment names this runtime directory. Their output is opened again by what they have open.

use std::collections::{HashMap, HashSet};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use provost_keeper::protocol::{Ending, Scope};
use provost_state::Incarnation;
use rustix::fs::{Mode, OFlags};
use rustix::param::clock_ticks_per_second;
use rustix::process::{PidfdFlags, pidfd_open};

use super::names::Life;
use super::table::{Identity, KeeperId, Row, Table, inode, started_in};
use super::unborn;
use crate::children::family::{RUNTIME_DIR_VARIABLE, Stat, environ, of_living, owner_in, pid_of, value_in};
use crate::clock::boot_id;
use crate::stash::{Former, FormerStash};

/// The longest table that is read.
const TABLE_BYTES_MAX: u64 = 256 << 20;

/// How a process is ended of which nothing else is known.
const ENDING: Ending = Ending { rank: 0, signal: 15, scope: Scope::Group, grace_ms: 10_000 };

/// A process of a former host.
#[derive(Debug)]
pub(super) struct FoundLife {
    pub(super) life: Life,
    pub(super) pid: u32,
    /// In nanoseconds of `CLOCK_BOOTTIME`.
    pub(super) started_at: u64,
    pub(super) pidfd: Arc<OwnedFd>,
    pub(super) outputs: [Option<Arc<OwnedFd>>; 2],
    pub(super) ending: Ending,
}

/// Why a table is not used, or not all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It was written before the machine was started again: nothing of it is there any more.
    OtherBoot,
    /// It is not a table of this version.
    Foreign,
    /// This number of lines could not be read.
    Torn(usize),
    /// The file could not be read.
    Unread(String),
}

/// What was found of a host that was killed together with its keeper.
#[derive(Debug, Default)]
pub struct Recovered {
    pub(super) lives: Vec<FoundLife>,
    /// What is wrong with the table.
    pub unfit: Option<Unfit>,
    /// Whether there is a table that another keeper's host has written.
    pub is_former: bool,
    /// What that host has written down, by the copy.
    pub stash: FormerStash,
    /// The names of processes whose table entry is of a process that has ended.
    pub ended: Vec<Arc<str>>,
    /// The names of processes whose output could not be opened again.
    pub silent: Vec<Arc<str>>,
}

impl Recovered {
    /// Looks for what is left of a host that has written its table into this file, unless `keeper` was the keeper of that host.
    /// `stash` reads the copy of its stash, and is called only if there was such a host. Blocks, and looks at all processes of the
    /// machine then.
    ///
    /// # Errors
    /// The processes of the machine could not be looked at: some may be there.
    pub fn find(table: &Path, stash: impl FnOnce() -> FormerStash, keeper: Option<u32>) -> io::Result<Self> {
        let mut found = Self::default();
        let rows = match provost_files::read_own(table, TABLE_BYTES_MAX) {
            Err(error) if error.is_missing() => return Ok(found),
            Err(error) => {
                found.unfit = Some(Unfit::Unread(error.problem.to_string()));
                Vec::new()
            }
            Ok(bytes) => match Table::read(&bytes) {
                None => {
                    found.unfit = Some(Unfit::Foreign);
                    Vec::new()
                }
                Some(table) if table.boot != *boot_id() => {
                    found.unfit = Some(Unfit::OtherBoot);
                    return Ok(found);
                }
                // The keeper has told everything.
                Some(table) if Some(table.keeper) == keeper.map(KeeperId::of) => return Ok(found),
                Some(table) => {
                    found.unfit = (table.unreadable > 0).then_some(Unfit::Torn(table.unreadable));
                    table.rows
                }
            },
        };
        found.is_former = true;
        if let Ok(dir) = std::env::var(RUNTIME_DIR_VARIABLE) {
            // One of these would become a second copy of what is started again.
            unborn::end_before_exec(&dir, keeper)?;
        }
        let known: HashSet<Life> = rows.iter().map(|row| row.life.clone()).collect();
        for row in rows {
            match of_row(&row)? {
                Some(life) => found.enter(life, row.pipes),
                None => found.ended.push(row.life.0),
            }
        }
        found.stash = stash();
        for stray in strays(&known)? {
            if may_be_main(found.stash.former(), &stray.life) {
                found.enter(stray, [0, 0]);
            }
        }
        Ok(found)
    }

    fn enter(&mut self, life: FoundLife, [out, _]: [u64; 2]) {
        if out != 0 && life.outputs[0].is_none() {
            self.silent.push(life.life.0.clone());
        }
        self.lives.push(life);
    }
}

/// Returns the process of a row, if it is still the same.
fn of_row(row: &Row) -> io::Result<Option<FoundLife>> {
    let Some(pidfd) = opened(row.pid)? else { return Ok(None) };
    if !Identity::of(row.pid, &pidfd).is_some_and(|now| now.is_of(row.identity)) {
        return Ok(None);
    }
    let outputs = [(row.pipes[0], 1), (row.pipes[1], 2)];
    let outputs = outputs.map(|(pipe, number)| output(row.pid, pipe, number).map(Arc::new));
    Ok(Some(FoundLife {
        life: row.life.clone(),
        pid: row.pid,
        started_at: row.started_at,
        pidfd: Arc::new(pidfd),
        outputs,
        ending: row.ending,
    }))
}

/// Whether this life may have a main process, as far as it was written down. What is left of an earlier one has left its session.
fn may_be_main(former: &Former, (name, life): &Life) -> bool {
    let Some(process) = former.processes.get(name) else { return true };
    let (now, is_live) = (process.state.incarnation, process.state.phase.kind().is_live());
    *life > now || (*life == now && is_live)
}

fn opened(pid: u32) -> io::Result<Option<OwnedFd>> {
    let Some(number) = pid_of(pid) else { return Ok(None) };
    of_living(pidfd_open(number, PidfdFlags::NONBLOCK).map_err(io::Error::from))
}

/// Opens the reading end of a pipe that a process has open, by this number or by another one.
fn output(pid: u32, pipe: u64, number: u32) -> Option<OwnedFd> {
    if pipe == 0 {
        return None;
    }
    let dir = PathBuf::from(format!("/proc/{pid}/fd"));
    let others = std::fs::read_dir(&dir).into_iter().flatten().flatten().map(|entry| entry.path());
    std::iter::once(dir.join(number.to_string())).chain(others).find_map(|path| read_end(&path, Some(pipe)))
}

/// Opens the reading end of a pipe, if there is one here, and if it is this one.
fn read_end(path: &Path, pipe: Option<u64>) -> Option<OwnedFd> {
    let there = std::fs::metadata(path).ok()?;
    let is_pipe = there.mode() & libc::S_IFMT == libc::S_IFIFO;
    if !is_pipe || pipe.is_some_and(|pipe| pipe != there.ino()) {
        return None;
    }
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let end = rustix::fs::open(path, flags, Mode::empty()).ok()?;
    (inode(end.as_fd()) == there.ino()).then_some(end)
}

/// Returns main processes that are not among these lives: the table lacks them, because it was torn, or because the host was
/// killed before it wrote them down. Of each life it is the one that was started first.
fn strays(known: &HashSet<Life>) -> io::Result<Vec<FoundLife>> {
    let Ok(dir) = std::env::var(RUNTIME_DIR_VARIABLE) else { return Ok(Vec::new()) };
    let mut found: HashMap<Life, (u64, u32)> = HashMap::new();
    for entry in std::fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let Some((life, started)) = main_process(pid, &dir)? else { continue };
        if known.contains(&life) {
            // It descends from one that is known.
            continue;
        }
        let first = found.entry(life).or_insert((started, pid));
        *first = (started, pid).min(*first);
    }
    let mut lives = Vec::new();
    for (life, (started, pid)) in found {
        let Some(pidfd) = opened(pid)? else { continue };
        let is_same = main_process(pid, &dir)?.is_some_and(|now| now == (life.clone(), started));
        if is_same {
            let outputs = [1, 2].map(|number| own_pipe(pid, number).map(Arc::new));
            let started_at = started.saturating_mul(1_000_000_000) / clock_ticks_per_second().max(1);
            lives.push(FoundLife { life, pid, started_at, pidfd: Arc::new(pidfd), outputs, ending: ENDING });
        }
    }
    Ok(lives)
}

/// Returns the life of a process that leads its session and belongs to this runtime directory, and its start.
fn main_process(pid: u32, dir: &str) -> io::Result<Option<(Life, u64)>> {
    // Threads of the kernel have no program, and no environment either.
    if of_living(std::fs::metadata(format!("/proc/{pid}/exe")))?.is_none() {
        return Ok(None);
    }
    let Some(stat) = of_living(std::fs::read(format!("/proc/{pid}/stat")))? else { return Ok(None) };
    if !Stat::parse(&stat).is_some_and(|it| !it.has_ended() && it.session == pid) {
        return Ok(None);
    }
    let Some(environ) = environ(pid)? else { return Ok(None) };
    let is_here = value_in(&environ, RUNTIME_DIR_VARIABLE).is_some_and(|there| there == dir);
    let owner = owner_in(&environ).filter(|_| is_here);
    Ok(owner
        .zip(started_in(&stat))
        .map(|((name, life), started)| ((name.into(), Incarnation(life)), started)))
}

/// Opens the reading end of a pipe that a keeper has made: it is open for reading and writing.
fn own_pipe(pid: u32, number: u32) -> Option<OwnedFd> {
    let info = std::fs::read_to_string(format!("/proc/{pid}/fdinfo/{number}")).ok()?;
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"))?.trim();
    let is_both = u64::from_str_radix(flags, 8).ok()? & 3 == 2;
    if is_both { read_end(Path::new(&format!("/proc/{pid}/fd/{number}")), None) } else { None }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;
    use std::process::{Child, Command, Stdio};

    use super::super::table::{added, head};
    use super::*;

    const FORMER: KeeperId = KeeperId { pid: 1, started: 7 };

    /// A process that leads a group, and ends with the test.
    struct Process(Child);

    impl Drop for Process {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    fn process() -> Process {
        let mut command = Command::new("sh");
        command.args(["-c", "echo line; exec sleep 1000"]).stdout(Stdio::piped()).process_group(0);
        Process(command.spawn().unwrap())
    }

    fn row(name: &str, process: &Process, change: impl Fn(&mut Row)) -> String {
        let pid = process.0.id();
        let pidfd = opened(pid).unwrap().unwrap();
        let identity = Identity::of(pid, &pidfd).unwrap();
        let pipe = inode(process.0.stdout.as_ref().unwrap().as_fd());
        let life = (Arc::from(name), Incarnation(3));
        let mut row = Row { life, pid, identity, started_at: 5, pipes: [pipe, 0], ending: ENDING };
        change(&mut row);
        added(&row)
    }

    fn found_in(text: &str) -> Recovered {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("table");
        provost_files::replace(&path, provost_files::Access::Private, &[text.as_bytes()]).unwrap();
        Recovered::find(&path, FormerStash::default, Some(std::process::id())).unwrap()
    }

    #[test]
    fn a_process_of_the_table_is_found_with_its_output_and_another_one_with_its_number_is_not() {
        let process = process();
        let head = head(&boot_id(), FORMER);
        let found = found_in(&(head.clone() + &row("web", &process, |_| {})));
        assert_eq!((found.lives.len(), &found.unfit, found.ended.len()), (1, &None, 0));
        let life = &found.lives[0];
        assert_eq!((&*life.life.0, life.life.1, life.pid), ("web", Incarnation(3), process.0.id()));
        let output = life.outputs[0].as_ref().unwrap();
        while rustix::io::ioctl_fionread(output).unwrap() < 5 {}
        let mut text = [0; 5];
        rustix::io::read(output, &mut text).unwrap();
        assert_eq!(&text, b"line\n");
        let other = found_in(&(head + &row("web", &process, |row| row.identity.started += 1)));
        assert_eq!((other.lives.len(), &*other.ended), (0, &[Arc::from("web")][..]));
    }

    #[test]
    fn a_table_of_another_boot_a_foreign_one_and_a_torn_one_are_told_apart() {
        let process = process();
        let whole = head(&boot_id(), FORMER) + &row("web", &process, |_| {});
        assert_eq!(found_in(&head("another", FORMER)).unfit, Some(Unfit::OtherBoot));
        assert_eq!(found_in("something else\n").unfit, Some(Unfit::Foreign));
        let torn = found_in(&format!("{whole}{}", &row("db", &process, |_| {})[..20]));
        assert_eq!((torn.unfit, torn.lives.len()), (Some(Unfit::Torn(1)), 1), "the rest is used");
        let own =
            found_in(&(head(&boot_id(), KeeperId::of(std::process::id())) + &row("web", &process, |_| {})));
        assert_eq!((own.lives.len(), own.is_former), (0, false), "the keeper has told everything");
    }
}
