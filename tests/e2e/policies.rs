//! The bundled policies in scenarios: each holds what its documentation promises, which another one breaks, and the pictures of
//! `docs/policies.md` are those that its commands draw. `BLESS=1 cargo test --test e2e policies` draws them.

use std::path::{Path, PathBuf};

use provost_tests::{Setup, guest};
use serde_json::Value;

use crate::{PROVOST, simulating};

/// The root of the repository.
fn root() -> PathBuf {
    guest("x").ancestors().nth(4).unwrap().to_owned()
}

/// Plays a scenario, and returns the exit code and the expectations.
fn simulate(setup: &Setup, arguments: &[&str]) -> (i32, Value) {
    let (code, mut found) = simulating::simulate(setup, &[&["--no-shrink"], arguments].concat());
    (code, found["scenarios"][0]["expected"].take())
}

/// Returns the scenarios of all bundled plugins: the name of the plugin, and the file.
fn promises() -> Vec<(String, PathBuf)> {
    let list = |dir: &Path| -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
        entries.map(|entry| entry.unwrap().path()).collect()
    };
    let of = |plugin: PathBuf| {
        let name = plugin.file_name().unwrap().to_string_lossy().into_owned();
        list(&plugin.join("scenarios")).into_iter().map(move |file| (name.clone(), file))
    };
    let mut all: Vec<(String, PathBuf)> = list(&root().join("plugins")).into_iter().flat_map(of).collect();
    all.sort();
    all
}

#[test]
fn each_bundled_policy_holds_what_its_own_scenarios_promise() {
    let setup = Setup::new(PROVOST, "");
    let promises = promises();
    let mut policies: Vec<&str> = promises.iter().map(|(policy, _)| &**policy).collect();
    policies.dedup();
    assert_eq!(policies, ["backoff", "kubernetes", "otp", "recycler", "supervisord", "systemd"]);
    for (policy, file) in &promises {
        let (component, file) = (format!("bundled:{policy}"), file.to_str().unwrap());
        let (code, expected) = simulate(&setup, &[&component, "--scenario", file]);
        assert_eq!(code, 0, "{policy} in {file}: {expected:#}");
        let verdicts = expected.as_array().unwrap();
        assert!(verdicts.iter().all(|one| one["verdict"] == "holds"), "{policy} in {file}: {expected:#}");
    }
}

#[test]
fn what_one_policy_promises_is_not_what_every_other_one_does() {
    let setup = Setup::new(PROVOST, "");
    for (scenario, other, settings, breaks) in [
        ("backoff/scenarios/a-bad-quarter-of-an-hour", "supervisord", "{}", "max_restarts_per_minute"),
        ("backoff/scenarios/a-limit-of-five", "kubernetes", "{}", "gives_up_after"),
        ("kubernetes/scenarios/crash-loop-back-off", "otp", r#"{"intensity": 9}"#, "max_restarts_per_hour"),
        (
            "otp/scenarios/intensity",
            "otp",
            r#"{"strategy": "one_for_all", "intensity": 9}"#,
            "gives_up_after",
        ),
        ("recycler/scenarios/a-leak", "backoff", "{}", "never_fails"),
        (
            "recycler/scenarios/a-leak",
            "recycler",
            r#"{"rss_max": "450MiB", "jitter": 0}"#,
            "no_thundering_herd",
        ),
        ("supervisord/scenarios/starts-and-retries", "backoff", "{}", "gives_up_after"),
        ("systemd/scenarios/restart-steps", "systemd", r#"{"restart": "always"}"#, "max_restarts_per_minute"),
        ("systemd/scenarios/the-start-limit", "supervisord", "{}", "gives_up_after"),
    ] {
        let file = root().join(format!("plugins/{scenario}.toml"));
        let component = format!("bundled:{other}");
        let arguments = [&*component, "--settings", settings, "--scenario", file.to_str().unwrap()];
        let (code, expected) = simulate(&setup, &arguments);
        assert_eq!(code, 1, "{other} in {scenario}: {expected:#}");
        let is_broken = |one: &Value| one["invariant"] == breaks && one["verdict"] == "broken";
        assert!(expected.as_array().unwrap().iter().any(is_broken), "{other} in {scenario}: {expected:#}");
    }
}

/// A bundled policy, its settings, a scenario that comes with the program and concerns it, and what of that the scenario does not test
/// for this policy, with the reason.
struct Concerned {
    policy: &'static str,
    settings: &'static str,
    scenario: &'static str,
    untested: &'static [(&'static str, &'static str)],
}

const fn concerned(policy: &'static str, settings: &'static str, scenario: &'static str) -> Concerned {
    Concerned { policy, settings, scenario, untested: &[] }
}

const SIX_FAIL: &str = r#"{"failure_threshold": 6}"#;
const ON_FAILURE: &str = r#"{"restart": "on-failure"}"#;

const CONCERNED: [Concerned; 16] = [
    concerned("kubernetes", SIX_FAIL, "a-back-off-that-never-resets"),
    concerned("kubernetes", SIX_FAIL, "a-limit-that-never-fires"),
    concerned("kubernetes", SIX_FAIL, "a-bad-deploy"),
    concerned("kubernetes", SIX_FAIL, "a-slow-start"),
    concerned("kubernetes", SIX_FAIL, "a-crash-loop-without-a-pause"),
    concerned("kubernetes", SIX_FAIL, "a-clock-that-is-set-back"),
    concerned("systemd", ON_FAILURE, "a-success-that-is-restarted"),
    concerned("systemd", ON_FAILURE, "a-flapping-dependency"),
    concerned("systemd", ON_FAILURE, "a-clock-that-is-set-back"),
    concerned("supervisord", "{}", "a-success-that-is-restarted"),
    concerned("supervisord", "{}", "a-flapping-dependency"),
    concerned("supervisord", "{}", "a-slow-start"),
    concerned("supervisord", "{}", "a-clock-that-is-set-back"),
    concerned("otp", "{}", "a-flapping-dependency"),
    concerned("otp", "{}", "a-clock-that-is-set-back"),
    Concerned {
        untested: &[(
            "delay_never_shrinks_in_a_streak",
            "one restart within five seconds is tolerated, so that the second failure is the last one, and there is one delay",
        )],
        ..concerned("otp", "{}", "a-crash-loop-without-a-pause")
    },
];

#[test]
fn the_other_policies_hold_what_the_scenarios_that_concern_them_expect() {
    let setup = Setup::new(PROVOST, "");
    for Concerned { policy, settings, scenario, untested } in CONCERNED {
        let (component, bundled) = (format!("bundled:{policy}"), format!("bundled:{scenario}"));
        let arguments = [&*component, "--settings", settings, "--scenario", &bundled];
        let (code, expected) = simulate(&setup, &arguments);
        assert_eq!(code, 0, "{policy} in {scenario}: {expected:#}");
        for one in expected.as_array().unwrap() {
            let reason = untested.iter().find(|(invariant, _)| one["invariant"] == *invariant);
            let wanted = if reason.is_some() { "untested" } else { "holds" };
            assert_eq!(one["verdict"], wanted, "{policy} in {scenario} ({reason:?}): {one:#}");
        }
        for (invariant, _) in untested {
            let is_expected = |one: &Value| one["invariant"] == *invariant;
            assert!(
                expected.as_array().unwrap().iter().any(is_expected),
                "{scenario} expects no {invariant}"
            );
        }
    }
}

/// Returns the commands of a document that draw pictures, each as the words after `provost`.
fn commands(document: &str) -> Vec<Vec<String>> {
    let is_drawn = |line: &&str| line.contains("plugin simulate") && line.contains("--svg");
    let lines = document.lines().filter_map(|line| line.strip_prefix("$ provost ")).filter(is_drawn);
    lines.map(|line| line.split_whitespace().map(str::to_owned).collect()).collect()
}

#[test]
fn the_pictures_of_the_policies_are_those_that_the_commands_beside_them_draw() {
    let setup = Setup::new(PROVOST, "");
    let root = root();
    let document = std::fs::read_to_string(root.join("docs/policies.md")).unwrap();
    let is_blessed = std::env::var_os("BLESS").is_some();
    let mut drawn = Vec::new();
    for words in commands(&document) {
        let place = words.iter().position(|word| word == "--svg").unwrap() + 1;
        let picture = words[place].clone();
        let wanted = root.join(&picture);
        let mut words = words;
        let target = setup.dir().join("drawn.svg");
        words[place] = target.display().to_string();
        if let Some(file) = words.iter_mut().find(|word| word.starts_with("plugins/")) {
            *file = root.join(&*file).display().to_string();
        }
        let ran = setup.run(&words.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(ran.code, 0, "{words:?}: {ran:?}");
        let found = std::fs::read_to_string(&target).unwrap();
        if is_blessed {
            std::fs::write(&wanted, &found).unwrap();
        }
        let committed = std::fs::read_to_string(&wanted).unwrap_or_default();
        assert!(found == committed, "{picture} is out of date: BLESS=1 draws it, and then look at it");
        let shown = picture.strip_prefix("docs/").unwrap();
        assert!(document.contains(&format!("]({shown})")), "{picture} is not shown");
        if picture.ends_with("otp.svg") {
            assert_eq!(found.matches("<title>given up: ").count(), 2, "both members: {found}");
        }
        drawn.push(picture);
    }
    let of = |name: &str| format!("docs/pictures/policy-{name}.svg");
    let all = ["backoff", "supervisord", "systemd", "kubernetes", "otp", "recycler"];
    assert_eq!(drawn, all.map(of), "each policy has its picture");
}
