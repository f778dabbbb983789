//! The results as JSON in `target/bench`, the only source of the report.

use std::path::{Path, PathBuf};
use std::process::Command;

use hdrhistogram::Histogram;
use serde_json::{Map, Value, json};

/// Whether `-- --quick` or `PROVOST_BENCH_QUICK=1` asks for short runs, which only show that the benchmark works. No report
/// is made from them.
#[must_use]
pub fn quick() -> bool {
    std::env::args().any(|argument| argument == "--quick")
        || std::env::var_os("PROVOST_BENCH_QUICK").is_some()
}

/// Returns the folder of the results.
#[must_use]
pub fn folder() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"), PathBuf::from);
    target.join("bench")
}

/// Writes `target/bench/NAME.json`.
pub fn write(bench: &str, blocks: Vec<Value>) {
    std::fs::create_dir_all(folder()).unwrap();
    let results = json!({ "bench": bench, "quick": quick(), "machine": machine(), "blocks": blocks });
    let text = serde_json::to_string_pretty(&results).unwrap();
    std::fs::write(folder().join(format!("{bench}.json")), format!("{text}\n")).unwrap();
}

/// Returns the quantiles of `latencies` under their keys in the JSON; nothing if it is empty.
#[must_use]
pub fn quantiles(latencies: &Histogram<u64>) -> Map<String, Value> {
    let mut figures = Map::new();
    if !latencies.is_empty() {
        for (key, quantile) in [("p50_ns", 0.5), ("p95_ns", 0.95), ("p99_ns", 0.99)] {
            figures.insert(key.to_owned(), latencies.value_at_quantile(quantile).into());
        }
        figures.insert("max_ns".to_owned(), latencies.max().into());
    }
    figures
}

/// Returns the output of a command, or an empty text if it fails to run.
fn output_of(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.ok().and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default().trim().to_owned()
}

/// Describes the machine as far as the figures depend on it, without its name.
fn machine() -> Value {
    let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    json!({
        "cores": std::thread::available_parallelism().map_or(1, usize::from),
        "cpu": model.map_or("unknown", |(_, model)| model),
        "kernel": kernel.trim(),
        "rustc": output_of("rustc", &["--version"]),
        "commit": output_of("git", &["rev-parse", "--short", "HEAD"]),
    })
}
