//! The process between this program and a program of a toolchain. It waits for the end of both: it reports the end of the toolchain,
//! and after that of this program it ends the toolchain, with everything that this has started.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, getpid, kill_process, pidfd_open, set_child_subreaper, waitpid,
};

use super::parent::tie;

/// The program name (`argv[0]`) that makes a process of this binary a guard.
pub(super) const GUARD_NAME: &str = "provost-toolchain-guard";

/// The exit code of a guard that has ended a toolchain, or could not start one.
const FAILED: u8 = 1;

/// What a guard reports, through the socket that is its standard input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Report {
    /// The program has ended with this status, in the form of the kernel.
    Ended(i32),
    /// The program could not be run; the error number.
    Failed(i32),
}

impl Report {
    /// The length of a report in bytes.
    pub(super) const LEN: usize = 5;

    fn to_bytes(self) -> [u8; Self::LEN] {
        let (kind, number) = match self {
            Self::Ended(status) => (0, status),
            Self::Failed(errno) => (1, errno),
        };
        let [a, b, c, d] = number.to_le_bytes();
        [kind, a, b, c, d]
    }

    /// Reads a report; `None` if it is not one.
    pub(super) fn read([kind, a, b, c, d]: [u8; Self::LEN]) -> Option<Self> {
        let number = i32::from_le_bytes([a, b, c, d]);
        match kind {
            0 => Some(Self::Ended(number)),
            1 => Some(Self::Failed(number)),
            _ => None,
        }
    }
}

/// Runs a program if the arguments are `provost-toolchain-guard PROGRAM ARGUMENTS`, and returns the exit code; returns `None` if this
/// process is not a guard. It must be called before there is another thread.
#[must_use]
pub fn run_if_guard(mut arguments: impl Iterator<Item = OsString>) -> Option<u8> {
    if arguments.next()? != GUARD_NAME {
        return None;
    }
    let report = match guard(arguments) {
        Ok(Some(status)) => Report::Ended(status.into_raw()),
        Ok(None) => return Some(FAILED),
        Err(error) => Report::Failed(error.raw_os_error().unwrap_or(libc::EINVAL)),
    };
    // If it cannot be written, nobody waits for it any more.
    let _ = rustix::io::write(rustix::stdio::stdin(), &report.to_bytes());
    Some(if matches!(report, Report::Ended(_)) { 0 } else { FAILED })
}

/// Waits for the end of the program, and returns its status; `None` if the other end of standard input was closed before that, and
/// the program was ended.
fn guard(mut arguments: impl Iterator<Item = OsString>) -> io::Result<Option<ExitStatus>> {
    let program = arguments.next().ok_or(io::ErrorKind::InvalidInput)?;
    // Those whose parents end become children of this process, and are found when everything is to end.
    set_child_subreaper(Some(getpid()))?;
    let mut command = Command::new(program);
    // This process may be killed itself.
    tie(command.args(arguments).stdin(Stdio::null()));
    let mut child = command.spawn()?;
    let pid = Pid::from_child(&child);
    match ends_first(pid) {
        Ok(true) => child.wait().map(Some),
        Ok(false) => {
            end_all(pid);
            Ok(None)
        }
        Err(error) => {
            end_all(pid);
            Err(error)
        }
    }
}

/// Waits until the program has ended, or the other end of standard input is closed. Returns whether it was the program.
fn ends_first(program: Pid) -> io::Result<bool> {
    let ended = pidfd_open(program, PidfdFlags::empty())?;
    // Of the socket only its end is reported, which needs no flag.
    let starter = PollFd::from_borrowed_fd(rustix::stdio::stdin(), PollFlags::empty());
    let mut both = [PollFd::new(&ended, PollFlags::IN), starter];
    rustix::io::retry_on_intr(|| poll(&mut both, None))?;
    let [program, _] = both;
    Ok(!program.revents().is_empty())
}

/// Kills the program and its descendants, and waits for their ends. One that has its own session, such as the server of a compiler
/// cache, serves others, too, and is left alone.
fn end_all(program: Pid) {
    let session = session(None);
    let is_here = |pid: &Pid| self::session(Some(*pid)) == session;
    loop {
        // Without that list, which a kernel may lack, only the program itself is found.
        let list = std::fs::read_to_string("/proc/thread-self/children");
        let children: Vec<Pid> = match &list {
            Ok(list) => {
                list.split_ascii_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect()
            }
            Err(_) => vec![program],
        };
        let mut count = 0;
        for pid in children.into_iter().filter(is_here) {
            // It is a child that has not been reaped, so its number means no other process.
            let _ = kill_process(pid, Signal::KILL);
            if waitpid(Some(pid), WaitOptions::empty()).is_ok() {
                count += 1;
            }
        }
        if count == 0 {
            return;
        }
    }
}

/// Returns the session of a process, by default of this one; `None` if there is no such process. It is 0 if the leader of the session
/// is outside of the PID namespace, as in a container that another program has entered. `rustix` has no such value for a session.
#[expect(unsafe_code, reason = "there is no safe API for a session without a number")]
fn session(pid: Option<Pid>) -> Option<i32> {
    // SAFETY: the call takes and returns numbers.
    let session = unsafe { libc::getsid(Pid::as_raw(pid)) };
    (session >= 0).then_some(session)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_as_it_was_written() {
        for report in [Report::Ended(101 << 8), Report::Ended(9), Report::Failed(2)] {
            assert_eq!(Report::read(report.to_bytes()), Some(report));
        }
        assert_eq!(Report::read([2, 0, 0, 0, 0]), None);
    }
}
