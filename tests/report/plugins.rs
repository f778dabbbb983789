//! The section about the cost of plugins, compared with the goals.

use serde_json::Value;

use crate::figures::{Bench, blocks, duration, number, text, thousands};

/// The goals: the name, the block and the design that measure it, and the bound on its median in nanoseconds.
const GOALS: [(&str, &str, &str, f64); 3] = [
    ("a decision in a fresh instance", "calls", "decision, fresh instance", 40_000.0),
    ("a load from the cache", "loading", "load, from the cache", 2_000_000.0),
    ("columns of 1,000 processes", "reads", "columns of 1000 processes", 5_000.0),
];

/// Returns the whole section, or an empty text if plugins were not measured.
pub fn all(benches: &[Bench]) -> String {
    let Some(bench) = benches.iter().find(|bench| bench.name == "plugins") else { return String::new() };
    let mut out = "\n## Plugins\n\nA decision is a call of `on-exit` of the bundled `backoff` among 100 processes, from the question \
                   to the checked answer, in a\nfresh instance each time; the call of a living instance delivers an empty batch to \
                   `notify`. Columns are three numeric ones;\npages are all processes, 1,024 a page; `get` is one process. A read is \
                   the difference between renderings with many and with one.\n"
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
