//! Long lines in columns: tabs, scrolling sideways, wrapping at any character, and wrapped facts beside their labels.

use provost_api::columns::{fitting, width, wrapped};

use crate::words::Words;

/// The distance of tab stops.
const TAB: usize = 8;

/// The label and the text of something that is known.
pub(super) type Fact = (&'static str, String);

/// The room of the labels of facts, in columns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Labels {
    /// The columns before a label.
    pub(super) indent: usize,
    /// The columns of a label, with the space after it.
    pub(super) width: usize,
}

impl Labels {
    /// Returns the lines of facts, each with its label, at most `lines_max` for each.
    pub(super) fn lines(
        self,
        facts: &[Fact],
        words: &dyn Words,
        columns: usize,
        lines_max: usize,
    ) -> Vec<String> {
        let Self { indent, width } = self;
        let mut lines = Vec::new();
        for (label, fact) in facts {
            let mut label = *label;
            for part in wrapped(&words.one_line(fact), columns.saturating_sub(indent + width), lines_max) {
                lines.push(format!("{:indent$}{label:<width$}{part}", ""));
                label = "";
            }
        }
        lines
    }
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

/// Returns a text without its first columns.
pub(crate) fn without(text: &str, columns: usize) -> &str {
    &text[fitting(text, columns)..]
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
    fn a_text_is_divided_between_characters() {
        assert_eq!(pieces("abcdefg", 3), ["abc", "def", "g"]);
        assert_eq!(pieces("工人工", 3), ["工", "人", "工"]);
        assert_eq!(pieces("", 3), [""]);
        assert_eq!((without("abc", 1), without("abc", 9)), ("bc", ""));
    }
}
