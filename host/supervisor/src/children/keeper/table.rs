//! The table of living processes as text, which lies on a disk for the case that the keeper and the host are killed together.
//!
//! The first line names the form, the boot of the machine and the keeper. Each further line adds a life or removes one, and has a
//! checksum. A process is told by its number, its start, and where the kernel has it the inode of its pidfd, which no other
//! process of the same boot gets.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use provost_keeper::protocol::{Ending, Scope};
use provost_state::Incarnation;

use super::names::Life;
use crate::children::family::stat_fields;

/// The form of the first line.
const FORM: &str = "provost-lives 1";

/// The type of the file system of pidfds, whose inodes are unique.
const PIDFS: i64 = 0x5049_4446;

/// A life in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) life: Life,
    pub(super) pid: u32,
    pub(super) identity: Identity,
    /// When it was started, in nanoseconds of `CLOCK_BOOTTIME`.
    pub(super) started_at: u64,
    /// The inodes of the pipes of standard output and standard error; 0 for none.
    pub(super) pipes: [u64; 2],
    pub(super) ending: Ending,
}

/// A keeper: its process id and its start in ticks since the boot of the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct KeeperId {
    pub(super) pid: u32,
    pub(super) started: u64,
}

impl KeeperId {
    /// Returns that of a keeper that runs.
    pub(super) fn of(pid: u32) -> Self {
        let stat = std::fs::read(format!("/proc/{pid}/stat")).ok();
        Self { pid, started: stat.and_then(|stat| started_in(&stat)).unwrap_or(0) }
    }
}

/// What tells a process from another one with the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    /// The start of the process in ticks since the boot of the machine.
    pub(super) started: u64,
    /// The inode of its pidfd; 0 if the kernel has no unique one.
    pub(super) inode: u64,
}

/// What a table says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Table {
    /// The boot of the machine.
    pub(super) boot: String,
    /// The keeper whose host has written it.
    pub(super) keeper: KeeperId,
    pub(super) rows: Vec<Row>,
    /// The number of lines that could not be read.
    pub(super) unreadable: usize,
}

impl Identity {
    /// Reads the identity of a process of which this is a pidfd; `None` if it is gone.
    pub(super) fn of(pid: u32, pidfd: &OwnedFd) -> Option<Self> {
        let started = started_in(&std::fs::read(format!("/proc/{pid}/stat")).ok()?)?;
        Some(Self { started, inode: unique_inode(pidfd.as_fd()) })
    }

    /// Whether both are of one process. An inode that one of them lacks tells nothing.
    pub(super) fn is_of(self, other: Self) -> bool {
        let inodes = [self.inode, other.inode];
        self.started == other.started && (inodes.contains(&0) || inodes[0] == inodes[1])
    }
}

/// Returns the inode of a pidfd if it is unique, otherwise 0.
fn unique_inode(pidfd: BorrowedFd<'_>) -> u64 {
    let is_unique = rustix::fs::fstatfs(pidfd).is_ok_and(|system| system.f_type == PIDFS);
    if is_unique { inode(pidfd) } else { 0 }
}

/// Returns the inode of a descriptor; 0 if it cannot be asked.
pub(super) fn inode(fd: BorrowedFd<'_>) -> u64 {
    rustix::fs::fstat(fd).map_or(0, |stat| stat.st_ino)
}

/// Reads the start of a process, which is the 22nd field of its line in `/proc`.
pub(super) fn started_in(stat: &[u8]) -> Option<u64> {
    stat_fields(stat)?.nth(19)?.parse().ok()
}

/// Returns the first line of a table.
pub(super) fn head(boot: &str, keeper: KeeperId) -> String {
    let KeeperId { pid, started } = keeper;
    line(&format!("{FORM} {boot} {pid} {started}"))
}

/// Returns the line that adds a life.
pub(super) fn added(row: &Row) -> String {
    let Row { life: (name, Incarnation(life)), pid, identity, started_at, pipes, ending } = row;
    let Identity { started, inode } = identity;
    let Ending { rank, signal, scope, grace_ms } = ending;
    let scope = u8::from(*scope == Scope::Group);
    let [out, err] = pipes;
    line(&format!(
        "+ {life} {pid} {started} {inode} {started_at} {out} {err} {rank} {signal} {scope} {grace_ms} {name}"
    ))
}

/// Returns the line that removes a life.
pub(super) fn removed((name, Incarnation(life)): &Life) -> String {
    line(&format!("- {life} {name}"))
}

fn line(text: &str) -> String {
    format!("{:08x} {text}\n", crc32fast::hash(text.as_bytes()))
}

impl Table {
    /// Reads a table; `None` if it is not one of this form.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
        let first = text_of(lines.next()?)?.strip_prefix(FORM)?;
        let [boot, pid, started] = *first.trim_start().split(' ').collect::<Vec<_>>() else { return None };
        let keeper = KeeperId { pid: pid.parse().ok()?, started: started.parse().ok()? };
        let mut table = Self { boot: boot.to_owned(), keeper, ..Self::default() };
        let mut rows: BTreeMap<Life, Row> = BTreeMap::new();
        for line in lines {
            match text_of(line).and_then(change) {
                Some(Change::Added(row)) => drop(rows.insert(row.life.clone(), row)),
                Some(Change::Removed(life)) => drop(rows.remove(&life)),
                None => table.unreadable += 1,
            }
        }
        table.rows = rows.into_values().collect();
        Some(table)
    }
}

/// Returns the text of a line that is whole.
fn text_of(line: &[u8]) -> Option<&str> {
    let line = std::str::from_utf8(line.strip_suffix(b"\n")?).ok()?;
    let (sum, text) = line.split_once(' ')?;
    (u32::from_str_radix(sum, 16).ok()? == crc32fast::hash(text.as_bytes())).then_some(text)
}

enum Change {
    Added(Row),
    Removed(Life),
}

fn change(text: &str) -> Option<Change> {
    let life = |number: &str, name: &str| Some((Arc::from(name), Incarnation(number.parse().ok()?)));
    if let Some(removed) = text.strip_prefix("- ") {
        let (number, name) = removed.split_once(' ')?;
        return Some(Change::Removed(life(number, name)?));
    }
    let fields: Vec<&str> = text.strip_prefix("+ ")?.splitn(12, ' ').collect();
    let [number, pid, started, inode, started_at, out, err, rank, signal, scope, grace_ms, name] = *fields
    else {
        return None;
    };
    Some(Change::Added(Row {
        life: life(number, name)?,
        pid: pid.parse().ok()?,
        identity: Identity { started: started.parse().ok()?, inode: inode.parse().ok()? },
        started_at: started_at.parse().ok()?,
        pipes: [out.parse().ok()?, err.parse().ok()?],
        ending: Ending {
            rank: rank.parse().ok()?,
            signal: signal.parse().ok()?,
            scope: if scope == "1" { Scope::Group } else { Scope::Main },
            grace_ms: grace_ms.parse().ok()?,
        },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, life: u64) -> Row {
        Row {
            life: (Arc::from(name), Incarnation(life)),
            pid: 4_711,
            identity: Identity { started: 99, inode: 7 },
            started_at: 1_234_567_890,
            pipes: [5, 0],
            ending: Ending { rank: 3, signal: 15, scope: Scope::Group, grace_ms: 10_000 },
        }
    }

    const KEEPER: KeeperId = KeeperId { pid: 17, started: 3 };

    fn whole() -> String {
        let lines =
            [head("boot", KEEPER), added(&row("web", 1)), added(&row("db", 2)), removed(&row("web", 1).life)];
        lines.concat() + &added(&row("web", 2))
    }

    #[test]
    fn what_was_written_is_read() {
        let table = Table::read(whole().as_bytes()).unwrap();
        assert_eq!((&*table.boot, table.keeper, table.unreadable), ("boot", KEEPER, 0));
        assert_eq!(table.rows, [row("db", 2), row("web", 2)]);
    }

    #[test]
    fn the_form_of_version_1_is_frozen() {
        assert_eq!(head("boot", KEEPER).get(9..), Some("provost-lives 1 boot 17 3\n"));
        assert_eq!(added(&row("web", 1)).get(9..), Some("+ 1 4711 99 7 1234567890 5 0 3 15 1 10000 web\n"));
        assert_eq!(removed(&row("web", 1).life).get(9..), Some("- 1 web\n"));
    }

    #[test]
    fn a_table_that_is_cut_anywhere_has_only_lines_that_are_whole_and_one_with_a_wrong_byte_is_counted() {
        let text = whole();
        let first = head("boot", KEEPER).len();
        for length in 0..text.len() {
            let table = Table::read(&text.as_bytes()[..length]);
            assert_eq!(table.is_some(), length >= first, "{length}");
            let is_cut = length > first && !text[..length].ends_with('\n');
            assert_eq!(table.map_or(0, |table| table.unreadable), usize::from(is_cut), "{length}");
        }
        for at in first..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            let table = Table::read(&bytes).unwrap();
            assert!(table.unreadable > 0, "{at}");
            assert!(
                table.rows.iter().all(|read| [row("web", 1), row("db", 2), row("web", 2)].contains(read))
            );
        }
    }

    #[test]
    fn a_process_is_told_by_its_start_and_by_its_inode_where_there_is_one() {
        let one = Identity { started: 5, inode: 7 };
        assert!(one.is_of(one) && one.is_of(Identity { inode: 0, ..one }));
        assert!(!one.is_of(Identity { inode: 8, ..one }));
        assert!(!one.is_of(Identity { started: 6, ..one }));
    }
}
