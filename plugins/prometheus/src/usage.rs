//! The metrics of the resources that processes and the host use.

use provost_guest::Usage;
use provost_guest::usages::ProcessUsage;

use crate::exposition::{escaped, head, sample};

/// A metric with one sample for each process that has a value.
struct Metric {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    value: fn(&Usage) -> Option<String>,
}

const METRICS: [Metric; 6] = [
    Metric {
        name: "cpu_seconds",
        kind: "counter",
        help: "CPU time of the incarnation, with its descendants.",
        value: |usage| Some(format!("{}.{:03}", usage.cpu / 1000, usage.cpu % 1000)),
    },
    Metric {
        name: "resident_memory_bytes",
        kind: "gauge",
        help: "Resident memory of the process and its descendants.",
        value: |usage| Some(usage.rss_bytes.to_string()),
    },
    Metric {
        name: "proportional_memory_bytes",
        kind: "gauge",
        help: "Proportional set size of the process and its descendants, read once a minute.",
        value: |usage| usage.pss_bytes.map(|bytes| bytes.to_string()),
    },
    Metric {
        name: "open_fds",
        kind: "gauge",
        help: "Open file descriptors of the process and its descendants, read once a minute.",
        value: |usage| usage.fds.map(|fds| fds.to_string()),
    },
    Metric {
        name: "threads",
        kind: "gauge",
        help: "Threads of the process and its descendants.",
        value: |usage| Some(usage.threads.to_string()),
    },
    Metric {
        name: "members",
        kind: "gauge",
        help: "Operating-system processes: the main process and its descendants.",
        value: |usage| Some(usage.members.to_string()),
    },
];

pub(crate) fn write(out: &mut String, processes: &[ProcessUsage], host: Option<&Usage>) {
    for metric in &METRICS {
        let suffix = if metric.kind == "counter" { "_total" } else { "" };
        let name = format!("provost_process_{}", metric.name);
        head(out, &name, metric.kind, metric.help);
        for process in processes {
            let Some(value) = (metric.value)(&process.usage) else { continue };
            let (process, group) = (escaped(&process.name), escaped(&process.group));
            sample(out, format_args!("{name}{suffix}{{name=\"{process}\",group=\"{group}\"}} {value}"));
        }
    }
    let Some(host) = host else { return };
    for metric in &METRICS {
        let Some(value) = (metric.value)(host) else { continue };
        let suffix = if metric.kind == "counter" { "_total" } else { "" };
        let name = format!("provost_host_{}", metric.name);
        let help = "The same of the supervisor itself, without the processes that it runs.";
        head(out, &name, metric.kind, help);
        sample(out, format_args!("{name}{suffix} {value}"));
    }
}
