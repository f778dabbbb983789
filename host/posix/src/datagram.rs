//! A datagram with its sender: what the safe wrappers cannot give, because the kernel says 0 for the process id of a sender
//! outside of the own namespace, and their types have no 0.

#![expect(
    unsafe_code,
    reason = "recvmsg with ancillary data is a C call; each step is proved where it stands"
)]

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

/// The most descriptors that are taken from one datagram; the kernel closes the others.
pub const DATAGRAM_DESCRIPTORS_MAX: usize = 16;

/// A datagram.
#[derive(Debug)]
pub struct Datagram {
    /// The number of bytes that were written to the buffer.
    pub length: usize,
    /// Whether it was longer than the buffer.
    pub is_cut: bool,
    /// Who has sent it, if the socket asks the kernel for that (`SO_PASSCRED`).
    pub sender: Option<DatagramSender>,
    /// The descriptors that came with it, which an exec closes.
    pub descriptors: Vec<OwnedFd>,
}

/// The process that has sent a datagram, as the kernel says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatagramSender {
    /// Its process id; `None` if it is outside of the namespace of this process.
    pub pid: Option<u32>,
    /// Its user.
    pub uid: u32,
}

/// The bytes of ancillary data: credentials and descriptors, each with its head, aligned as heads are.
#[repr(C)]
union Control {
    _head: libc::cmsghdr,
    bytes: [MaybeUninit<u8>; 256],
}

/// Looks at the first datagram of a socket without taking it. Never waits.
///
/// # Errors
/// `EAGAIN` if there is none, and what the kernel says.
pub fn peek_datagram(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<Datagram> {
    let mut control = Control { bytes: [MaybeUninit::uninit(); 256] };
    let mut part = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    // SAFETY: all zeroes are a valid head: no pointers, no lengths.
    let mut head: libc::msghdr = unsafe { std::mem::zeroed() };
    head.msg_iov = &raw mut part;
    head.msg_iovlen = 1;
    head.msg_control = (&raw mut control).cast();
    head.msg_controllen = size_of::<Control>();
    let flags = libc::MSG_PEEK | libc::MSG_DONTWAIT | libc::MSG_CMSG_CLOEXEC;
    // SAFETY: the head points to a buffer and to ancillary data of the lengths that it says, which live until the call
    // returns.
    let length = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut head, flags) };
    let length = usize::try_from(length).map_err(|_| io::Error::last_os_error())?;
    let (mut sender, mut descriptors) = (None, Vec::new());
    // SAFETY: the kernel has written heads and their data into `control`, which is aligned for them, and the length into
    // `head`; the macros go from one to the next within that length. Data is read without regard to its alignment, and no
    // further than the length of its head. The descriptors are new ones of this process, which nothing else knows.
    unsafe {
        let mut at = libc::CMSG_FIRSTHDR(&raw const head);
        while !at.is_null() {
            let data = libc::CMSG_DATA(at);
            let bytes = (*at).cmsg_len.saturating_sub(libc::CMSG_LEN(0) as usize);
            match ((*at).cmsg_level, (*at).cmsg_type) {
                (libc::SOL_SOCKET, libc::SCM_CREDENTIALS) if bytes >= size_of::<libc::ucred>() => {
                    let from = ptr::read_unaligned(data.cast::<libc::ucred>());
                    let pid = u32::try_from(from.pid).ok().filter(|pid| *pid != 0);
                    sender = Some(DatagramSender { pid, uid: from.uid });
                }
                (libc::SOL_SOCKET, libc::SCM_RIGHTS) => {
                    for index in 0..bytes / size_of::<libc::c_int>() {
                        let fd = ptr::read_unaligned(data.cast::<libc::c_int>().add(index));
                        descriptors.push(OwnedFd::from_raw_fd(fd));
                    }
                }
                _ => {}
            }
            at = libc::CMSG_NXTHDR(&raw const head, at);
        }
    }
    descriptors.truncate(DATAGRAM_DESCRIPTORS_MAX);
    Ok(Datagram { length, is_cut: head.msg_flags & libc::MSG_TRUNC != 0, sender, descriptors })
}

/// Takes the first datagram of a socket away, with its descriptors, which are closed. Never waits.
///
/// # Errors
/// `EAGAIN` if there is none, and what the kernel says.
pub fn drop_datagram(socket: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: no buffer is given, and none is written to.
    let taken = unsafe { libc::recv(socket.as_raw_fd(), ptr::null_mut(), 0, libc::MSG_DONTWAIT) };
    if taken == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixDatagram;

    use super::*;

    fn pair() -> (UnixDatagram, UnixDatagram) {
        let (ours, theirs) = UnixDatagram::pair().unwrap();
        let on: libc::c_int = 1;
        // SAFETY: the option is an integer of that length.
        let set = unsafe {
            libc::setsockopt(
                ours.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_PASSCRED,
                (&raw const on).cast(),
                size_of::<libc::c_int>() as libc::socklen_t,
            )
        };
        assert_eq!(set, 0);
        (ours, theirs)
    }

    #[test]
    fn a_datagram_stays_until_it_is_dropped_and_names_its_sender() {
        let (ours, theirs) = pair();
        theirs.send(b"READY=1").unwrap();
        theirs.send(b"second").unwrap();
        let mut buffer = [0; 64];
        for _ in 0..2 {
            let seen = peek_datagram(ours.as_fd(), &mut buffer).unwrap();
            assert_eq!(&buffer[..seen.length], b"READY=1");
            assert_eq!(seen.sender.unwrap().pid, Some(std::process::id()));
        }
        drop_datagram(ours.as_fd()).unwrap();
        let seen = peek_datagram(ours.as_fd(), &mut buffer[..3]).unwrap();
        assert_eq!((&buffer[..seen.length], seen.is_cut), (&b"sec"[..], true));
        drop_datagram(ours.as_fd()).unwrap();
        let none = peek_datagram(ours.as_fd(), &mut buffer).unwrap_err();
        assert_eq!(none.kind(), io::ErrorKind::WouldBlock);
    }
}
