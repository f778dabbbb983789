//! How a process has ended that was reaped by somebody else. Linux 6.15 and later keep that for everybody who has a pidfd.

#![expect(unsafe_code, reason = "ioctl is a C call without a safe form; proved below")]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// The first form of the kernel's `struct pidfd_info`, which all later kernels accept.
#[repr(C)]
#[derive(Default)]
struct PidfdInfo {
    /// What is asked for, and then what is told.
    mask: u64,
    cgroup: u64,
    /// The process, its thread group and its parent, then its eight user and group ids.
    ids: [u32; 11],
    exit_code: i32,
}

/// `PIDFD_GET_INFO`: `_IOWR(0xFF, 11, struct pidfd_info)`, with the length of the first form.
const GET_INFO: libc::Ioctl = 0xC040_FF0B_u32 as libc::Ioctl;

/// `PIDFD_INFO_EXIT`.
const EXIT: u64 = 1 << 3;

const _: () = assert!(size_of::<PidfdInfo>() == 64, "the length is a part of the number of the request");

/// Returns the status, as `waitpid` gives it, of the process of a pidfd if it has ended and was reaped; `None` if it was not.
///
/// # Errors
/// `ESRCH` if it was reaped and the kernel does not know more. `ENOTTY` or `EINVAL` if the kernel does not tell such things.
pub fn reaped(pidfd: BorrowedFd<'_>) -> io::Result<Option<i32>> {
    // The kernel also says `ESRCH` of a process that is being reaped at this very moment. How it has ended is known by then.
    ask(pidfd).or_else(|error| match error.raw_os_error() {
        Some(libc::ESRCH) => ask(pidfd),
        _ => Err(error),
    })
}

fn ask(pidfd: BorrowedFd<'_>) -> io::Result<Option<i32>> {
    let mut info = PidfdInfo { mask: EXIT, ..PidfdInfo::default() };
    // SAFETY: the descriptor is open. The number of the request contains the length of the structure, so the kernel writes no
    // more than that; every pattern of bits is valid for it, and nobody else has a pointer to it.
    let done = unsafe { libc::ioctl(pidfd.as_raw_fd(), GET_INFO, &raw mut info) };
    if done == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok((info.mask & EXIT != 0).then_some(info.exit_code))
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::fd::{AsFd, FromRawFd, OwnedFd};
    use std::process::{Command, Stdio};

    use super::*;

    fn pidfd(pid: u32) -> OwnedFd {
        // SAFETY: the call returns a new descriptor, which nobody else owns, or -1.
        unsafe {
            let fd = libc::syscall(libc::SYS_pidfd_open, pid, 0);
            assert!(fd >= 0);
            OwnedFd::from_raw_fd(i32::try_from(fd).unwrap())
        }
    }

    #[test]
    fn the_status_is_told_after_somebody_has_reaped_the_process_or_the_kernel_says_that_it_cannot_tell() {
        let mut child = Command::new("sh").args(["-c", "exit 7"]).stdout(Stdio::piped()).spawn().unwrap();
        let pidfd = pidfd(child.id());
        child.stdout.take().unwrap().read_to_end(&mut Vec::new()).unwrap();
        let before = reaped(pidfd.as_fd());
        child.wait().unwrap();
        match before {
            Ok(status) => {
                assert_eq!(status, None, "it is not reaped");
                match reaped(pidfd.as_fd()) {
                    Ok(status) => assert_eq!(status, Some(7 << 8)),
                    // Linux 6.13 and 6.14 tell of the living only.
                    Err(error) => assert_eq!(error.raw_os_error(), Some(libc::ESRCH)),
                }
            }
            Err(error) => {
                assert!(matches!(error.raw_os_error(), Some(libc::ENOTTY | libc::EINVAL)), "{error}")
            }
        }
    }

    #[test]
    fn the_status_of_a_process_that_is_being_reaped_is_not_taken_for_unknown() {
        for _ in 0..300 {
            let mut child = Command::new("true").spawn().unwrap();
            let pidfd = pidfd(child.id());
            let reaper = std::thread::spawn(move || child.wait().unwrap());
            let told =
                std::iter::repeat_with(|| reaped(pidfd.as_fd())).find(|told| !matches!(told, Ok(None)));
            reaper.join().unwrap();
            match (told, reaped(pidfd.as_fd())) {
                // Kernels before 6.15 never tell it.
                (Some(Err(_)), Err(_)) => return,
                (Some(Ok(told)), _) => assert_eq!(told, Some(0)),
                (other, later) => panic!("{other:?}, and then {later:?}"),
            }
        }
    }
}
