//! The section about what an author of a plugin waits for.

use crate::figures::{Bench, blocks, duration, head, number, row, text, thousands};
use crate::verdict::met;

/// The fewest restarts of a simulation by the second.
const RESTARTS: f64 = 10_000.0;

/// The longest median from a save to the swap, in nanoseconds.
const SAVE_NS: f64 = 1.5e9;

/// Returns the whole section, or an empty text if they were not measured.
pub fn all(benches: &[Bench]) -> String {
    if blocks(benches, "authors").next().is_none() {
        return String::new();
    }
    let mut out = "\n## What an author waits for\n\n`plugin simulate` with the component of `backoff`, medians of the runs; the time of the \
                   whole command has the compilation of the\ncomponent in it. `plugin dev` builds, tests and swaps a new project in Rust \
                   after each save.\n"
        .to_owned();
    out += &head(&["simulation", "restarts/s", "days/s", "decisions/s", "the command, p50"]);
    let mut most = 0.0_f64;
    for block in blocks(benches, "authors").filter(|block| block.setting() == "simulate") {
        for design in block.designs() {
            let rate = |key: &str| number(&design[key]);
            most = most.max(rate("restarts_per_second"));
            out += &row(&[
                text(&design["design"]).to_owned(),
                thousands(rate("restarts_per_second")),
                thousands(rate("days_per_second")),
                thousands(rate("decisions_per_second")),
                duration(number(&design["command"]["p50_ns"])),
            ]);
        }
    }
    out += &head(&["dev", "p50", "p95", "p99"]);
    let mut saves = Vec::new();
    for block in blocks(benches, "authors").filter(|block| block.setting() == "dev") {
        for design in block.designs() {
            let at = ["p50_ns", "p95_ns", "p99_ns"].map(|key| number(&design["took"][key]));
            saves.push(at[0]);
            let mut cells = vec![text(&design["design"]).to_owned()];
            cells.extend(at.map(duration));
            out += &row(&cells);
        }
    }
    out += &head(&["goal", "measured", "verdict"]);
    out += &row(&[
        format!("at least {} restarts/s", thousands(RESTARTS)),
        thousands(most),
        met(most >= RESTARTS).to_owned(),
    ]);
    for save in saves {
        out += &row(&[
            format!("{} from a save to swapped, p50", duration(SAVE_NS)),
            duration(save),
            met(save <= SAVE_NS).to_owned(),
        ]);
    }
    out
}
