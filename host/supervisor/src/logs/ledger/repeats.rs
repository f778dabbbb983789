//! Whether a text is one that its writer repeats: then the same text may follow it, and what is at the front of a pipe may be
//! either of them.

use memchr::memmem;

/// Returns true if `text`, which the output `history` has just led to, was there before, or consists of repetitions itself.
pub(crate) fn repeats(history: &[u8], text: &[u8]) -> bool {
    period(text) * 2 <= text.len() || memmem::find(history, text).is_some()
}

/// Returns the shortest distance by which the text can be shifted so that it matches itself.
fn period(text: &[u8]) -> usize {
    // The table of Knuth, Morris and Pratt: for each beginning, the longest proper one that it also ends with.
    let mut longest = vec![0_usize; text.len()];
    let mut length = 0;
    for at in 1..text.len() {
        while length > 0 && text[at] != text[length] {
            length = longest[length - 1];
        }
        length += usize::from(text[at] == text[length]);
        longest[at] = length;
    }
    text.len() - longest.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_repeats_if_it_was_there_before_or_consists_of_repetitions() {
        for (history, text, expected) in [
            ("", "tick\ntick\n", true),
            ("tick\n", "tick\n", true),
            ("a\nb\na\nb\n", "b\na\n", true),
            ("1\n2\n", "3\n4\n", false),
            ("", "tick\n", false),
            ("", "tick\ntock\ntick\n", false),
            ("", "a\nb\na\nb\n", true),
        ] {
            assert_eq!(repeats(history.as_bytes(), text.as_bytes()), expected, "{history:?} {text:?}");
        }
    }

    #[test]
    fn the_period_is_found_whatever_the_length() {
        for (text, expected) in [("", 0), ("x", 1), ("xx", 1), ("xyxyx", 2), ("xyz", 3)] {
            assert_eq!(period(text.as_bytes()), expected, "{text}");
        }
    }
}
