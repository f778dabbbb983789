//! What the plan promised, and what it is now: the first table of the report.

use crate::figures::{Bench, Block, blocks, head, number, row, times};
use crate::verdict::{Point, met, shown, verdict};

/// A promise as it is measured: ratios of a design to a baseline in the blocks that are chosen.
struct Measured {
    promise: &'static str,
    goal: f64,
    as_what: &'static str,
    bench: &'static str,
    design: &'static str,
    baseline: &'static str,
    chosen: fn(&Block) -> bool,
}

const READS: &str = "30x faster reads of a state";
const LOOKUPS: &str = "3x faster lookups by name";
const OVERALL: &str = "10x overall under concurrency";
const LIST_ALL: &str = "list-all no slower";

fn quiet(block: &Block) -> bool {
    block.writer() == "no writer"
}

const MEASURED: [Measured; 9] = [
    Measured {
        promise: READS,
        goal: 30.0,
        as_what: "one hot process, by its status word",
        bench: "reads",
        design: "status word",
        baseline: "mutex, clone",
        chosen: |block| block.size() == 1 && quiet(block),
    },
    Measured {
        promise: READS,
        goal: 30.0,
        as_what: "one hot process, through a cached handle",
        bench: "reads",
        design: "cached",
        baseline: "mutex, clone",
        chosen: |block| block.size() == 1 && quiet(block),
    },
    Measured {
        promise: READS,
        goal: 30.0,
        as_what: "random processes, through cached handles",
        bench: "reads",
        design: "cached",
        baseline: "mutex, clone",
        chosen: |block| block.size() > 1 && quiet(block),
    },
    Measured {
        promise: LOOKUPS,
        goal: 3.0,
        as_what: "among 10,000, in the last snapshot of a poller",
        bench: "lookups",
        design: "poller, by name",
        baseline: "RwLock<HashMap>",
        chosen: |block| block.size() == 10_000 && quiet(block),
    },
    Measured {
        promise: LOOKUPS,
        goal: 3.0,
        as_what: "among 10,000, for a handle",
        bench: "lookups",
        design: "handle",
        baseline: "RwLock<HashMap>",
        chosen: |block| {
            block.size() == 10_000 && quiet(block) && block.setting() == "lookup of a random name"
        },
    },
    Measured {
        promise: OVERALL,
        goal: 10.0,
        as_what: "1,024 processes: five commits and the snapshot of one decision, against `locked`",
        bench: "commits",
        design: "atomic",
        baseline: "locked",
        chosen: |block| block.size() == 1_024 && block.setting().ends_with("and a snapshot"),
    },
    Measured {
        promise: OVERALL,
        goal: 10.0,
        as_what: "10,000 processes: the same",
        bench: "commits",
        design: "atomic",
        baseline: "locked",
        chosen: |block| block.size() == 10_000 && block.setting().ends_with("and a snapshot"),
    },
    Measured {
        promise: OVERALL,
        goal: 10.0,
        as_what: "reads of one hot process beside a writer flat out, by guard",
        bench: "reads",
        design: "guard",
        baseline: "mutex, clone",
        chosen: |block| block.size() == 1 && block.writer() == "writer flat out",
    },
    Measured {
        promise: LIST_ALL,
        goal: 1.0,
        as_what: "1,000 listed and walked beside a writer",
        bench: "listall",
        design: "snapshot",
        baseline: "map, clone states",
        chosen: |block| block.size() == 1_000 && block.setting().ends_with("walked") && !quiet(block),
    },
];

/// An answer of the API in the promises: what, the design, the design that it is compared with, the phase, the quantile.
const ANSWERS: [(&str, &str, &str, &str, &str); 4] = [
    ("a status that has not changed", "unchanged", "all, former binary", "replies", "p50_ns"),
    (
        "what has changed since, nothing new",
        "`?since=`, nothing new",
        "all, former binary",
        "replies",
        "p50_ns",
    ),
    (
        "what has changed since, in a storm, p50",
        "`?since=`, atomic",
        "former binary, atomic",
        "storm",
        "p50_ns",
    ),
    (
        "what has changed since, in a storm, p99",
        "`?since=`, atomic",
        "former binary, atomic",
        "storm",
        "p99_ns",
    ),
];

/// Tabulates the promises.
pub fn all(benches: &[Bench]) -> String {
    let mut table = head(&["the plan promised", "measured as", "now, by number of threads", "verdict"]);
    for measured in &MEASURED {
        let points: Vec<Point> = blocks(benches, measured.bench)
            .filter(|block| (measured.chosen)(block))
            .filter_map(|block| Point::of(block, measured.design, measured.baseline))
            .collect();
        table += &row(&[
            measured.promise.to_owned(),
            measured.as_what.to_owned(),
            shown(&points),
            verdict(&points, measured.goal),
        ]);
    }
    table += &answers(benches);
    table += &memory(benches);
    table
}

/// Returns the rows about answers through the socket: how many times faster than the former binary.
fn answers(benches: &[Bench]) -> String {
    let mut rows = String::new();
    for (what, design, to, setting, quantile) in ANSWERS {
        for block in blocks(benches, "status").filter(|block| block.setting() == setting) {
            let phase = if setting == "storm" { "paced" } else { "one" };
            let of = |name: &str| block.design(name)?[phase][quantile].as_f64();
            let (Some(own), Some(former)) = (of(design), of(to)) else { continue };
            let point = Point { threads: 1, ratio: former / own, disturbed: false };
            rows += &row(&[
                OVERALL.to_owned(),
                format!(
                    "through the socket, {} processes: {what}, against a whole answer of before",
                    block.0["processes"]
                ),
                format!("one client: {}", times(point.ratio)),
                verdict(&[point], 10.0),
            ]);
        }
    }
    rows
}

fn memory(benches: &[Bench]) -> String {
    let mut rows = String::new();
    for block in blocks(benches, "memory").filter(|block| block.size() == 10_000) {
        let Some(atomic) = block.design("atomic") else { continue };
        let ratio = number(&atomic["bytes_to_locked"]);
        rows += &row(&[
            "memory within 10 %".to_owned(),
            format!("10,000 processes, {}, against `locked`", block.setting()),
            times(ratio),
            met(ratio <= 1.1).to_owned(),
        ]);
    }
    rows
}
