//! The common parts of the end-to-end benchmarks: a clock, histograms, and the JSON from which the report is made.

use std::path::PathBuf;

use hdrhistogram::Histogram;
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

/// The longest latency that the histogram distinguishes: a minute.
const LONGEST_NS: u64 = 60_000_000_000;

/// Reads the monotonic clock, which all processes share, in nanoseconds.
pub(crate) fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    u64::try_from(now.tv_sec).unwrap() * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap()
}

/// Whether `-- --quick` or `PROVOST_BENCH_QUICK=1` asks for short runs, which only show that the benchmark works.
pub(crate) fn quick() -> bool {
    std::env::args().any(|argument| argument == "--quick")
        || std::env::var_os("PROVOST_BENCH_QUICK").is_some()
}

/// A histogram of latencies, in nanoseconds.
#[derive(Clone, Debug)]
pub(crate) struct Latencies(Histogram<u64>);

impl Default for Latencies {
    fn default() -> Self {
        Self(Histogram::new_with_bounds(1, LONGEST_NS, 3).unwrap())
    }
}

impl Latencies {
    pub(crate) fn record(&mut self, ns: u64) {
        self.0.saturating_record(ns.max(1));
    }

    /// Returns p50, p95, p99 and the maximum in microseconds as text.
    pub(crate) fn words(&self) -> String {
        self.words_in(1_000, "us")
    }

    /// Returns the same in units of `ns` nanoseconds.
    pub(crate) fn words_in(&self, ns: u64, unit: &str) -> String {
        let at = |quantile| self.0.value_at_quantile(quantile) / ns;
        format!(
            "p50 {:>6} {unit}   p95 {:>6} {unit}   p99 {:>6} {unit}   max {:>6} {unit}",
            at(0.5),
            at(0.95),
            at(0.99),
            self.0.max() / ns
        )
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "count": self.0.len(),
            "p50_ns": self.0.value_at_quantile(0.5),
            "p95_ns": self.0.value_at_quantile(0.95),
            "p99_ns": self.0.value_at_quantile(0.99),
            "max_ns": self.0.max(),
        })
    }
}

/// Writes `target/bench/NAME.json`: the results and a description of the machine.
pub(crate) fn write(bench: &str, blocks: Value) {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target"), PathBuf::from);
    let dir = target.join("bench");
    std::fs::create_dir_all(&dir).unwrap();
    let figures = json!({ "bench": bench, "quick": quick(), "machine": machine(), "blocks": blocks });
    let text = serde_json::to_string_pretty(&figures).unwrap();
    std::fs::write(dir.join(format!("{bench}.json")), format!("{text}\n")).unwrap();
}

/// Describes the machine as far as the figures depend on it, without its name.
fn machine() -> Value {
    let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map(|it| it.1);
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    json!({
        "cores": std::thread::available_parallelism().map_or(1, usize::from),
        "cpu": model.unwrap_or("unknown"),
        "kernel": kernel.trim(),
    })
}
