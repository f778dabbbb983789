//! `plugin simulate`: what bundled policies promise holds in the scenarios that come with the program, and what does not hold is shown
//! with the smallest scenario that still breaks it.

use provost_tests::{Setup, guest};
use serde_json::Value;

use crate::PROVOST;

/// The scenarios that come with the program.
const SHIPPED: [&str; 12] = [
    "a-back-off-that-never-resets",
    "a-limit-that-never-fires",
    "a-counter-zeroed-by-a-memory-restart",
    "two-policies-that-fight",
    "an-outage-that-is-given-up",
    "a-thundering-herd",
    "a-crash-loop-without-a-pause",
    "a-success-that-is-restarted",
    "a-flapping-dependency",
    "a-bad-deploy",
    "a-slow-start",
    "a-clock-that-is-set-back",
];

/// Runs `plugin simulate`, and returns the exit code and what was found.
pub(crate) fn simulate(setup: &Setup, arguments: &[&str]) -> (i32, Value) {
    let ran = setup.run(&[&["plugin", "simulate"], arguments, &["-o", "json"]].concat());
    let found = serde_json::from_str(&ran.stdout);
    assert!(found.is_ok(), "{ran:?}");
    (ran.code, found.unwrap())
}

/// Returns what was found of each invariant of a scenario: its name, and the verdict.
fn verdicts(scenario: &Value) -> Vec<(&str, &str)> {
    let expected = scenario["expected"].as_array().unwrap();
    expected
        .iter()
        .map(|one| (one["invariant"].as_str().unwrap(), one["verdict"].as_str().unwrap()))
        .collect()
}

#[test]
fn backoff_with_jitter_holds_what_all_scenarios_expect_and_each_invariant_is_tested() {
    let setup = Setup::new(PROVOST, "");
    let settings = r#"{"first": "5s", "max": "1m", "jitter": 0.2, "reset_after": "1m"}"#;
    let (code, found) = simulate(&setup, &["bundled:backoff", "--settings", settings, "--no-shrink"]);
    let scenarios = found["scenarios"].as_array().unwrap();
    let names: Vec<String> =
        scenarios.iter().map(|one| one["scenario"].as_str().unwrap().replace(' ', "-")).collect();
    assert_eq!(names, SHIPPED);
    for scenario in scenarios {
        for (invariant, verdict) in verdicts(scenario) {
            assert_eq!(verdict, "holds", "{invariant} in {}: {scenario:#}", scenario["scenario"]);
        }
        assert_eq!(
            scenario["warnings"],
            Value::Array(Vec::new()),
            "each fault of {} hits",
            scenario["scenario"]
        );
    }
    assert_eq!(code, 0);
}

#[test]
fn a_scenario_may_have_the_settings_of_the_policy_and_those_of_the_command_line_replace_them() {
    let setup = Setup::new(PROVOST, "");
    let play = |given: &str, arguments: &[&str]| {
        let text = STORM.replace("for  =", &format!("{given}\nfor  ="));
        std::fs::write(setup.dir().join("settings.toml"), text).unwrap();
        let file = setup.dir().join("settings.toml").display().to_string();
        setup.run(
            &[&["plugin", "simulate", "bundled:backoff", "--no-shrink", "--scenario", &file], arguments]
                .concat(),
        )
    };
    let limited = "settings = { give_up_after = 2 }";
    let held = play(limited, &[]);
    assert_eq!(held.code, 0, "{held:?}");
    assert!(held.stdout.contains("holds    gives_up_after = 3"), "{held:?}");
    let replaced = play(limited, &["--settings", r#"{"give_up_after": 9}"#]);
    assert_eq!(replaced.code, 1, "{replaced:?}");
    assert!(replaced.stdout.contains("BROKEN   gives_up_after = 3"), "{replaced:?}");
    let refused = play("settings = { give_up = 2 }", &[]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stderr.contains("give_up"), "{refused:?}");
    let wrong = play("settings = 7", &[]);
    assert_eq!(wrong.code, 2, "{wrong:?}");
    assert!(
        wrong.stderr.contains("settings.toml:4:12") && wrong.stderr.contains("settings = { … }"),
        "{wrong:?}"
    );
}

/// Two processes that crash for different reasons, and one that does not.
const STORM: &str = r#"
[scenario]
name = "a storm"
for  = "2h"

[process.web]
command = "web"

[process.db]
command = "db"

[[fault]]
of    = "web"
kind  = "crash"
after = "2s"

[[fault]]
of    = "db"
kind  = "kill"
at    = "1h"

[[expect]]
gives_up_after          = 3
max_restarts_per_minute = 60
tolerance               = 0.5

[[expect]]
of = "db"
recovers_within = "1m"
"#;

#[test]
fn what_does_not_hold_is_exit_code_1_with_the_smallest_scenario_that_still_breaks_it() {
    let setup = Setup::new(PROVOST, "");
    std::fs::write(setup.dir().join("storm.toml"), STORM).unwrap();
    let storm = setup.dir().join("storm.toml").display().to_string();
    let (code, found) = simulate(&setup, &["bundled:backoff", "--scenario", &storm]);
    assert_eq!(code, 1);
    let scenario = &found["scenarios"][0];
    let all =
        [("max_restarts_per_minute", "holds"), ("gives_up_after", "broken"), ("recovers_within", "holds")];
    assert_eq!(verdicts(scenario), all);
    let breach = &scenario["expected"][1]["breaches"][0];
    // The delays before it are 100 and 200 ms.
    assert_eq!((&breach["process"], &breach["at_ms"]), (&"web".into(), &6_300.into()), "{scenario:#}");
    let smallest = scenario["smallest"]["scenario"].as_str().unwrap();
    assert!(!smallest.contains("kill") && !smallest.contains("[process.db]"), "{smallest}");
    assert!(smallest.contains("[process.web]") && smallest.contains("kind = \"crash\""), "{smallest}");
    for holds in ["max_restarts_per_minute", "recovers_within", "tolerance"] {
        assert!(!smallest.contains(holds), "{holds} has nothing to do with it: {smallest}");
    }
    // It breaks by itself, and is as short as possible.
    std::fs::write(setup.dir().join("smallest.toml"), smallest).unwrap();
    let smallest = setup.dir().join("smallest.toml").display().to_string();
    let (code, found) = simulate(&setup, &["bundled:backoff", "--scenario", &smallest, "--no-shrink"]);
    assert_eq!((code, verdicts(&found["scenarios"][0])), (1, vec![("gives_up_after", "broken")]));
    assert!(found["scenarios"][0]["lasted_ms"].as_u64() < Some(60_000), "{found:#}");
}

#[test]
fn the_same_seed_has_the_same_course_and_a_component_is_compared_with_another_one() {
    let setup = Setup::new(PROVOST, "");
    let run = |seed: &str| {
        let scenario = ["--scenario", "bundled:a-flapping-dependency", "--seed", seed, "--no-shrink"];
        let (_, mut found) = simulate(&setup, &[&["bundled:backoff"][..], &scenario].concat());
        found["scenarios"][0]["took_ms"] = 0.into();
        found
    };
    let first = run("7");
    assert!(first["scenarios"][0]["processes"][0]["restarts"].as_u64() > Some(5), "{first:#}");
    assert_eq!(first, run("7"));
    assert_ne!(first, run("8"));
    let compared = setup.run(&[
        "plugin",
        "simulate",
        "bundled:backoff",
        "--against",
        "bundled:kubernetes",
        "--scenario",
        "bundled:a-crash-loop-without-a-pause",
        "--no-shrink",
    ]);
    assert_eq!(compared.code, 0, "{compared:?}");
    for part in ["against bundled:kubernetes", "longest delay", "5m00s", "the first difference is at"] {
        assert!(compared.stdout.contains(part), "{part}: {}", compared.stdout);
    }
}

/// Returns when the lives of a process have ended, in milliseconds of virtual time.
fn ends(scenario: &Value, process: &str) -> Vec<u64> {
    let processes = scenario["processes"].as_array().unwrap();
    let lives = processes.iter().find(|one| one["name"] == process).unwrap()["lives"].as_array().unwrap();
    lives.iter().filter_map(|life| life["ended_ms"].as_u64()).collect()
}

#[test]
fn the_workers_of_a_flapping_broker_end_with_it_and_at_no_other_time() {
    let setup = Setup::new(PROVOST, "");
    let arguments = ["bundled:backoff", "--scenario", "bundled:a-flapping-dependency", "--no-shrink"];
    let (code, found) = simulate(&setup, &arguments);
    let scenario = &found["scenarios"][0];
    assert_eq!(code, 0, "{:#}", scenario["expected"]);
    let broker = ends(scenario, "broker");
    // Two hours of lives of 62 to 75 s, and short delays.
    assert!((95..=116).contains(&broker.len()), "{}", broker.len());
    for worker in ["worker.1", "worker.2", "worker.3", "worker.4"] {
        let of_worker = ends(scenario, worker);
        // Each end of the broker is followed by one of the worker within a second, and it has no others.
        assert_eq!(of_worker.len(), broker.len(), "{worker}");
        let delays: Vec<u64> =
            of_worker.iter().zip(&broker).map(|(worker, broker)| worker - broker).collect();
        assert!(delays.iter().all(|delay| (1..=1_000).contains(delay)), "{worker}: {delays:?}");
    }
    assert_ne!(ends(scenario, "worker.1"), ends(scenario, "worker.2"), "the delay is drawn for each");
}

#[test]
fn what_is_untested_is_counted_in_the_last_line_and_a_failure_if_that_is_wanted() {
    let setup = Setup::new(PROVOST, "");
    // It gives up at the second failure, so that there are no two delays to compare.
    let given = ["plugin", "simulate", "bundled:otp", "--scenario", "bundled:a-crash-loop-without-a-pause"];
    let ran = setup.run(&given);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("untested delay_never_shrinks_in_a_streak"), "{ran:?}");
    assert!(ran.stdout.ends_with("\n1 of 2 expectations untested\n"), "{ran:?}");
    let strict = setup.run(&[&given[..], &["--strict"]].concat());
    assert_eq!((strict.code, strict.stdout.lines().last()), (1, ran.stdout.lines().last()), "{strict:?}");
    let (code, found) = simulate(&setup, &[&given[2..], &["--strict"]].concat());
    assert_eq!((code, &found["untested"]), (1, &1.into()), "{found:#}");
    // What is tested and holds is no failure, and there is nothing to count.
    let tested = ["plugin", "simulate", "bundled:backoff", "--strict", "--scenario", "bundled:a-bad-deploy"];
    let held = setup.run(&tested);
    assert_eq!((held.code, held.stdout.contains("untested")), (0, false), "{held:?}");
}

#[test]
fn a_policy_that_traps_is_found_although_the_failsafe_stands_in() {
    let setup = Setup::new(PROVOST, "");
    let component = guest("moody").display().to_string();
    // Its trial is about the first process.
    let scenario = "[scenario]\nfor = \"1h\"\n[process.bystander]\ncommand = \"b\"\n[process.web]\ncommand = \"w\"\n\
        [[fault]]\nkind = \"kill\"\nat = \"30m\"\n";
    std::fs::write(setup.dir().join("moody.toml"), scenario).unwrap();
    let scenario = setup.dir().join("moody.toml").display().to_string();
    let ran = setup.run(&["plugin", "simulate", &component, "--scenario", &scenario, "--no-shrink"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stdout.contains("BROKEN   no_faults"), "{}", ran.stdout);
    assert_eq!(ran.stdout.matches("on purpose, over web").count(), 1, "{}", ran.stdout);
}

#[test]
fn a_picture_is_drawn_and_mistakes_are_told_with_their_place() {
    let setup = Setup::new(PROVOST, "");
    let picture = setup.dir().join("deploy.svg");
    let drawn = setup.run(&[
        "plugin",
        "simulate",
        "bundled:backoff",
        "--scenario",
        "bundled:a-bad-deploy",
        "--svg",
        picture.to_str().unwrap(),
    ]);
    assert_eq!(drawn.code, 0, "{drawn:?}");
    let picture = std::fs::read_to_string(picture).unwrap();
    for part in ["a bad deploy: 6h00m of virtual time, seed 1", "the bad version, from", "life 1: ", "waits "]
    {
        assert!(picture.contains(part), "{part}: {picture}");
    }
    for (text, told) in [
        ("[scenario]\nfoor = \"1h\"\n", ":2:1: unknown key `foor` in [scenario]"),
        (
            "[process.web]\ncommand = \"web\"\n[[fault]]\nof = \"wbe\"\nkind = \"kill\"\nat = \"1h\"\n",
            ":4:6: there is no process or group `wbe`",
        ),
        (
            "[process.web]\ncommand = \"web\"\n[[expect]]\nnever_gives_up_while = \"rain\"\n",
            "names the fault `rain`, which does not exist",
        ),
        (
            "[plugins.subject]\ncomponent = \"bundled:otp\"\n",
            "`subject` is the name of the plugin that is simulated",
        ),
        (
            "[[fault]]\nkind = \"crash\"\nfrom = \"2h\"\nuntil = \"1h\"\nafter = \"1s\"\n",
            "`until` must be later than `from`",
        ),
        (
            "[[fault]]\nkind = \"clock-step\"\nat = \"2h\"\nby = \"1h\"\nwith = \"dependents\"\n",
            ":5:1: `with` is for faults that end a process",
        ),
        (
            "[[fault]]\nkind = \"kill\"\nat = \"2h\"\nwith = \"dependants\"\n",
            ":4:8: `with` in [[fault]] cannot be `dependants`",
        ),
    ] {
        std::fs::write(setup.dir().join("wrong.toml"), text).unwrap();
        let wrong = setup.dir().join("wrong.toml").display().to_string();
        let ran = setup.run(&["plugin", "simulate", "bundled:backoff", "--scenario", &wrong]);
        assert_eq!(ran.code, 2, "{text}: {ran:?}");
        assert!(ran.stderr.contains(told), "{told}: {}", ran.stderr);
    }
    let view = setup.run(&["plugin", "simulate", "bundled:prometheus"]);
    assert_eq!(view.code, 2);
    assert!(view.stderr.contains("`bundled:prometheus` cannot be simulated"), "{}", view.stderr);
}

/// Writes a scenario into the folder of the setup, and returns its path.
fn written(setup: &Setup, name: &str, text: &str) -> String {
    let file = setup.dir().join(name);
    std::fs::write(&file, text).unwrap();
    file.display().to_string()
}

#[test]
fn a_misspelt_kind_or_key_of_a_fault_is_the_only_problem_that_is_told() {
    let setup = Setup::new(PROVOST, "");
    for (table, told, meant) in [
        (
            "[[fault]]\nkind = \"crsh\"\nmean = \"1h\"\nexit = 3\noom = true\n",
            "4:8: `kind` in [[fault]] cannot be `crsh`",
            "crash",
        ),
        ("[[fault]]\nknd = \"leak\"\nper_hour = \"1MiB\"\n", "4:1: unknown key `knd`", "kind"),
        ("[[fault]]\nkind = \"crash\"\nmaen = \"1h\"\nexit = 3\n", "5:1: unknown key `maen`", "mean"),
        ("[[fault]]\nkind = \"outage\"\nuntl = \"2h\"\nexit = 3\n", "5:1: unknown key `untl`", "until"),
        ("[[fault]]\nkind = \"leak\"\nper_hours = \"1MiB\"\nlimit = \"1GiB\"\n", "`per_hours`", "per_hour"),
        ("[[order]]\nat = \"1h\"\ndoo = \"stop\"\n", "5:1: unknown key `doo`", "do"),
        ("[[expect]]\ngives_up_afer = 3\n", "4:1: unknown key `gives_up_afer`", "gives_up_after"),
        (
            "[[expect]]\nno_thundering_herd = { process = 3, within = \"1s\" }\n",
            "unknown key `process`",
            "processes",
        ),
        ("[scenario]\nsetings = { a = 1 }\n", "4:1: unknown key `setings`", "settings"),
    ] {
        let file = written(&setup, "typo.toml", &format!("[process.web]\ncommand = \"web\"\n{table}"));
        let ran = setup.run(&["plugin", "simulate", "bundled:backoff", "--scenario", &file]);
        assert_eq!(ran.code, 2, "{table}: {ran:?}");
        assert_eq!(ran.stderr.matches("error: ").count(), 1, "{table}: {}", ran.stderr);
        assert!(ran.stderr.contains(told), "{told}: {}", ran.stderr);
        assert!(ran.stderr.contains(&format!("did you mean `{meant}`?")), "{meant}: {}", ran.stderr);
    }
}

#[test]
fn a_century_is_the_longest_time_that_is_played() {
    let setup = Setup::new(PROVOST, "");
    let calm = "[process.web]\ncommand = \"web\"\n[[fault]]\nkind = \"kill\"\nat = \"36499d\"\n";
    let file = written(&setup, "calm.toml", calm);
    let (code, found) = simulate(&setup, &["bundled:backoff", "--scenario", &file, "--days", "36500"]);
    let scenario = &found["scenarios"][0];
    assert_eq!((code, &scenario["lasted_ms"]), (0, &(36_500 * 86_400_000_u64).into()));
    assert_eq!(ends(scenario, "web"), [36_499 * 86_400_000]);
    let long = written(&setup, "long.toml", &format!("[scenario]\nfor = \"36501d\"\n{calm}"));
    for (arguments, told) in [
        (&["--days", "4294967295"][..], "write a number of days, from 1 to 36500 (a hundred years)"),
        (&["--for", "36501d"], "a duration is at most 36500d, a hundred years"),
        (
            &["--scenario", &long],
            "long.toml:2:7: `36501d` is too long: a duration is at most 36500d, a hundred years",
        ),
    ] {
        let ran = setup.run(&[&["plugin", "simulate", "bundled:backoff"], arguments].concat());
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.stderr.contains(told), "{told}: {}", ran.stderr);
    }
}

#[test]
fn what_is_broken_is_shown_before_a_smaller_scenario_is_looked_for() {
    let setup = Setup::new(PROVOST, "");
    let storm = written(&setup, "storm.toml", STORM);
    // Both streams in one file are in the order in which they were written.
    let both = setup.dir().join("both.txt");
    let file = std::fs::File::create(&both).unwrap();
    let mut command = setup.command(&["plugin", "simulate", "bundled:backoff", "--scenario", &storm]);
    let status = command.stdout(file.try_clone().unwrap()).stderr(file).status().unwrap();
    assert_eq!(status.code(), Some(1));
    let told = std::fs::read_to_string(both).unwrap();
    let parts = [
        "BROKEN   gives_up_after = 3",
        "note: a storm is broken (gives_up_after); looking for the smallest scenario that still breaks it, in at most 200 runs",
        "the smallest scenario that still breaks it, of ",
    ];
    let places: Vec<usize> = parts.iter().map(|part| told.find(part).unwrap_or(usize::MAX)).collect();
    assert!(places.is_sorted() && places[2] < usize::MAX, "{places:?}: {told}");
    // JSON is one document.
    let (code, found) = simulate(&setup, &["bundled:backoff", "--scenario", &storm]);
    assert_eq!((code, found["scenarios"][0]["smallest"]["scenario"].is_string()), (1, true));
}

#[test]
fn several_scenarios_have_a_last_line_that_counts_them() {
    let setup = Setup::new(PROVOST, "");
    let untested = "bundled:a-crash-loop-without-a-pause";
    let mut given = vec!["plugin", "simulate", "bundled:otp", "--no-shrink", "--scenario", untested];
    let one = setup.run(&given);
    assert!(one.stdout.ends_with("\n1 of 2 expectations untested\n"), "{one:?}");
    for broken_or_held in ["bundled:a-back-off-that-never-resets", "bundled:a-bad-deploy"] {
        given.extend(["--scenario", broken_or_held]);
    }
    let ran = setup.run(&given);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stdout.ends_with("\n3 scenarios: 1 holds, 1 broken, 1 untested\n"), "{ran:?}");
    let nothing = setup.dir().join("nothing.toml");
    std::fs::write(&nothing, "[scenario]\nname = \"n\"\nfor = \"1h\"\n[process.web]\ncommand = \"web\"\n")
        .unwrap();
    given.extend(["--scenario", nothing.to_str().unwrap()]);
    let ran = setup.run(&given);
    assert!(ran.stdout.contains("\nit expects nothing: [[expect]] says what must hold\n"), "{ran:?}");
    assert!(ran.stdout.ends_with(": 1 holds, 1 broken, 1 untested, 1 expects nothing\n"), "{ran:?}");
}

/// Faults and orders that have no effect: at their lines 8, 13, 18 and 21.
const IDLE: &str = r#"[scenario]
for = "2h"
[process.web]
command = "web"
[process.spare]
command = "spare"
autostart = false
[[fault]]
of = "spare"
kind = "kill"
at = "1h"

[[fault]]
of = "web"
kind = "crash"
from = "3h"
after = "1s"
[[order]]
at = "150m"
do = "stop"
[[fault]]
kind = "unhealthy"
[[fault]]
of = "web"
kind = "kill"
at = "1h"
"#;

#[test]
fn a_fault_or_an_order_without_an_effect_is_a_warning_with_its_place() {
    let setup = Setup::new(PROVOST, "");
    let file = written(&setup, "idle.toml", IDLE);
    let given = ["plugin", "simulate", "bundled:backoff", "--scenario", &file];
    let ran = setup.run(&given);
    assert_eq!(ran.code, 0, "{ran:?}");
    let warnings = [
        (8, "this fault has ended no life"),
        (13, "this fault has hit nothing: it is due at 3h, and the scenario has ended after 2h"),
        (18, "this order was not given: it is due at 2h30m, and the scenario has ended after 2h"),
        (21, "this fault has changed the result of no check"),
    ];
    for (line, what) in warnings {
        let told = format!("warning: {file}:{line}:1: {what}\n");
        assert!(ran.stderr.contains(&told), "{told}: {}", ran.stderr);
    }
    assert_eq!(ran.stderr.matches("warning: ").count(), warnings.len(), "{}", ran.stderr);
    let (_, found) = simulate(&setup, &given[2..]);
    let told: Vec<(u64, &str)> = found["scenarios"][0]["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["line"].as_u64().unwrap(), one["message"].as_str().unwrap()))
        .collect();
    assert_eq!(told, warnings);
    // A project is told it as well, and passes.
    let scenarios = setup.dir().join("scenarios");
    std::fs::create_dir(&scenarios).unwrap();
    std::fs::write(scenarios.join("idle.toml"), IDLE).unwrap();
    let tested = setup.run(&["plugin", "test", "--component", "bundled:backoff"]);
    assert_eq!(tested.code, 0, "{tested:?}");
    let told = "      warning  ./scenarios/idle.toml:8:1: this fault has ended no life\n";
    assert!(tested.stdout.contains(told), "{tested:?}");
    // A longer play reaches those that were too late.
    let longer = setup.run(&[&given[..], &["--for", "4h"]].concat());
    assert!(!longer.stderr.contains("has ended after"), "{longer:?}");
}

#[test]
fn a_misspelt_bundled_name_is_told_with_the_right_one() {
    let setup = Setup::new(PROVOST, "");
    let plugin = "[plugins.other]\ncomponent = \"bundled:bakcoff\"\n[process.web]\ncommand = \"web\"\n";
    let file = written(&setup, "wrong.toml", plugin);
    for arguments in [
        &["simulate", "bundled:bakcoff"][..],
        &["simulate", "bundled:otp", "--against", "bundled:bakcoff", "--scenario", "bundled:a-bad-deploy"],
        &["simulate", "bundled:otp", "--scenario", &file],
        &["run", "bundled:bakcoff"],
        &["bench", "bundled:bakcoff"],
        &["inspect", "bundled:bakcoff"],
    ] {
        let ran = setup.run(&[&["plugin"], arguments].concat());
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.stderr.contains("there is no bundled component `bakcoff`"), "{ran:?}");
        assert!(ran.stderr.contains("did you mean `backoff`?"), "{ran:?}");
    }
    let ran = setup.run(&["plugin", "simulate", "bundled:otp", "--scenario", "bundled:a-bad-deply"]);
    assert!(ran.code == 2 && ran.stderr.contains("did you mean `a-bad-deploy`?"), "{ran:?}");
}
