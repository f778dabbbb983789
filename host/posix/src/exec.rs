//! Replacing the program of this process by another one, what the other one finds open, and the priority for disks that it keeps.

#![expect(
    unsafe_code,
    reason = "execveat, execve, fcntl and ioprio_set are C calls, and what a former program has left open has no owner yet"
)]

use std::collections::BTreeSet;
use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::birth::List;

/// Executes this open file in the place of this program. The mask of blocked signals stays, and so does every descriptor that
/// is not closed by an exec; all other threads end. Returns only if it fails, and nothing is changed then.
#[must_use]
pub fn exec(program: BorrowedFd<'_>, arguments: &List<'_>, environment: &List<'_>) -> io::Error {
    let (arguments, environment) = (arguments.as_ptr(), environment.as_ptr());
    // SAFETY: the path is empty and ends with a zero; both lists end with a null, and their strings with a zero.
    unsafe {
        let (empty, flags) = (c"".as_ptr(), libc::AT_EMPTY_PATH);
        libc::syscall(libc::SYS_execveat, program.as_raw_fd(), empty, arguments, environment, flags);
    }
    io::Error::last_os_error()
}

/// Executes the program of this path in the place of this one, with SIGPIPE, which the runtime of Rust ignores, as it was at the
/// start of a process. Returns why that is not possible.
pub fn execute(program: &CStr, arguments: &List<'_>, environment: &List<'_>) -> io::Error {
    // SAFETY: the path ends with a zero; both lists end with a null, and their strings, which they borrow, end with a zero. The
    // default disposition runs no code of this program.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
        libc::execve(program.as_ptr(), arguments.as_ptr(), environment.as_ptr());
    }
    io::Error::last_os_error()
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

/// Keeps the descriptor of this number open over an exec, or not.
///
/// # Errors
/// There is none.
pub fn keep_over_exec(number: RawFd, keep: bool) -> io::Result<()> {
    let flags = if keep { 0 } else { libc::FD_CLOEXEC };
    // SAFETY: the call only sets the flags of a number.
    match unsafe { libc::fcntl(number, libc::F_SETFD, flags) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Whether somebody has asked for what was inherited.
static IS_TAKEN: AtomicBool = AtomicBool::new(false);

/// The descriptors that a former program of this process has left open.
#[derive(Debug)]
pub struct Inherited {
    taken: BTreeSet<RawFd>,
}

impl Inherited {
    /// Returns them, once in the life of a program. Must be called before the program has opened anything: what is open above
    /// the standard streams is then owned by nothing.
    #[must_use]
    pub fn of_this_program() -> Option<Self> {
        (!IS_TAKEN.swap(true, Ordering::SeqCst)).then(|| Self { taken: BTreeSet::new() })
    }

    /// Takes the descriptor of this number, which is closed by the next exec.
    ///
    /// # Errors
    /// There is none, it is a standard stream, or it was taken already.
    pub fn take(&mut self, number: RawFd) -> io::Result<OwnedFd> {
        if number <= libc::STDERR_FILENO || self.taken.contains(&number) {
            return Err(io::Error::from_raw_os_error(libc::EBADF));
        }
        keep_over_exec(number, false)?;
        self.taken.insert(number);
        // SAFETY: it is open, as the call above shows. A former program has left it open: nothing in this program had opened
        // anything when this value was made, of which there is one, and it is returned once.
        Ok(unsafe { OwnedFd::from_raw_fd(number) })
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn what_is_inherited_is_taken_once_and_no_standard_stream_is() {
        let file = std::fs::File::open("/dev/null").unwrap();
        let number = std::os::fd::IntoRawFd::into_raw_fd(file);
        keep_over_exec(number, true).unwrap();
        let mut inherited = Inherited::of_this_program().unwrap();
        assert!(Inherited::of_this_program().is_none());
        assert!(inherited.take(0).is_err() && inherited.take(i32::MAX).is_err());
        let taken = inherited.take(number).unwrap();
        assert!(inherited.take(number).is_err());
        drop(taken);
        assert!(keep_over_exec(i32::MAX, true).is_err());
    }

    #[test]
    fn an_exec_that_fails_changes_nothing() {
        let none = List::new(0, std::iter::empty()).unwrap();
        let file = std::fs::File::open("/dev/null").unwrap();
        assert_eq!(exec(file.as_fd(), &none, &none).raw_os_error(), Some(libc::EACCES));
    }
}
