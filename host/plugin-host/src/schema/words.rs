//! Values and schemas in words for operators.

use serde_json::Value;

/// The largest number of characters of a value that are shown.
const VALUE_CHARS_MAX: usize = 60;

/// Returns a value in words, such as `the text "two"`.
pub(super) fn value(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(_) => format!("the text {}", shown(value)),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a table".to_owned(),
    }
}

/// Returns a value as JSON, cut if it is long.
pub(super) fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Returns a type in words, with its article.
pub(super) fn kind(name: &str) -> &'static str {
    match name {
        "string" => "a text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        "object" => "a table",
        "array" => "a list",
        _ => "null",
    }
}

/// Returns names as serde lists them: `a`, `a` or `b`, one of `a`, `b`, `c`.
pub(super) fn expected<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => "none".to_owned(),
        [one] => one.clone(),
        [one, two] => format!("{one} or {two}"),
        _ => format!("one of {}", names.join(", ")),
    }
}

/// Returns the alternatives as a sentence: `a, b or c`.
pub(super) fn either(mut all: Vec<String>) -> String {
    all.dedup();
    match all.pop() {
        Some(last) if all.is_empty() => last,
        Some(last) => format!("{} or {last}", all.join(", ")),
        None => "something else".to_owned(),
    }
}

/// Returns the names of types for a table: `whole number | text`.
pub(super) fn joined(mut names: Vec<String>) -> String {
    names.dedup();
    names.join(" | ")
}
