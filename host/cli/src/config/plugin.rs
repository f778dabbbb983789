//! The first stage of `[plugins]`: the trusted keys, the compilation, and each `[plugins.NAME]`.

use std::ops::Range;

use provost_plugin_host::{Grant, Grants, Limit, Limits, Measure, Source, bundled_names, is_sha256};
use provost_registry::Reference;
use provost_state::{Intensity, naming};
use toml::Spanned;
use toml::de::DeValue;

use super::report::choices;
use super::section::{Section, json};
use super::sections::{CompileSection, PluginSection, TrustSection};
use super::settings;
use crate::compiling::CompileLimits;
use crate::fetching;

const COMPILE_HINT: &str = "write compile = { memory = \"2GiB\", time = \"2m\", wait = \"10s\" }";

const CACHE_HINT: &str = "write cache = { size = \"512MiB\", age = \"30d\" }";

const LIMITS_HINT: &str = "write limits = { memory = \"16MiB\", call_time = \"100ms\" }";

/// Reads how plugins are compiled and how much compiled code is kept.
pub(super) fn read_compile(plugins: &mut Section<'_>) -> CompileSection {
    let mut read = CompileSection::default();
    if let Some(mut compile) = plugins.table("compile", COMPILE_HINT) {
        if let Some(memory) = compile.size_bytes("memory") {
            read.limits.memory_bytes = memory;
            if memory < CompileLimits::MEMORY_BYTES_MIN {
                let what = "`memory` must be at least 64 MiB: nothing can be compiled in less";
                compile.problem(compile.key_span("memory"), what, COMPILE_HINT);
            }
        }
        if let Some(time) = compile.duration_ms("time") {
            read.limits.time_ms = time;
            if !CompileLimits::TIME_MS.contains(&time) {
                let what = "the `time` of a compilation must be from \"1s\" to \"1h\"";
                compile.problem(compile.key_span("time"), what, COMPILE_HINT);
            }
        }
        read.wait_ms = compile.duration_ms("wait");
        compile.finish();
    }
    if let Some(mut cache) = plugins.table("cache", CACHE_HINT) {
        read.cache.bytes_max = cache.size_bytes("size").unwrap_or(read.cache.bytes_max);
        read.cache.age_ms_max = cache.duration_ms("age").unwrap_or(read.cache.age_ms_max);
        cache.finish();
    }
    read
}

/// Reads the keys whose plugins are accepted, and whether a signature is required.
pub(super) fn read_trust(plugins: &mut Section<'_>) -> TrustSection {
    let keys = plugins.texts("keys").unwrap_or_default();
    let require_signature = plugins.flag("require_signature").unwrap_or(false);
    if require_signature && keys.is_empty() {
        let hint = "make one with `provost plugin keygen NAME` and write keys = [\"NAME.pub\"]";
        plugins.problem(
            plugins.key_span("require_signature"),
            "signatures are required, but there are no `keys`",
            hint,
        );
    }
    TrustSection { require_signature, keys }
}

/// Reads one plugin.
pub(super) fn read<'t>(
    parent: &Section<'t>,
    name: Spanned<String>,
    value: &'t Spanned<DeValue<'t>>,
) -> Option<PluginSection> {
    parent.check_name(&name, naming::check_plugin(name.get_ref()));
    let title = format!("[plugins.{}]", name.get_ref());
    let mut plugin = parent.section_of(name.get_ref(), value, title, "write component = \"bundled:NAME\"")?;
    let component = plugin.text("component");
    if plugin.lacks("component") {
        let what = format!("{} has no `component`", plugin.title());
        plugin.problem(name.span(), what, "add component = \"bundled:NAME\" or the path of a .wasm file");
    }
    if let Some(component) = &component
        && let Some(name) = component.get_ref().strip_prefix("bundled:")
        && !bundled_names().contains(&name)
    {
        plugin.problems().add_with(component.span(), || {
            let what = format!("there is no bundled component `{name}`");
            let hint = choices(name, "bundled components", bundled_names().iter().copied());
            (what, hint + "; your own component is named by its path, without `bundled:`")
        });
    }
    if let Some(component) = &component
        && let Some((what, hint)) = unusable(component.get_ref())
    {
        plugin.problem(component.span(), what, hint);
    }
    let settings_json = read_settings(&mut plugin);
    let setting_spans = plugin.value("settings").map_or_else(Vec::new, settings::spans);
    let sha256 = read_pin(&mut plugin);
    let grants = read_grants(&mut plugin);
    let mut limits = read_limits(&mut plugin);
    limits.quarantine = read_quarantine(&mut plugin).unwrap_or(limits.quarantine);
    if let Err(error) = limits.check_settings(&settings_json) {
        let hint = "raise `limits.settings` of this plugin, or shorten its settings";
        plugin.problem(plugin.key_span("settings"), error.to_string(), hint);
    }
    plugin.finish();
    Some(PluginSection { name, component: component?, settings_json, setting_spans, sha256, grants, limits })
}

/// Returns what is wrong with a component that is elsewhere, and what to do; `None` if nothing is, or if it is a file.
fn unusable(component: &str) -> Option<(String, String)> {
    let Source::Remote(reference) = Source::parse(component) else { return None };
    if let Err(error) = Reference::pinned(&reference) {
        return Some((error.to_string(), error.hint()));
    }
    let what = "this build of provost cannot fetch components: it lacks the feature `registry`";
    let hint = "name a .wasm file, or build it with that feature, which is one of the default features";
    (!fetching::IS_ABLE).then(|| (what.to_owned(), hint.to_owned()))
}

/// Reads the settings of a plugin into the text of a JSON object.
pub(crate) fn read_settings(plugin: &mut Section<'_>) -> String {
    let Some(settings) = plugin.value("settings") else { return "{}".into() };
    let key = "settings";
    if plugin.section_of(key, settings, String::new(), "write settings = { … }").is_none() {
        return "{}".into();
    }
    json(settings).map(|json| json.to_string()).unwrap_or_else(|span: Range<usize>| {
        let hint = "the plugin receives its settings as JSON: use finite numbers of at most 64 bits";
        plugin.problem(span, "this value cannot be represented in JSON", hint);
        "{}".into()
    })
}

/// Reads the digest that the component must have.
fn read_pin(plugin: &mut Section<'_>) -> Option<Spanned<String>> {
    let pin = plugin.text("sha256")?;
    let text = pin.get_ref();
    if !is_sha256(text) {
        let hint = "64 hexadecimal digits: `provost plugin inspect FILE` shows them";
        plugin.problem(pin.span(), format!("`{text}` is not a SHA-256"), hint);
    }
    Some(pin)
}

/// Reads the grants of a plugin.
pub(crate) fn read_grants(plugin: &mut Section<'_>) -> Grants {
    let words = plugin.texts("allow").unwrap_or_default();
    let grant = |word: &Spanned<String>| match word.get_ref().parse::<Grant>() {
        Ok(grant) => Some(grant),
        Err(error) => {
            let hint = "write allow = [\"http-out:hooks.example.org:443\", \"clock\"]";
            plugin.problem(word.span(), error.to_string(), hint);
            None
        }
    };
    words.iter().filter_map(grant).collect()
}

/// Reads the limits of a plugin; those that are not given have their defaults.
pub(crate) fn read_limits(plugin: &mut Section<'_>) -> Limits {
    let mut limits = Limits::default();
    let Some(mut section) = plugin.table("limits", LIMITS_HINT) else { return limits };
    for limit in Limit::ALL {
        let figure = match limit.measure() {
            Measure::Bytes => section.size_bytes(limit.name()),
            Measure::Milliseconds => section.duration_ms(limit.name()),
            Measure::Count => section.count(limit.name()).map(|count| count as u64),
        };
        let Some(figure) = figure else { continue };
        match limit.check(figure) {
            Ok(()) => limits.set(limit, figure),
            Err(error) => section.problem(
                section.key_span(limit.name()),
                error.to_string(),
                "write a value within these bounds",
            ),
        }
    }
    section.finish();
    limits
}

/// Reads how many faults within how long put the plugin into quarantine.
fn read_quarantine(plugin: &mut Section<'_>) -> Option<Intensity> {
    let hint = "write quarantine = { faults = 5, per = \"60s\" }";
    let mut quarantine = plugin.table("quarantine", hint)?;
    let (faults, per_ms) = (quarantine.count("faults"), quarantine.duration_ms("per"));
    if quarantine.lacks("faults") || quarantine.lacks("per") || per_ms == Some(0) {
        let what = "a quarantine follows a number of `faults` (at least 1) in the time `per`";
        quarantine.problem(quarantine.span.clone(), what, hint);
    }
    quarantine.finish();
    Some(Intensity { faults: u32::try_from(faults?).unwrap_or(u32::MAX), per_ms: per_ms? })
}
