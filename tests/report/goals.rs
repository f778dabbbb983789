//! The goals of the second step of the state core: reads through a held handle, commits, and `atomic` against the mutexes.

use crate::figures::{Bench, Block, blocks, duration, head, number, row, times};
use crate::verdict::{Point, met, shown, verdict};

/// A goal for a ratio: what, the benchmark, the design, the baseline, the least ratio, and the blocks that count.
struct Ratio {
    what: &'static str,
    bench: &'static str,
    design: &'static str,
    baseline: &'static str,
    goal: f64,
    chosen: fn(&Block) -> bool,
}

fn random(block: &Block) -> bool {
    block.size() == 1_024 && block.writer() == "no writer"
}

fn hot(block: &Block) -> bool {
    block.size() == 1 && block.writer() == "no writer"
}

fn mix(block: &Block, percent: u64) -> bool {
    block.setting() == format!("mix: {percent} % commits, else reads of a state")
}

const fn ratio(
    what: &'static str,
    design: &'static str,
    baseline: &'static str,
    goal: f64,
    chosen: fn(&Block) -> bool,
) -> Ratio {
    Ratio { what, bench: "reads", design, baseline, goal, chosen }
}

const fn of(bench: &'static str, ratio: Ratio) -> Ratio {
    Ratio { bench, ..ratio }
}

const RATIOS: [Ratio; 18] = [
    ratio("random of 1,024", "guard", "mutex, fields", 1.1, random),
    ratio("random of 1,024", "cached", "mutex, fields", 4.0, random),
    ratio("one hot process, 1 thread", "guard", "mutex, fields", 0.7, |it| hot(it) && it.threads() == 1),
    ratio("one hot process, 1 thread", "cached", "mutex, fields", 2.0, |it| hot(it) && it.threads() == 1),
    ratio("one hot process, from 2 threads on", "guard", "mutex, fields", 1.0, |it| {
        hot(it) && it.threads() > 1
    }),
    ratio("one hot process, from 2 threads on", "cached", "mutex, fields", 1.0, |it| {
        hot(it) && it.threads() > 1
    }),
    ratio("reads of a state, all settings", "guard", "locked", 1.0, |_| true),
    of(
        "commits",
        ratio("commits alone, 1,024", "atomic", "locked", 1.0, |it| {
            it.size() == 1_024 && it.setting() == "commits alone"
        }),
    ),
    of(
        "commits",
        ratio("commits alone, 10,000", "atomic", "locked", 1.0, |it| {
            it.size() == 10_000 && it.setting() == "commits alone"
        }),
    ),
    of(
        "commits",
        ratio("5 commits and a snapshot, 1,024", "atomic", "locked", 1.0, |it| {
            it.size() == 1_024 && it.setting().ends_with("snapshot")
        }),
    ),
    of("commits", ratio("mix, 1 % commits", "guard", "locked", 1.0, |it| mix(it, 1))),
    of("commits", ratio("mix, 10 % commits", "guard", "locked", 1.0, |it| mix(it, 10))),
    of("commits", ratio("mix, 50 % commits", "guard", "locked", 1.0, |it| mix(it, 50))),
    of("commits", ratio("mix, 1 % commits", "guard", "mutex, clone", 1.0, |it| mix(it, 1))),
    of(
        "commits",
        ratio("mix, 10 % commits, 1 thread", "guard", "mutex, clone", 1.0, |it| {
            mix(it, 10) && it.threads() == 1
        }),
    ),
    of(
        "commits",
        ratio("mix, 10 % commits, 2 and 4 threads", "guard", "mutex, clone", 0.7, |it| {
            mix(it, 10) && it.threads() > 1
        }),
    ),
    of(
        "lookups",
        ratio("lookups while processes come and go", "handle", "locked, handle", 1.0, |it| {
            it.setting().ends_with("come and go")
        }),
    ),
    of(
        "lookups",
        ratio("a process added and removed", "atomic", "locked, handle", 1.0, |it| {
            it.setting().ends_with("removed")
        }),
    ),
];

/// A goal for a commit alone on one thread: the number of processes, the most nanoseconds of the mean, the median and the
/// 99th percentile, and the most allocations.
const COMMITS: [(u64, f64, f64, f64, f64); 2] =
    [(1_024, 450.0, 300.0, 25_000.0, 4.0), (10_000, 750.0, 400.0, 50_000.0, 4.0)];

/// The longest 99th percentile of a snapshot of 1,000 processes beside 1,000 commits a second, in nanoseconds.
const SNAPSHOT_P99_NS: f64 = 20_000.0;

/// Tabulates all goals.
pub fn all(benches: &[Bench]) -> String {
    let mut text =
        "The goals that were set for the second step of the state core: ratios, at least.\n".to_owned();
    text += &head(&["setting", "of / to", "at least", "by number of threads", "verdict"]);
    for goal in &RATIOS {
        let points: Vec<Point> = blocks(benches, goal.bench)
            .filter(|block| (goal.chosen)(block))
            .filter_map(|block| Point::of(block, goal.design, goal.baseline))
            .collect();
        text += &row(&[
            goal.what.to_owned(),
            format!("`{}` / `{}`", goal.design, goal.baseline),
            times(goal.goal),
            shown(&points),
            verdict(&points, goal.goal),
        ]);
    }
    text += "\nAnd a commit on `atomic`, alone on one thread, at most:\n";
    text += &head(&["processes", "what", "at most", "measured", "verdict"]);
    for (size, mean, p50, p99, allocations) in COMMITS {
        let block = blocks(benches, "commits")
            .find(|it| it.size() == size && it.threads() == 1 && it.setting() == "commits alone");
        let Some(design) = block.and_then(|block| block.design("atomic")) else { continue };
        for (what, key, most) in [("mean", "cpu_ns", mean), ("p50", "p50_ns", p50), ("p99", "p99_ns", p99)] {
            text += &at_most(
                size,
                what,
                duration(most),
                duration(number(&design[key])),
                number(&design[key]) <= most,
            );
        }
        let count = number(&design["allocations"]);
        text += &at_most(
            size,
            "allocations",
            format!("{allocations:.0}"),
            format!("{count:.2}"),
            count <= allocations,
        );
    }
    let paced = blocks(benches, "listall").find(|it| {
        it.size() == 1_000
            && it.threads() == 1
            && it.setting().ends_with("obtained")
            && it.writer() == "writer at 1 kHz"
    });
    if let Some(design) = paced.and_then(|block| block.design("snapshot")) {
        let p99 = number(&design["p99_ns"]);
        let what = "p99 of a snapshot beside 1,000 commits a second";
        text += &at_most(1_000, what, duration(SNAPSHOT_P99_NS), duration(p99), p99 <= SNAPSHOT_P99_NS);
    }
    text
}

fn at_most(size: u64, what: &str, most: String, measured: String, is_met: bool) -> String {
    row(&[crate::figures::thousands(size as f64), what.to_owned(), most, measured, met(is_met).to_owned()])
}
