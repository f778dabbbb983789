//! The exec stage: what a child runs for a moment before its program, where the host has raised its own limit on open
//! files. It restores the limit that the host was started with, and then executes the program. It is this binary again,
//! recognised by its name. `posix_spawn` cannot set limits, and a limit that is set from outside comes too late for a
//! program that reads it first.

use std::ffi::{CString, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use provost_posix::Launch;
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The name by which a process knows that it is the stage.
pub const STAGE_NAME: &str = "provost-exec-stage";

/// Executes the program, if this process is the stage: `provost-exec-stage LIMIT PATH NAME ARGUMENTS…`. Returns `None`
/// if it is not, or the exit code if the program cannot be run, which has been reported then.
#[must_use]
pub fn run_if_stage(mut arguments: impl Iterator<Item = OsString>) -> Option<u8> {
    if arguments.next()? != STAGE_NAME {
        return None;
    }
    #[expect(unsafe_code, reason = "descriptor 3 is ours by the contract with the spawner; proved below")]
    // SAFETY: the spawner gives the stage its report as descriptor 3, nothing else in this process has been run that could
    // have opened or closed one, and this is the only place that takes it.
    let report = unsafe { OwnedFd::from_raw_fd(3) };
    let error = become_program(&report, arguments);
    let number = error.raw_os_error().unwrap_or(0).to_le_bytes();
    // If even this cannot be written, the exit code is all that is left.
    let _ = File::from(report).write_all(&number);
    Some(127)
}

fn become_program(report: &OwnedFd, mut arguments: impl Iterator<Item = OsString>) -> io::Error {
    let missing = || io::Error::from(io::ErrorKind::InvalidInput);
    // The exec closes the report, which shows the spawner that the program runs.
    if let Err(error) = fcntl_setfd(report, FdFlags::CLOEXEC) {
        return error.into();
    }
    let limit = arguments.next().and_then(|limit| limit.to_str()?.parse::<u64>().ok());
    let (Some(limit), Some(program), Some(name)) = (limit, arguments.next(), arguments.next()) else {
        return missing();
    };
    let maximum = getrlimit(Resource::Nofile).maximum;
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(limit), maximum }) {
        return error.into();
    }
    Command::new(program).arg0(name).args(arguments).exec()
}

/// Returns the arguments with which the stage executes the program of `launch` under this soft limit.
pub(super) fn arguments(limit: u64, launch: &Launch<'_>) -> io::Result<Vec<CString>> {
    let own = [CString::new(STAGE_NAME)?, CString::new(limit.to_string())?, launch.program.to_owned()];
    Ok(own.into_iter().chain(launch.arguments.iter().cloned()).collect())
}

/// Waits until the stage has executed the program; returns the error if it could not.
pub(super) fn await_program(report: OwnedFd) -> io::Result<()> {
    let mut number = [0; 4];
    let mut report = File::from(report);
    match report.read_exact(&mut number) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
        Err(error) => Err(error),
        Ok(()) => Err(io::Error::from_raw_os_error(i32::from_le_bytes(number))),
    }
}
