//! The section about decisions and commits as a runner meets them.

use crate::figures::{Bench, blocks, duration, head, number, row, text};

/// Returns the whole section, or an empty text if they were not measured.
pub fn all(benches: &[Bench]) -> String {
    if blocks(benches, "decisions").next().is_none() {
        return String::new();
    }
    let mut out = "\n## Decisions and commits of a runner\n\n`alone` is the call of the policy `backoff` on the thread that asks; \
                   `asked` goes from a runner's task to a judging thread and back;\n`switch` is the same way with a native policy that \
                   answers at once; `in plugin list` is what `provost plugin list` shows. Decisions of a\nquiet host are far apart: \
                   then most of the time is code and data that are not in the caches any more. A commit of a runner reads the\n\
                   clocks and wakes those that wait for changes.\n"
        .to_owned();
    out += &head(&["setting", "what", "p50", "p95", "p99"]);
    for block in blocks(benches, "decisions") {
        for design in block.designs() {
            let mut cells = vec![block.setting().to_owned(), text(&design["design"]).to_owned()];
            cells.extend(["p50_ns", "p95_ns", "p99_ns"].map(|key| duration(number(&design[key]))));
            out += &row(&cells);
        }
    }
    out
}
