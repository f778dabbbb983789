//! Who is at the other end of a Unix socket. The safe wrappers assume that a process id is never 0, but the kernel says 0 for a
//! process outside of the own namespace.

#![expect(unsafe_code, reason = "getsockopt is a C call; its one step is proved where it stands")]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// The process that began to listen on the peer of a socket, or that made the pair that the socket belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its process id; `None` if it is outside of the namespace of this process.
    pub pid: Option<u32>,
    /// Its user.
    pub uid: u32,
}

/// Asks the kernel who the peer of a connected Unix socket is (`SO_PEERCRED`).
///
/// # Errors
/// What the kernel says.
pub fn peer_of(socket: BorrowedFd<'_>) -> io::Result<Peer> {
    let mut found = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut size = libc::socklen_t::try_from(size_of::<libc::ucred>()).map_err(io::Error::other)?;
    // SAFETY: the descriptor is open, because it is borrowed; the option writes at most `size` bytes, which is the size of
    // `found`, and any bytes are a valid `ucred`; both pointers are to live locals that nothing else refers to.
    let failed = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut found).cast(),
            &raw mut size,
        )
    } != 0;
    if failed {
        return Err(io::Error::last_os_error());
    }
    Ok(Peer { pid: u32::try_from(found.pid).ok().filter(|pid| *pid != 0), uid: found.uid })
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn the_maker_of_a_pair_is_its_peer_and_a_socket_without_one_has_no_process() {
        let (one, _other) = UnixStream::pair().unwrap();
        assert_eq!(peer_of(one.as_fd()).unwrap().pid, Some(std::process::id()));
        let alone = std::os::unix::net::UnixDatagram::unbound().unwrap();
        assert_eq!(peer_of(alone.as_fd()).unwrap().pid, None);
    }
}
