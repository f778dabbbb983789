//! Shows why a plugin refuses its settings at the key in question, with the nearest key that the plugin knows.

use std::ops::Range;

use toml::Spanned;
use toml::de::DeValue;

use super::report::{Problem, choices};

/// The words that precede the message of the plugin.
const REFUSES: &str = "it refuses its settings: ";

/// The depth to which keys of settings are searched.
const DEPTH_MAX: usize = 16;

/// Returns the keys in the settings with their positions, level by level. The first entry is the settings themselves, with an
/// empty key.
pub(super) fn spans(settings: &Spanned<DeValue<'_>>) -> Vec<(String, Range<usize>)> {
    let mut found = vec![(String::new(), settings.span())];
    let mut level = vec![settings];
    for _ in 0..DEPTH_MAX {
        let tables = level.iter().filter_map(|value| value.get_ref().as_table());
        let entries: Vec<_> = tables.flat_map(|table| table.iter()).collect();
        let lists = level.iter().filter_map(|value| value.get_ref().as_array()).flatten();
        level = entries.iter().map(|(_, value)| *value).chain(lists).collect();
        found.extend(entries.iter().map(|(key, _)| (key.get_ref().clone().into_owned(), key.span())));
    }
    found
}

/// The Rust types of whole numbers, with their ranges. Components have addresses of 32 bits.
const WHOLE: [(&str, &str, &str); 7] = [
    ("u8", "0", "255"),
    ("u16", "0", "65535"),
    ("u32", "0", "4294967295"),
    ("u64", "0", "18446744073709551615"),
    ("usize", "0", "4294967295"),
    ("i32", "-2147483648", "2147483647"),
    ("i64", "-9223372036854775808", "9223372036854775807"),
];

/// Replaces the Rust types that serde names by words for people. For a whole number that is out of range it says the range.
fn in_words(what: String) -> String {
    let words = [
        ("expected f64", "expected a number"),
        ("expected f32", "expected a number"),
        ("string \"", "the text \""),
        ("invalid type: ", ""),
    ];
    let is_out_of_range = what.contains("invalid value: integer `");
    let what = WHOLE.iter().fold(what, |what, (name, least, most)| {
        let range = if is_out_of_range { format!(" from {least} to {most}") } else { String::new() };
        what.replace(&format!("expected {name}"), &format!("expected a whole number{range}"))
    });
    words.iter().fold(what, |what, (from, to)| what.replace(from, to))
}

/// Returns the values that are possible, with the nearest one, if these words list them: those of a schema, or serde's.
fn of_values(words: &str, quoted: &[&str]) -> Option<String> {
    let (given, possible) = match words.contains("unknown variant") {
        true => quoted.split_first().map(|(given, possible)| (*given, possible))?,
        false => (words.split_once("the text \"")?.1.split('"').next()?, quoted),
    };
    let lists = words.contains(", expected ") && !possible.is_empty();
    lists.then(|| choices(given, "values of this setting", possible.iter().copied()))
}

/// Returns the problem that a plugin has with its settings, if that is what `refusal` is about.
pub(super) fn problem(
    plugin: &str,
    refusal: &str,
    spans: &[(String, Range<usize>)],
    component: &Range<usize>,
) -> Option<Problem> {
    let (_, words) = refusal.split_once(REFUSES)?;
    // The SDK says `settings: frist: unknown field `frist`, expected one of …`.
    let words = words.strip_prefix("settings: ").unwrap_or(words);
    let path = words.split_once(": ").map(|(path, _)| path).filter(|path| !path.contains([' ', '`']));
    let quoted: Vec<&str> = words.split('`').skip(1).step_by(2).collect();
    let named = |word: &str| spans.iter().find(|(key, _)| !key.is_empty() && key == word);
    let last = path.and_then(|path| path.rsplit('.').find_map(|part| named(part.split('[').next()?)));
    let found = last.or_else(|| quoted.iter().find_map(|word| named(word)));
    let span = found.or_else(|| spans.first()).map_or_else(|| component.clone(), |(_, span)| span.clone());
    let unknown = words.contains("unknown field") || words.contains("unknown setting");
    let what = match path.filter(|_| unknown || words.contains("missing field")) {
        Some(path) => words[path.len() + 2..].to_owned(),
        None => words.to_owned(),
    };
    let what = in_words(what);
    let hint = match (unknown, quoted.split_first()) {
        (true, Some((word, known))) if !known.is_empty() => {
            choices(word, "settings of this plugin", known.iter().copied())
        }
        _ => of_values(words, &quoted).unwrap_or_else(|| {
            "correct it in `settings`; `provost plugin inspect COMPONENT` shows the settings of a component".to_owned()
        }),
    };
    let what = what.split(", expected").next().filter(|_| unknown).unwrap_or(&what).to_owned();
    Some(Problem { span, what: format!("the plugin `{plugin}` refuses its settings: {what}"), hint })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_is_out_of_range_is_told_with_the_range() {
        let told = |what: &str| {
            let refusal = format!("{REFUSES}settings: per_hour: {what}");
            problem("p", &refusal, &[], &(0..1)).unwrap().what
        };
        let range = told("invalid value: integer `-3`, expected u32");
        assert!(
            range.ends_with(
                ": per_hour: invalid value: integer `-3`, expected a whole number from 0 to 4294967295"
            ),
            "{range}"
        );
        let kind = told("invalid type: string \"x\", expected u32");
        assert!(kind.ends_with(": per_hour: the text \"x\", expected a whole number"), "{kind}");
    }
}
