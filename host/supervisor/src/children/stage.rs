//! The exec stage: what a child runs for a moment before its program, where the host has raised its own limit on open
//! files. It restores the limit that the host was started with, and then executes the program. It is this binary again,
//! recognised by its name. `posix_spawn` cannot set limits, and a limit that is set from outside comes too late for a
//! program that reads it first. It also fills in the variables whose value is the process id of the program.

use std::ffi::{CString, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use provost_keeper::protocol::OWN_PID;
use provost_posix::Launch;
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The name by which a process knows that it is the stage.
pub const STAGE_NAME: &str = "provost-exec-stage";

/// In the place of a limit: that of this process.
const KEPT_LIMIT: &str = "-";

/// Executes the program, if this process is the stage: `provost-exec-stage FILES LIMIT PATH NAME ARGUMENTS…`, where `FILES`
/// is the number of descriptors from 3 on that are the program's, and `LIMIT` is `-` for that of this process. Returns `None`
/// if it is not, or the exit code if the program cannot be run, which has been reported then.
#[must_use]
pub fn run_if_stage(mut arguments: impl Iterator<Item = OsString>) -> Option<u8> {
    if arguments.next()? != STAGE_NAME {
        return None;
    }
    let files = arguments.next().and_then(|files| files.to_str()?.parse::<u8>().ok())?;
    #[expect(unsafe_code, reason = "the descriptor is ours by the contract with the spawner; proved below")]
    // SAFETY: the spawner gives the stage its report as the descriptor after those of the program, nothing else in this
    // process has been run that could have opened or closed one, and this is the only place that takes it.
    let report = unsafe { OwnedFd::from_raw_fd(3 + i32::from(files)) };
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
    let limit = arguments.next().and_then(|limit| match limit.to_str()? {
        KEPT_LIMIT => Some(None),
        limit => limit.parse::<u64>().ok().map(Some),
    });
    let (Some(limit), Some(program), Some(name)) = (limit, arguments.next(), arguments.next()) else {
        return missing();
    };
    if let Some(current) = limit {
        let maximum = getrlimit(Resource::Nofile).maximum;
        if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(current), maximum }) {
            return error.into();
        }
    }
    let of_pid = std::env::vars_os().filter(|(_, value)| value.as_encoded_bytes() == OWN_PID);
    let own_pid = std::process::id().to_string();
    let of_pid: Vec<_> = of_pid.map(|(name, _)| (name, own_pid.clone())).collect();
    Command::new(program).arg0(name).args(arguments).envs(of_pid).exec()
}

/// Returns the arguments with which the stage executes the program of `launch`, under this soft limit if it is another.
pub(super) fn arguments(limit: Option<u64>, launch: &Launch<'_>) -> io::Result<Vec<CString>> {
    let limit = limit.map_or_else(|| KEPT_LIMIT.to_owned(), |limit| limit.to_string());
    let files = CString::new(launch.files.len().to_string())?;
    let own = [CString::new(STAGE_NAME)?, files, CString::new(limit)?, launch.program.to_owned()];
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
