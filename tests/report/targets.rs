//! The targets of the plan with the measured ratios and the verdicts, and the settings in which a mutex wins.

use std::collections::BTreeMap;

use crate::figures::{Bench, Block, blocks, head, number, row, text, times};
use crate::verdict::{Point, met, verdict};

const THREADS: [u64; 5] = [1, 2, 4, 8, 16];
/// The ratio to a mutex from which on a slower design is not distinguished from noise.
const NOISE: f64 = 0.95;

/// One line of the table: a design, the baseline, and the blocks in which they are compared.
struct Line<'a> {
    target: &'a str,
    goal: f64,
    what: String,
    bench: &'a str,
    design: &'a str,
    baseline: &'a str,
    threads_min: u64,
}

impl Line<'_> {
    fn points(&self, benches: &[Bench], chosen: impl Fn(&Block) -> bool) -> Vec<Point> {
        let chosen = blocks(benches, self.bench).filter(|it| it.threads() >= self.threads_min && chosen(it));
        let point = |block: &Block| {
            let ratio = block.ratio(self.design, self.baseline)?;
            Some(Point { threads: block.threads(), ratio, disturbed: block.is_disturbed() })
        };
        chosen.filter_map(point).collect()
    }

    fn row(&self, benches: &[Bench], chosen: impl Fn(&Block) -> bool) -> String {
        let points = self.points(benches, chosen);
        let mut cells = vec![
            self.target.to_owned(),
            self.what.clone(),
            format!("`{}` / `{}`", self.design, self.baseline),
        ];
        cells.extend(THREADS.map(|threads| {
            let point = points.iter().find(|point| point.threads == threads);
            point.map_or_else(String::new, |point| {
                format!("{}{}", times(point.ratio), if point.disturbed { "\\*" } else { "" })
            })
        }));
        cells.push(verdict(&points, self.goal));
        row(&cells)
    }
}

/// Tabulates all targets.
pub fn all(benches: &[Bench]) -> String {
    let mut text = "Ratios by number of threads.\n".to_owned();
    text += &head(&["target", "setting", "of / to", "1", "2", "4", "8", "16", "verdict"]);
    text += &state_reads(benches);
    text += &lookups(benches);
    text += &overall(benches);
    text += &list_all(benches);
    text += "\nMemory: live bytes per process; the target is at most 1.10 times `locked`.\n";
    text += &memory(benches);
    text
}

fn state_reads(benches: &[Bench]) -> String {
    let mut rows = String::new();
    for baseline in ["mutex, clone", "mutex, fields", "locked"] {
        for design in ["guard", "cached", "poller", "status word", "state()"] {
            for (size, what) in [(1, "one hot process"), (1_024, "random of 1,024")] {
                // The plan has no target for the other baselines; they show how much of the gain is the saved clone.
                if baseline != "mutex, clone" && (size != 1 || design == "state()") {
                    continue;
                }
                let (target, what) = ("state reads 30x", format!("{what}, no writer"));
                let line =
                    Line { target, goal: 30.0, what, bench: "reads", design, baseline, threads_min: 1 };
                rows += &line.row(benches, |it| it.size() == size && it.writer() == "no writer");
            }
        }
    }
    rows
}

fn lookups(benches: &[Bench]) -> String {
    let mut rows = String::new();
    for (baseline, designs) in [
        ("RwLock<HashMap>", &["handle", "guard, by name", "poller, by name"][..]),
        ("locked, handle", &["handle"]),
    ] {
        for design in designs {
            for (size, what) in [(100, "100"), (10_000, "10,000"), (100_000, "100,000")] {
                let (target, what) = ("lookups 3x", format!("{what} processes"));
                let line =
                    Line { target, goal: 3.0, what, bench: "lookups", design, baseline, threads_min: 1 };
                rows += &line.row(benches, |it| it.size() == size);
            }
        }
    }
    rows
}

fn overall(benches: &[Bench]) -> String {
    let line = |what: String, bench, design, baseline| Line {
        target: "10x overall, concurrent",
        goal: 10.0,
        what,
        bench,
        design,
        baseline,
        threads_min: 2,
    };
    let mut rows = String::new();
    for (size, what) in [(1, "reads of one hot process"), (1_024, "reads of random of 1,024")] {
        for writer in ["writer at 1 kHz", "writer flat out"] {
            let line = line(format!("{what}, {writer}"), "reads", "guard", "mutex, clone");
            rows += &line.row(benches, |it| it.size() == size && it.writer() == writer);
        }
    }
    for percent in [1, 10, 50] {
        let mix = format!("mix: {percent} % commits, else reads of a state");
        for baseline in ["mutex, clone", "locked"] {
            let line = line(mix.clone(), "commits", "guard", baseline);
            rows += &line.row(benches, |it| it.setting() == mix);
        }
    }
    for (size, what) in [(1_000, "1,000"), (10_000, "10,000")] {
        let what = format!("{what} listed and walked, writer at 1 kHz");
        let line = line(what, "listall", "snapshot", "map, clone states");
        rows += &line.row(benches, |it| {
            it.size() == size && it.setting().ends_with("walked") && it.writer() != "no writer"
        });
    }
    rows + &status(benches)
}

/// Returns the rows of the production path: one client, real processes that start, stop and crash.
fn status(benches: &[Bench]) -> String {
    let mut rows = String::new();
    for block in blocks(benches, "status") {
        let Some(atomic) = block.design("atomic") else { continue };
        let ratio = number(&atomic["ratio_to_locked"]);
        let point = Point { threads: 1, ratio, disturbed: false };
        let mut cells = vec![
            "10x overall, concurrent".to_owned(),
            format!("status through the socket, {}, one client", block.setting()),
            "`atomic` / `locked`".to_owned(),
            times(ratio),
        ];
        cells.extend([const { String::new() }; 4]);
        cells.push(verdict(&[point], 10.0));
        rows += &row(&cells);
    }
    rows
}

fn list_all(benches: &[Bench]) -> String {
    let mut rows = String::new();
    for baseline in ["map, clone states", "locked"] {
        for (size, what) in [(100, "100"), (1_000, "1,000"), (10_000, "10,000"), (100_000, "100,000")] {
            // The plan's baseline is also compared without a writer; `locked` only with one, where it matters.
            let writers = ["writer at 1 kHz", "no writer"];
            for writer in &writers[..if baseline == "locked" { 1 } else { 2 }] {
                let what = format!("{what} listed and walked, {writer}");
                let (target, design) = ("list-all no slower", "snapshot");
                let line =
                    Line { target, goal: 1.0, what, bench: "listall", design, baseline, threads_min: 1 };
                rows += &line.row(benches, |it| {
                    it.size() == size && it.setting().ends_with("walked") && it.writer() == *writer
                });
            }
        }
    }
    rows
}

fn memory(benches: &[Bench]) -> String {
    let mut table = head(&[
        "what",
        "processes",
        "design",
        "bytes per process",
        "to `locked`",
        "to the bare map",
        "verdict",
    ]);
    for block in blocks(benches, "memory") {
        for design in block.designs() {
            let ratio = number(&design["bytes_to_locked"]);
            let verdict = match text(&design["design"]) {
                "atomic" => met(ratio <= 1.1),
                _ => "",
            };
            table += &row(&[
                block.setting().to_owned(),
                crate::figures::thousands(block.size() as f64),
                format!("`{}`", text(&design["design"])),
                format!("{:.0}", number(&design["bytes_per_process"])),
                times(ratio),
                times(number(&design["bytes_to_plain"])),
                verdict.to_owned(),
            ]);
        }
    }
    table
}

/// Tabulates the settings in which a mutex is faster than a design on `atomic`.
pub fn where_a_mutex_wins(benches: &[Bench]) -> String {
    let mut losses: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for block in ["reads", "lookups", "listall", "commits"].iter().flat_map(|name| blocks(benches, name)) {
        for design in block.designs().filter(|design| design["side"] == "atomic") {
            let name = text(&design["design"]);
            for baseline in block.baselines() {
                let Some(ratio) = block.ratio(name, baseline).filter(|ratio| *ratio < NOISE) else {
                    continue;
                };
                let size = crate::figures::thousands(block.size() as f64);
                let setting = format!("{}, of {size}, {}", block.setting(), block.writer());
                let pair = format!("`{name}` / `{baseline}`");
                let at = format!("{}: {}{}", block.threads(), times(ratio), block.mark());
                losses.entry((setting, pair)).or_default().push(at);
            }
        }
    }
    if losses.is_empty() {
        return "In none of the measured settings.\n".to_owned();
    }
    let mut table = "All settings in which a design on `atomic` was more than 5 % slower than a mutex. A bare mutex has no rules \
                     to enforce, no version to check and no changes to record; `locked` has all three.\n"
        .to_owned();
    table += &head(&["setting", "of / to", "threads: ratio"]);
    for ((setting, pair), at) in losses {
        table += &row(&[setting, pair, at.join(", ")]);
    }
    table
}
