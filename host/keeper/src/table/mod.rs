//! What a keeper tells the program that takes its place in the same process: what it holds, what the host is, which number each
//! descriptor has that stays open. It is written into a memfd, version 1, all numbers little-endian.
//!
//! | room | owns |
//! |---|---|
//! | `form` | writing the table and reading it |

mod form;

#[cfg(test)]
pub(crate) mod tests;

use std::ffi::CString;
use std::os::fd::RawFd;

use crate::protocol::{Held, HostEnd, Id, Versions};

/// The versions of the table that this code reads. It writes the highest.
pub const TABLE_VERSIONS: Versions = Versions { lowest: VERSION, highest: VERSION };

/// The version of the table that this code writes.
const VERSION: u8 = 1;

/// The versions of the table that are written and read here: those of [`TABLE_VERSIONS`], and in tests another one.
const KNOWN: Versions = Versions { lowest: VERSION, highest: if cfg!(test) { 2 } else { VERSION } };

/// Returns the version in which a table is written for a program that reads these: the highest that both know. One of version 1 hands
/// over a connection in version 1 of the protocol, and no other one. None if there is no such version.
pub(crate) fn version_for(read: Versions, protocol: u8) -> Option<u8> {
    read.common(KNOWN).filter(|version| *version > VERSION || protocol == 1)
}

/// The longest table that is written or read, in bytes.
pub(crate) const BYTES_MAX: usize = 64 << 20;

/// Everything that the next program has to know. It is written only while a host is attached that is not on trial, was told
/// everything that it is greeted with, and is not about to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Table {
    /// The version of the protocol that was agreed on with the host; 1 in version 1 of the table.
    pub(crate) protocol: u8,
    pub(crate) host: HostEntry,
    /// The answers that the host has not been sent: sequence number, id, error number, process id.
    pub(crate) answers: Vec<(u32, u32, i32, u32)>,
    /// The signals that the host has not been sent, as bits.
    pub(crate) signals: u64,
    pub(crate) orphans: Orphans,
    /// Whether a signal asked for the end of everything.
    pub(crate) is_asked_to_end: bool,
    pub(crate) slots: Vec<SlotEntry>,
    pub(crate) keeper: KeeperEntry,
}

/// The host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HostEntry {
    pub(crate) is_stubborn: bool,
    pub(crate) last: HostEnd,
    pub(crate) started: u32,
    pub(crate) deaths: [u64; 5],
    pub(crate) due_at: u64,
    pub(crate) missed: u32,
    pub(crate) ping: u32,
    pub(crate) pid: u32,
    pub(crate) pidfd: RawFd,
    pub(crate) socket: RawFd,
}

/// The orphans that were reaped: how many, the last of them and its status, and whether the host is still to be told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Orphans {
    pub(crate) count: u64,
    pub(crate) pid: u32,
    pub(crate) status: i32,
    pub(crate) is_due: bool,
}

/// A slot that is not free.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SlotEntry {
    pub(crate) place: u32,
    pub(crate) id: Id,
    pub(crate) held: Held,
    /// How far the keeper is in ending it: 0 unasked, 1 asked, 2 killed, 3 given up.
    pub(crate) stop: u8,
    /// When it is given up, if it was killed.
    pub(crate) stop_until: u64,
    /// The reports that the host has not been sent, as bits.
    pub(crate) due: u8,
    /// Whether the keeper is its parent.
    pub(crate) is_child: bool,
    /// The step that failed before its exec, and the error number.
    pub(crate) failure: Option<(u8, i32)>,
    pub(crate) pidfd: RawFd,
    /// Where the error of its exec arrives.
    pub(crate) report: Option<RawFd>,
    /// The end that keeps its standard input open.
    pub(crate) input: Option<RawFd>,
    pub(crate) outlets: [Option<OutletEntry>; 2],
}

/// An output of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OutletEntry {
    pub(crate) from: RawFd,
    pub(crate) is_terminal: bool,
    pub(crate) path: Option<CString>,
    pub(crate) file: Option<RawFd>,
}

/// The keeper itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeeperEntry {
    /// The socket at which it answers.
    pub(crate) listener: Option<RawFd>,
    pub(crate) is_detached: bool,
    /// The program of the host, its arguments and its environment.
    pub(crate) program: RawFd,
    pub(crate) arguments: Vec<CString>,
    pub(crate) environment: Vec<CString>,
    /// What its children are given back: the limits on open files, the score for the OOM killer.
    pub(crate) open_files: Option<(u64, u64)>,
    pub(crate) oom_score: Option<CString>,
    /// The stashes: key, number, descriptor.
    pub(crate) stashes: Vec<(u32, u64, RawFd)>,
}

impl Table {
    /// Returns the numbers of all descriptors that stay open.
    pub(crate) fn descriptors(&self) -> impl Iterator<Item = RawFd> + '_ {
        let of_slot = |slot: &SlotEntry| {
            let outlets = slot.outlets.iter().flatten().flat_map(|outlet| [Some(outlet.from), outlet.file]);
            let own = [Some(slot.pidfd), slot.report, slot.input];
            own.into_iter().chain(outlets).flatten().collect::<Vec<_>>()
        };
        let keeper = &self.keeper;
        [self.host.pidfd, self.host.socket, keeper.program]
            .into_iter()
            .chain(keeper.listener)
            .chain(keeper.stashes.iter().map(|(_, _, fd)| *fd))
            .chain(self.slots.iter().flat_map(of_slot))
    }
}
