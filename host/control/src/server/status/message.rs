//! A message of several pieces. Large pieces that many clients get are shared and not copied.

use std::collections::VecDeque;

use bytes::Bytes;

/// A shorter piece is copied, because sending one more costs as much.
const SHARED_BYTES_MIN: usize = 4 << 10;

/// A message that is being made.
#[derive(Debug, Default)]
pub(super) struct Message {
    pieces: VecDeque<Bytes>,
    /// The last piece, which is not complete.
    last: Vec<u8>,
}

impl Message {
    /// Returns the end of the message, to append to it.
    pub(super) fn end_mut(&mut self) -> &mut Vec<u8> {
        &mut self.last
    }

    /// Appends bytes, which are not copied if they are many.
    pub(super) fn push(&mut self, bytes: Bytes) {
        if bytes.len() < SHARED_BYTES_MIN {
            self.last.extend_from_slice(&bytes);
            return;
        }
        if !self.last.is_empty() {
            self.pieces.push_back(std::mem::take(&mut self.last).into());
        }
        self.pieces.push_back(bytes);
    }

    /// Returns the pieces in their order.
    pub(super) fn into_pieces(mut self) -> VecDeque<Bytes> {
        if !self.last.is_empty() {
            self.pieces.push_back(self.last.into());
        }
        self.pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_bytes_are_shared_and_few_are_joined() {
        let mut message = Message::default();
        let (few, many) = (Bytes::from_static(b"few"), Bytes::from(vec![b'x'; SHARED_BYTES_MIN]));
        message.push(few.clone());
        message.end_mut().extend_from_slice(b", ");
        message.push(few);
        message.push(many.clone());
        message.push(many.clone());
        message.end_mut().push(b'.');
        let pieces = message.into_pieces();
        assert_eq!((&*pieces[0], &*pieces[3], pieces.len()), (&b"few, few"[..], &b"."[..], 4));
        assert!(pieces.range(1..3).all(|piece| piece.as_ptr() == many.as_ptr()));
        assert!(Message::default().into_pieces().is_empty());
    }
}
