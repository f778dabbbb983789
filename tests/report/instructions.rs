//! The instructions of the hot paths, from the tables that the gate guards; and why a goal is out of reach, with the count
//! that stands in the way.

use crate::figures::{Bench, blocks, head, row, thousands, times};

const STATE: &str = include_str!("../../host/state/benches/instructions/limits.toml");
const ANSWERS: &str = include_str!("../../host/control/benches/instructions/limits.toml");

/// The paths that explain a goal: the key in the table, and what the count means.
const EXPLAINED: [(&str, &str); 8] = [
    (
        "handle-read",
        "a mutex takes two locked instructions and the fields about ten loads. The read by guard takes none, but it checks the backend, \
         counts itself for the A/B figures, enters and leaves its hazard record, and makes sure that `latest` is not behind",
    ),
    ("watch", "a pointer compared, and the backend"),
    ("state", "the same as the guard, and a reference counted up and down: two locked instructions"),
    (
        "handle-by-name",
        "the name is hashed, found in the index, compared in the cell, and the handle counts a reference",
    ),
    ("look-by-name", "the same in a snapshot, and the state found in its table"),
    (
        "commit",
        "a commit copies the state (400 bytes), records the change and publishes; a plain mutex sets a field",
    ),
    (
        "commit-locked",
        "the same contract on `locked`: what a commit on `atomic` can gain at most is the difference of the two",
    ),
    ("commit-100k", "the root copies more nodes for each commit"),
];

/// Returns the section.
pub fn all(benches: &[Bench]) -> String {
    let mut out = "\n## Instructions of the hot paths\n\nCounted by callgrind and guarded by the gate: they do not depend on how busy the \
                   machine is. Where a goal above is not met, this is what stands in\nthe way."
        .to_owned();
    if let Some(bound) = bound(benches) {
        out += &format!(
            " On one thread no read of a state is 30 times faster than `mutex, clone`: two loads and a shift (the status\nword) are {} \
             times faster.",
            times(bound).trim_end_matches('x')
        );
    }
    out += "\n";
    out += &head(&["path", "instructions", "what they are"]);
    for (key, meaning) in EXPLAINED {
        if let Some(count) = count(STATE, key) {
            out += &row(&[format!("`{key}`"), thousands(count), meaning.to_owned()]);
        }
    }
    for line in ANSWERS.lines().filter(|line| !line.starts_with('#')) {
        if let Some((key, count)) = line.split_once(" = ") {
            let count = count.parse().unwrap_or(f64::NAN);
            out += &row(&[format!("`{key}`"), thousands(count), "an answer to a status request".to_owned()]);
        }
    }
    out
}

fn count(table: &str, key: &str) -> Option<f64> {
    table.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = ")?.parse().ok())
}

/// Returns how many times the cheapest read is faster than the plan's mutex, on one thread.
fn bound(benches: &[Bench]) -> Option<f64> {
    let mut alone = blocks(benches, "reads").filter(|block| block.size() == 1 && block.threads() == 1);
    alone.find(|block| block.writer() == "no writer")?.ratio("status word", "mutex, clone")
}
