//! How a child has ended and what it has used, while it stays a zombie whose number is nobody else's.

#![expect(unsafe_code, reason = "waitid with the usage is a system call without a safe form; proved below")]

use std::io;
use std::mem::MaybeUninit;

/// How a child has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The status as `waitpid` gives it.
    pub status: i32,
    /// The time in its own code, in microseconds, with that of the descendants that it has waited for.
    pub user_us: u64,
    /// The time in the kernel, likewise.
    pub system_us: u64,
    /// The largest resident set, in KiB.
    pub memory_kib_max: u64,
    /// The number of page faults that waited for a disk.
    pub faults: u64,
}

/// Returns how a child has ended, and leaves it a zombie; `None` if it has not ended.
///
/// # Errors
/// `ECHILD` if it is not a child of this process that can be waited for.
pub fn ended(pid: u32) -> io::Result<Option<Ended>> {
    let mut ended = MaybeUninit::<libc::siginfo_t>::zeroed();
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: both structures are of the size that the kernel writes (on Linux with 64 bits, which `libc` and the kernel
    // lay out alike), and all zeroes are valid for both.
    let (ended, usage) = unsafe {
        let (info, used) = (ended.as_mut_ptr(), usage.as_mut_ptr());
        if libc::syscall(libc::SYS_waitid, libc::P_PID, pid, info, options, used) != 0 {
            return Err(io::Error::last_os_error());
        }
        (ended.assume_init(), usage.assume_init())
    };
    // SAFETY: the kernel wrote the form for children, or nothing; all zeroes are valid for it.
    let (found, value) = unsafe { (ended.si_pid(), ended.si_status()) };
    if found == 0 {
        return Ok(None);
    }
    let status = match ended.si_code {
        libc::CLD_EXITED => (value & 0xff) << 8,
        libc::CLD_DUMPED => value | 0x80,
        _ => value,
    };
    let microseconds = |time: libc::timeval| count(time.tv_sec) * 1_000_000 + count(time.tv_usec);
    Ok(Some(Ended {
        status,
        user_us: microseconds(usage.ru_utime),
        system_us: microseconds(usage.ru_stime),
        memory_kib_max: count(usage.ru_maxrss),
        faults: count(usage.ru_majflt),
    }))
}

/// What the kernel counts is never negative.
fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
