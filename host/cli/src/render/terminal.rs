//! Makes the output of processes safe for a terminal. Colours pass if they are wanted, and end with the line; all other control
//! sequences and invisible characters are escaped.

use std::fmt::Write as _;

use provost_state::text::is_unfit;

/// The longest colour sequence that is recognised.
const SEQUENCE_BYTES_MAX: usize = 256;

/// The sequence that ends all colours.
const RESET: &str = "\x1b[0m";

/// Returns a line in a safe form. With `colors` its colour sequences are kept; otherwise they are removed. Other control
/// characters and bytes that are not UTF-8 are written as in a Rust string: `\r`, `\u{1b}`, `\xff`. The carriage return of a line
/// that ends with CR LF is removed.
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
            // Writing to a string does not fail.
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

/// Returns the length of the colour sequence (SGR) at the start of `text`: ESC `[`, numbers, `m`.
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
