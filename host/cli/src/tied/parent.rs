//! The death signal of a program, by which it ends with the process that has started it.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::{Signal, getppid, set_parent_process_death_signal};

/// Has a program killed when the thread that starts it ends before it.
#[expect(unsafe_code, reason = "there is no safe API for a step between fork and exec")]
pub(super) fn tie(program: &mut Command) {
    let parent = std::process::id();
    let tie = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        let is_there = getppid().is_some_and(|pid| pid.as_raw_nonzero().get().cast_unsigned() == parent);
        // The parent may have ended before its death signal was requested.
        if is_there { Ok(()) } else { Err(io::Error::from_raw_os_error(libc::ESRCH)) }
    };
    // SAFETY: the closure makes two system calls by numbers; it allocates nothing, takes no lock and does not panic.
    unsafe { program.pre_exec(tie) };
}
