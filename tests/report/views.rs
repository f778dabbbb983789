//! The section about what it costs to look at a host: the live view, the reading of resources, and the tools of MCP.

use crate::figures::{Bench, Block, blocks, duration, head, number, row, thousands, times};
use crate::verdict::met;

/// The most of a core that the view may use, in percent, with 100 restarts per second and 10 frames per second.
const VIEW_PERCENT: f64 = 3.0;

/// The most that the host may use for the view, in percent of a core.
const HOST_PERCENT: f64 = 1.0;

/// The most that the reading of resources may use, in percent of a core.
const USAGE_PERCENT: f64 = 1.0;

/// The greatest ratio of the medians of a status by MCP and the same over HTTP.
const MCP_RATIO: f64 = 2.0;

/// The setting to which the goals of the view apply.
const BUSY: &str = "100 restarts/s";

/// The setting in which only the reading of resources is at work.
const QUIET: &str = "quiet";

/// Returns the whole section, or an empty text if neither was measured.
pub fn all(benches: &[Bench]) -> String {
    let parts = live(benches) + &tools(benches);
    if parts.is_empty() { parts } else { format!("\n## Live view, use of resources and MCP\n{parts}") }
}

fn live(benches: &[Bench]) -> String {
    let measured: Vec<&Block> = blocks(benches, "top").collect();
    if measured.is_empty() {
        return String::new();
    }
    let mut out = "\n`provost top` shows 1,000 processes in a terminal of 160 columns and 50 rows, 10 frames per second. Percents are of one \
                   core. `for the\nview` is the difference between the host while it is watched and the same host before and afterwards. \
                   In a storm it is\nsmaller than what the host uses more or less from one moment to the next, so the goal is compared with `API`: the threads that \
                   answer\nrequests, of which only the view sends any. `usage` is the thread that reads the use of resources of all processes.\n"
        .to_owned();
    out += &head(&["goal", "at most", "measured", "verdict"]);
    for block in &measured {
        let mut goal = |what: &str, most: f64, percent: f64| {
            let cells = [what.to_owned(), percents(most), percents(percent), met(percent <= most).to_owned()];
            out += &row(&cells);
        };
        match block.setting() {
            BUSY => {
                goal("100 restarts/s: the view", VIEW_PERCENT, number(&block.0["view_percent"]));
                goal("100 restarts/s: the host for the view", HOST_PERCENT, number(&block.0["api_percent"]));
            }
            QUIET => goal("the reading of resources", USAGE_PERCENT, number(&block.0["usage_percent"])),
            _ => {}
        }
    }
    out += &head(&[
        "setting",
        "restarts",
        "commits",
        "view",
        "API",
        "host, for the view",
        "host, whole",
        "usage",
    ]);
    for block in &measured {
        let per_second = |key: &str| format!("{}/s", thousands(number(&block.0[key])));
        out += &row(&[
            block.setting().to_owned(),
            per_second("restarts_per_s"),
            per_second("commits_per_s"),
            percents(number(&block.0["view_percent"])),
            percents(number(&block.0["api_percent"])),
            percents(for_the_view(block)),
            percents(number(&block.0["host_percent"])),
            percents(number(&block.0["usage_percent"])),
        ]);
    }
    out
}

/// Returns what the host used while it was watched beyond what it used before and afterwards.
fn for_the_view(block: &Block) -> f64 {
    let without = (number(&block.0["host_percent_before"]) + number(&block.0["host_percent_after"])) / 2.0;
    number(&block.0["host_percent"]) - without
}

fn percents(percent: f64) -> String {
    format!("{percent:.2} %")
}

fn tools(benches: &[Bench]) -> String {
    if blocks(benches, "mcp").next().is_none() {
        return String::new();
    }
    let mut out = "\nOne client asks for one of the processes: over HTTP, as the tool `process_status` at `/mcp`, and as that tool of \
                   `provost mcp`.\n"
        .to_owned();
    out += &head(&["processes", "asked", "p50", "p95", "p99", "to HTTP", "verdict"]);
    for block in blocks(benches, "mcp") {
        let asked = [
            ("`GET /v1/status?select=`", "api", None),
            ("the tool at `/mcp`", "service", Some("service_by_api_p50")),
            ("the tool of `provost mcp`", "pipes", Some("pipes_by_api_p50")),
        ];
        for (what, key, ratio) in asked {
            let ratio = ratio.map(|ratio| number(&block.0[ratio]));
            let mut cells = vec![block.0["processes"].to_string(), what.to_owned()];
            cells.extend(["p50_ns", "p95_ns", "p99_ns"].map(|at| duration(number(&block.0[key][at]))));
            cells.push(ratio.map_or_else(String::new, times));
            cells.push(ratio.map_or_else(String::new, |ratio| met(ratio <= MCP_RATIO).to_owned()));
            out += &row(&cells);
        }
    }
    out
}
