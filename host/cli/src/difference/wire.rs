//! A difference as the API sends it, with the lines of the config that would keep what was changed at run time.

use std::path::Path;

use provost_api as api;

use super::plan::{Changed, KeyChange, Plan};
use super::shape::{Effect, Settings};
use super::words;

/// Returns the difference between what runs and the config at `path`.
pub(crate) fn difference(plan: &Plan, path: &Path) -> api::Difference {
    let items = |list: &[(String, Changed)], section: &str, first: &str| {
        list.iter().map(|(name, changed)| item(name, changed, section, first)).collect()
    };
    let host = plan.host.iter().map(|change| key(change, host_line(change))).collect();
    api::Difference {
        config: path.display().to_string(),
        processes: items(&plan.processes, "process", "command"),
        plugins: items(&plan.plugins, "plugins", "component"),
        host,
        unchanged: api::Unchanged {
            processes: plan.processes_unchanged as u64,
            plugins: plan.plugins_unchanged as u64,
        },
    }
}

/// Describes one process or plugin. `first` is the key that says most about what is added or removed.
fn item(name: &str, changed: &Changed, section: &str, first: &str) -> api::ItemDifference {
    let title = format!("[{section}.{}]", words::key(name));
    let only = |settings: &Settings, is_old: bool| {
        let text = settings.get(first).map(|setting| setting.shown().to_owned());
        let (old, new) = if is_old { (text, None) } else { (None, text) };
        vec![api::KeyDifference { key: first.to_owned(), old, new, ..live() }]
    };
    let (change, keys, keep) = match changed {
        Changed::Added(settings) => (api::ItemChange::Added, only(settings, false), None),
        Changed::Removed { added_live, settings } => {
            let keep = added_live.then(|| section_text(&title, settings)).filter(|text| is_toml(text));
            (api::ItemChange::Removed, only(settings, true), keep)
        }
        Changed::Keys(changes) => {
            let line = |change: &KeyChange| kept(change).map(|line| format!("{title}\n{line}"));
            let keys = changes.iter().map(|change| key(change, line(change))).collect();
            (api::ItemChange::Changed, keys, None)
        }
    };
    api::ItemDifference { name: name.to_owned(), change, keys, keep }
}

fn live() -> api::KeyDifference {
    api::KeyDifference { effect: api::KeyEffect::Live, ..api::KeyDifference::default() }
}

fn key(change: &KeyChange, keep: Option<String>) -> api::KeyDifference {
    let (old, new) = (change.old.as_ref(), change.new.as_ref());
    api::KeyDifference {
        key: change.key.clone(),
        old: old.map(|setting| setting.shown().to_owned()),
        new: new.map(|setting| setting.shown().to_owned()),
        effect: match change.effect {
            Effect::Live => api::KeyEffect::Live,
            Effect::Restart => api::KeyEffect::Restart,
            Effect::NewHost => api::KeyEffect::NewHost,
        },
        content_changed: old.zip(new).is_some_and(|(old, new)| !old.hidden && old.text == new.text),
        members: change.members.clone(),
        keep,
    }
}

/// Returns the line that would keep the value in force, if it was changed at run time and may be shown.
fn kept(change: &KeyChange) -> Option<String> {
    // What needs a restart cannot have been changed at run time: it is the value of a former config.
    let live = change.changed_live && change.effect == Effect::Live;
    let old = change.old.as_ref().filter(|old| live && !old.hidden)?;
    let line = format!("{} = {}", change.key, old.text);
    // No config can ask for 0 replicas.
    (is_toml(&line) && line != "replicas = 0").then_some(line)
}

/// Whether a text may stand in a config. Settings of a plugin that were given as JSON may be what TOML has no word for.
fn is_toml(text: &str) -> bool {
    text.parse::<toml::Table>().is_ok()
}

/// Does the same for a key of the host, which begins with its section.
fn host_line(change: &KeyChange) -> Option<String> {
    let (section, below) = change.key.split_once('.')?;
    let line = kept(&KeyChange { key: below.to_owned(), ..change.clone() })?;
    Some(format!("[{section}]\n{line}"))
}

/// Writes a whole section.
fn section_text(title: &str, settings: &Settings) -> String {
    let lines = settings.values().map(|setting| format!("{} = {}", setting.key, setting.shown()));
    std::iter::once(title.to_owned()).chain(lines).collect::<Vec<_>>().join("\n")
}
