//! One component in all roles, on real processes.

use provost_tests::{Host, eventually, guest};
use serde_json::Value;

use crate::PROVOST;

const SETTINGS: &str = r#"{"refuse": "unwanted", "wait": "300ms", "replicas": 2}"#;

fn conducted() -> String {
    format!(
        "[plugins.conductor]\ncomponent = {:?}\n\
         settings = {{ refuse = \"unwanted\", wait = \"300ms\", replicas = 2 }}\n\
         limits = {{ call_time = \"1m\" }}\nallow = [\"set-env:GREETING\"]\n\
         [process.greeted]\ncommand = \"echo $GREETING; exec sleep 1000\"\npolicies = [\"conductor\"]\n\
         health = {{ exec = \"true\", every = \"50ms\" }}\n\
         [process.unwanted]\ncommand = \"exec sleep 1000\"\npolicies = [\"conductor\"]\n\
         [process.failing]\ncommand = \"exit 1\"\npolicies = [\"conductor\"]\n\
         [process.web]\ncommand = \"echo replica $PROVOST_REPLICA; exec sleep 1000\"\npolicies = [\"conductor\"]\n\
         replicas = {{ min = 1, max = 4, every = \"50ms\" }}\n",
        guest("conductor")
    )
}

fn replicas(host: &Host) -> Value {
    host.status()["replicas"][0].clone()
}

fn until_replicas(host: &Host, wanted: u64) {
    eventually(
        "the wanted replicas run",
        || replicas(host),
        |web| web["wanted"] == wanted && web["running"] == wanted,
    );
    for number in 1..=4_u64 {
        let phase = if number <= wanted { "running" } else { "stopped" };
        host.until_phase(&format!("web.{number}"), phase);
    }
}

#[test]
fn one_component_plays_all_roles() {
    let host = Host::up(PROVOST, &conducted());
    // start-policy: a delay, a variable, a refusal.
    host.until_phase("greeted", "running");
    let waited = host
        .events("greeted")
        .iter()
        .any(|event| event["after"]["reason"].to_string().contains("not before its turn"))
        || host.ok(&["explain", "greeted"]).contains("not before its turn");
    assert!(waited, "{}", host.ok(&["explain", "greeted"]));
    eventually(
        "it was given its variable",
        || host.ok(&["logs", "greeted"]),
        |log| log.contains("hello greeted"),
    );
    let refused = host.until_phase("unwanted", "fatal");
    assert!(refused["reason"].as_str().unwrap().contains("not this one"), "{refused}");
    assert_eq!(refused["incarnation"], 0, "it was never spawned");
    // health-policy: the check passes, and the policy still decides that the process is degraded.
    host.until("greeted", "is degraded", |greeted| greeted["health"] == "degraded");
    // restart-policy.
    let failing = host.until("failing", "is restarted", |it| it["restarts"].as_u64() >= Some(1));
    assert_eq!(
        (&failing["decision"]["by"], &failing["decision"]["delay_ms"]),
        (&"conductor".into(), &30.into())
    );
    // scale-policy, and a swap of its settings while they run.
    until_replicas(&host, 2);
    let first = host.process("web.1");
    host.ok(&[
        "plugin",
        "swap",
        "conductor",
        "--settings",
        &SETTINGS.replace("\"replicas\": 2", "\"replicas\": 9"),
    ]);
    until_replicas(&host, 4);
    let clamped = eventually(
        "nine replicas are more than the maximum",
        || host.plugins()[0]["clamps"].as_u64(),
        |clamps| *clamps >= Some(1),
    );
    assert!(clamped.is_some());
    host.ok(&["plugin", "swap", "conductor", "--settings", SETTINGS]);
    until_replicas(&host, 2);
    assert_eq!(host.process("web.1")["pid"], first["pid"], "the wanted replicas keep running");
    assert!(
        host.ok(&["status"])
            .contains("REPLICAS  WANTED  RUNNING  LEAST  MOST\nweb       2       2        1      4")
    );
    // status-consumer and status-view, which share a memory.
    eventually(
        "it is notified of changes",
        || host.ok(&["view", "conductor"]),
        |told| told.starts_with("told ") && !told.starts_with("told 0 ") && told.contains("of 7 processes"),
    );
    host.down();
}

#[test]
fn replicas_that_are_not_wanted_are_started_only_by_their_own_name() {
    let host = Host::up(PROVOST, &conducted());
    until_replicas(&host, 2);
    host.ok(&["restart", "web", "--wait"]);
    host.ok(&["start", "all"]);
    until_replicas(&host, 2);
    host.ok(&["start", "web.4", "--wait"]);
    assert_eq!(
        (&host.process("web.4")["phase"], &host.process("web.3")["phase"]),
        (&"running".into(), &"stopped".into())
    );
    host.down();
}

#[test]
fn a_scale_policy_is_loaded_for_the_replicas_of_a_running_process_and_unloaded_again() {
    let host = Host::up(
        PROVOST,
        "[process.web]\ncommand = \"exec sleep 1000\"\nreplicas = { min = 1, max = 4, every = \"50ms\" }\n",
    );
    host.until_phase("web.1", "running");
    let conductor = guest("conductor").display().to_string();
    let settings = SETTINGS.replace("\"replicas\": 2", "\"replicas\": 3");
    host.ok(&["plugin", "load", "conductor", &conductor, "--settings", &settings, "--for", "web"]);
    until_replicas(&host, 3);
    let kept = host.run(&["plugin", "unload", "conductor"]);
    assert_eq!(kept.code, 1, "{kept:?}");
    host.ok(&["plugin", "unload", "conductor", "--force"]);
    assert_eq!(replicas(&host)["wanted"], 3, "no policy changes the number any more");
    host.down();
}
