//! Text in columns: tabs, wrapping and cutting. A wide character takes two columns, a combining one none.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The distance of tab stops.
const TAB: usize = 8;

/// Returns the number of columns that a text takes.
pub(crate) fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// Returns a text with spaces in place of its tabs.
pub(crate) fn expanded(text: &str) -> String {
    if !text.contains('\t') {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len() + TAB);
    for c in text.chars() {
        match c {
            '\t' => {
                let spaces = TAB - width(&shown) % TAB;
                shown.extend(std::iter::repeat_n(' ', spaces));
            }
            _ => shown.push(c),
        }
    }
    shown
}

/// Returns the length in bytes of the longest beginning of a text that takes at most `columns`.
fn fitting(text: &str, columns: usize) -> usize {
    let mut taken = 0;
    for (at, c) in text.char_indices() {
        taken += c.width().unwrap_or(0);
        if taken > columns {
            return at;
        }
    }
    text.len()
}

/// Returns a text without its first columns.
pub(crate) fn without(text: &str, columns: usize) -> &str {
    &text[fitting(text, columns)..]
}

/// Cuts a text that takes more than `columns`, and ends it with `…`.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    match columns {
        0 => String::new(),
        _ => format!("{}…", &text[..fitting(text, columns - 1)]),
    }
}

/// Divides a text into pieces of at most `columns`; there is at least one.
pub(crate) fn pieces(text: &str, columns: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    loop {
        let end = match fitting(rest, columns.max(2)) {
            0 => rest.len(),
            end => end,
        };
        pieces.push(&rest[..end]);
        rest = &rest[end..];
        if rest.is_empty() {
            return pieces;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tabs_become_spaces_up_to_their_stop() {
        assert_eq!(expanded("a\tb"), "a       b");
        assert_eq!(expanded("12345678\tb"), "12345678        b");
        assert_eq!(expanded("工\tb"), "工      b");
    }

    #[test]
    fn a_text_is_cut_and_divided_between_characters() {
        assert_eq!((cut("worker", 6), cut("workers", 6)), ("worker".into(), "worke…".into()));
        assert_eq!((cut("工人工人", 6), cut("x", 0)), ("工人…".into(), String::new()));
        assert_eq!(pieces("abcdefg", 3), ["abc", "def", "g"]);
        assert_eq!(pieces("工人工", 3), ["工", "人", "工"]);
        assert_eq!(pieces("", 3), [""]);
        assert_eq!((without("abc", 1), without("abc", 9)), ("bc", ""));
    }
}
