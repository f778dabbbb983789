//! Programs of a toolchain, such as cargo, that end with this process, however it ends: by a signal that only this process receives,
//! or by SIGKILL as well. What they have started ends with them.

mod guard;
mod parent;

use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus, Output};

pub use guard::run_if_guard;
use guard::{GUARD_NAME, Report};
use parent::tie;

/// Runs a program, with its output on standard error and without input, and waits for its end. It has a process of this binary as its
/// parent, the [`guard`], which ends it with all of its descendants when this process is gone. It stays in the process group of this
/// process, so that it can ask a terminal for a passphrase, and stops and ends as all others when a key is pressed there.
///
/// # Errors
/// The program cannot be started, or there is no descriptor or process for it.
pub(crate) fn run(program: &Command) -> io::Result<ExitStatus> {
    let (mut own, other) = UnixStream::pair()?;
    let mut command = guarded(program);
    let mut guard = command.stdin(OwnedFd::from(other)).stdout(io::stderr()).spawn()?;
    // The command holds the other end open, and a guard that has ended would never be noticed.
    drop(command);
    let mut report = [0; Report::LEN];
    let told = own.read_exact(&mut report);
    let status = guard.wait()?;
    match told.ok().and_then(|()| Report::read(report)) {
        Some(Report::Ended(status)) => Ok(ExitStatus::from_raw(status)),
        Some(Report::Failed(errno)) => Err(io::Error::from_raw_os_error(errno)),
        // A signal has ended the guard, such as that of a terminal, which ends the whole group.
        None => Ok(status),
    }
}

/// Returns the command of the guard that runs this program in the same directory, with the same changes of the environment.
fn guarded(program: &Command) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.arg0(GUARD_NAME).arg(program.get_program()).args(program.get_args());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    if let Some(dir) = program.get_current_dir() {
        command.current_dir(dir);
    }
    command
}

/// Runs a program that answers a question within moments and starts no others, and returns what it prints. It is killed when the
/// calling thread ends before it.
///
/// # Errors
/// The program cannot be started.
pub(crate) fn output(program: &mut Command) -> io::Result<Output> {
    tie(program);
    program.output()
}
