//! Makes foreign text safe to show: replaces characters that control a terminal or make two texts look the same.
//!
//! These are the control characters (C0, DEL and C1), the line and paragraph separators (U+2028, U+2029), the direction
//! marks (U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069), and all others that Unicode calls
//! default-ignorable: zero-width spaces, the byte order mark, soft hyphens, fillers, annotations, tags. Two kinds of
//! them are used in ordinary text: joiners (U+200C, U+200D) and the selectors between text and emoji (U+FE0E, U+FE0F).
//! They are kept where they have a use, which is once and directly after a visible character outside ASCII.

/// The replacement for an unfit character.
pub const REPLACEMENT: char = '\u{fffd}';

/// Whether this character controls a terminal or is invisible. Ordinary spaces are fit.
#[must_use]
pub fn is_unfit(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// The preceding character, which decides whether a joiner or a selector is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// A visible character outside ASCII; a joiner or a selector may follow.
    Visible,
    /// Such a character with a selector; a joiner may follow.
    Selected,
    /// Any other character; neither may follow.
    Other,
}

/// Returns the characters of `text`, with `instead` for each unfit one.
pub fn fit(text: &str, instead: char) -> impl Iterator<Item = char> {
    let mut before = Before::Other;
    text.chars().map(move |c| {
        let (next, shown) = match c {
            '\u{200c}' | '\u{200d}' if before != Before::Other => (Before::Other, c),
            '\u{fe0e}' | '\u{fe0f}' if before == Before::Visible => (Before::Selected, c),
            _ if is_unfit(c) => (Before::Other, instead),
            _ if c.is_ascii() || c.is_whitespace() => (Before::Other, c),
            _ => (Before::Visible, c),
        };
        before = next;
        shown
    })
}

/// Returns `text` in one line, with [`REPLACEMENT`] for each unfit character.
#[must_use]
pub fn one_line(text: &str) -> String {
    fit(text, REPLACEMENT).collect()
}

/// Returns `text` with its line ends and tabs, and with [`REPLACEMENT`] for each other unfit character.
#[must_use]
pub fn lines(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    text.split_inclusive(['\n', '\t'])
        .flat_map(|part| {
            let end = part.ends_with(['\n', '\t']).then(|| part.chars().next_back()).flatten();
            let body = &part[..part.len() - usize::from(end.is_some())];
            fit(body, REPLACEMENT).chain(end)
        })
        .collect()
}

/// Escapes each unfit character in the strings of `text`, which is JSON. The result has the same meaning.
#[must_use]
pub fn in_json(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut units = [0; 2];
    for c in text.chars() {
        match c {
            '\n' => escaped.push(c),
            _ if is_unfit(c) => {
                escaped.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
            }
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_direction_and_invisible_characters_are_replaced() {
        for unfit in [
            '\0',
            '\t',
            '\n',
            '\r',
            '\u{1b}',
            '\u{7f}',
            '\u{85}',
            '\u{9b}',
            '\u{9c}',
            '\u{9d}',
            '\u{ad}',
            '\u{61c}',
            '\u{180e}',
            '\u{200b}',
            '\u{200c}',
            '\u{200d}',
            '\u{200e}',
            '\u{200f}',
            '\u{2028}',
            '\u{2029}',
            '\u{202a}',
            '\u{202e}',
            '\u{2060}',
            '\u{2066}',
            '\u{2069}',
            '\u{206f}',
            '\u{3164}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{fff9}',
            '\u{fffb}',
            '\u{e0001}',
            '\u{e0041}',
            '\u{e007f}',
            '\u{e0100}',
        ] {
            assert_eq!(one_line(&format!("a{unfit}b")), "a\u{fffd}b", "U+{:04X}", u32::from(unfit));
        }
    }

    #[test]
    fn letters_symbols_and_spaces_of_any_script_are_kept() {
        for text in ["plain text", "äöü ß", "日本語", "שלום", "مرحبا", "₿ €", "a\u{a0}b", "🚀", "\u{fffd}"]
        {
            assert_eq!(one_line(text), text);
        }
    }

    #[test]
    fn a_joiner_or_selector_is_kept_once_after_a_visible_character_and_nowhere_else() {
        for text in ["⚠\u{fe0f} full", "👩\u{200d}🚀", "❤\u{fe0f}\u{200d}🔥", "می\u{200c}خواهم"]
        {
            assert_eq!(one_line(text), text);
        }
        assert_eq!(one_line("web\u{200d}"), "web\u{fffd}");
        assert_eq!(one_line("é\u{200d}\u{200d}"), "é\u{200d}\u{fffd}");
        assert_eq!(one_line("é\u{fe0f}\u{fe0f}"), "é\u{fe0f}\u{fffd}");
        assert_eq!(one_line("\u{200b}\u{200d}"), "\u{fffd}\u{fffd}");
    }

    #[test]
    fn line_ends_and_tabs_of_several_lines_are_kept() {
        assert_eq!(lines("a\tb\r\n\u{1b}[31mc\rd\n"), "a\tb\n\u{fffd}[31mc\u{fffd}d\n");
        assert_eq!(lines("no end\u{202e}"), "no end\u{fffd}");
        assert_eq!(lines(""), "");
    }

    #[test]
    fn escaped_json_means_the_same_and_has_no_control_characters() {
        let json = "{\n  \"reason\": \"a\u{202e}b\u{9b}31m\u{e0041}ä\"\n}";
        let escaped = "{\n  \"reason\": \"a\\u202eb\\u009b31m\\udb40\\udc41ä\"\n}";
        assert_eq!(in_json(json), escaped);
    }
}
