//! The side of the process with limits: it drops what it inherited, sets its limits, and ends with its parent.

use std::ffi::OsString;
use std::io;

use rustix::process::{Resource, Rlimit, Signal, getppid, set_parent_process_death_signal, setrlimit};

use crate::inherited::{FIRST, leave_behind};

/// The limit on descriptors: the standard streams, and what the threads need.
const DESCRIPTORS: u64 = 64;

/// The limits of the process.
#[derive(Debug)]
pub(crate) struct Confines<'a> {
    /// Its own limits, beside those that all such processes have.
    pub(crate) limits: &'a [(Resource, u64)],
    /// The id of its parent.
    pub(crate) parent: u64,
}

/// Drops what the process inherited, and sets its limits.
pub(crate) fn confine(confines: &Confines<'_>) -> io::Result<()> {
    leave_behind(FIRST)?;
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let its_parent = getppid().map(|pid| pid.as_raw_nonzero().get());
    if its_parent.and_then(|pid| u64::try_from(pid).ok()) != Some(confines.parent) {
        // The parent ended before its death signal was requested.
        return Err(io::Error::other("the process that started this one has ended"));
    }
    let common = [(Resource::Core, 0), (Resource::Nofile, DESCRIPTORS)];
    for (resource, most) in common.into_iter().chain(confines.limits.iter().copied()) {
        // SIGXCPU, which names this limit, comes a second before SIGKILL.
        let maximum = if resource == Resource::Cpu { most.saturating_add(1) } else { most };
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(maximum) })?;
    }
    rustix::thread::set_no_new_privs(true)?;
    Ok(())
}

/// Reads the next argument as a number.
pub(crate) fn number(arguments: &mut impl Iterator<Item = OsString>) -> io::Result<u64> {
    let next = arguments.next().and_then(|word| word.to_str()?.parse().ok());
    next.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))
}
