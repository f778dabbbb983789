//! The tables of the report: the machine, the latencies that users notice, key settings in full, and the ratios of all settings.

use serde_json::Value;

use crate::figures::{Bench, Block, blocks, duration, head, number, rate, row, text, thousands, times};

/// Describes the machine, and says how many blocks were disturbed.
pub fn machine(benches: &[Bench]) -> String {
    let Some(machine) = benches.first().map(|bench| &bench.machine) else { return String::new() };
    let (all, disturbed) =
        benches.iter().flat_map(|bench| &bench.blocks).fold((0, 0), |(all, bad), block| {
            let has_control = block.0["control"].is_object();
            (all + usize::from(has_control), bad + usize::from(block.is_disturbed()))
        });
    let commit = match text(&machine["commit"]) {
        "" => String::new(),
        commit => format!(" Measured on the tree that follows commit {commit}."),
    };
    format!(
        "\nThe machine: {} cores ({}), Linux {}, {}.{commit} Of {all} blocks with a control {disturbed} were disturbed.\n",
        machine["cores"],
        text(&machine["cpu"]),
        text(&machine["kernel"]),
        text(&machine["rustc"]),
    )
}

/// Lists the rates that the writers reached.
pub fn writers(benches: &[Bench]) -> String {
    let mut text = String::new();
    for writer in ["writer at 1 kHz", "writer flat out"] {
        let all = benches.iter().flat_map(|bench| &bench.blocks).filter(|block| block.writer() == writer);
        let mut rates: Vec<f64> = all
            .flat_map(Block::designs)
            .map(|design| number(&design["writes_per_second"]))
            .filter(|rate| *rate > 0.0)
            .collect();
        rates.sort_by(f64::total_cmp);
        if let (Some(least), Some(most)) = (rates.first(), rates.last()) {
            let median = rate(rates[rates.len() / 2]);
            text += &format!(
                "- \"{writer}\" reached {median} (median of all designs and settings; {} to {}): with more threads than \
                 cores it waits for a core, and with locks for the readers.\n",
                rate(*least),
                rate(*most)
            );
        }
    }
    text
}

fn quantiles(of: &Value) -> [String; 4] {
    ["p50_ns", "p95_ns", "p99_ns", "max_ns"].map(|key| duration(number(&of[key])))
}

/// Tabulates the latencies of the paced reader and of the production path.
pub fn felt(benches: &[Bench]) -> String {
    let mut table = "A reader that reads now and then, while another thread works on the same process. The latency depends on \
                     whether a lock is held across that work, and not on which lock.\n"
        .to_owned();
    table += &head(&["setting", "design", "p50", "p95", "p99", "max", "control"]);
    for block in blocks(benches, "paced") {
        for design in block.designs() {
            let mut cells = vec![block.setting().to_owned(), format!("`{}`", text(&design["design"]))];
            cells.extend(quantiles(design));
            cells.push(format!("{:.2}x{}", block.control(), block.mark()));
            table += &row(&cells);
        }
    }
    if blocks(benches, "status").next().is_some() {
        table += "\nStatus of all processes through the control socket of the real host (`GET /v1/status`), paced and as \
                  fast as one client can ask.\n";
        table += &head(&[
            "setting",
            "backend",
            "paced p50",
            "p95",
            "p99",
            "max",
            "closed loop",
            "to `locked`",
            "commits",
        ]);
    }
    for block in blocks(benches, "status").filter(|block| block.setting() != "replies") {
        for design in block.designs() {
            let mut cells = vec![
                format!("{}, {} processes", block.setting(), block.0["processes"]),
                format!("`{}`", text(&design["design"])),
            ];
            cells.extend(quantiles(&design["paced"]));
            cells.push(rate(number(&design["per_second"])));
            cells.push(times(number(&design["ratio_to_locked"])));
            cells.push(rate(number(&design["commits_per_second"])));
            table += &row(&cells);
        }
    }
    table + &lives(benches)
}

/// Describes how long processes and the host take to start, to end and to be replaced.
fn lives(benches: &[Bench]) -> String {
    let mut table = String::new();
    for block in blocks(benches, "restart") {
        for design in block.designs() {
            let [p50, p95, p99, max] = quantiles(&design["kill_to_successor"]);
            table += &format!(
                "\nFrom a kill to the first instruction of the successor ({}, {} kills): p50 {p50}, p95 {p95}, p99 \
                 {p99}, max {max}.\n",
                text(&design["design"]),
                block.0["kills"],
            );
        }
    }
    for block in blocks(benches, "lifecycle") {
        for design in block.designs() {
            let ([start, ..], [stop, ..]) = (quantiles(&design["start"]), quantiles(&design["stop"]));
            table += &format!(
                "\nFrom `up --detach --wait` until {} processes run, and from `down` until all have ended ({}, {} rounds): p50 \
                 {start} and {stop}.\n",
                block.0["processes"],
                text(&design["design"]),
                block.0["rounds"],
            );
        }
    }
    for block in blocks(benches, "upgrade") {
        let [p50, p95, p99, max] = quantiles(&block.0["silent"]);
        table += &format!(
            "\nThe silence of the API over an upgrade in place ({}, {} upgrades): p50 {p50}, p95 {p95}, p99 {p99}, max {max}.\n",
            block.setting(),
            block.0["upgrades"],
        );
    }
    table
}

/// Tabulates all figures of the key blocks.
pub fn key(benches: &[Bench]) -> String {
    let mut all = String::new();
    for block in ["reads", "lookups", "listall", "commits"].iter().flat_map(|name| blocks(benches, name)) {
        if block.0["key"] == true {
            all += &full(block);
        }
    }
    all
}

fn full(block: &Block) -> String {
    let mut table = format!(
        "\n**{}**, {} processes, {} threads, {}; control {:.2}x{}\n",
        block.setting(),
        thousands(block.size() as f64),
        block.threads(),
        block.writer(),
        block.control(),
        block.mark(),
    );
    let baselines: Vec<&str> = block.baselines().collect();
    let to: Vec<String> = baselines.iter().map(|name| format!("to `{name}` (range)")).collect();
    let mut heads = vec!["design", "throughput"];
    heads.extend(to.iter().map(String::as_str));
    heads.extend(["p50", "p95", "p99", "max", "CPU", "allocations"]);
    table += &head(&heads);
    for design in block.designs() {
        let mut cells = vec![format!("`{}`", text(&design["design"])), rate(number(&design["per_second"]))];
        cells.extend(baselines.iter().map(|baseline| {
            if design["design"] == *baseline {
                return String::new();
            }
            let ratio = &design["ratios"][*baseline];
            let [median, least, most] = ["median", "least", "greatest"].map(|key| times(number(&ratio[key])));
            format!("{median} ({least} .. {most})")
        }));
        cells.extend(quantiles(design));
        let cpu_ns = number(&design["cpu_ns"]);
        cells.push(if cpu_ns < 100.0 { format!("{cpu_ns:.1} ns") } else { duration(cpu_ns) });
        cells.push(format!("{:.2}", number(&design["allocations"])));
        table += &row(&cells);
    }
    table
}

/// Tabulates all blocks, one line each, as ratios to the first design.
pub fn matrices(benches: &[Bench]) -> String {
    let mut all = String::new();
    for name in ["reads", "lookups", "listall", "commits"] {
        let mut last: Vec<&str> = Vec::new();
        for block in blocks(benches, name) {
            let designs: Vec<&str> = block.designs().map(|design| text(&design["design"])).collect();
            let same = designs == last;
            if !same {
                all += &matrix_head(name, &designs);
            }
            all += &line(block);
            last = designs;
        }
    }
    all
}

fn matrix_head(name: &str, designs: &[&str]) -> String {
    let of: Vec<String> = designs.iter().map(|design| format!("`{design}`")).collect();
    let mut heads = vec!["setting", "processes", "threads", "control"];
    heads.extend(of.iter().map(String::as_str));
    format!("\n### {name}: {}\n{}", designs.join(" · ").replace('<', "&lt;"), head(&heads))
}

fn line(block: &Block) -> String {
    let mut cells = vec![
        format!("{}, {}", block.setting(), block.writer()),
        thousands(block.size() as f64),
        block.threads().to_string(),
        format!("{:.2}x{}", block.control(), block.mark()),
    ];
    let baseline = block.baselines().next().unwrap_or_default();
    cells.extend(block.designs().map(|design| {
        let name = text(&design["design"]);
        if name == baseline {
            return rate(number(&design["per_second"]));
        }
        times(number(&design["ratios"][baseline]["median"]))
    }));
    row(&cells)
}
