//! Text in columns of a terminal, for clients that print: measuring, padding, cutting and wrapping. A wide character takes two
//! columns, a combining one none.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The mark in place of the rest of a cut text.
const CUT: char = '…';

/// Returns the number of columns that a text takes.
#[must_use]
pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// Pads a text with spaces to at least `columns`.
#[must_use]
pub fn padded(text: &str, columns: usize) -> String {
    let spaces = columns.saturating_sub(width(text));
    format!("{text}{:spaces$}", "")
}

/// Returns the length in bytes of the longest beginning of a text that takes at most `columns`.
#[must_use]
pub fn fitting(text: &str, columns: usize) -> usize {
    let mut taken = 0;
    for (at, c) in text.char_indices() {
        taken += c.width().unwrap_or(0);
        if taken > columns {
            return at;
        }
    }
    text.len()
}

/// Cuts a text that takes more than `columns`, and ends it with `…`.
#[must_use]
pub fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let mut shown = text[..fitting(text, columns.saturating_sub(1))].trim_end().to_owned();
    if columns > 0 {
        shown.push(CUT);
    }
    Cow::Owned(shown)
}

/// Wraps a text to lines of at most `columns`, preferably at spaces. There are at most `lines_max` lines, the last of
/// which is cut, and always at least one.
#[must_use]
pub fn wrapped(text: &str, columns: usize, lines_max: usize) -> Vec<String> {
    let columns = columns.max(2);
    let mut lines = Vec::new();
    let mut rest = text;
    while width(rest) > columns && lines.len() + 1 < lines_max {
        let fits = fitting(rest, columns);
        // A space directly after the window may be the break, too.
        let window = rest.get(..fits + 1).filter(|window| window.ends_with(' ')).unwrap_or(&rest[..fits]);
        let at = window.rfind(' ').filter(|at| !rest[..*at].trim().is_empty()).unwrap_or(fits.max(1));
        let at = rest.ceil_char_boundary(at);
        lines.push(rest[..at].trim_end().to_owned());
        rest = rest[at..].trim_start();
    }
    lines.push(cut(rest, columns).into_owned());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_character_takes_two_columns_and_a_combining_one_none() {
        assert_eq!((width("web"), width("工人"), width("e\u{301}")), (3, 4, 1));
        assert_eq!(padded("工人", 6), "工人  ");
        assert_eq!(padded("longer", 2), "longer");
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut("worker", 6), "worker");
        assert_eq!(cut("a-long-worker", 7), "a-long…");
        assert_eq!(cut("工人工人", 6), "工人…");
        assert_eq!(cut("工人工人", 1), "…");
        assert_eq!(cut("worker", 0), "");
    }

    #[test]
    fn a_text_is_wrapped_at_spaces_and_within_words_that_are_too_long() {
        assert_eq!(wrapped("third failure in a row", 14, 9), ["third failure", "in a row"]);
        assert_eq!(wrapped("third failure in a row", 13, 9), ["third failure", "in a row"]);
        assert_eq!(wrapped("short", 14, 9), ["short"]);
        assert_eq!(wrapped("", 14, 9), [""]);
        assert_eq!(wrapped("no /a/very/long/path here", 10, 9), ["no", "/a/very/lo", "ng/path", "here"]);
        assert_eq!(wrapped("one two three four", 5, 2), ["one", "two…"]);
        assert_eq!(wrapped("工人工人", 3, 9), ["工", "人", "工", "人"]);
    }
}
