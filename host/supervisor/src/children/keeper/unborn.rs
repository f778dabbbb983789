//! Children whose start a keeper did not answer before it ended. No host knows of them, so each would be a second copy of what
//! is started again. They are found and killed: before its exec, a child still is the program of that keeper; after it, its
//! environment names the life that it was to be, and the runtime directory.
//!
//! Nothing is missed. The connection ends when the last thread of the keeper has ended, so every child exists before the first
//! look. One that was sent SIGKILL runs no instruction any more, even if its exec hangs. A child of such a child has the same
//! environment, and looks follow each other until nothing is found.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use provost_posix as posix;
use provost_state::Signal;
use rustix::process::{PidfdFlags, pidfd_open};

use super::names::Life;
use crate::children::command::RUNTIME_DIR_VARIABLE;
use crate::children::family::{environ, of_living, owner_in, pid_of, value_in};

/// The number of looks; what is still there after them was sent SIGKILL and waits for a disk.
const LOOKS: u32 = 50;

/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(2);

/// Returns the device and the inode of the program that a process runs.
pub(super) fn program_of(pid: u32) -> Option<(u64, u64)> {
    let program = std::fs::metadata(format!("/proc/{pid}/exe")).ok()?;
    Some((program.dev(), program.ino()))
}

/// Kills the children of a keeper of this runtime directory that has ended which have not come to their exec: each runs the program
/// of a keeper on one thread, and is not the keeper of this host.
///
/// # Errors
/// The processes of the machine could not be looked at.
pub(super) fn end_before_exec(dir: &str, keeper: Option<u32>) -> io::Result<()> {
    let is_unborn = |pid: u32| -> io::Result<bool> {
        let Some(program) = of_living(std::fs::read_link(format!("/proc/{pid}/exe")))? else {
            return Ok(false);
        };
        // One in memory has `memfd:` before its name.
        let is_keeper = program.to_string_lossy().contains(PROGRAM_NAME);
        if !is_keeper || Some(pid) == keeper {
            return Ok(false);
        }
        let threads =
            of_living(std::fs::read_dir(format!("/proc/{pid}/task")))?.into_iter().flatten().count();
        let environ = environ(pid)?.unwrap_or_default();
        Ok(threads == 1 && value_in(&environ, RUNTIME_DIR_VARIABLE).is_some_and(|there| there == dir))
    };
    end_such(is_unborn)
}

/// The name of the program of a keeper.
const PROGRAM_NAME: &str = "provost-keeper";

/// Kills all processes that run the `program` of a keeper that has ended, or that are one of these lives.
///
/// # Errors
/// The processes of the machine could not be looked at.
pub(super) fn end(program: Option<(u64, u64)>, lives: &[Life]) -> io::Result<()> {
    if lives.is_empty() {
        return Ok(());
    }
    let dir = std::env::var(RUNTIME_DIR_VARIABLE).ok();
    let is_unborn = |pid: u32| -> io::Result<bool> {
        let Some(exe) = of_living(std::fs::metadata(format!("/proc/{pid}/exe")))? else { return Ok(false) };
        if program == Some((exe.dev(), exe.ino())) {
            return Ok(true);
        }
        let Some(environ) = environ(pid)? else { return Ok(false) };
        let is_here = dir.is_some() && value_in(&environ, RUNTIME_DIR_VARIABLE) == dir;
        let owner = owner_in(&environ).filter(|_| is_here);
        Ok(owner.is_some_and(|(name, life)| lives.iter().any(|of| *of.0 == *name && of.1.0 == life)))
    };
    end_such(is_unborn)
}

fn end_such(is_unborn: impl Fn(u32) -> io::Result<bool>) -> io::Result<()> {
    for _ in 0..LOOKS {
        let mut is_over = true;
        for entry in std::fs::read_dir("/proc")? {
            let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            if is_unborn(pid)? {
                is_over = false;
                kill(pid, &is_unborn)?;
            }
        }
        if is_over {
            return Ok(());
        }
        std::thread::park_timeout(PAUSE);
    }
    Ok(())
}

/// Kills a process if it still is what it was.
fn kill(pid: u32, is_unborn: &impl Fn(u32) -> io::Result<bool>) -> io::Result<()> {
    let Some(number) = pid_of(pid) else { return Ok(()) };
    let Some(pidfd) = of_living(pidfd_open(number, PidfdFlags::empty()).map_err(io::Error::from))? else {
        return Ok(());
    };
    if is_unborn(pid)? {
        tracing::warn!(
            pid,
            "kills a child whose start the former keeper did not answer; it is started again"
        );
        // One that has ended by now needs nothing.
        let _ = posix::signal_pidfd(pidfd.as_fd(), Signal::KILL.number());
    }
    Ok(())
}
