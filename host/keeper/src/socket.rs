//! Messages with descriptors over a `SOCK_SEQPACKET` socket, without blocking. Both ends use it.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::cmsg_space;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};

use crate::protocol::DESCRIPTORS_MAX;

/// Opens a pair of connected sockets; both are non-blocking and closed by an exec.
///
/// # Errors
/// The kernel's error.
pub fn pair() -> Result<(OwnedFd, OwnedFd), Errno> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)
}

/// Sends one message with these descriptors, which stay open here. It is sent whole or not at all.
///
/// # Errors
/// `AGAIN` if the socket is full: it becomes writable later. `TOOMANYREFS` if too many descriptors are in transit: it is
/// tried again a little later. `PIPE` or `CONNRESET` if the other end is closed. `INVAL` if there are too many descriptors.
pub fn send(socket: BorrowedFd<'_>, message: &[u8], descriptors: &[BorrowedFd<'_>]) -> Result<(), Errno> {
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let fits = descriptors.len() <= DESCRIPTORS_MAX
        && (descriptors.is_empty() || control.push(SendAncillaryMessage::ScmRights(descriptors)));
    if !fits {
        return Err(Errno::INVAL);
    }
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    rustix::io::retry_on_intr(|| sendmsg(socket, &[IoSlice::new(message)], &mut control, flags))?;
    Ok(())
}

/// The descriptors that came with a message.
pub type Received = [Option<OwnedFd>; DESCRIPTORS_MAX];

/// Receives one message into the buffer, which has [`MESSAGE_MAX`](crate::protocol::MESSAGE_MAX) bytes; returns its length,
/// which is 0 when the other end is closed. The descriptors that came with it replace those in `descriptors`; they are
/// closed by an exec.
///
/// # Errors
/// `AGAIN` if there is no message: the socket becomes readable later. `MSGSIZE` if the message was longer than the buffer,
/// or not all its descriptors could be received (for want of free ones): it is lost, and so is what it asked for.
pub fn receive(
    socket: BorrowedFd<'_>,
    buffer: &mut [u8],
    descriptors: &mut Received,
) -> Result<usize, Errno> {
    descriptors.iter_mut().for_each(|descriptor| *descriptor = None);
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
    let received =
        rustix::io::retry_on_intr(|| recvmsg(socket, &mut [IoSliceMut::new(buffer)], &mut control, flags))?;
    let mut places = descriptors.iter_mut();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            for (descriptor, place) in rights.zip(places.by_ref()) {
                *place = Some(descriptor);
            }
        }
    }
    if received.flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC) {
        return Err(Errno::MSGSIZE);
    }
    Ok(received.bytes)
}
