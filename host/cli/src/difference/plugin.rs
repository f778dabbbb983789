//! The keys of a plugin with their values. All of them change while processes run, by a new version of the plugin.

use std::path::Path;

use provost_plugin_host::{Limit, Limits, Measure, PluginSpec, Source};
use serde_json::Value;

use super::shape::{Setting, Settings, by_key};
use super::words;

/// Returns the settings of a plugin whose component has this digest.
pub(crate) fn plugin_settings(spec: &PluginSpec, digest: Option<String>, dir: &Path) -> Settings {
    let PluginSpec { name: _, source, settings_json, limits, sha256, grants } = spec;
    let component = match source {
        Source::Bundled(_) | Source::Remote(_) => words::text(&source.to_string()),
        Source::Path(path) => words::path(path, dir),
    };
    let mut all = vec![Setting::new("component", component).holding(digest)];
    all.extend(sha256.as_ref().map(|pin| Setting::new("sha256", words::text(&pin.to_ascii_lowercase()))));
    let allowed = grants.words();
    if !allowed.is_empty() {
        all.push(Setting::new("allow", words::texts(allowed.iter().map(String::as_str))));
    }
    if let Ok(Value::Object(table)) = serde_json::from_str(settings_json) {
        all.extend(
            table.iter().map(|(name, value)| {
                Setting::new(format!("settings.{}", words::key(name)), words::json(value))
            }),
        );
    }
    all.extend(limit_settings(limits));
    by_key(all)
}

/// Removes the limits that are the default ones.
pub(super) fn without_defaults(mut settings: Settings) -> Settings {
    let defaults = by_key(limit_settings(&Limits::default()));
    settings.retain(|key, setting| defaults.get(key) != Some(setting));
    settings
}

fn limit_settings(limits: &Limits) -> Vec<Setting> {
    // As they are applied: rounding twice changes nothing.
    let limits = limits.clone().in_steps();
    let one = |limit: Limit| {
        let figure = limits.get(limit)?;
        let text = match limit.measure() {
            Measure::Bytes => words::size(figure),
            Measure::Milliseconds => words::duration(figure),
            Measure::Count => figure.to_string(),
        };
        Some(Setting::new(format!("limits.{}", limit.name()), text))
    };
    let mut all: Vec<Setting> = Limit::ALL.into_iter().filter_map(one).collect();
    let quarantine = limits.quarantine;
    let text = format!("{{ faults = {}, per = {} }}", quarantine.faults, words::duration(quarantine.per_ms));
    all.push(Setting::new("quarantine", text));
    all
}
