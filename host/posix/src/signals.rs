//! Signals by number: to a process, to a group, to the process of a pidfd; receiving them one after the other; which are ignored, and
//! how SIGHUP was set at the start.

#![expect(unsafe_code, reason = "kill and sigaction are C calls; each call is proved where it stands")]

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;
use std::sync::OnceLock;

/// Whether this program was started with SIGHUP ignored (`nohup`): its children then ignore it, too. The first call
/// reads it, before anything could have changed it.
pub fn hangup_is_ignored() -> bool {
    static IGNORED: OnceLock<bool> = OnceLock::new();
    *IGNORED.get_or_init(|| {
        let mut now = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: with no new action the call only writes the present one; all zeroes is a valid `sigaction`, should it fail.
        unsafe {
            libc::sigaction(libc::SIGHUP, ptr::null(), now.as_mut_ptr());
            now.assume_init().sa_sigaction == libc::SIG_IGN
        }
    })
}

/// The signals that this program ignores. An exec leaves them ignored, and gives all others their defaults.
#[derive(Clone, Copy, Debug)]
pub struct Ignored(u64);

impl Ignored {
    /// Reads them.
    #[must_use]
    pub fn now() -> Self {
        let is_ignored = |number: &i32| {
            // The form of the kernel begins with the handler.
            let mut now = [0_usize; 16];
            let none = ptr::null::<u8>();
            // SAFETY: with no new action the call only writes the present one, which is shorter than the buffer. The C library's
            // own call refuses the two signals that it keeps for itself.
            let read = unsafe {
                libc::syscall(libc::SYS_rt_sigaction, *number, none, now.as_mut_ptr(), size_of::<u64>())
            };
            read == 0 && now.first().is_some_and(|handler| *handler == libc::SIG_IGN)
        };
        Self((1..=64).filter(is_ignored).fold(0, |set, number| set | 1 << (number - 1)))
    }

    /// Whether this one is among them.
    #[must_use]
    pub fn includes(self, number: i32) -> bool {
        (1..=64).contains(&number) && self.0 & (1 << (number - 1)) != 0
    }
}

/// Sends a signal to every process of a group. The caller knows that the group is the one that is meant: its leader has not
/// been reaped.
///
/// # Errors
/// `ESRCH` if there is no such group, `EPERM` if it may not be signalled, `EINVAL` if there is no such signal.
pub fn signal_group(group: u32, number: i32) -> io::Result<()> {
    send(group, number, true)
}

/// Sends a signal to one process, which is a child that has not been reaped.
///
/// # Errors
/// As [`signal_group`].
pub fn signal_process(pid: u32, number: i32) -> io::Result<()> {
    send(pid, number, false)
}

fn send(pid: u32, number: i32, group: bool) -> io::Result<()> {
    // As groups, 0 and 1 would be this process's own group and every process.
    let target = libc::pid_t::try_from(pid).ok().filter(|pid| *pid > 1);
    let target = target.ok_or_else(|| io::Error::from_raw_os_error(libc::ESRCH))?;
    // SAFETY: `kill` takes numbers and touches no memory.
    let done = unsafe { libc::kill(if group { -target } else { target }, number) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Sends a signal to the process of a pidfd, which is always the one that it was opened for.
///
/// # Errors
/// As [`signal_group`].
pub fn signal_pidfd(pidfd: BorrowedFd<'_>, number: i32) -> io::Result<()> {
    // SAFETY: the descriptor is open, the null pointer stands for no information, there are no flags.
    let done = unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            pidfd.as_raw_fd(),
            number,
            ptr::null::<libc::siginfo_t>(),
            0,
        )
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Blocks these signals for the calling thread and those that it starts later, gives them their default dispositions (with
/// SIGCHLD ignored, the kernel would reap), and returns a non-blocking descriptor that
/// [`next_signal`] reads them from. It is closed by an exec.
///
/// # Errors
/// The kernel's error, or `EINVAL` if there is no such signal.
pub fn signals(numbers: &[i32]) -> io::Result<OwnedFd> {
    let mut set = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: the set is initialised by the first call, and lives during all of them; the descriptor that is returned is new
    // and owned by nobody else.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        for number in numbers {
            if libc::sigaddset(set.as_mut_ptr(), *number) != 0 {
                return Err(io::Error::last_os_error());
            }
        }
        let blocked = libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), ptr::null_mut());
        if blocked != 0 {
            return Err(io::Error::from_raw_os_error(blocked));
        }
        for number in numbers {
            if libc::signal(*number, libc::SIG_DFL) == libc::SIG_ERR {
                return Err(io::Error::last_os_error());
            }
        }
        let descriptor = libc::signalfd(-1, set.as_ptr(), libc::SFD_CLOEXEC | libc::SFD_NONBLOCK);
        if descriptor == -1 {
            return Err(io::Error::last_os_error());
        }
        Ok(OwnedFd::from_raw_fd(descriptor))
    }
}

/// Receives the next of the signals that [`signals`] has blocked, and returns its number.
///
/// # Errors
/// The kernel's error; `EAGAIN` if there is none.
pub fn next_signal(from: BorrowedFd<'_>) -> io::Result<i32> {
    let mut signal = MaybeUninit::<libc::signalfd_siginfo>::zeroed();
    let size = size_of::<libc::signalfd_siginfo>();
    // SAFETY: the buffer has that size, and the kernel writes all of it or nothing; all zeroes are valid.
    let (read, signal) = unsafe {
        let read = libc::read(from.as_raw_fd(), signal.as_mut_ptr().cast(), size);
        (read, signal.assume_init())
    };
    if usize::try_from(read) != Ok(size) {
        return Err(io::Error::last_os_error());
    }
    i32::try_from(signal.ssi_signo).map_err(io::Error::other)
}
