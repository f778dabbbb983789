//! Asks the kernel who is at the other end of a Unix socket. rustix takes the process id for one that is never 0, and it is 0 for a
//! process in a container that cannot be seen from here.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// The process id and the user id of whoever began to listen on the socket that this one is connected to. The process id is 0 if
/// it cannot be seen from here.
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
