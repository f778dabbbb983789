//! `explain --what-if`: what another policy would decide from the present state of a process, which stays as it is.

use provost_tests::{Host, Setup, guest};
use serde_json::Value;

use crate::PROVOST;

/// A process that has failed three times in a row and was given up, one that runs after three failures, and one that runs since it was
/// started.
const CONFIG: &str = r#"
[plugins.backoff]
component = "bundled:backoff"
settings  = { first = "10ms", give_up_after = 2 }
[plugins.patient]
component = "bundled:backoff"
settings  = { first = "10ms" }
[plugins.prometheus]
component = "bundled:prometheus"
[process.web]
command  = "exit 3"
policies = ["backoff"]
[process.worker]
command  = "echo >> lives; [ $(wc -l < lives) -gt 3 ] && exec sleep 1000; exit 4"
policies = ["patient"]
[process.db]
command  = "exec sleep 1000"
policies = ["backoff"]
"#;

/// Starts the host, and waits until its processes have come to rest.
fn at_rest() -> Host {
    let host = Host::up(PROVOST, CONFIG);
    host.until_phase("web", "fatal");
    host.until_phase("db", "running");
    host.until("worker", "runs after its failures", |it| it["phase"] == "running" && it["incarnation"] == 4);
    host
}

fn forecast(host: &Host, arguments: &[&str]) -> Value {
    host.json(&[&["explain"], arguments, &["-o", "json"]].concat())
}

/// Returns the number of failures in a row and the delay of each decision.
fn decisions(branch: &Value) -> Vec<(u64, Option<u64>)> {
    let decisions = branch["decisions"].as_array().unwrap();
    decisions.iter().map(|one| (one["failures"].as_u64().unwrap(), one["delay_ms"].as_u64())).collect()
}

#[test]
fn another_policy_goes_on_with_the_streak_of_the_process_and_the_host_is_as_before() {
    let host = at_rest();
    let before = (host.process("web"), host.status()["generation"].clone());
    let found = forecast(&host, &["web", "--what-if", "bundled:supervisord"]);
    assert_eq!((&found["begins"], &found["failures"]), (&"last-end".into(), &3.into()), "{found:#}");
    // supervisord waits as many seconds as there were failures, and gives up at the fourth.
    assert_eq!(decisions(&found["what_if"]), [(3, Some(3_000)), (4, None)]);
    assert_eq!(decisions(&found["present"]), [(3, None)], "what was decided is decided again");
    let [first, second] = &found["what_if"]["decisions"].as_array().unwrap()[..] else { unreachable!() };
    assert_eq!((&first["at_ms"], &first["exit"]), (&0.into(), &"exited with code 3".into()));
    assert_eq!(first["reason"], "exited with code 3 within startsecs (1 s): retry 3 of 3 in 3 s");
    assert_eq!(second["at_ms"], 3_000 + found["uptime_ms"].as_u64().unwrap());
    assert_eq!((&second["action"], &found["what_if"]["phase"]), (&"give up".into(), &"fatal".into()));
    let real = &before.0["decision"];
    assert_eq!(found["present"]["decisions"][0]["reason"], real["reason"], "the reason is that of the host");
    assert_eq!((host.process("web"), host.status()["generation"].clone()), before, "nothing has changed");
    host.down();
}

#[test]
fn a_process_that_runs_ends_now_and_its_end_is_the_next_of_the_streak() {
    let host = at_rest();
    let arguments = ["worker", "--what-if", "patient", "--settings", r#"{"first": "1s"}"#, "--uptime", "5ms"];
    let found = forecast(&host, &[&arguments[..], &["--signal", "SIGKILL", "--for", "30s"]].concat());
    assert_eq!((&found["begins"], &found["failures"]), (&"now".into(), &3.into()), "{found:#}");
    assert_eq!(found["exit"], "killed by SIGKILL");
    assert_eq!(decisions(&found["what_if"]), [(4, Some(8_000)), (5, Some(16_000)), (6, Some(30_000))]);
    assert_eq!(decisions(&found["present"])[..3], [(4, Some(80)), (5, Some(160)), (6, Some(320))]);
    let at: Vec<u64> = found["what_if"]["decisions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["at_ms"].as_u64().unwrap())
        .collect();
    assert_eq!(at, [0, 8_005, 24_010], "each later life lasts 5 ms");
    let text = host.ok(&[&["explain"], &arguments[..], &["--for", "30s"]].concat());
    for line in [
        "what if: patient\n",
        "after 3 failures in a row. It is assumed to end now (exited with code 4), and each later life ends after 5ms",
        "restart in 8.0s  patient:",
        "as it is: patient\n",
        "restart in 80ms ",
        "They first differ in decision 1: restart in 8.0s instead of restart in 80ms.",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert_eq!(host.process("worker")["incarnation"], 4);
    host.down();
}

#[test]
fn the_component_itself_is_asked_and_an_answer_out_of_bounds_is_followed_by_the_failsafe() {
    let host = at_rest();
    let component = guest("absurd").display().to_string();
    let found = forecast(&host, &["web", "--what-if", &component, "--for", "1m"]);
    let first = &found["what_if"]["decisions"][0];
    assert_eq!((&first["by"], &first["failures"]), (&"failsafe".into(), &3.into()), "{found:#}");
    let overruled = first["overruled"].as_str().unwrap();
    assert!(overruled.contains("absurd") && overruled.contains("restart_delay_max"), "{overruled}");
    host.down();
}

#[test]
fn where_there_is_nothing_to_forecast_the_error_says_why_and_what_to_do() {
    let host = at_rest();
    host.ok(&["stop", "db", "--wait"]);
    for (arguments, what, hint) in [
        (
            &["absent", "--what-if", "bundled:backoff"][..],
            "there is no process called `absent`",
            "`provost status`",
        ),
        (
            &["web", "--what-if", "bundled:prometheus"],
            "`bundled:prometheus` cannot judge the ends of `web`: it has no role restart-policy, only status-view",
            "`provost plugin inspect` shows the roles",
        ),
        (
            &["web", "--what-if", "prometheus"],
            "`bundled:prometheus` cannot judge the ends of `web`: it has no role restart-policy",
            "`provost plugin inspect`",
        ),
        (
            &["web", "--what-if", "stranger"],
            "there is no file and no plugin of the host called `stranger`",
            "(backoff, patient)",
        ),
        (&["web", "--what-if", "./none.wasm"], "there is no file", "bundled:NAME"),
        (
            &["web", "--what-if", "bundled:backoff", "--settings", r#"{"frist": "1s"}"#],
            "`bundled:backoff` cannot judge the ends of `web`:",
            "--settings",
        ),
        (
            &["db", "--what-if", "bundled:backoff"],
            "`db` is stopped: no policy decides about an end that was asked for",
            "`provost start db` starts it",
        ),
        (&["web", "--uptime", "1s"], "--what-if", "--help"),
        (&["web", "--at", "1s", "--what-if", "bundled:backoff"], "cannot be used with", "--help"),
    ] {
        let ran = host.run(&[&["explain"], arguments].concat());
        assert_eq!((ran.code, &*ran.stdout), (2, ""), "{ran:?}");
        assert!(ran.stderr.contains(what) && ran.stderr.contains(hint), "{arguments:?}: {}", ran.stderr);
    }
    host.ok(&["start", "db", "--wait"]);
    let unknown = host.run(&["explain", "db", "--what-if", "bundled:backoff"]);
    assert_eq!(unknown.code, 2);
    assert_eq!(
        unknown.stderr,
        "error: `db` has never ended, so that it is not known how it would end\n\
         hint: say how it would end: --exit 1, or --signal SIGKILL\n"
    );
    let told = forecast(&host, &["db", "--what-if", "bundled:backoff", "--exit", "1", "--for", "1s"]);
    assert_eq!(decisions(&told["what_if"])[0], (1, Some(100)));
    host.down();
}

#[test]
fn without_a_host_there_is_no_state_to_go_on_from() {
    let setup = Setup::new(PROVOST, CONFIG);
    let ran = setup.run(&["explain", "web", "--what-if", "bundled:supervisord"]);
    assert_eq!((ran.code, &*ran.stdout), (3, ""), "{ran:?}");
    assert!(
        ran.stderr.contains("no host") && ran.stderr.contains("`provost up` starts one"),
        "{}",
        ran.stderr
    );
}
