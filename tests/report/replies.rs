//! The section about answers of the API: their cost in units of a bare loop, and against the former binary.

use serde_json::Value;

use crate::figures::{Bench, Block, blocks, duration, head, number, row, text, times};
use crate::verdict::met;

/// A goal for answers on a quiet host: what, the design and the one it is compared with, the greatest ratio of their medians, and
/// the number of processes from which on it holds.
const QUIET: [(&str, &str, &str, f64, u64); 7] = [
    ("everything", "all", "bare loop", 2.0, 100),
    ("unchanged", "unchanged", "ping", 1.5, 100),
    ("processes, unchanged", "`?parts=processes`, unchanged", "ping", 1.5, 100),
    ("three fields", "`?fields=name,phase,pid`", "all", 0.6, 500),
    ("unchanged, against the former path", "unchanged", "all, former binary", 0.1, 100),
    (
        "processes, unchanged, against the former path",
        "`?parts=processes`, unchanged",
        "all, former binary",
        0.1,
        100,
    ),
    ("nothing since, against the former path", "`?since=`, nothing new", "all, former binary", 0.1, 100),
];

/// A goal for paced answers in a storm: what, the design and the one it is compared with, the quantile, the greatest ratio.
const STORM: [(&str, &str, &str, &str, f64); 5] = [
    ("everything, p50", "atomic", "former binary, atomic", "p50_ns", 0.25),
    ("everything, p99", "atomic", "former binary, atomic", "p99_ns", 0.25),
    ("everything, on `locked`, p50", "locked", "former binary, locked", "p50_ns", 0.25),
    ("changes, p50", "`?since=`, atomic", "former binary, atomic", "p50_ns", 0.1),
    ("changes, p99", "`?since=`, atomic", "former binary, atomic", "p99_ns", 0.1),
];

/// The smallest throughput with many clients, as a ratio to the bare loop.
const CROWDED: f64 = 0.55;

/// Returns the whole section, or an empty text if answers were not measured.
pub fn all(benches: &[Bench]) -> String {
    let quiet: Vec<&Block> = blocks(benches, "status").filter(|block| block.setting() == "replies").collect();
    if quiet.is_empty() {
        return String::new();
    }
    let mut out = "\n## Answers of the API\n\nThe client only counts bytes. The bare loop writes the same bytes to the same client in \
                   the same run: no host can be faster.\nThe former binary is that of an earlier commit (`PROVOST_FORMER`); it formats \
                   every answer anew, so full answers can gain at most\nwhat copying the bytes leaves.\n"
        .to_owned();
    out += &head(&["goal", "processes", "of / to", "at most", "ratio", "verdict"]);
    for block in &quiet {
        for (what, design, to, most, from) in QUIET {
            if processes(block) >= from
                && let Some(ratio) = medians(block, "one", "p50_ns", design, to)
            {
                out += &goal(what, &processes(block).to_string(), design, to, most, ratio);
            }
        }
        if let Some(ratio) = crowded(block) {
            out += &row(&[
                format!("everything, {} clients: throughput", block.0["clients"]),
                processes(block).to_string(),
                "`all` / `bare loop`".to_owned(),
                format!("(at least {})", times(CROWDED)),
                times(ratio),
                met(ratio >= CROWDED).to_owned(),
            ]);
        }
    }
    for block in blocks(benches, "status").filter(|block| block.setting() == "storm") {
        for (what, design, to, quantile, most) in STORM {
            if let Some(ratio) = medians(block, "paced", quantile, design, to) {
                out +=
                    &goal(&format!("storm: {what}"), &processes(block).to_string(), design, to, most, ratio);
            }
        }
    }
    out += &head(&["answer", "processes", "bytes", "p50", "p95", "p99", "many clients"]);
    for block in &quiet {
        for design in block.designs() {
            let one = &design["one"];
            let many = design["many_per_second"].as_f64().map_or_else(String::new, crate::figures::rate);
            let mut cells = vec![
                text(&design["design"]).to_owned(),
                processes(block).to_string(),
                crate::figures::thousands(number(&design["body_bytes"])),
            ];
            cells.extend(["p50_ns", "p95_ns", "p99_ns"].map(|key| duration(number(&one[key]))));
            cells.push(many);
            out += &row(&cells);
        }
    }
    out
}

fn processes(block: &Block) -> u64 {
    block.0["processes"].as_u64().unwrap_or_default()
}

/// Returns the ratio of a quantile of two designs.
fn medians(block: &Block, phase: &str, quantile: &str, design: &str, to: &str) -> Option<f64> {
    let of = |name: &str| block.design(name)?[phase][quantile].as_f64();
    Some(of(design)? / of(to)?)
}

fn crowded(block: &Block) -> Option<f64> {
    let of = |name: &str| -> Option<f64> { Value::as_f64(&block.design(name)?["many_per_second"]) };
    Some(of("all")? / of("bare loop")?)
}

fn goal(what: &str, processes: &str, design: &str, to: &str, most: f64, ratio: f64) -> String {
    let quoted = |name: &str| if name.contains('`') { name.to_owned() } else { format!("`{name}`") };
    row(&[
        what.to_owned(),
        processes.to_owned(),
        format!("{} / {}", quoted(design), quoted(to)),
        times(most),
        times(ratio),
        met(ratio <= most).to_owned(),
    ])
}
