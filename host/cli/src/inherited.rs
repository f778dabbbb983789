//! Drops what the process inherits from its parent: open descriptors and blocked signals. The host and the compiler of plugins
//! do this before anything else.
#![expect(unsafe_code, reason = "there is no safe API for unowned descriptors and for the signal mask")]

use std::io;
use std::mem::MaybeUninit;
use std::ptr;

/// The first descriptor that is not one of the standard streams.
const FIRST: libc::c_uint = 3;

/// Closes every descriptor except the standard streams, unblocks all signals, and ignores SIGTTOU, so that writing to a terminal
/// from the background does not stop the host. (Rust's runtime opens closed standard streams on `/dev/null`.)
/// Must be called first, while there is one thread and nothing has been opened.
pub(crate) fn leave_behind() -> io::Result<()> {
    let close = |from| {
        // SAFETY: the system call only closes descriptors. No value of this program owns one of them yet: it has one thread
        // and has opened nothing.
        unsafe { libc::close_range(from, libc::c_uint::MAX, 0) }
    };
    if close(FIRST) != 0 {
        close_one_by_one()?;
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
fn close_one_by_one() -> io::Result<()> {
    let open = std::fs::read_dir("/proc/self/fd")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<libc::c_int>().ok())
        .filter(|fd| *fd >= 3);
    // The numbers are collected first, because the directory is itself open while it is read.
    for fd in open.collect::<Vec<_>>() {
        // SAFETY: as for `close_range`. The descriptor of the directory is in the list too, but is already closed.
        unsafe { libc::close(fd) };
    }
    Ok(())
}
