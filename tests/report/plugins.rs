//! What calling a plugin costs, beside the goals that were set for it.

use serde_json::Value;

use crate::figures::{Bench, blocks, duration, number, text, thousands};

/// A goal: in which block it was measured, by which design, and below how many nanoseconds its median has to stay.
const GOALS: [(&str, &str, &str, f64); 3] = [
    ("a decision in a fresh instance", "calls", "decision, fresh instance", 40_000.0),
    ("a load from the cache", "loading", "load, from the cache", 2_000_000.0),
    ("columns of 1,000 processes", "reads", "columns of 1000 processes", 5_000.0),
];

/// The whole section; nothing if it was not measured.
pub fn all(benches: &[Bench]) -> String {
    let Some(bench) = benches.iter().find(|bench| bench.name == "plugins") else { return String::new() };
    let mut out = "\n## Plugins\n\nA decision is `on-exit` of the bundled `backoff` among 100 processes, from the question to the \
                   checked answer: a fresh\ninstance each time, or an empty batch told to the living instance of `notify`. \
                   Columns are three of numbers; pages are all\nprocesses, 1,024 a page; `get` is one process. A read is the \
                   difference between renderings with many and with one.\n"
        .to_owned();
    out += &format!("Measured on the tree that follows commit {}.\n", text(&bench.machine["commit"]));
    out += "\n| goal | below | p50 | p95 | p99 | met |\n|---|---|---|---|---|---|\n";
    for (goal, setting, name, below) in GOALS {
        let Some(design) = design(benches, setting, name) else { continue };
        let met = if number(&design["p50_ns"]) < below { "yes" } else { "**no**" };
        out += &format!("| {goal} | {} | {} | {met} |\n", duration(below), quantiles(design));
    }
    out += "\n| what | p50 | p95 | p99 |\n|---|---|---|---|\n";
    let designs = || blocks(benches, "plugins").flat_map(|block| block.designs());
    for design in designs().filter(|design| design["p50_ns"].is_number()) {
        out += &format!("| {} | {} |\n", text(&design["design"]), quantiles(design));
    }
    out += "\n| what | figure |\n|---|---|\n";
    for design in designs() {
        let name = text(&design["design"]);
        if let Some(per_second) = design["per_second"].as_f64() {
            out += &format!("| {name} | {}/s |\n", thousands(per_second));
        }
        if let Some(kib) = design["kib"].as_f64() {
            out += &format!("| {name} | {} KiB |\n", thousands(kib));
        }
    }
    out
}

fn design<'a>(benches: &'a [Bench], setting: &str, name: &str) -> Option<&'a Value> {
    blocks(benches, "plugins").find(|block| block.setting() == setting)?.design(name)
}

fn quantiles(design: &Value) -> String {
    ["p50_ns", "p95_ns", "p99_ns"].map(|key| duration(number(&design[key]))).join(" | ")
}
