//! The host that hands over what a former keeper has held: another keeper has started it, and standard input is the connection to it.

use std::os::fd::{AsFd, OwnedFd};

use provost_posix::peer_of;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{PidfdFlags, pidfd_open};

use super::children::Child;
use super::elders::pid_of;

use super::outlet::has_hung_up;

/// Replaces the standard streams by `/dev/null`.
pub(super) fn leave_streams() -> Result<(), Errno> {
    let flags = OFlags::RDWR | OFlags::CLOEXEC;
    let nothing = rustix::fs::open("/dev/null", flags, Mode::empty())?;
    rustix::stdio::dup2_stdin(&nothing)?;
    rustix::stdio::dup2_stdout(&nothing)?;
    rustix::stdio::dup2_stderr(&nothing)
}

/// Takes the connection, and leaves the standard streams and the session. Returns the host, which is not a child, and this end.
pub(super) fn former_host() -> Result<(Child, OwnedFd), Errno> {
    let socket = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
    leave_streams()?;
    // Fails only for the leader of a group, which has its own session then.
    let _ = rustix::process::setsid();
    rustix::io::ioctl_fionbio(&socket, true)?;
    // The process that has made the pair of sockets.
    let peer = peer_of(socket.as_fd()).map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    let pid = peer.pid.ok_or(Errno::SRCH)?;
    let pidfd = pidfd_open(pid_of(pid)?, PidfdFlags::NONBLOCK)?;
    // Its end is still open, so the number was its own when it was looked up.
    if has_hung_up(&socket)? {
        return Err(Errno::PIPE);
    }
    Ok((Child { pid, pidfd, report: None }, socket))
}
