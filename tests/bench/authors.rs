//! What an author of a plugin waits for: `cargo bench -p provost --bench authors`.
//!
//! `plugin simulate` plays a scenario in virtual time, by the real supervisor and the component of `backoff`; the figures are
//! restarts, days and decisions by the second of real time, and the time of the whole command. `plugin dev` follows a new
//! project in Rust; each round saves another reason into its source, and ends when the session says that the version was
//! swapped into its host. So the figure covers the watching, the compiler, the tests, the vectors and the swap.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and fails by panicking")]

mod figures;

use std::fs;

use provost_tests::{DevSession, Setup};
use serde_json::{Value, json};

use figures::{Latencies, now_ns, quick};

const PROVOST: &str = env!("CARGO_BIN_EXE_provost");

/// How often each scenario is played.
const RUNS: usize = 11;

/// How often the source is saved.
const SAVES: usize = 20;

/// The scenarios: the name, how long they last, when the process crashes after its start, and the settings of `backoff`.
const SCENARIOS: [(&str, &str, &str, &str); 3] = [
    (
        "a crash a second after each start, for a day",
        "1d",
        "1s",
        "{\"first\": \"1s\", \"factor\": 1, \"jitter\": 0}",
    ),
    ("a crash a day, for 100 years", "36500d", "1d", "{}"),
    ("a crash a month, for 100 years", "36500d", "30d", "{}"),
];

/// What the reason of the project's policy begins with; a save changes it.
const REASON: &str = "it has done its work";

/// Plays a scenario again and again.
fn simulated((name, lasts, after, settings): (&str, &str, &str, &str), runs: usize) -> Value {
    let setup = Setup::new(PROVOST, "");
    let scenario = format!(
        "[scenario]\nname = {name:?}\nfor = {lasts:?}\n[process.web]\ncommand = \"web\"\npolicies = [\"subject\"]\n\
         [[fault]]\nof = \"web\"\nkind = \"crash\"\nafter = {after:?}\n"
    );
    let path = setup.dir().join("scenario.toml");
    fs::write(&path, scenario).unwrap();
    let arguments =
        ["plugin", "simulate", "bundled:backoff", "--settings", settings, "-o", "json", "--scenario"];
    let mut whole = Latencies::default();
    let mut rates: Vec<[f64; 3]> = Vec::new();
    for _ in 0..runs {
        let began = now_ns();
        let ran = setup.run(&[&arguments[..], &[path.to_str().unwrap()]].concat());
        whole.record(now_ns() - began);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        rates.push(by_second(&serde_json::from_str(&ran.stdout).unwrap()));
    }
    let median = |which: usize| {
        let mut all: Vec<f64> = rates.iter().map(|rates| rates[which]).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    let [restarts, days, decisions] = [0, 1, 2].map(median);
    println!("simulate: {name}");
    println!(
        "  {restarts:>8.0} restarts/s {days:>10.0} days/s {decisions:>8.0} decisions/s (medians of {runs})"
    );
    println!("  the command {}", whole.words());
    json!({
        "design": name,
        "restarts_per_second": restarts,
        "days_per_second": days,
        "decisions_per_second": decisions,
        "command": whole.json(),
    })
}

/// Returns the restarts, days and decisions by the second of one run.
fn by_second(answer: &Value) -> [f64; 3] {
    let run = &answer["scenarios"][0];
    let took_s = run["took_ms"].as_f64().unwrap().max(1.0) / 1e3;
    let restarts = run["processes"][0]["restarts"].as_f64().unwrap();
    let days = run["lasted_ms"].as_f64().unwrap() / 86_400e3;
    [restarts, days, run["decisions"].as_f64().unwrap()].map(|count| count / took_s)
}

/// Saves the source again and again, and measures until the new version is swapped.
fn developed(saves: usize) -> Value {
    let setup = Setup::new(PROVOST, "");
    let made = setup.run(&["plugin", "new", "night-watch", "--lang", "rust", "--role", "restart-policy"]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    // The first build and the first test compile the SDK and its dependencies, too.
    for what in ["build", "test"] {
        let ran = setup.run(&["plugin", what, "night-watch"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    }
    let source = setup.dir().join("night-watch/src/lib.rs");
    let text = fs::read_to_string(&source).unwrap();
    assert!(text.contains(REASON), "the template has another reason");
    let mut session = DevSession::start(&setup, &["night-watch"]);
    session.until("Ctrl-C ends");
    let mut took = Latencies::default();
    for save in 0..saves {
        let began = now_ns();
        fs::write(&source, text.replace(REASON, &format!("{REASON} {save}"))).unwrap();
        session.until_times("swapped: version", save + 1);
        took.record(now_ns() - began);
    }
    assert!(session.interrupt().success());
    println!("dev: from a save to swapped   {}", took.words_in(1_000_000, "ms"));
    json!({ "design": "plugin dev, from a save to swapped", "took": took.json() })
}

fn main() {
    let (runs, saves) = if quick() { (3, 3) } else { (RUNS, SAVES) };
    let played: Vec<Value> = SCENARIOS.into_iter().map(|scenario| simulated(scenario, runs)).collect();
    let developed = developed(saves);
    figures::write(
        "authors",
        json!([
            { "setting": "simulate", "runs": runs, "designs": played },
            { "setting": "dev", "saves": saves, "designs": [developed] },
        ]),
    );
}
