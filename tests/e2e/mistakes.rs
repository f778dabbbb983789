//! A policy for each scenario that comes with the program, which makes the mistake that the scenario is named after: it passes the test
//! that its author would write, and the scenario finds it. They are one component with a setting, `tests/guests/wrong`.

use std::path::PathBuf;

use provost_tests::{Setup, guest};
use serde_json::Value;

use crate::{PROVOST, simulating};

/// A mistake, the scenario that finds it, and an invariant of the scenario that it breaks.
struct Caught {
    mistake: &'static str,
    scenario: &'static str,
    breaks: &'static str,
}

const fn caught(mistake: &'static str, scenario: &'static str, breaks: &'static str) -> Caught {
    Caught { mistake, scenario, breaks }
}

const MISTAKES: [Caught; 12] = [
    caught("never-resets", "a-back-off-that-never-resets", "back_to_first_delay_after"),
    caught("ignores-longer-lives", "a-limit-that-never-fires", "max_restarts_per_hour"),
    caught("reset-by-a-kill", "a-counter-zeroed-by-a-memory-restart", "delay_never_shrinks_in_a_streak"),
    caught("restarts-what-does-not-answer", "two-policies-that-fight", "max_restarts_per_minute"),
    caught("gives-up-in-a-row", "an-outage-that-is-given-up", "never_gives_up_while"),
    caught("spreads-by-the-time", "a-thundering-herd", "no_thundering_herd"),
    caught("overflows", "a-crash-loop-without-a-pause", "max_restarts_per_minute"),
    caught("restarts-a-quick-success", "a-success-that-is-restarted", "never_restarts_a_success"),
    caught("blames-dependents", "a-flapping-dependency", "never_gives_up_while"),
    caught("holds-up-orders", "a-bad-deploy", "recovers_within"),
    caught("kills-what-starts", "a-slow-start", "max_restarts_per_minute"),
    caught("counts-by-the-wall-clock", "a-clock-that-is-set-back", "back_to_first_delay_after"),
];

/// The folder of the wrong policy, as its author has it.
fn project() -> PathBuf {
    guest("wrong").parent().unwrap().to_owned()
}

fn simulate(setup: &Setup, arguments: &[&str]) -> (i32, Value) {
    let component = guest("wrong").display().to_string();
    simulating::simulate(setup, &[&[&*component, "--no-shrink"], arguments].concat())
}

/// Returns the names of the invariants with this verdict.
fn with_verdict<'s>(scenario: &'s Value, verdict: &str) -> Vec<&'s str> {
    let expected = scenario["expected"].as_array().unwrap().iter();
    expected.filter(|one| one["verdict"] == verdict).map(|one| one["invariant"].as_str().unwrap()).collect()
}

#[test]
fn each_mistake_passes_the_test_that_its_author_would_write() {
    let setup = Setup::new(PROVOST, "");
    let dir = project();
    let ran = setup.run(&["plugin", "test", dir.to_str().unwrap(), "--no-native", "-o", "json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let found: Value = serde_json::from_str(&ran.stdout).unwrap();
    let vectors = found["vectors"].as_array().unwrap();
    assert!(vectors.iter().all(|vector| vector["result"] == "passed"), "{found:#}");
    let files = std::fs::read_dir(dir.join("tests/vectors")).unwrap().count();
    assert_eq!(files, MISTAKES.len(), "each file of vectors is about one mistake");
    for Caught { mistake, .. } in MISTAKES {
        let path = dir.join("tests/vectors").join(format!("{mistake}.toml"));
        let of_it = vectors.iter().filter(|vector| vector["file"] == path.to_str().unwrap()).count();
        assert!(of_it >= 2, "{mistake} has {of_it} vectors");
        let text = std::fs::read_to_string(path).unwrap();
        let settings = format!("settings = {{ mistake = \"{mistake}\" }}");
        assert_eq!(text.matches("settings").count(), 1, "{mistake}");
        assert!(text.contains(&settings), "the vectors of {mistake} are about another one");
    }
}

#[test]
fn the_scenario_that_is_named_after_a_mistake_finds_it() {
    let setup = Setup::new(PROVOST, "");
    for Caught { mistake, scenario, breaks } in MISTAKES {
        let settings = format!("{{\"mistake\": \"{mistake}\"}}");
        let bundled = format!("bundled:{scenario}");
        let (code, found) = simulate(&setup, &["--settings", &settings, "--scenario", &bundled]);
        let found = &found["scenarios"][0];
        assert_eq!(code, 1, "{mistake}: {:#}", found["expected"]);
        assert!(with_verdict(found, "broken").contains(&breaks), "{mistake}: {:#}", found["expected"]);
        // It is the judgement that is wrong: no call has failed, and the failsafe has decided nothing.
        assert_eq!(found["faults_count"], 0, "{mistake}: {:#}", found["faults"]);
        let processes = found["processes"].as_array().unwrap().iter();
        let decisions = processes.flat_map(|process| process["decisions"].as_array().unwrap());
        let others: Vec<&Value> =
            decisions.map(|made| &made["by"]).filter(|by| **by != "subject" && **by != "recycler").collect();
        assert!(others.is_empty(), "{mistake}: {others:?}");
    }
}

#[test]
fn the_same_policy_without_a_mistake_holds_what_all_scenarios_expect() {
    let setup = Setup::new(PROVOST, "");
    let (code, found) = simulate(&setup, &[]);
    let scenarios = found["scenarios"].as_array().unwrap();
    let names: Vec<String> =
        scenarios.iter().map(|one| one["scenario"].as_str().unwrap().replace(' ', "-")).collect();
    assert_eq!(names, MISTAKES.map(|caught| caught.scenario), "each scenario has its mistake");
    for scenario in scenarios {
        let expected = scenario["expected"].as_array().unwrap().len();
        assert_eq!(with_verdict(scenario, "holds").len(), expected, "{:#}", scenario["expected"]);
    }
    assert_eq!(code, 0);
}

/// A broker that fails after a minute takes its workers with it, which live for less than a minute each time.
const FLAPPING: &str = r#"
[scenario]
for = "6h"

[process.broker]
command = "broker"
ready   = { tcp = "127.0.0.1:5672", every = "500ms" }

[process.worker]
command    = "worker"
replicas   = 2
depends_on = { broker = "ready" }

[[fault]]
name  = "it flaps"
of    = "broker"
with  = "dependents"
kind  = "crash"
after = ["62s", "64s"]

# The workers wait for it, so that their lives are shorter than its own.
[[fault]]
of    = "broker"
kind  = "slow-start"
after = "20s"

[[expect]]
never_gives_up_while    = "it flaps"
max_restarts_per_minute = 2
"#;

#[test]
fn a_mistake_that_only_the_dependents_show_is_shrunk_to_a_broker_and_a_worker_that_fails_with_it() {
    let setup = Setup::new(PROVOST, "");
    let file = setup.dir().join("flapping.toml");
    std::fs::write(&file, FLAPPING).unwrap();
    let component = guest("wrong").display().to_string();
    let judged = [
        &*component,
        "--settings",
        r#"{"mistake": "blames-dependents"}"#,
        "--scenario",
        file.to_str().unwrap(),
    ];
    // Eleven lives are enough. The smallest scenario says itself how long it lasts, and has which seed.
    let (code, found) =
        simulating::simulate(&setup, &[&judged[..], &["--for", "15m", "--seed", "3"]].concat());
    let scenario = &found["scenarios"][0];
    assert_eq!((code, &*with_verdict(scenario, "broken")), (1, &["never_gives_up_while"][..]));
    let breaches = scenario["expected"].as_array().unwrap().iter();
    let mut breaches = breaches.flat_map(|one| one["breaches"].as_array().unwrap());
    assert!(breaches.all(|one| one["process"].as_str().unwrap().starts_with("worker.")), "{scenario:#}");
    let smallest = scenario["smallest"]["scenario"].as_str().unwrap();
    for kept in ["[process.broker]", "[process.worker", "with = \"dependents\"", "it flaps", "seed = 3"] {
        assert!(smallest.contains(kept), "{kept}: {smallest}");
    }
    for gone in ["max_restarts_per_minute", "replicas = 2", "for = \"6h\""] {
        assert!(!smallest.contains(gone), "{gone}: {smallest}");
    }
    // Nothing but the coupling shows the mistake.
    let apart = smallest.replace("with = \"dependents\"\n", "");
    for (text, breaks) in [(smallest, 1), (&*apart, 0)] {
        std::fs::write(&file, text).unwrap();
        let (code, found) = simulating::simulate(&setup, &[&judged[..], &["--no-shrink"]].concat());
        assert_eq!(code, breaks, "{text}: {:#}", found["scenarios"][0]["expected"]);
    }
}
