//! Bodies that end when the token of their request is no longer accepted.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes};
use axum::response::Response;
use hyper::body::{Body as _, Frame, SizeHint};

use crate::tokens::Lease;

/// A body that lasts.
struct Leased {
    body: Body,
    /// Resolves when the token is no longer accepted; `None` once it has.
    lease: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// Whether what was sent ends with a whole line.
    is_between_lines: bool,
}

impl fmt::Debug for Leased {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leased").finish_non_exhaustive()
    }
}

/// Returns an answer that ends, after a whole line, when its lease does. An answer that is complete already needs none.
pub(super) fn leased(answer: Response, lease: impl FnOnce() -> Lease) -> Response {
    if answer.body().size_hint().exact().is_some() {
        return answer;
    }
    let lease = lease().ended();
    answer.map(|body| Body::new(Leased { body, lease: Some(Box::pin(lease)), is_between_lines: true }))
}

impl hyper::body::Body for Leased {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.lease.as_mut().is_some_and(|lease| lease.as_mut().poll(cx).is_ready()) {
            self.lease = None;
        }
        if self.lease.is_none() && self.is_between_lines {
            // What it held is free for others.
            self.body = Body::empty();
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
        {
            self.is_between_lines = data.ends_with(b"\n");
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
