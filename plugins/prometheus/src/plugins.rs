//! The metrics of the plugins, version by version.

use provost_guest::plugins::{PluginVersion, Standing};

use crate::exposition::{escaped, head, sample};

/// A metric with one sample for each version.
struct Metric {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    value: fn(&PluginVersion) -> u64,
}

const METRICS: [Metric; 9] = [
    Metric {
        name: "provost_plugin_calls",
        kind: "counter",
        help: "Calls of the plugin.",
        value: |version| version.calls,
    },
    Metric {
        name: "provost_plugin_clamps",
        kind: "counter",
        help: "Answers of the plugin that the host changed or refused because they were out of bounds.",
        value: |version| version.clamps,
    },
    Metric {
        name: "provost_plugin_fuel_max",
        kind: "gauge",
        help: "The most fuel that one call of the plugin has used.",
        value: |version| version.fuel_max,
    },
    Metric {
        name: "provost_plugin_memory_max_bytes",
        kind: "gauge",
        help: "The most memory that one instance of the plugin has had.",
        value: |version| version.memory_bytes_max,
    },
    Metric {
        name: "provost_plugin_stored_bytes",
        kind: "gauge",
        help: "The size of the memory store of the plugin.",
        value: |version| version.stored_bytes,
    },
    Metric {
        name: "provost_plugin_queued_changes",
        kind: "gauge",
        help: "Changes that are queued for the plugin.",
        value: |version| version.queued,
    },
    Metric {
        name: "provost_plugin_missed_changes",
        kind: "counter",
        help: "Changes that the plugin did not receive.",
        value: |version| version.missed,
    },
    Metric {
        name: "provost_plugin_dropped_lines",
        kind: "counter",
        help: "Log lines of the plugin that were dropped because there were too many.",
        value: |version| version.lines_dropped,
    },
    Metric {
        name: "provost_plugin_denials",
        kind: "counter",
        help: "Attempts of the plugin to reach something that it was not granted.",
        value: |version| version.denials,
    },
];

/// Writes all metrics of the plugins.
pub(crate) fn write(out: &mut String, loaded: &[PluginVersion]) {
    standings(out, loaded);
    for metric in &METRICS {
        head(out, metric.name, metric.kind, metric.help);
        let suffix = if metric.kind == "counter" { "_total" } else { "" };
        for version in loaded {
            let (name, labels, value) = (metric.name, labels(version), (metric.value)(version));
            sample(out, format_args!("{name}{suffix}{{{labels}}} {value}"));
        }
    }
    faults(out, loaded);
    times(out, loaded);
}

/// Writes a sample for each version in force and each standing: 1 for its standing, 0 for the others.
fn standings(out: &mut String, loaded: &[PluginVersion]) {
    let name = "provost_plugin_standing";
    head(out, name, "gauge", "1 for the standing that the plugin is in, 0 for all others.");
    for version in loaded.iter().filter(|version| version.in_force) {
        let labels = labels(version);
        let mut write = |standing: &Standing| {
            let (value, standing) = (u8::from(version.standing == *standing), standing.name());
            sample(out, format_args!("{name}{{{labels},standing=\"{standing}\"}} {value}"));
        };
        Standing::ALL.iter().for_each(&mut write);
        if matches!(version.standing, Standing::Other(_)) {
            write(&version.standing);
        }
    }
}

fn faults(out: &mut String, loaded: &[PluginVersion]) {
    let name = "provost_plugin_faults";
    head(out, name, "counter", "Calls of the plugin that failed.");
    for version in loaded {
        let labels = labels(version);
        for fault in &version.faults {
            let (kind, count) = (escaped(&fault.kind), fault.count);
            sample(out, format_args!("{name}_total{{{labels},kind=\"{kind}\"}} {count}"));
        }
    }
}

fn times(out: &mut String, loaded: &[PluginVersion]) {
    let name = "provost_plugin_call_seconds";
    head(out, name, "summary", "How long calls of the plugin took.");
    for version in loaded {
        let labels = labels(version);
        let call = &version.call;
        for (quantile, ns) in [("0.5", call.p50), ("0.95", call.p95), ("0.99", call.p99), ("1", call.max)] {
            sample(out, format_args!("{name}{{{labels},quantile=\"{quantile}\"}} {}", seconds(ns)));
        }
        sample(out, format_args!("{name}_count{{{labels}}} {}", version.calls));
    }
}

/// Returns nanoseconds as a decimal number of seconds.
fn seconds(ns: u64) -> String {
    format!("{}.{:09}", ns / 1_000_000_000, ns % 1_000_000_000)
}

/// Returns the labels of a version: `plugin="backoff",version="2"`.
fn labels(version: &PluginVersion) -> String {
    format!("plugin=\"{}\",version=\"{}\"", escaped(&version.plugin), version.version)
}
