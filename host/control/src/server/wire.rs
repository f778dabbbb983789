//! The socket of one connection. The kernel is asked to report room for a write only while a write waits for it: otherwise it would
//! wake the thread of the API for nothing each time that a client has read an answer, which takes as long as the answer.

#![expect(unsafe_code, reason = "tokio cannot check that a descriptor stays open while it watches it")]

use std::io::{self, IoSlice, Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as Socket;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};

/// The most that is read at once, in bytes.
const READ_MAX: usize = 8 << 10;

/// A socket that is watched for what the connection waits for.
#[derive(Debug)]
pub(super) struct Wire {
    /// `None` once the kernel has refused to watch it.
    socket: Option<AsyncFd<Socket>>,
    /// Whether the kernel reports room for a write.
    reports_room: bool,
    /// Whether a write waits for room.
    is_full: bool,
}

impl Wire {
    /// Watches a socket for bytes. It is a stream socket that does not block, of whatever kind: reading, writing and shutting down
    /// are the same calls for all of them.
    ///
    /// # Errors
    /// If the kernel refuses to watch it.
    pub(super) fn new(socket: OwnedFd) -> io::Result<Self> {
        let socket = watched(socket.into(), Interest::READABLE)?;
        Ok(Self { socket: Some(socket), reports_room: false, is_full: false })
    }

    fn socket(&self) -> io::Result<&AsyncFd<Socket>> {
        self.socket.as_ref().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Has the kernel report room for a write, or no longer. What is ready already is reported again.
    fn report_room(&mut self, reports_room: bool) -> io::Result<()> {
        let socket = self.socket.take().ok_or(io::ErrorKind::NotConnected)?.into_inner();
        let interest =
            if reports_room { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
        self.socket = Some(watched(socket, interest)?);
        self.reports_room = reports_room;
        Ok(())
    }

    fn poll_write_with(
        &mut self,
        cx: &mut Context<'_>,
        write: impl Fn(&Socket) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        self.is_full = true;
        loop {
            let written = if self.reports_room {
                let mut room = ready!(self.socket()?.poll_write_ready(cx))?;
                let Ok(written) = room.try_io(|socket| write(socket.get_ref())) else { continue };
                written
            } else {
                match write(self.socket()?.get_ref()) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        self.report_room(true)?;
                        continue;
                    }
                    written => written,
                }
            };
            self.is_full = false;
            return Poll::Ready(written);
        }
    }
}

/// Has the kernel watch a socket.
fn watched(socket: Socket, interest: Interest) -> io::Result<AsyncFd<Socket>> {
    // SAFETY: the descriptor must stay the same open file until it is deregistered. The AsyncFd owns the socket and deregisters
    // it before it drops it, and this file never replaces the socket within it.
    let watched = unsafe { AsyncFd::register_with_interest(socket, interest) };
    watched.map_err(io::Error::from)
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let Poll::Ready(bytes) = self.socket()?.poll_read_ready(cx) else {
                if self.reports_room && !self.is_full {
                    // The answer has been written: only the next request is of interest.
                    self.report_room(false)?;
                    continue;
                }
                return Poll::Pending;
            };
            let mut bytes = bytes?;
            let most = buf.remaining().min(READ_MAX);
            // By way of the stack, because the buffer of each connection would have to be filled with zeros first, and would be
            // resident then, although most requests are short.
            let mut received = [0; READ_MAX];
            let received = &mut received[..most];
            let Ok(read) = bytes.try_io(|socket| socket.get_ref().read(received)) else { continue };
            let read = read?;
            if 0 < read && read < most {
                // There was no more, so the next read would be in vain.
                bytes.clear_ready();
            }
            buf.put_slice(&received[..read]);
            return Poll::Ready(Ok(()));
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_with(cx, |mut socket| socket.write(buf))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_with(cx, |mut socket| socket.write_vectored(bufs))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.socket()?.get_ref().shutdown(Shutdown::Write))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::UnixStream;

    use super::*;

    fn pair() -> (UnixStream, Wire) {
        let (client, server) = UnixStream::pair().unwrap();
        (client, Wire::new(server.into_std().unwrap().into()).unwrap())
    }

    #[tokio::test]
    async fn the_kernel_reports_room_only_while_a_write_waits_and_nothing_is_lost() {
        let (mut client, mut wire) = pair();
        let answer: Vec<u8> = (0..3_000_000_u32).map(|at| (at % 251) as u8).collect();
        for request in [b"one", b"two"] {
            client.write_all(request).await.unwrap();
            let mut got = [0; 3];
            wire.read_exact(&mut got).await.unwrap();
            assert_eq!((&got, wire.reports_room), (request, false));
            wire.write_all(b"short").await.unwrap();
            assert!(!wire.reports_room, "it did not wait");
            let (mut first, mut second) = ([0; 5], vec![0; answer.len()]);
            let reading = async {
                client.read_exact(&mut first).await.unwrap();
                client.read_exact(&mut second).await.unwrap();
            };
            let (written, ()) = tokio::join!(wire.write_all(&answer), reading);
            written.unwrap();
            assert!(wire.reports_room && &first == b"short" && second == answer);
            // The next read waits, and from then on only bytes are reported.
            let waits = std::future::poll_fn(|cx| {
                let mut one = [0];
                Poll::Ready(Pin::new(&mut wire).poll_read(cx, &mut ReadBuf::new(&mut one)).is_pending())
            });
            assert!(waits.await && !wire.reports_room);
        }
        drop(client);
        assert_eq!(wire.read(&mut [0; 8]).await.unwrap(), 0);
        assert_eq!(wire.write(b"late").await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }

    #[tokio::test]
    async fn a_write_that_waits_ends_when_the_client_is_gone() {
        let (client, mut wire) = pair();
        let (written, ()) = tokio::join!(wire.write_all(&[b'x'; 3_000_000]), async {
            tokio::task::yield_now().await;
            drop(client);
        });
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
