//! The bundled view: renders the whole snapshot, what the processes use, and the figures of the plugins as OpenMetrics text.
//!
//! OpenMetrics requires all samples of a metric together, so the rows are read once for each metric, a page at a
//! time and with only the columns that the metric needs: apart from the text itself, memory does not grow with
//! the number of processes.
//!
//! | room | owns |
//! |---|---|
//! | `plugins` | the metrics of the plugins |
//! | `usage` | the metrics of what processes and the host use |
//! | `exposition` | lines of the text format |

mod exposition;
mod plugins;
mod usage;

use provost_guest::plugins::{PluginVersion, loaded};
use provost_guest::usages::{self, ProcessUsage};
use provost_guest::{Fields, Phase, Request, Response, Row, StatusView, Usage, World};
use serde::Deserialize;

use crate::exposition::{escaped, head, sample};

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The view; it has no settings.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Prometheus {}

impl StatusView for Prometheus {
    fn render(&self, _request: &Request, world: &dyn World) -> Response {
        Response::of(CONTENT_TYPE, metrics(world, &loaded(), &usages::processes(), usages::host().as_ref()))
    }
}

provost_guest::export!(Prometheus: StatusView);
provost_guest::settings_schema!(Prometheus);

/// A metric with one sample for each process that has a value.
struct Metric {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    field: Fields,
    /// Returns the value in a row as text.
    value: fn(&Row) -> Option<String>,
}

/// The metrics of each process, except for its phases.
const METRICS: [Metric; 6] = [
    Metric {
        name: "provost_process_up",
        kind: "gauge",
        help: "Whether the process has a child that is ready.",
        field: Fields::PHASES,
        value: |row| Some(u8::from(row.phase() == Some(Phase::Running)).to_string()),
    },
    Metric {
        name: "provost_process_restarts",
        kind: "counter",
        help: "How often a policy had the process restarted since the host started.",
        field: Fields::RESTARTS,
        value: |row| Some(row.restarts().to_string()),
    },
    Metric {
        name: "provost_process_failures",
        kind: "gauge",
        help: "Consecutive failures of the process.",
        field: Fields::FAILURES,
        value: |row| Some(row.failures().to_string()),
    },
    Metric {
        name: "provost_process_incarnation",
        kind: "gauge",
        help: "The number of the current or last incarnation of the process; 0 before the first.",
        field: Fields::INCARNATIONS,
        value: |row| Some(row.incarnation().to_string()),
    },
    Metric {
        name: "provost_process_start_time_seconds",
        kind: "gauge",
        help: "When the current or last incarnation of the process started, in seconds since the Unix epoch.",
        field: Fields::STARTED_AT,
        value: |row| row.started_at().map(|ms| format!("{}.{:03}", ms / 1000, ms % 1000)),
    },
    Metric {
        name: "provost_process_last_exit_code",
        kind: "gauge",
        help: "The exit code of the last incarnation of the process; 128 plus the number for a signal.",
        field: Fields::EXIT_CODES,
        value: |row| row.exit_code().map(|code| code.to_string()),
    },
];

/// Renders the whole world, what its processes and the host use, and its plugins as OpenMetrics text.
#[must_use]
pub fn metrics(
    world: &dyn World,
    loaded: &[PluginVersion],
    used: &[ProcessUsage],
    host: Option<&Usage>,
) -> String {
    let mut out = String::new();
    for metric in &METRICS {
        each_process(&mut out, metric, world);
    }
    phases(&mut out, world);
    counts(&mut out, world);
    usage::write(&mut out, used, host);
    plugins::write(&mut out, loaded);
    head(
        &mut out,
        "provost_snapshot_generation",
        "gauge",
        "The number of the snapshot that these samples are from.",
    );
    sample(&mut out, format_args!("provost_snapshot_generation {}", world.generation()));
    out.push_str("# EOF\n");
    out
}

fn each_process(out: &mut String, metric: &Metric, world: &dyn World) {
    head(out, metric.name, metric.kind, metric.help);
    let suffix = if metric.kind == "counter" { "_total" } else { "" };
    for row in world.rows(Fields::NAMES | Fields::GROUPS | metric.field) {
        if let Some(value) = (metric.value)(&row) {
            sample(out, format_args!("{}{suffix}{{{}}} {value}", metric.name, labels(&row)));
        }
    }
}

/// Writes a sample for each process and each phase: 1 for the phase that the process is in, 0 for the others.
fn phases(out: &mut String, world: &dyn World) {
    head(out, "provost_process_phase", "gauge", "1 for the phase that the process is in, 0 for all others.");
    for row in world.rows(Fields::NAMES | Fields::GROUPS | Fields::PHASES) {
        let labels = labels(&row);
        for phase in Phase::ALL {
            let value = u8::from(row.phase() == Some(phase));
            sample(out, format_args!("provost_process_phase{{{labels},phase=\"{phase}\"}} {value}"));
        }
    }
}

fn counts(out: &mut String, world: &dyn World) {
    head(out, "provost_processes", "gauge", "How many processes are in the phase.");
    let counts = world.counts();
    let counts = [
        (Phase::Stopped, counts.stopped),
        (Phase::Waiting, counts.waiting),
        (Phase::Starting, counts.starting),
        (Phase::Running, counts.running),
        (Phase::Stopping, counts.stopping),
        (Phase::Backoff, counts.backoff),
        (Phase::Exited, counts.exited),
        (Phase::Fatal, counts.fatal),
    ];
    for (phase, count) in counts {
        sample(out, format_args!("provost_processes{{phase=\"{phase}\"}} {count}"));
    }
}

/// Returns the labels of a process: `name="web",group=""`.
fn labels(row: &Row) -> String {
    format!("name=\"{}\",group=\"{}\"", escaped(row.name()), escaped(row.group()))
}
