//! The possible values of an argument, by its value name in the help.

use std::path::Path;

use clap::{Arg, ValueHint};
use provost_plugin_host::bundled_names;
use provost_state::{Backend, Signal};

use super::names::known;
use crate::config::Names;

/// Returns the values of an argument that begin with `word`; `words` are all words of the line.
pub(super) fn of(argument: &Arg, word: &str, words: &[String]) -> Vec<String> {
    if let Some((_, last)) = argument.get_value_delimiter().and_then(|delimiter| word.rsplit_once(delimiter))
    {
        let before = &word[..word.len() - last.len()];
        return beginning(argument, last, words)
            .into_iter()
            .map(|value| format!("{before}{value}"))
            .collect();
    }
    beginning(argument, word, words)
}

fn beginning(argument: &Arg, word: &str, words: &[String]) -> Vec<String> {
    let possible = argument.get_possible_values();
    if !possible.is_empty() {
        return fitting(possible.iter().map(|value| value.get_name().to_owned()), word);
    }
    let called = argument.get_value_names().and_then(<[_]>::first).map(|name| name.as_str());
    let bundled = || bundled_names().iter().map(|name| format!("bundled:{name}"));
    match called.unwrap_or_default() {
        "TARGET" => fitting(targets(known(words)), word),
        "PROCESS" => fitting(known(words).processes, word),
        "PROCESS=COUNT" => fitting(scalable(known(words)).into_iter().map(|name| format!("{name}=")), word),
        "PLUGIN" => fitting(known(words).plugins, word),
        "SIGNAL" => {
            let names = Signal::all().map(|signal| signal.to_string());
            fitting(names.flat_map(|name| [name.trim_start_matches("SIG").to_owned(), name]), word)
        }
        "BACKEND" => fitting(Backend::ALL.map(|backend| backend.as_str().to_owned()), word),
        "COMPONENT" | "COMPONENT|DIR" => [fitting(bundled(), word), paths(word, Some("wasm"))].concat(),
        "COMPONENT|PLUGIN" => {
            [fitting(known(words).plugins, word), fitting(bundled(), word), paths(word, Some("wasm"))]
                .concat()
        }
        "CONFIG" => paths(word, Some("toml")),
        "FILE" | "PATH" | "BINARY" if argument.get_value_hint() != ValueHint::Other => paths(word, None),
        _ => Vec::new(),
    }
}

fn targets(names: Names) -> Vec<String> {
    let groups = names.groups.into_iter().map(|group| format!("{group}:*"));
    names.processes.into_iter().chain(groups).chain(["all".to_owned()]).collect()
}

/// Returns the processes with replicas, as far as that is known.
fn scalable(names: Names) -> Vec<String> {
    let sets = names.processes.iter().filter(|name| names.processes.contains(&format!("{name}.1")));
    sets.cloned().collect()
}

fn fitting(values: impl IntoIterator<Item = String>, word: &str) -> Vec<String> {
    values.into_iter().filter(|value| value.starts_with(word)).collect()
}

/// Returns the matching directories and the files with this extension; hidden ones only if `word` begins with a dot.
fn paths(word: &str, ending: Option<&str>) -> Vec<String> {
    let (folder, name) =
        word.rsplit_once('/').map_or(("", word), |(folder, name)| (&word[..=folder.len()], name));
    let home = folder.strip_prefix("~/").zip(std::env::home_dir());
    let within = match (&home, folder) {
        (Some((rest, home)), _) => home.join(rest),
        (None, "") => ".".into(),
        (None, folder) => folder.into(),
    };
    let entries = std::fs::read_dir(within).into_iter().flatten().filter_map(Result::ok);
    let mut found: Vec<String> = entries
        .filter_map(|entry| {
            let entry_name = entry.file_name().into_string().ok()?;
            if !entry_name.starts_with(name) || entry_name.starts_with('.') && !name.starts_with('.') {
                return None;
            }
            if entry.path().is_dir() {
                return Some(format!("{folder}{entry_name}/"));
            }
            let ends = |ending: &str| Path::new(&entry_name).extension().is_some_and(|found| found == ending);
            ending.is_none_or(ends).then(|| format!("{folder}{entry_name}"))
        })
        .collect();
    found.sort();
    found
}
