//! Policies that misbehave: each is refused or overruled, the process it judges is restarted by the failsafe,
//! the host's memory stays bounded, and status says what happened.

use provost_tests::{Host, Setup, guest};
use serde_json::Value;

use crate::PROVOST;

/// Beyond this the host is leaking what the guest wanted, in KiB.
const MEMORY_KIB_MAX: u64 = 300 * 1024;

fn judged_by(guest_name: &str) -> String {
    format!(
        "[plugins.judge]\ncomponent = {:?}\n[process.web]\ncommand = \"exit 1\"\npolicies = [\"judge\"]\n\
         [process.bystander]\ncommand = \"exec sleep 1000\"\n",
        guest(guest_name)
    )
}

fn plugin(host: &Host) -> Value {
    let plugins = host.json(&["plugin", "list", "-o", "json"]);
    plugins["plugins"][0].clone()
}

/// The process is restarted all the same, by the failsafe, whose ruling tells what was wrong.
fn survives(guest_name: &str, told: &[&str]) -> (Host, Value) {
    let host = Host::up(PROVOST, &judged_by(guest_name));
    let judged = host.until("web", "is restarted twice", |it| it["restarts"].as_u64() >= Some(2));
    assert_eq!(judged["decision"]["by"], "failsafe");
    let overruled = judged["decision"]["overruled"].as_str().unwrap();
    for word in told {
        assert!(overruled.contains(word), "{word:?} is not in {overruled:?}");
    }
    assert!(host.ok(&["status"]).contains("judge"), "status names the plugin: {}", host.ok(&["status"]));
    assert_eq!(host.process("bystander")["phase"], "running");
    assert!(host.memory_kib() < MEMORY_KIB_MAX, "{} KiB", host.memory_kib());
    let plugin = plugin(&host);
    (host, plugin)
}

#[test]
fn one_that_loops_for_ever_is_stopped_at_its_deadline() {
    let (host, plugin) = survives("loops", &["judge", "100 ms"]);
    assert_eq!(plugin["last_fault"]["kind"], "deadline");
    assert!(plugin["faults"].as_u64() >= Some(2), "{plugin}");
    host.down();
}

#[test]
fn one_that_traps_is_answered_for() {
    let (host, plugin) = survives("traps", &["judge", "trap"]);
    assert_eq!(plugin["last_fault"]["kind"], "trap");
    host.down();
}

#[test]
fn one_that_allocates_without_end_is_stopped_at_its_limit() {
    let (host, plugin) = survives("hogs", &["judge", "MiB"]);
    assert_eq!(plugin["last_fault"]["kind"], "memory");
    host.down();
}

#[test]
fn one_that_wants_to_wait_a_billion_years_is_overruled() {
    let (host, _) = survives("absurd", &["judge", "1000000000000000000 ms", "restart_delay_max"]);
    host.down();
}

#[test]
fn settings_that_a_policy_refuses_are_told_in_its_own_words_before_anything_fails() {
    let config = "[plugins.judge]\ncomponent = \"bundled:backoff\"\nsettings = { frist = \"1s\" }\n\
                  [process.web]\ncommand = \"exit 1\"\npolicies = [\"judge\"]\n";
    let validated = Setup::new(PROVOST, config).run(&["validate"]);
    assert_eq!(validated.code, 2, "{validated:?}");
    assert!(validated.stderr.contains("unknown field `frist`"), "{validated:?}");
    let host = Host::up(PROVOST, config);
    let judged = host.until("web", "is restarted", |it| it["restarts"].as_u64() >= Some(1));
    assert_eq!(judged["decision"]["by"], "failsafe");
    let overruled = judged["decision"]["overruled"].as_str().unwrap();
    assert!(overruled.contains("settings") && overruled.contains("frist"), "{overruled}");
    host.down();
}

#[test]
fn one_that_imports_what_it_was_not_granted_is_refused_and_the_import_named() {
    let (host, plugin) = survives("sockets", &["judge", "wasi:sockets"]);
    assert_eq!(plugin["status"], "refused");
    assert!(plugin["reason"].as_str().unwrap().contains("wasi:sockets"), "{plugin}");
    assert_eq!(plugin["last_fault"]["kind"], "refused");
    host.down();
    let setup = Setup::new(PROVOST, &judged_by("sockets"));
    let validated = setup.run(&["validate"]);
    assert_eq!(validated.code, 2, "{validated:?}");
    assert!(validated.stderr.contains("wasi:sockets"), "{validated:?}");
}
