//! What a process of this program is given by whoever started it, and does not keep: descriptors, blocked signals. The host and the
//! compiler of plugins leave it behind before anything else.
#![expect(
    unsafe_code,
    reason = "descriptors that nobody owns, and the signal mask, can be reached in no other way"
)]

use std::io;
use std::mem::MaybeUninit;
use std::ptr;

/// The first descriptor that is not one of the standard streams.
const FIRST: libc::c_uint = 3;

/// Closes every descriptor but the standard streams, unblocks all signals, and sees to it that writing to a terminal from
/// the background does not stop the host. (Standard streams that are closed were opened on `/dev/null` by Rust's runtime.)
/// To be called first of all, while there is one thread and nothing has been opened.
pub(crate) fn leave_behind() -> io::Result<()> {
    let close = |from| {
        // SAFETY: the system call only closes descriptors. Nothing of this program owns one of them yet: it has one thread,
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
    // SAFETY: no handler is installed: the signal is ignored from now on.
    let ignored = unsafe { libc::signal(libc::SIGTTOU, libc::SIG_IGN) };
    if masked != 0 || ignored == libc::SIG_ERR {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// For kernels before 5.9, and sandboxes that do not know the call.
fn close_one_by_one() -> io::Result<()> {
    let open = std::fs::read_dir("/proc/self/fd")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<libc::c_int>().ok())
        .filter(|fd| *fd >= 3);
    // Collected first: the directory itself is open as long as it is read.
    for fd in open.collect::<Vec<_>>() {
        // SAFETY: as for `close_range`. The number of the directory, which is closed by now, is no descriptor any more.
        unsafe { libc::close(fd) };
    }
    Ok(())
}
