//! Drops what the process inherits from its parent: open descriptors and blocked signals. The host and the compiler of plugins
//! do this before anything else.
#![expect(unsafe_code, reason = "there is no safe API for unowned descriptors and for the signal mask")]

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{FromRawFd, OwnedFd};
use std::ptr;

/// The first descriptor that is not one of the standard streams.
pub(crate) const FIRST: libc::c_uint = 3;

/// Takes the connection to the keeper, which a host that a keeper starts has as the first descriptor after the standard
/// streams. Must be called before anything is opened.
///
/// # Errors
/// There is no such descriptor.
pub(crate) fn take_connection() -> io::Result<OwnedFd> {
    let number = libc::c_int::try_from(FIRST).map_err(io::Error::other)?;
    // SAFETY: the call only asks for the flags of a number, and sets them.
    if unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) } == -1 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it is open, as the call above shows, and nothing in this process owns it: it has opened nothing.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Closes every descriptor from `first` on, unblocks all signals, and ignores SIGTTOU, so that writing to a terminal
/// from the background does not stop the host. (Rust's runtime opens closed standard streams on `/dev/null`.)
/// Must be called first, while there is one thread and nothing has been opened.
pub(crate) fn leave_behind(first: libc::c_uint) -> io::Result<()> {
    let close = |from| {
        // SAFETY: the system call only closes descriptors. No value of this program owns one of them yet: it has one thread
        // and has opened nothing.
        unsafe { libc::close_range(from, libc::c_uint::MAX, 0) }
    };
    if close(first) != 0 {
        close_one_by_one(first)?;
    }
    let mut none = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: `sigemptyset` initialises the set that `sigprocmask` reads; neither keeps a pointer. There is one thread.
    let masked = unsafe {
        libc::sigemptyset(none.as_mut_ptr());
        libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), ptr::null_mut())
    };
    // SAFETY: `SIG_IGN` installs no handler.
    let ignored = unsafe { libc::signal(libc::SIGTTOU, libc::SIG_IGN) };
    if masked != 0 || ignored == libc::SIG_ERR {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Does the same as `close_range`, for kernels before 5.9 and sandboxes that do not know that call.
fn close_one_by_one(first: libc::c_uint) -> io::Result<()> {
    let open = std::fs::read_dir("/proc/self/fd")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<libc::c_int>().ok())
        .filter(|fd| libc::c_uint::try_from(*fd).is_ok_and(|fd| fd >= first));
    // The numbers are collected first, because the directory is itself open while it is read.
    for fd in open.collect::<Vec<_>>() {
        // SAFETY: as for `close_range`. The descriptor of the directory is in the list too, but is already closed.
        unsafe { libc::close(fd) };
    }
    Ok(())
}
