//! What a program needs that sets something on itself and then executes another one in its place: the descriptors that it was
//! started with, the priority for disks, the exec.

#![expect(
    unsafe_code,
    reason = "fcntl, ioprio_set and execve are C calls; each call is proved where it stands"
)]

use std::ffi::CStr;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use crate::birth::List;

/// Returns a copy of a descriptor that this process was started with. The next exec closes both.
///
/// # Errors
/// There is no such descriptor.
pub fn inherited(number: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: the calls take numbers. The first one affects nothing but which descriptors an exec closes; the second returns a
    // new descriptor that nobody else owns.
    unsafe {
        if libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) == -1 {
            return Err(io::Error::last_os_error());
        }
        match libc::fcntl(number, libc::F_DUPFD_CLOEXEC, 3) {
            -1 => Err(io::Error::last_os_error()),
            copy => Ok(OwnedFd::from_raw_fd(copy)),
        }
    }
}

/// Sets the priority of this process for disks: the class, and the level in the low 13 bits.
///
/// # Errors
/// `EPERM` if the class is not for this user, `EINVAL` if there is none of this number.
pub fn set_io_priority(priority: u16) -> io::Result<()> {
    const PROCESS: libc::c_int = 1;
    // SAFETY: the call takes numbers; process 0 is the calling one.
    let done = unsafe { libc::syscall(libc::SYS_ioprio_set, PROCESS, 0, libc::c_int::from(priority)) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Executes a program in the place of this one, with SIGPIPE, which the runtime of Rust ignores, as it was at the start of a
/// process. Returns why that is not possible.
pub fn execute(program: &CStr, arguments: &List<'_>, environment: &List<'_>) -> io::Error {
    // SAFETY: the path ends with a zero; both lists end with a null, and their strings, which they borrow, end with a zero. The
    // default disposition runs no code of this program.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
        libc::execve(program.as_ptr(), arguments.as_ptr(), environment.as_ptr());
    }
    io::Error::last_os_error()
}
