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

/// Replaces the Rust types that serde names by words for people.
fn in_words(what: String) -> String {
    let words = [
        ("expected f64", "expected a number"),
        ("expected f32", "expected a number"),
        ("string \"", "the text \""),
        ("invalid type: ", ""),
    ];
    let whole = ["u8", "u16", "u32", "u64", "usize", "i32", "i64"].map(|name| format!("expected {name}"));
    let what = whole.iter().fold(what, |what, name| what.replace(name.as_str(), "expected a whole number"));
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
