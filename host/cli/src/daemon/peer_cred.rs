//! Asks the kernel who is at the other end of a Unix socket. rustix assumes that the process id is never 0, but it is 0 for a
//! process that is not visible in this PID namespace.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Returns the process id and the user id of the process that began to listen on the peer of this socket. The process id is 0
/// if that process is not visible from here.
pub(super) fn peer_of(socket: BorrowedFd<'_>) -> io::Result<(i32, u32)> {
    let mut found = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut size = libc::socklen_t::try_from(size_of::<libc::ucred>()).map_err(io::Error::other)?;
    #[expect(
        unsafe_code,
        reason = "no safe crate at hand reads SO_PEERCRED with a process id of 0: see SAFETY"
    )]
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
    if failed { Err(io::Error::last_os_error()) } else { Ok((found.pid, found.uid)) }
}
