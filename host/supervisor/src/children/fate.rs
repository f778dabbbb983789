//! How a process has ended whose parent is neither this process nor the keeper. Linux 6.15 and later tell it to everybody who
//! has a pidfd, once its parent has reaped it; until then, its zombie tells it in `/proc`. Where neither does, nobody knows.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use provost_posix as posix;
use tokio::time::{Instant, sleep};

use super::family::stat_fields;

/// How long a parent may take to reap a process whose zombie tells nothing.
const REAPED_WITHIN: Duration = Duration::from_secs(1);

/// The pause between two looks.
const LOOK: Duration = Duration::from_millis(5);

/// What can be known at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// The status, as `wait` gives it.
    Status(i32),
    /// Nothing yet.
    NotYet,
    /// Nothing, and there will be nothing.
    Nothing,
}

/// Returns the status of a process that has ended, as `wait` gives it; `None` if nobody can tell it.
pub(super) async fn status_of(pid: u32, pidfd: &OwnedFd) -> Option<i32> {
    let until = Instant::now() + REAPED_WITHIN;
    loop {
        match look(pid, pidfd) {
            Known::Status(status) => return Some(status),
            Known::Nothing => return None,
            Known::NotYet if Instant::now() >= until => return None,
            Known::NotYet => sleep(LOOK).await,
        }
    }
}

/// Returns the status if it can be told at this moment.
pub(super) fn status_now(pid: u32, pidfd: &OwnedFd) -> Option<i32> {
    match look(pid, pidfd) {
        Known::Status(status) => Some(status),
        Known::NotYet | Known::Nothing => None,
    }
}

fn look(pid: u32, pidfd: &OwnedFd) -> Known {
    match told(pidfd) {
        Known::NotYet => {}
        known => return known,
    }
    let Some(status) = of_zombie(pid) else { return told(pidfd) };
    // The number was its own if it is still not reaped.
    match told(pidfd) {
        Known::NotYet => Known::Status(status),
        known => known,
    }
}

/// Returns what the kernel tells by the pidfd; [`Known::NotYet`] as long as the process is not reaped.
fn told(pidfd: &OwnedFd) -> Known {
    match posix::reaped(pidfd.as_fd()) {
        Ok(Some(status)) => Known::Status(status),
        Ok(None) => Known::NotYet,
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Known::Nothing,
        // An older kernel: a zombie can be sent signals, and nothing that was reaped can.
        Err(_) => match posix::signal_pidfd(pidfd.as_fd(), 0) {
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Known::Nothing,
            _ => Known::NotYet,
        },
    }
}

/// Returns the status of a zombie, if this process may read it.
fn of_zombie(pid: u32) -> Option<i32> {
    let status = status_in(&std::fs::read(format!("/proc/{pid}/stat")).ok()?)?;
    // What may not be read reads as 0.
    (status != 0 || is_ours(pid).unwrap_or(false)).then_some(status)
}

fn is_ours(pid: u32) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let own = rustix::process::geteuid();
    Ok(own.is_root() || std::fs::metadata(format!("/proc/{pid}"))?.uid() == own.as_raw())
}

/// Reads the status, which is the 52nd field, of a zombie.
fn status_in(stat: &[u8]) -> Option<i32> {
    let mut fields = stat_fields(stat)?;
    if fields.next()? != "Z" {
        return None;
    }
    fields.nth(48)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::process::{Command, Stdio};

    use rustix::process::{Pid, PidfdFlags, pidfd_open};

    use super::*;

    #[tokio::test]
    async fn the_end_of_a_process_is_told_by_its_zombie_and_by_the_kernel() {
        let script = "exec 1>&-; exit 42";
        let mut child = Command::new("sh").args(["-c", script]).stdout(Stdio::piped()).spawn().unwrap();
        let pid = child.id();
        let pidfd = pidfd_open(Pid::from_child(&child), PidfdFlags::empty()).unwrap();
        child.stdout.take().unwrap().read_to_end(&mut Vec::new()).unwrap();
        assert_eq!(status_of(pid, &pidfd).await, Some(42 << 8));
        child.wait().unwrap();
        let told = status_of(pid, &pidfd).await;
        // Kernels before 6.15 do not know.
        assert!(told == Some(42 << 8) || told.is_none() && posix::reaped(pidfd.as_fd()).is_err(), "{told:?}");
    }

    #[test]
    fn only_the_line_of_a_zombie_has_a_status() {
        let line = |state: &str| {
            let mut fields = vec!["0"; 49];
            fields[48] = "10752";
            format!("17 (odd) name) {state} {}\n", fields.join(" "))
        };
        assert_eq!(status_in(line("Z").as_bytes()), Some(10_752));
        assert_eq!(status_in(line("S").as_bytes()), None);
        assert_eq!(status_in(b"17 (sh) Z 1"), None);
        assert_eq!(status_in(b""), None);
    }
}
