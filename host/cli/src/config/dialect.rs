//! Recognises files in other formats than TOML from the line with the first syntax error.

/// How to write a process in TOML.
const IN_TOML: &str =
    "a config is TOML: write [process.NAME] on a line of its own, and below it command = \"…\"";

/// Returns what is wrong with the line at `offset` and what to write instead, if the line is of another format.
pub(super) fn guessed(text: &str, offset: usize) -> Option<(String, String)> {
    let start = text.get(..offset)?.rfind('\n').map_or(0, |newline| newline + 1);
    let line = text.get(start..)?.lines().next()?.trim();
    json(text)
        .or_else(|| unit(text, line))
        .or_else(|| section(line))
        .or_else(|| yaml(line))
        .or_else(|| unquoted(line))
}

/// Recognises a file that is one JSON object.
fn json(text: &str) -> Option<(String, String)> {
    let first = text.trim_start();
    let is_object = first.strip_prefix('{').is_some_and(|rest| rest.trim_start().starts_with(['"', '}']));
    is_object.then(|| ("this looks like JSON, not TOML".to_owned(), IN_TOML.to_owned()))
}

/// Recognises a systemd unit, of which few lines are TOML.
fn unit(text: &str, line: &str) -> Option<(String, String)> {
    let is_unit = text.lines().any(|line| matches!(line.trim(), "[Unit]" | "[Service]"));
    let hint = "a config is TOML: write [process.NAME] on a line of its own, and below it what `ExecStart` has, as \
                command = \"…\"";
    (is_unit && line.contains('='))
        .then(|| ("this looks like a systemd unit, not TOML".to_owned(), hint.to_owned()))
}

/// Recognises `[program:web]` of supervisord and `[watcher:web]` of circus.
fn section(line: &str) -> Option<(String, String)> {
    let inner = line.strip_prefix('[')?.strip_suffix(']')?;
    let (kind, name) = inner.split_once(':')?;
    let hint = match kind.trim() {
        "program" | "watcher" | "fcgi-program" | "eventlistener" => {
            format!("write [process.{}]", name.trim())
        }
        "group" => format!("write group = \"{}\" in each of its processes", name.trim()),
        _ => "the tables are [host], [plugins.NAME] and [process.NAME]".to_owned(),
    };
    Some((format!("`{line}` is not a table of TOML: a name has no colon"), hint))
}

/// Recognises `services:` and `- web`.
fn yaml(line: &str) -> Option<(String, String)> {
    let key = line.split_once(':').map(|(key, _)| key.trim());
    let named = |key: &str| !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || "_-".contains(c));
    let is_yaml = line.starts_with("- ") || line == "---" || key.is_some_and(named);
    is_yaml.then(|| ("this looks like YAML, not TOML".to_owned(), IN_TOML.to_owned()))
}

/// Recognises `command = sleep 10`.
fn unquoted(line: &str) -> Option<(String, String)> {
    let (key, value) = line.split_once('=')?;
    let (key, value) = (key.trim(), value.split(" #").next()?.trim());
    let begins = value.chars().next()?;
    if !(begins.is_alphabetic() || "/.~$".contains(begins)) || key.is_empty() || value.contains(['"', '\'']) {
        return None;
    }
    Some((format!("the value of `{key}` is a text without quotes"), format!("write {key} = \"{value}\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn what(line: &str) -> Option<String> {
        guessed(&format!("# first\n{line}\n"), 9).map(|(what, hint)| format!("{what}; {hint}"))
    }

    #[test]
    fn lines_of_other_formats_are_recognised() {
        insta::assert_snapshot!(what("[program:web]").unwrap(), @"`[program:web]` is not a table of TOML: a name has no colon; write [process.web]");
        insta::assert_snapshot!(what("services:").unwrap(), @r#"this looks like YAML, not TOML; a config is TOML: write [process.NAME] on a line of its own, and below it command = "…""#);
        insta::assert_snapshot!(what("  restart: always").unwrap(), @r#"this looks like YAML, not TOML; a config is TOML: write [process.NAME] on a line of its own, and below it command = "…""#);
        insta::assert_snapshot!(what("command = sleep 10 # forever").unwrap(), @r#"the value of `command` is a text without quotes; write command = "sleep 10""#);
        insta::assert_snapshot!(guessed("{\"process\": {}}", 0).unwrap().0, @"this looks like JSON, not TOML");
        insta::assert_snapshot!(guessed("[Unit]\nDescription=a\n", 19).unwrap().0, @"this looks like a systemd unit, not TOML");
        for line in ["command = [\"a\", ", "x", "[process.web", "grace = 10 s"] {
            assert_eq!(what(line), None, "{line}");
        }
    }
}
