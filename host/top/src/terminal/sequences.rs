//! Control sequences of the terminal.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// The alternate screen without a cursor; pasted text is marked as such.
pub(super) const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[?2004h";

/// An empty screen.
pub(super) const CLEAR: &str = "\x1b[0m\x1b[2J";

/// The reverse of everything that may be in force. A terminal ignores what it does not know.
pub(super) const LEAVE: &str = "\x1b[?2026l\x1b[?1006l\x1b[?1000l\x1b[?2004l\x1b[0m\x1b[?25h\x1b[?1049l";

/// Clicks and the wheel are reported, without the motion of the mouse.
pub(super) const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1006h";

/// The mouse belongs to the terminal.
pub(super) const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1000l";

/// What follows is shown at once, at [`SYNC_END`].
pub(super) const SYNC_BEGIN: &str = "\x1b[?2026h";

/// The end of what is shown at once.
pub(super) const SYNC_END: &str = "\x1b[?2026l";

/// The longest text that is copied, in bytes: what common terminals take.
const COPY_BYTES_MAX: usize = 74_000;

/// Returns the sequence that copies a text to the clipboard (OSC 52).
pub(super) fn copy(text: &str) -> String {
    let end = text.floor_char_boundary(COPY_BYTES_MAX);
    format!("\x1b]52;c;{}\x07", BASE64_STANDARD.encode(&text[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copied_text_is_encoded_and_bounded() {
        assert_eq!(copy("web\n"), "\x1b]52;c;d2ViCg==\x07");
        assert!(copy(&"ä".repeat(COPY_BYTES_MAX)).len() < 100_000);
    }
}
