//! Values and schemas in words for operators. All of them are cut: a schema may have texts of any length.

use std::borrow::Cow;

use serde_json::Value;

use super::few::Few;

/// The largest number of characters of a value, a name or a title that are shown.
const VALUE_CHARS_MAX: usize = 60;

/// The largest number of characters of a text that says something, such as a description.
pub(super) const TEXT_CHARS_MAX: usize = 500;

/// The largest list of alternatives in words, in bytes.
const LIST_BYTES_MAX: usize = 400;

/// The largest list of alternatives in a table, in bytes. All rows of a table are as wide as the widest one.
const CELL_BYTES_MAX: usize = 200;

/// What ends something that was cut.
const CUT: char = '…';

/// Cuts a text that has more characters than that.
pub(super) fn cut(text: &str, chars_max: usize) -> Cow<'_, str> {
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => Cow::Owned(format!("{}{CUT}", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

/// Cuts a name or a title that is long.
pub(super) fn name(text: &str) -> Cow<'_, str> {
    cut(text, VALUE_CHARS_MAX)
}

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

/// Returns a value as JSON, cut if it is long. Of a long one only the beginning is looked at.
pub(super) fn shown(value: &Value) -> String {
    let mut text = String::new();
    show(value, &mut text);
    name(&text).into_owned()
}

fn show(value: &Value, text: &mut String) {
    // A character has at most four bytes, so there are enough of them already.
    let is_enough = |text: &String| text.len() > 4 * VALUE_CHARS_MAX;
    // What is left out of a text is beyond what is shown.
    let quoted = |own: &str| Value::from(own.chars().take(VALUE_CHARS_MAX).collect::<String>()).to_string();
    match value {
        Value::String(own) => text.push_str(&quoted(own)),
        Value::Array(items) => {
            text.push('[');
            for (number, item) in items.iter().enumerate() {
                if is_enough(text) {
                    return;
                }
                text.push_str(if number == 0 { "" } else { "," });
                show(item, text);
            }
            text.push(']');
        }
        Value::Object(fields) => {
            text.push('{');
            for (number, (key, field)) in fields.iter().enumerate() {
                if is_enough(text) {
                    return;
                }
                text.push_str(if number == 0 { "" } else { "," });
                text.push_str(&quoted(key));
                text.push(':');
                show(field, text);
            }
            text.push('}');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => text.push_str(&value.to_string()),
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
pub(super) fn expected(names: Few<&str>) -> String {
    let names = names.map(|one| format!("`{}`", name(one)));
    match (names.all.as_slice(), names.more) {
        ([], _) => "none".to_owned(),
        ([one], false) => one.clone(),
        ([one, two], false) => format!("{one} or {two}"),
        _ => format!("one of {}", list(names, ", ", LIST_BYTES_MAX)),
    }
}

/// Returns the alternatives as a sentence: `a, b or c`.
pub(super) fn either(mut all: Few<String>) -> String {
    all.all.dedup();
    let bytes: usize = all.all.iter().map(String::len).sum();
    if all.more || bytes > LIST_BYTES_MAX {
        return list(all, ", ", LIST_BYTES_MAX);
    }
    match all.all.pop() {
        Some(last) if all.all.is_empty() => last,
        Some(last) => format!("{} or {last}", all.all.join(", ")),
        None => "something else".to_owned(),
    }
}

/// Returns the names of types for a table: `whole number | text`.
pub(super) fn joined(mut names: Few<String>) -> String {
    names.all.dedup();
    list(names, " | ", CELL_BYTES_MAX)
}

/// Lists names up to a size; the list ends with `…` if there are others.
fn list(names: Few<String>, between: &str, bytes_max: usize) -> String {
    let mut text = String::new();
    let mut more = names.more;
    for name in names.all {
        if !text.is_empty() && text.len() + between.len() + name.len() > bytes_max {
            more = true;
            break;
        }
        text.push_str(if text.is_empty() { "" } else { between });
        text.push_str(&name);
    }
    if more && !text.is_empty() {
        text.push_str(between);
        text.push(CUT);
    }
    text
}
