//! The results of the benchmarks, and the format of numbers in the report.

use provost_tests::bench::results::folder;
use serde_json::Value;

/// The results of one benchmark.
pub struct Bench {
    pub name: &'static str,
    pub machine: Value,
    pub blocks: Vec<Block>,
}

/// One block of results.
pub struct Block(pub Value);

/// Reads the results of `name`. Fails if there are none or if they come from a short run.
pub fn read(name: &'static str) -> Result<Bench, String> {
    let text = std::fs::read_to_string(folder().join(format!("{name}.json")))
        .map_err(|error| format!("no results of `{name}` ({error}): run the benchmark first"))?;
    let mut results: Value =
        serde_json::from_str(&text).map_err(|error| format!("the results of `{name}`: {error}"))?;
    if results["quick"] != false {
        return Err(format!("the results of `{name}` come from a short run: run it without --quick"));
    }
    let machine = results["machine"].take();
    let blocks = results["blocks"].as_array_mut().map(std::mem::take).unwrap_or_default();
    Ok(Bench { name, machine, blocks: blocks.into_iter().map(Block).collect() })
}

/// Returns the blocks of the benchmark called `name`; none if it was not run.
pub fn blocks<'a>(benches: &'a [Bench], name: &str) -> impl Iterator<Item = &'a Block> + use<'a> {
    let bench = benches.iter().find(|bench| bench.name == name);
    bench.into_iter().flat_map(|bench| &bench.blocks)
}

impl Block {
    pub fn setting(&self) -> &str {
        self.0["setting"].as_str().unwrap_or_default()
    }

    pub fn writer(&self) -> &str {
        self.0["writer"].as_str().unwrap_or_default()
    }

    pub fn threads(&self) -> u64 {
        self.0["threads"].as_u64().unwrap_or_default()
    }

    pub fn size(&self) -> u64 {
        self.0["size"].as_u64().unwrap_or_default()
    }

    pub fn control(&self) -> f64 {
        number(&self.0["control"]["worse"])
    }

    pub fn is_disturbed(&self) -> bool {
        self.0["control"]["disturbed"] == true
    }

    /// Returns `*`, escaped for Markdown, if the block is disturbed.
    pub fn mark(&self) -> &'static str {
        if self.is_disturbed() { "\\*" } else { "" }
    }

    pub fn designs(&self) -> impl Iterator<Item = &Value> {
        self.0["designs"].as_array().into_iter().flatten()
    }

    pub fn design(&self, name: &str) -> Option<&Value> {
        self.designs().find(|design| design["design"] == name)
    }

    pub fn baselines(&self) -> impl Iterator<Item = &str> {
        self.0["baselines"].as_array().into_iter().flatten().filter_map(Value::as_str)
    }

    /// Returns the median ratio of `design` to `baseline`.
    pub fn ratio(&self, design: &str, baseline: &str) -> Option<f64> {
        self.design(design)?["ratios"][baseline]["median"].as_f64()
    }
}

pub fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Formats a ratio, with more decimals for a smaller one.
pub fn times(ratio: f64) -> String {
    match ratio {
        _ if !ratio.is_finite() => "-".to_owned(),
        _ if ratio < 0.095 => format!("{ratio:.3}x"),
        _ if ratio < 9.95 => format!("{ratio:.2}x"),
        _ if ratio < 99.5 => format!("{ratio:.1}x"),
        _ => format!("{}x", thousands(ratio)),
    }
}

/// Formats a whole number, with its digits in groups of three.
pub fn thousands(value: f64) -> String {
    if !value.is_finite() {
        return "-".to_owned();
    }
    let digits = format!("{value:.0}");
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Formats a duration in nanoseconds, microseconds or milliseconds, depending on its length.
pub fn duration(ns: f64) -> String {
    match ns {
        _ if !ns.is_finite() => "-".to_owned(),
        _ if ns < 10_000.0 => format!("{} ns", thousands(ns)),
        _ if ns < 10_000_000.0 => format!("{} us", thousands(ns / 1e3)),
        _ => format!("{} ms", thousands(ns / 1e6)),
    }
}

/// Formats operations per second.
pub fn rate(per_second: f64) -> String {
    match per_second {
        _ if !per_second.is_finite() => "-".to_owned(),
        _ if per_second >= 1e6 => format!("{:.1} M/s", per_second / 1e6),
        _ if per_second >= 1e4 => format!("{:.1} k/s", per_second / 1e3),
        _ => format!("{}/s", thousands(per_second)),
    }
}

/// Formats a row of a table.
pub fn row(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

/// Formats the head of a table.
pub fn head(cells: &[&str]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| (*cell).to_owned()).collect();
    format!("\n{}|{}\n", row(&cells), "---|".repeat(cells.len()))
}
