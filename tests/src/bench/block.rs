//! A block: several designs, measured in one setting. They take turns in an order that rotates with each round, and ratios
//! are formed within a round, so that disturbances of the machine affect both sides of a ratio.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measures")]

use hdrhistogram::Histogram;
use serde_json::{Map, Value, json};

use super::control::{DISTURBED_BELOW, applies, control};
use super::results::{quantiles, quick};
use super::spread::{spread, spread_json};
use super::trial::{Design, Load, Times, Trial, histogram, trial};

/// The parameters that the designs of a block share.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The operation, such as "state, one hot process".
    pub what: String,
    /// The number of threads that do it.
    pub threads: usize,
    /// The number of processes in the registry.
    pub size: usize,
    /// The writer that runs at the same time.
    pub load: Load,
    /// Whether the report shows the block in full.
    pub key: bool,
}

/// The number of times a disturbed block is measured again.
pub const AGAIN: usize = 2;

/// The number of rounds and their length.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The number of turns of each design.
    pub rounds: usize,
    /// The length of each turn.
    pub times: Times,
}

impl Plan {
    /// Returns the usual plan; `long` is for operations that take milliseconds.
    #[must_use]
    pub fn usual(long: bool) -> Self {
        let times = match (quick(), long) {
            (true, _) => Times { throughput_ms: 3, latency_ms: 2 },
            (false, false) => Times { throughput_ms: 30, latency_ms: 10 },
            (false, true) => Times { throughput_ms: 80, latency_ms: 60 },
        };
        Self { rounds: if quick() { 2 } else { 5 }, times }
    }
}

/// Returns the control of a block as JSON. It is measured before and after the block, and the worse figure counts.
#[must_use]
pub fn control_json(before: f64, after: f64) -> Value {
    let worse = before.min(after);
    json!({ "worse": worse, "disturbed": applies() && worse < DISTURBED_BELOW })
}

/// Returns and prints the block that `measure` measures. A disturbed block is measured again, up to [`AGAIN`] times, and the
/// one with the best control is kept, whatever its figures are.
pub fn undisturbed(measure: impl Fn() -> Value) -> Value {
    let mut block = measure();
    for _ in 0..AGAIN {
        if block["control"]["disturbed"] == false || quick() {
            break;
        }
        let again = measure();
        let worse = |block: &Value| block["control"]["worse"].as_f64();
        if worse(&again) > worse(&block) {
            block = again;
        }
    }
    show(&block);
    block
}

/// Measures all designs; ratios are to each of the `baselines`, which are names of designs.
#[must_use]
pub fn block(setting: &Setting, plan: Plan, baselines: &[&str], designs: &[Design<'_>]) -> Value {
    undisturbed(|| measured(setting, plan, baselines, designs))
}

fn measured(setting: &Setting, plan: Plan, baselines: &[&str], designs: &[Design<'_>]) -> Value {
    let before = control(plan.times);
    let mut trials: Vec<Vec<Trial>> = vec![Vec::new(); designs.len()];
    for round in 0..plan.rounds {
        for turn in 0..designs.len() {
            let at = (round + turn) % designs.len();
            trials[at].push(trial(&designs[at], setting.threads, setting.load, plan.times));
        }
    }
    let of = |name: &str| designs.iter().position(|design| design.name == name).unwrap();
    let figures = designs.iter().zip(&trials).map(|(design, own)| {
        let ratios = baselines.iter().map(|name| {
            let rounds = own.iter().zip(&trials[of(name)]);
            let ratios = rounds.map(|(own, baseline)| own.per_second / baseline.per_second);
            ((*name).to_owned(), spread_json(ratios.collect()))
        });
        figures(design, own, ratios.collect())
    });
    json!({
        "setting": setting.what,
        "threads": setting.threads,
        "size": setting.size,
        "writer": setting.load.words(),
        "key": setting.key,
        "rounds": plan.rounds,
        "round_ms": plan.times.throughput_ms,
        "control": control_json(before, control(plan.times)),
        "baselines": baselines,
        "designs": figures.collect::<Vec<Value>>(),
    })
}

fn figures(design: &Design<'_>, trials: &[Trial], ratios: Map<String, Value>) -> Value {
    let median = |of: fn(&Trial) -> f64| spread(trials.iter().map(of).collect()).0;
    let mut all: Histogram<u64> = histogram();
    trials.iter().for_each(|trial| all.add(&trial.latencies).unwrap());
    let mut figures = quantiles(&all);
    figures.insert("design".into(), design.name.into());
    figures.insert("side".into(), design.side.as_str().into());
    figures.insert("per_second".into(), median(|trial| trial.per_second).into());
    figures.insert("ratios".into(), ratios.into());
    figures.insert("cpu_ns".into(), median(|trial| trial.cpu_ns).into());
    figures.insert("allocations".into(), median(|trial| trial.allocations).into());
    figures.insert("allocated_bytes".into(), median(|trial| trial.bytes).into());
    figures.insert("writes_per_second".into(), median(|trial| trial.writes_per_second).into());
    figures.into()
}

/// Prints a block: for each design its figures, and the ratio of its throughput to each baseline.
fn show(block: &Value) {
    let number =
        |value: &Value, digits| value.as_f64().map_or_else(String::new, |it| format!("{it:.digits$}"));
    let disturbed = if block["control"]["disturbed"] == true { " DISTURBED" } else { "" };
    println!(
        "\n{}, {} processes, {} threads, {}   control {}x{disturbed}",
        block["setting"].as_str().unwrap_or_default(),
        block["size"],
        block["threads"],
        block["writer"].as_str().unwrap_or_default(),
        number(&block["control"]["worse"], 2),
    );
    println!(
        "{:<28} {:>11} {:>9} {:>9} {:>9} {:>10} {:>8} {:>6} {:>9}  ratio to",
        "", "thousand/s", "p50 ns", "p95 ns", "p99 ns", "max ns", "cpu ns", "allocs", "writes/s",
    );
    for design in block["designs"].as_array().into_iter().flatten() {
        let ratios = design["ratios"].as_object().into_iter().flatten();
        let ratios: Vec<String> =
            ratios.map(|(name, ratio)| format!("{name}: {}", number(&ratio["median"], 2))).collect();
        let thousands = design["per_second"].as_f64().map(|it| it / 1e3);
        println!(
            "{:<28} {:>11} {:>9} {:>9} {:>9} {:>10} {:>8} {:>6} {:>9}  {}",
            design["design"].as_str().unwrap_or_default(),
            number(&json!(thousands), 1),
            number(&design["p50_ns"], 0),
            number(&design["p95_ns"], 0),
            number(&design["p99_ns"], 0),
            number(&design["max_ns"], 0),
            number(&design["cpu_ns"], 1),
            number(&design["allocations"], 2),
            number(&design["writes_per_second"], 0),
            ratios.join("  "),
        );
    }
}
