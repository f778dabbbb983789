//! Values in the words of the config: what is written here, the config reads back as the same value.

use std::path::Path;

use provost_supervisor::CommandLine;
use serde_json::Value;

/// Writes a text in quotes.
pub(super) fn text(text: &str) -> String {
    // The escapes of JSON are among those of TOML, which also wants DEL escaped.
    Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

/// Writes a list of texts.
pub(super) fn texts<'t>(list: impl IntoIterator<Item = &'t str>) -> String {
    let list: Vec<String> = list.into_iter().map(text).collect();
    format!("[{}]", list.join(", "))
}

/// Writes a command.
pub(super) fn command(command: &CommandLine) -> String {
    match command {
        CommandLine::Argv(words) => texts(words.iter().map(String::as_str)),
        CommandLine::Shell(line) => text(line),
    }
}

/// Writes a path, relative to the directory of the config if it lies below it.
pub(super) fn path(path: &Path, dir: &Path) -> String {
    text(&short(path, dir))
}

/// Writes paths, each relative to the directory of the config if it lies below it.
pub(super) fn paths<'p>(list: impl IntoIterator<Item = &'p Path>, dir: &Path) -> String {
    let list: Vec<String> = list.into_iter().map(|one| path(one, dir)).collect();
    format!("[{}]", list.join(", "))
}

fn short(path: &Path, dir: &Path) -> String {
    match path.strip_prefix(dir) {
        Ok(below) if below.as_os_str().is_empty() => ".".to_owned(),
        Ok(below) => below.display().to_string(),
        Err(_) => path.display().to_string(),
    }
}

/// Writes a duration in the largest unit that needs no fraction.
pub(super) fn duration(ms: u64) -> String {
    whole(ms, "ms", &[("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)])
}

/// Writes a size in the largest binary unit that needs no fraction.
pub(super) fn size(bytes: u64) -> String {
    whole(bytes, "B", &[("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)])
}

fn whole(number: u64, least: &str, units: &[(&str, u64)]) -> String {
    let unit = units.iter().find(|(_, factor)| number > 0 && number.is_multiple_of(*factor));
    match unit {
        Some((unit, factor)) => format!("\"{}{unit}\"", number / factor),
        None => format!("\"{number}{least}\""),
    }
}

/// Writes a value of the settings of a plugin.
pub(super) fn json(value: &Value) -> String {
    match value {
        // TOML has no word for `null`.
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(string) => text(string),
        Value::Array(list) => {
            let list: Vec<String> = list.iter().map(json).collect();
            format!("[{}]", list.join(", "))
        }
        Value::Object(table) => {
            let entries: Vec<String> =
                table.iter().map(|(name, value)| format!("{} = {}", key(name), json(value))).collect();
            if entries.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", entries.join(", ")) }
        }
    }
}

/// Writes a key, in quotes where it needs them.
pub(super) fn key(name: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if !name.is_empty() && name.bytes().all(bare) { name.to_owned() } else { text(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_are_written_in_the_largest_whole_unit() {
        let written = [0, 999, 1_500, 10_000, 90_000, 7_200_000, 172_800_000].map(duration).join(" ");
        assert_eq!(written, r#""0ms" "999ms" "1500ms" "10s" "90s" "2h" "2d""#);
        let written = [0, 1_000, 65_536, 16 << 20, 3 << 40].map(size).join(" ");
        assert_eq!(written, r#""0B" "1000B" "64KiB" "16MiB" "3TiB""#);
    }

    #[test]
    fn what_is_written_is_read_back_as_the_same_value() {
        for value in ["", "a \"b\" \\ \u{7f}\u{1}\n\té", "x"] {
            let line = format!("{} = {}", key(value), text(value));
            let read: toml::Table = line.parse().unwrap();
            assert_eq!(read.get(value).and_then(toml::Value::as_str), Some(value), "{line}");
        }
        let settings = serde_json::json!({ "a b": [1, 2.5, true, "x"], "c": { "d": { } } });
        let read: toml::Table = format!("s = {}", json(&settings)).parse().unwrap();
        assert_eq!(serde_json::to_value(&read["s"]).unwrap(), settings);
    }
}
