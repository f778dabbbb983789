//! A body of several pieces, whose length is known. It is sent without joining the pieces first.

use std::array;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use serde::Serialize;

/// Returns the members of `rest`, which is an object with some, as they follow those of an object that is open. The last piece of a
/// body: it closes the object.
pub(super) fn more(rest: &impl Serialize) -> Bytes {
    // No type of the API has a map key that JSON cannot represent.
    let mut json = serde_json::to_vec(rest).unwrap_or_default();
    // A comma takes the place of the brace.
    if let Some(first) = json.first_mut() {
        *first = b',';
    }
    json.into()
}

/// A body of `N` pieces. The server sends up to 16 of them with one call of the kernel.
#[derive(Debug)]
pub(super) struct Pieces<const N: usize> {
    rest: array::IntoIter<Bytes, N>,
}

impl<const N: usize> Pieces<N> {
    pub(super) fn of(pieces: [Bytes; N]) -> Self {
        Self { rest: pieces.into_iter() }
    }

    fn length(&self) -> u64 {
        self.rest.as_slice().iter().map(|piece| piece.len() as u64).sum()
    }
}

impl<const N: usize> Body for Pieces<N> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.rest.find(|piece| !piece.is_empty());
        Poll::Ready(next.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.length() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length())
    }
}
