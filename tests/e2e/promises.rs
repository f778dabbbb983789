//! What the bundled policies promise and no expectation of a scenario says: exact delays, exact lives, and who is left alone. The
//! lives and decisions of `-o json` show it.

use std::path::PathBuf;

use provost_tests::{Setup, guest};
use serde_json::Value;

use crate::{PROVOST, simulating};

/// Plays the text of a scenario by a bundled policy, and returns its processes.
fn play(policy: &str, text: &str, arguments: &[&str]) -> Vec<Value> {
    let setup = Setup::new(PROVOST, "");
    let file = setup.dir().join("scenario.toml");
    std::fs::write(&file, text).unwrap();
    let component = format!("bundled:{policy}");
    let all = [&[&*component, "--no-shrink", "--scenario", file.to_str().unwrap()], arguments].concat();
    let (code, mut found) = simulating::simulate(&setup, &all);
    assert_eq!(code, 0, "{found:#}");
    serde_json::from_value(found["scenarios"][0]["processes"].take()).unwrap()
}

/// Returns the text of a scenario of a bundled policy.
fn scenario(policy: &str, name: &str) -> String {
    let root: PathBuf = guest("x").ancestors().nth(4).unwrap().to_owned();
    std::fs::read_to_string(root.join(format!("plugins/{policy}/scenarios/{name}.toml"))).unwrap()
}

fn process<'p>(processes: &'p [Value], name: &str) -> &'p Value {
    processes.iter().find(|process| process["name"] == name).unwrap()
}

/// Returns the delays of the decisions about a process, in seconds; `None` where it is not restarted.
fn delays(process: &Value) -> Vec<Option<u64>> {
    let decisions = process["decisions"].as_array().unwrap().iter();
    decisions.map(|made| made["delay_ms"].as_u64().map(|ms| ms / 1_000)).collect()
}

/// Returns when the lives of a process have ended, in milliseconds, and whether they were told to.
fn ends(process: &Value) -> Vec<(u64, bool)> {
    let lives = process["lives"].as_array().unwrap().iter();
    lives.filter_map(|life| Some((life["ended_ms"].as_u64()?, life["asked"].as_bool()?))).collect()
}

/// Returns how long the lives of a process have lasted that have ended, in milliseconds.
fn lengths(process: &Value) -> Vec<u64> {
    let lives = process["lives"].as_array().unwrap().iter();
    lives.filter_map(|life| Some(life["ended_ms"].as_u64()? - life["started_ms"].as_u64()?)).collect()
}

#[test]
fn kubernetes_doubles_from_ten_seconds_to_five_minutes_after_a_first_restart_at_once() {
    let processes = play("kubernetes", &scenario("kubernetes", "crash-loop-back-off"), &[]);
    let all = delays(process(&processes, "web"));
    assert_eq!(all[..6], [0, 10, 20, 40, 80, 160].map(Some), "{all:?}");
    let (loops, later) = all[6..].split_at(11);
    assert!(loops.iter().all(|delay| *delay == Some(300)), "the rest of the bad hour: {loops:?}");
    assert_eq!(later, [Some(0); 3], "each of the later lives was longer than ten minutes");
}

/// Four short lives, one that is this long, and one of ten minutes.
fn lives_of(fifth: &str, sixth_ends: &str) -> String {
    format!(
        "[scenario]\nfor = \"1h\"\n[process.web]\ncommand = \"web\"\n\
        [[fault]]\nkind = \"crash\"\nafter = \"5s\"\ntimes = 4\n\
        [[fault]]\nkind = \"kill\"\nat = \"{fifth}\"\n[[fault]]\nkind = \"kill\"\nat = \"{sixth_ends}\"\n"
    )
}

#[test]
fn kubernetes_starts_over_after_a_life_of_ten_minutes_and_not_a_second_before() {
    // The fifth life begins at 90 s. It lasts 9 m 59 s, the sixth begins 80 s later, and lasts 10 m.
    let processes = play("kubernetes", &lives_of("689s", "1369s"), &[]);
    let web = process(&processes, "web");
    assert_eq!(lengths(web), [5_000, 5_000, 5_000, 5_000, 599_000, 600_000]);
    assert_eq!(delays(web), [0, 10, 20, 40, 80, 0].map(Some));
}

#[test]
fn supervisord_retries_a_second_later_each_time() {
    let processes = play("supervisord", &scenario("supervisord", "starts-and-retries"), &[]);
    assert_eq!(delays(process(&processes, "broken")), [Some(1), Some(2), Some(3), None]);
    let of_web = delays(process(&processes, "web"));
    assert!(of_web.len() > 3 && of_web.iter().all(|delay| *delay == Some(0)), "at once: {of_web:?}");
}

/// One process is above the limit from its start on, and one after three minutes.
const SAMPLES: &str = r#"
[scenario]
for      = "30m"
settings = { rss_max = "280MiB", samples = 3, settle = "1m", jitter = 0 }

[process.big]
command = "big"
usage   = { every = "10s" }

[process.grows]
command = "grows"
usage   = { every = "10s" }

[[fault]]
of       = "big"
kind     = "leak"
base     = "300MiB"
per_hour = "1MiB"

[[fault]]
of       = "grows"
kind     = "leak"
base     = "100MiB"
per_hour = "3600MiB"
"#;

#[test]
fn recycler_restarts_nothing_that_has_not_settled_nor_for_a_single_sample() {
    let lasts = |settings: &[&str], name: &str, least_s: u64| {
        let processes = play("recycler", SAMPLES, settings);
        let all = lengths(process(&processes, name));
        // A sample is taken every ten seconds, and the end takes a little.
        let within = least_s * 1_000..=least_s * 1_000 + 11_000;
        assert!(all.len() >= 4 && all.iter().all(|ms| within.contains(ms)), "{name}, {within:?}: {all:?}");
        assert!(ends(process(&processes, name)).iter().all(|(_, asked)| *asked), "{name} ends in good order");
    };
    lasts(&[], "big", 60);
    let patient = r#"{"rss_max": "280MiB", "samples": 3, "settle": "5m", "jitter": 0}"#;
    lasts(&["--settings", patient], "big", 300);
    // It is above the limit from an age of three minutes on, and three samples take twenty seconds.
    lasts(&[], "grows", 200);
    let hasty = r#"{"rss_max": "280MiB", "samples": 1, "settle": "1m", "jitter": 0}"#;
    lasts(&["--settings", hasty], "grows", 180);
}

#[test]
fn otp_restarts_the_members_of_the_group_and_touches_nothing_else() {
    const KILLS_MS: [u64; 5] = [600_000, 1_200_000, 1_800_000, 2_400_000, 3_000_000];
    let text = scenario("otp", "intensity");
    let processes = play("otp", &text, &[]);
    let other = process(&processes, "other");
    assert_eq!(ends(other), KILLS_MS.map(|at_ms| (at_ms, false)), "its own ends, and no others");
    assert_eq!(other["lives"].as_array().unwrap().len(), 6);
    let asked = ends(process(&processes, "web")).iter().filter(|(_, asked)| *asked).count();
    assert_eq!(asked, 4, "the other member is restarted with each end of `db`");
    // In the group it would be touched, and this would show it.
    let inside = text.replace("command = \"other\"", "command = \"other\"\ngroup = \"app\"");
    let inside = &inside[..inside.find("[[expect]]").unwrap()];
    let processes = play("otp", inside, &[]);
    assert!(ends(process(&processes, "other")).iter().any(|(_, asked)| *asked), "{processes:#?}");
}
