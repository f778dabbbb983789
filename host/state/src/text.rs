//! Foreign text as it may be shown: what a terminal would obey, or what would make two texts look the same, is replaced.
//!
//! Replaced are the control characters (C0, DEL and C1), the separators of lines and paragraphs (U+2028, U+2029), the
//! characters of direction (U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069), and whatever else Unicode calls
//! default-ignorable: zero-width spaces, the byte order mark, soft hyphens, fillers, annotations, tags. Two kinds of those
//! have a use in ordinary text: joiners (U+200C, U+200D) and the selectors between text and emoji (U+FE0E, U+FE0F). They
//! stay where they have it, which is once and directly behind a visible character outside of ASCII.

/// What stands in the place of what is replaced.
pub const REPLACEMENT: char = '\u{fffd}';

/// Whether a terminal would obey this character, or a reader could not see it. Ordinary spaces are neither.
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

/// What the character before may be followed by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// A visible character outside of ASCII: a joiner or a selector.
    Visible,
    /// The same with a selector: a joiner.
    Selected,
    /// Anything else: neither.
    Other,
}

/// The characters of `text`, those that are unfit replaced by `instead`.
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

/// `text` in one line, with [`REPLACEMENT`] for each character that is unfit.
#[must_use]
pub fn one_line(text: &str) -> String {
    fit(text, REPLACEMENT).collect()
}

/// `text` with its lines and tabs, and with [`REPLACEMENT`] for each other character that is unfit.
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

/// `text` as JSON, with an escape for each character within its strings that is unfit: it means the same.
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
    fn what_steers_a_terminal_or_turns_or_hides_text_is_replaced() {
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
    fn letters_signs_and_spaces_of_any_script_stay() {
        for text in ["plain text", "äöü ß", "日本語", "שלום", "مرحبا", "₿ €", "a\u{a0}b", "🚀", "\u{fffd}"]
        {
            assert_eq!(one_line(text), text);
        }
    }

    #[test]
    fn joiners_and_selectors_stay_once_behind_what_they_join_and_nowhere_else() {
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
    fn of_several_lines_only_what_is_between_their_ends_is_replaced() {
        assert_eq!(lines("a\tb\r\n\u{1b}[31mc\rd\n"), "a\tb\n\u{fffd}[31mc\u{fffd}d\n");
        assert_eq!(lines("no end\u{202e}"), "no end\u{fffd}");
        assert_eq!(lines(""), "");
    }

    #[test]
    fn json_means_the_same_and_has_nothing_that_a_terminal_would_obey() {
        let json = "{\n  \"reason\": \"a\u{202e}b\u{9b}31m\u{e0041}ä\"\n}";
        let escaped = "{\n  \"reason\": \"a\\u202eb\\u009b31m\\udb40\\udc41ä\"\n}";
        assert_eq!(in_json(json), escaped);
    }
}
