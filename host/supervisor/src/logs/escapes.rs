//! Text as a terminal shows it: without escape sequences (ECMA-48; xterm's control sequences).

use std::borrow::Cow;

use memchr::{memchr, memmem};

/// The most bytes of an escape sequence; whatever follows is treated as text again.
const SEQUENCE_BYTES_MAX: usize = 4 << 10;

/// The position within text and sequences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    #[default]
    Text,
    /// After ESC.
    Escape,
    /// After ESC and intermediate bytes.
    Intermediate,
    /// After ESC `[`, until its final byte.
    Control,
    /// After ESC `]`, `P`, `X`, `^` or `_`, until BEL or ESC `\`.
    Command,
}

/// Removes escape sequences from a text that arrives in pieces.
#[derive(Debug, Default)]
struct Stripper {
    at: At,
    /// The number of bytes of the sequence so far.
    bytes: usize,
}

impl Stripper {
    /// Appends the text in `bytes` to `text`.
    fn strip(&mut self, mut bytes: &[u8], text: &mut Vec<u8>) {
        while let Some(&first) = bytes.first() {
            if self.at == At::Text {
                let end = memchr(b'\x1b', bytes).unwrap_or(bytes.len());
                text.extend_from_slice(&bytes[..end]);
                bytes = &bytes[end..];
                if !bytes.is_empty() {
                    (self.at, self.bytes, bytes) = (At::Escape, 0, &bytes[1..]);
                }
                continue;
            }
            self.bytes += 1;
            let next = self.after(first);
            if next == At::Text && first == b'\n' {
                // A newline ends any open sequence and is text itself.
                self.at = At::Text;
                continue;
            }
            (self.at, bytes) = (next, &bytes[1..]);
        }
    }

    fn after(&self, byte: u8) -> At {
        if self.bytes > SEQUENCE_BYTES_MAX || byte == b'\n' {
            return At::Text;
        }
        match (self.at, byte) {
            (At::Command, 0x07) => At::Text,
            (_, 0x1b) => At::Escape,
            (At::Escape, b'[') => At::Control,
            (At::Escape, b']' | b'P' | b'X' | b'^' | b'_') => At::Command,
            (At::Escape | At::Intermediate, 0x20..=0x2f) => At::Intermediate,
            (At::Control, 0x20..=0x3f) => At::Control,
            (At::Command, _) => At::Command,
            (At::Text | At::Escape | At::Intermediate | At::Control, _) => At::Text,
        }
    }
}

/// Returns a text without its escape sequences.
pub(super) fn plain(text: &[u8]) -> Cow<'_, [u8]> {
    if memchr(b'\x1b', text).is_none() {
        return Cow::Borrowed(text);
    }
    let mut plain = Vec::with_capacity(text.len());
    Stripper::default().strip(text, &mut plain);
    Cow::Owned(plain)
}

/// Searches for a text in lines that arrive in pieces, ignoring escape sequences.
#[derive(Debug)]
pub(super) struct Seeker {
    wanted: Vec<u8>,
    stripper: Stripper,
    /// The end of the current line so far: as much as may be the beginning of the wanted text.
    tail: Vec<u8>,
}

impl Seeker {
    pub(super) fn new(wanted: &[u8]) -> Self {
        Self { wanted: plain(wanted).into_owned(), stripper: Stripper::default(), tail: Vec::new() }
    }

    /// Returns true if the text so far, including `bytes`, contains the wanted text.
    pub(super) fn finds_in(&mut self, bytes: &[u8]) -> bool {
        let mut text = std::mem::take(&mut self.tail);
        self.stripper.strip(bytes, &mut text);
        let found = memmem::find(&text, &self.wanted).is_some();
        let line = memchr::memrchr(b'\n', &text).map_or(0, |at| at + 1);
        let keep = text.len().saturating_sub(self.wanted.len().saturating_sub(1)).max(line);
        self.tail = text.split_off(keep);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_are_taken_out_and_nothing_else() {
        for (text, shown) in [
            (&b"no sequence"[..], &b"no sequence"[..]),
            (b"\x1b[1;32mready\x1b[0m", b"ready"),
            (b"\x1b[38:2::1:2:3mready\x1b[K", b"ready"),
            (b"\x1b]0;title\x07ready", b"ready"),
            (b"\x1b]8;;http://x\x1b\\ready\x1b]8;;\x1b\\", b"ready"),
            (b"\x1b(Bready\x1b7", b"ready"),
            (b"cut \x1b[1", b"cut "),
            (b"\x1b[31\nnext", b"\nnext"),
            (b"\xff\x00\x1b", b"\xff\x00"),
        ] {
            assert_eq!(&*plain(text), shown, "{:?}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn a_sequence_without_an_end_swallows_no_more_than_its_bound() {
        let text = [&b"\x1b]"[..], &[b'x'; 3 * SEQUENCE_BYTES_MAX]].concat();
        assert!(plain(&text).len() >= SEQUENCE_BYTES_MAX);
    }

    #[test]
    fn a_text_is_found_however_it_is_cut_up_and_coloured() {
        let line = b"\x1b[2m12:00\x1b[0m \x1b[32mListe\x1b[1mning\x1b[0m on 80\n";
        for size in 1..line.len() {
            let mut seeker = Seeker::new(b"Listening on");
            assert!(line.chunks(size).any(|piece| seeker.finds_in(piece)), "{size}");
            assert!(seeker.tail.len() < 12);
        }
        let mut seeker = Seeker::new(b"Listening on");
        assert!(!seeker.finds_in(b"Listening\n on 80\nListen"));
        assert!(seeker.finds_in(b"ing on"));
        assert!(Seeker::new(b"\x1b[32mup").finds_in(b"up"));
    }
}
