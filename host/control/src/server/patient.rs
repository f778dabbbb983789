//! Observes the bytes of one connection: whether a request has begun, and whether the client reads its answer. A client that
//! reads nothing for five minutes is disconnected.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body, Frame, SizeHint};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::{Instant, Sleep, sleep_until};

use super::wire::Wire;

/// The longest time that a client may read nothing of a pending answer.
const STALLED: Duration = Duration::from_secs(5 * 60);

/// The longest time that a connection may be idle.
const IDLE: Duration = Duration::from_secs(60);

/// The longest time that the head of a request may take to arrive.
const HEAD: Duration = Duration::from_secs(10);

/// The activity of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doing {
    /// It has been idle since then.
    Idle(Instant),
    /// The head of a request has been arriving since then.
    Head(Instant),
    /// A request is being answered.
    Answering,
}

/// The activity of one connection, and the means to end it.
#[derive(Debug)]
pub(super) struct Standing {
    doing: Mutex<Doing>,
    /// Notified to end the connection.
    pub(super) ended: Notify,
}

impl Standing {
    pub(super) fn new() -> Self {
        Self { doing: Mutex::new(Doing::Idle(Instant::now())), ended: Notify::new() }
    }

    /// Returns the time since which no request is being answered; `None` while one is.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        match *self.doing.lock() {
            Doing::Idle(since) | Doing::Head(since) => Some(since),
            Doing::Answering => None,
        }
    }

    /// Resolves when the connection has been idle, or its request head has been arriving, for too long. It has to be polled by
    /// the task of the connection after the connection itself, because nothing else wakes it when the activity changes.
    pub(super) async fn is_overdue(&self) {
        let mut alarm = pin!(sleep_until(Instant::now() + IDLE));
        poll_fn(|cx| {
            loop {
                let until = match *self.doing.lock() {
                    Doing::Idle(since) => since + IDLE,
                    Doing::Head(since) => since + HEAD,
                    // An answer takes as long as it takes. The alarm is for what follows.
                    Doing::Answering => Instant::now() + IDLE,
                };
                // The alarm is moved when it would come too late, or when it came too early: not with every request.
                if until < alarm.deadline() || (alarm.is_elapsed() && until > Instant::now()) {
                    alarm.as_mut().reset(until);
                }
                ready!(alarm.as_mut().poll(cx));
                if until <= Instant::now() {
                    return Poll::Ready(());
                }
            }
        })
        .await;
    }

    /// Marks the connection as idle: the bytes so far were no part of a request.
    pub(super) fn settled(&self) {
        *self.doing.lock() = Doing::Idle(Instant::now());
    }

    /// Marks the connection as answering until the returned guard is dropped.
    pub(super) fn answering(self: &Arc<Self>) -> Answering {
        *self.doing.lock() = Doing::Answering;
        Answering(self.clone())
    }

    fn received(&self) {
        let mut doing = self.doing.lock();
        if matches!(*doing, Doing::Idle(_)) {
            *doing = Doing::Head(Instant::now());
        }
    }

    fn sent(&self) {
        let mut doing = self.doing.lock();
        if matches!(*doing, Doing::Idle(_)) {
            *doing = Doing::Idle(Instant::now());
        }
    }
}

/// A guard that exists while a request is being answered.
#[derive(Debug)]
pub(super) struct Answering(Arc<Standing>);

impl Drop for Answering {
    fn drop(&mut self) {
        *self.0.doing.lock() = Doing::Idle(Instant::now());
    }
}

/// The body of an answer. The connection counts as answering until the body is dropped.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) body: axum::body::Body,
    pub(super) _answering: Answering,
}

impl Body for Answer {
    type Data = bytes::Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<bytes::Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A connection whose writes fail when the client reads nothing for [`STALLED`].
#[derive(Debug)]
pub(super) struct Patient {
    stream: Wire,
    standing: Arc<Standing>,
    /// The timer that runs while writes are pending.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    pub(super) fn new(stream: Wire, standing: Arc<Standing>) -> Self {
        Self { stream, standing, stalled: None }
    }

    /// Passes on the result of a write, or an error if writes have been pending for too long.
    fn progress<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            self.standing.sent();
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(STALLED)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.standing.received();
        }
        read
    }
}

impl AsyncWrite for Patient {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.progress(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.progress(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
