//! What the memory of a plugin has before a call, in the form of a recorded input: each key has its value as `text` or, if it is not
//! text, as `base64`. Where people write it, a text alone stands for `text`.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use provost_api::MemoryValue;
use serde::Deserialize;
use toml::Spanned;
use toml::de::DeValue;

use crate::config::Section;

/// The keys of a memory with their values.
pub(crate) type Stored = BTreeMap<Arc<str>, Arc<[u8]>>;

/// The largest file with a memory, in bytes: a memory has at most 16 MiB, and base64 takes a third more.
const BYTES_MAX: u64 = 32 << 20;

const HINT: &str = "write memory = { count = \"3\", key = { base64 = \"AAEC\" } }";

const FILE_HINT: &str =
    "write KEY=VALUE, or @FILE with JSON such as {\"count\": \"3\", \"key\": {\"base64\": \"AAEC\"}}";

/// A value as a file has it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Written {
    Text(String),
    Value(MemoryValue),
}

/// Converts the memory of a recorded input.
///
/// # Errors
/// What is wrong with it.
pub(super) fn recorded(memory: &BTreeMap<String, MemoryValue>) -> Result<Stored, String> {
    memory.iter().map(|(key, value)| Ok((Arc::from(key.as_str()), bytes(key, value)?))).collect()
}

fn bytes(key: &str, value: &MemoryValue) -> Result<Arc<[u8]>, String> {
    match (&value.text, &value.base64) {
        (Some(text), None) => Ok(text.as_bytes().into()),
        (None, Some(base64)) => match STANDARD.decode(base64) {
            Ok(bytes) => Ok(bytes.into()),
            Err(error) => Err(format!("`{key}` in the memory is not base64: {error}")),
        },
        _ => Err(format!("`{key}` in the memory must have either `text` or `base64`")),
    }
}

/// Reads `memory`, if the section has it.
pub(super) fn read(section: &mut Section<'_>) -> Option<Stored> {
    let table = section.table("memory", HINT)?;
    let mut stored = Stored::new();
    for (key, value) in table.entries() {
        let name = key.get_ref().as_str();
        let read = match value.get_ref() {
            DeValue::String(text) => Some(MemoryValue { text: Some(text.as_ref().to_owned()), base64: None }),
            DeValue::Table(_) => {
                let value = table.section_of(name, value, format!("`{name}` of `memory`"), HINT);
                value.and_then(read_value)
            }
            _ => {
                table.problem(value.span(), "a value of `memory` is a text, or a table with `base64`", HINT);
                None
            }
        };
        match read.map(|read| bytes(name, &read)) {
            Some(Ok(bytes)) => {
                stored.insert(name.into(), bytes);
            }
            Some(Err(what)) => table.problem(value.span(), what, HINT),
            None => {}
        }
    }
    Some(stored)
}

/// Reads a table with `text` or `base64`; `None` if one of them is misspelt.
fn read_value(mut value: Section<'_>) -> Option<MemoryValue> {
    let mut text = |key| value.text(key).map(Spanned::into_inner);
    let read = MemoryValue { text: text("text"), base64: text("base64") };
    let is_misspelt = value.has_another_name_for("text") || value.has_another_name_for("base64");
    value.finish();
    (!is_misspelt).then_some(read)
}

/// Parses `KEY=VALUE`, or reads all keys from `@FILE`. In a file, `null` stands for a key that is not there, so that the `writes` of a
/// call are the memory of the next one.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn parse(text: &str) -> Result<Stored, String> {
    let Some(file) = text.strip_prefix('@') else {
        let (key, value) = text.split_once('=').filter(|(key, _)| !key.is_empty()).ok_or(FILE_HINT)?;
        return Ok([(key.into(), value.as_bytes().into())].into());
    };
    let bytes = provost_files::read_named(Path::new(file), BYTES_MAX);
    let bytes = bytes.map_err(|error| format!("cannot read the memory in {error}"))?;
    let written: BTreeMap<String, Option<Written>> = serde_json::from_slice(&bytes)
        .map_err(|error| format!("{file} does not contain a memory: {error}; {FILE_HINT}"))?;
    let value = |written| match written {
        Written::Text(text) => MemoryValue { text: Some(text), base64: None },
        Written::Value(value) => value,
    };
    let kept = written.into_iter().filter_map(|(key, written)| Some((key, value(written?))));
    recorded(&kept.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(pairs: &[(&str, &[u8])]) -> Stored {
        pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
    }

    #[test]
    fn a_memory_is_a_key_with_its_value_or_a_file_with_all_of_them() {
        assert_eq!(parse("count=3=4"), Ok(stored(&[("count", b"3=4")])));
        for wrong in ["count", "=3"] {
            assert!(parse(wrong).unwrap_err().contains("write KEY=VALUE"), "{wrong}");
        }
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("memory.json");
        let read = |text: &str| {
            std::fs::write(&file, text).unwrap();
            parse(&format!("@{}", file.display()))
        };
        let all = r#"{"a": "1", "b": {"text": "2"}, "c": {"base64": "AAEC"}, "gone": null}"#;
        assert_eq!(read(all), Ok(stored(&[("a", b"1"), ("b", b"2"), ("c", b"\0\x01\x02")])));
        for (wrong, told) in [
            (r#"{"a": {}}"#, "`a` in the memory must have either"),
            (r#"{"a": {"base64": "!"}}"#, "`a` in the memory is not base64"),
            (r#"{"a": 3}"#, "does not contain a memory"),
            ("[]", "does not contain a memory"),
        ] {
            let error = read(wrong).unwrap_err();
            assert!(error.contains(told), "{wrong}: {error}");
        }
        assert!(parse("@/nowhere/at/all").unwrap_err().contains("cannot read the memory in"));
    }
}
