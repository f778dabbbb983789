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

/// What serde expects, and the words for people. Others, such as `a duration`, are words already.
const EXPECTED: [(&str, &str); 9] = [
    ("f64", "a number"),
    ("f32", "a number"),
    ("a boolean", "true or false"),
    ("a string", "a text"),
    ("string", "a text"),
    ("string or map", "a text, or a table with one key"),
    ("a sequence", "a list"),
    ("a map", "a table"),
    ("map", "a table"),
];

/// Replaces the Rust types that serde names by words for people. For a whole number that is out of range it says the range.
fn in_words(what: String) -> String {
    let is_out_of_range = what.contains("invalid value: integer `");
    let what = WHOLE.iter().fold(what, |what, (name, least, most)| {
        let range = if is_out_of_range { format!(" from {least} to {most}") } else { String::new() };
        what.replace(&format!("expected {name}"), &format!("expected a whole number{range}"))
    });
    let Some((place, words)) = what.split_once("invalid type: ") else {
        return what.replace("string \"", "the text \"");
    };
    let Some((found, expected)) = words.rsplit_once(", expected ") else { return what };
    let named = EXPECTED.iter().find(|(name, _)| *name == expected).map(|(_, words)| *words);
    let expected = if expected.starts_with("struct ") { "a table" } else { named.unwrap_or(expected) };
    let value = |kind: &str| found.strip_prefix(kind)?.strip_prefix(" `")?.strip_suffix('`');
    let found = match (found, found.strip_prefix("string ")) {
        (_, Some(text)) => format!("the text {text}"),
        ("sequence", _) => "a list".to_owned(),
        ("map", _) => "a table".to_owned(),
        _ => match (value("boolean"), value("integer").or_else(|| value("floating point"))) {
            (Some(flag), _) => flag.to_owned(),
            (_, Some(number)) => format!("the number {number}"),
            _ => found.to_owned(),
        },
    };
    format!("{place}{found}, expected {expected}")
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

/// Returns the problems that a plugin has with its settings, one for each setting; none if that is not what `refusal` is about.
pub(super) fn problems(
    plugin: &str,
    refusal: &str,
    spans: &[(String, Range<usize>)],
    component: &Range<usize>,
) -> Vec<Problem> {
    let Some((_, words)) = refusal.split_once(REFUSES) else { return Vec::new() };
    // The SDK says `settings: frist: unknown field `frist`, expected one of …`, and others follow in the same way.
    let words = words.strip_prefix("settings: ").unwrap_or(words);
    words.split("; settings: ").map(|words| problem(plugin, words, spans, component)).collect()
}

fn problem(plugin: &str, words: &str, spans: &[(String, Range<usize>)], component: &Range<usize>) -> Problem {
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
    Problem { span, what: format!("the plugin `{plugin}` refuses its settings: {what}"), hint }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_serde_says_is_told_in_words_and_a_number_that_is_out_of_range_with_the_range() {
        let told = |what: &str| {
            let refusal = format!("{REFUSES}settings: per_hour: {what}");
            problems("p", &refusal, &[], &(0..1)).remove(0).what
        };
        let range = told("invalid value: integer `-3`, expected u32");
        assert!(
            range.ends_with(
                ": per_hour: invalid value: integer `-3`, expected a whole number from 0 to 4294967295"
            ),
            "{range}"
        );
        for (jargon, words) in [
            ("string \"x\", expected u32", "the text \"x\", expected a whole number"),
            ("integer `5`, expected string or map", "the number 5, expected a text, or a table with one key"),
            ("floating point `7.50`, expected a sequence", "the number 7.50, expected a list"),
            ("boolean `true`, expected a string", "true, expected a text"),
            ("sequence, expected struct Outer", "a list, expected a table"),
            ("map, expected a boolean", "a table, expected true or false"),
            ("null, expected a duration", "null, expected a duration"),
            ("string \"a, expected b\", expected f64", "the text \"a, expected b\", expected a number"),
        ] {
            let kind = told(&format!("invalid type: {jargon}"));
            assert!(kind.ends_with(&format!(": per_hour: {words}")), "{kind}");
        }
    }
    #[test]
    fn each_setting_that_is_wrong_is_a_problem_at_its_key() {
        let spans = [(String::new(), 0..9), ("tries".to_owned(), 10..15), ("on".to_owned(), 20..22)];
        let refusal = format!(
            "{REFUSES}settings: on: the text \"x\", expected `a` or `b`; settings: tries: the number 0, expected at least 1"
        );
        let told = problems("p", &refusal, &spans, &(0..1));
        let places: Vec<_> = told.iter().map(|problem| problem.span.clone()).collect();
        assert_eq!(places, [20..22, 10..15]);
        assert!(told[0].what.ends_with(": on: the text \"x\", expected `a` or `b`"), "{told:?}");
        assert!(told[1].what.ends_with(": tries: the number 0, expected at least 1"), "{told:?}");
        assert!(problems("p", "it imports something", &spans, &(0..1)).is_empty());
    }
}
