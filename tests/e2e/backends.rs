//! The backend of the state core is changed while processes run and crash: no event is lost, only processes that died are
//! restarted, the sides of `dual` never differ, and status always answers.

use provost_tests::{Host, eventually};
use serde_json::Value;

use crate::PROVOST;

const SWITCHES: usize = 200;

fn crash_looping(processes: usize) -> String {
    let mut config = String::from(
        "[host]\nrestart_budget = { restarts = 99, per = \"1ms\" }\n[state]\nbackend = \"dual\"\n[plugins.backoff]\ncomponent = \"bundled:backoff\"\n\
         settings = { first = \"300ms\", max = \"300ms\", on = \"always\" }\n",
    );
    for number in 0..processes {
        // Half of them keep running, and half of them crash repeatedly.
        let command = if number % 2 == 0 { "exec sleep 1000" } else { "exit 1" };
        config.push_str(&format!("[process.p{number}]\ncommand = \"{command}\"\npolicies = [\"backoff\"]\n"));
    }
    config
}

#[test]
fn two_hundred_backend_switches_during_crashes_lose_no_event_and_restart_nothing() {
    let host = Host::up(PROVOST, &crash_looping(200));
    let steady = |status: &Value| -> Vec<Value> {
        let processes = status["processes"].as_array().unwrap();
        processes.iter().step_by(2).map(|it| it["pid"].clone()).collect()
    };
    let status =
        eventually("the steady half runs", || host.status(), |it| steady(it).iter().all(Value::is_u64));
    let before = steady(&status);
    let mut generation = status["generation"].as_u64().unwrap();
    for turn in 0..SWITCHES {
        match turn % 5 {
            0 => host.ok(&["state", "backend", "locked"]),
            1 => host.ok(&["state", "backend", "atomic"]),
            2 => host.ok(&["state", "rollout", "40"]),
            3 => host.ok(&["state", "backend", "dual"]),
            _ => host.ok(&["state", "rollout", "100"]),
        };
        if turn % 10 == 0 {
            let now = host.status();
            let later = now["generation"].as_u64().unwrap();
            assert!(later >= generation, "generations do not decrease: {later} after {generation}");
            assert_eq!(steady(&now), before, "a process that did not die was restarted");
            generation = later;
        }
    }
    let core = host.json(&["state", "-o", "json"]);
    assert_eq!(
        (&core["illegal"], &core["stale_version"], &core["stale_incarnation"]),
        (&0.into(), &0.into(), &0.into())
    );
    for backend in core["backends"].as_array().unwrap() {
        assert_eq!(backend["differences"], 0, "{backend}");
        assert!(backend["commits"].as_u64() > Some(0), "{backend}");
    }
    // Changes are numbered consecutively, so that a gap would be a lost event.
    let events = host.ok(&["events", "-o", "json"]);
    let numbers: Vec<u64> = events
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter_map(|event| event["generation"].as_u64())
        .collect();
    assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]), "an event was lost");
    let restarts = host.process("p1")["restarts"].as_u64().unwrap();
    host.until("p1", "goes on being restarted", |it| it["restarts"].as_u64() > Some(restarts));
    host.down();
}

#[test]
fn a_bad_backend_is_refused_and_nothing_is_changed() {
    let host = Host::up(PROVOST, "[process.web]\ncommand = \"exec sleep 1000\"\n");
    assert_eq!(host.run(&["state", "backend", "quantum"]).code, 2);
    assert_eq!(host.run(&["state", "rollout", "101"]).code, 2);
    assert!(host.ok(&["state"]).starts_with("backend atomic;"), "{}", host.ok(&["state"]));
    host.down();
}
