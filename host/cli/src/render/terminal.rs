//! The output of processes as it may be shown: colours pass if colours are wanted, and end with the line; whatever else a
//! terminal would obey, or a reader could not see, is shown in a way that can be seen.

use std::fmt::Write as _;

use provost_state::text::is_unfit;

/// A longer sequence is none.
const SEQUENCE_BYTES_MAX: usize = 256;

/// What ends all colours.
const RESET: &str = "\x1b[0m";

/// The text of a line, fit to be shown. With `colors`, its colours are kept; else they are left out. Other control characters
/// and bytes that are no text are written as in a string of Rust: `\r`, `\u{1b}`, `\xff`. The carriage return of a line that
/// ends with CR and LF is left out.
pub(crate) fn shown(text: &[u8], colors: bool) -> String {
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    let mut shown = String::with_capacity(text.len() + 8);
    let mut colored = false;
    for chunk in text.utf8_chunks() {
        let mut rest = chunk.valid();
        while let Some(at) = rest.find(is_odd) {
            shown.push_str(&rest[..at]);
            rest = &rest[at..];
            if let Some(length) = color(rest) {
                if colors {
                    shown.push_str(&rest[..length]);
                    colored = true;
                }
                rest = &rest[length..];
            } else if let Some(odd) = rest.chars().next() {
                shown.extend(odd.escape_default());
                rest = &rest[odd.len_utf8()..];
            }
        }
        shown.push_str(rest);
        for byte in chunk.invalid() {
            // Writing into a string does not fail.
            let _ = write!(shown, "\\x{byte:02x}");
        }
    }
    if colored {
        shown.push_str(RESET);
    }
    shown
}

fn is_odd(c: char) -> bool {
    c != '\t' && is_unfit(c)
}

/// The length of the colour sequence (SGR) that `text` begins with: ESC `[`, numbers, `m`.
fn color(text: &str) -> Option<usize> {
    let numbers = text.strip_prefix("\x1b[")?;
    let end = numbers.find(|c: char| !matches!(c, '0'..='9' | ';' | ':'))?;
    (numbers[end..].starts_with('m') && end <= SEQUENCE_BYTES_MAX).then_some(end + 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_pass_and_end_with_the_line_and_nothing_else_passes() {
        let lines: [&[u8]; 12] = [
            b"plain \ttext",
            b"\x1b[41mred, not reset",
            b"\x1b[38:2::1:2:3mtrue \x1b[1;4mcolour\x1b[m",
            b"\x1b[2J\x1b[Hclear",
            b"\x1b]0;title\x07 \x1b]52;c;cm0gLXJm\x1b\\",
            b"10%\r20%\r",
            b"crlf\r",
            b"\x9b31m \xff\xfe \xc3\xa4",
            "\u{9b}31m \u{202e}turned \u{200b}hidden \u{2028}".as_bytes(),
            b"\x1b[31",
            b"\x1b[?25l\x1b[>0m\x1b(0\x1bc\x08\x7f\x00",
            b"",
        ];
        let all = |colors| lines.iter().map(|line| shown(line, colors) + "\n").collect::<String>();
        insta::assert_snapshot!(all(true).replace('\x1b', "ESC"), @r"
        plain 	text
        ESC[41mred, not resetESC[0m
        ESC[38:2::1:2:3mtrue ESC[1;4mcolourESC[mESC[0m
        \u{1b}[2J\u{1b}[Hclear
        \u{1b}]0;title\u{7} \u{1b}]52;c;cm0gLXJm\u{1b}\
        10%\r20%
        crlf
        \x9b31m \xff\xfe ä
        \u{9b}31m \u{202e}turned \u{200b}hidden \u{2028}
        \u{1b}[31
        \u{1b}[?25l\u{1b}[>0m\u{1b}(0\u{1b}c\u{8}\u{7f}\u{0}
        ");
        insta::assert_snapshot!(all(false).lines().take(3).collect::<Vec<_>>().join("\n"), @r"
        plain 	text
        red, not reset
        true colour
        ");
        assert!(!all(false).contains('\x1b'));
    }
}
