//! Decisions about more than the process that died (scopes, escalation), replicas, and restarts by health checks.

use provost_tests::{Host, eventually};
use rustix::process::Signal;

use crate::PROVOST;

/// Returns a config with a group of three processes under the policy `otp`, and one process outside of it.
fn otp(strategy: &str, more: &str) -> String {
    let member = |name: &str, more: &str| {
        format!(
            "[process.{name}]\ncommand = \"exec sleep 1000\"\ngroup = \"g\"\npolicies = [\"otp\"]\n{more}\n"
        )
    };
    format!(
        "[plugins.otp]\ncomponent = \"bundled:otp\"\nsettings = {{ strategy = \"{strategy}\", {more} }}\n{}{}{}\
         [process.other]\ncommand = \"exec sleep 1000\"\n",
        member("a", ""),
        member("b", "depends_on = [\"a\"]"),
        member("c", "depends_on = [\"b\"]"),
    )
}

fn incarnations(host: &Host) -> Vec<u64> {
    ["a", "b", "c", "other"].iter().map(|name| host.process(name)["incarnation"].as_u64().unwrap()).collect()
}

fn after_the_death_of_b(strategy: &str) -> Vec<u64> {
    let host = Host::up(PROVOST, &otp(strategy, "intensity = 5, period = 60"));
    for name in ["a", "b", "c", "other"] {
        host.until_phase(name, "running");
    }
    Host::kill(&host.process("b")["pid"], Signal::KILL);
    host.until("b", "runs again", |b| b["incarnation"] == 2 && b["phase"] == "running");
    for name in ["a", "c"] {
        host.until_phase(name, "running");
    }
    // Every process that has to be restarted was stopped before b was started.
    let incarnations = incarnations(&host);
    host.down();
    incarnations
}

#[test]
fn one_for_one_restarts_only_the_process_that_died() {
    assert_eq!(after_the_death_of_b("one_for_one"), [1, 2, 1, 1]);
}

#[test]
fn rest_for_one_also_restarts_the_processes_after_it() {
    assert_eq!(after_the_death_of_b("rest_for_one"), [1, 2, 2, 1]);
}

#[test]
fn one_for_all_restarts_the_whole_group_and_no_other_process() {
    assert_eq!(after_the_death_of_b("one_for_all"), [2, 2, 2, 1]);
}

#[test]
fn a_group_that_dies_too_often_is_given_up_as_a_whole() {
    let host = Host::up(PROVOST, &otp("one_for_one", "intensity = 1, period = 3600"));
    for life in 1..=2 {
        let b = host.until("b", "runs", |b| b["incarnation"] == life && b["phase"] == "running");
        Host::kill(&b["pid"], Signal::KILL);
    }
    for name in ["a", "b", "c"] {
        host.until_phase(name, "fatal");
    }
    assert_eq!(host.process("other")["phase"], "running");
    host.down();
}

#[test]
fn a_policy_that_shuts_down_the_host_sets_its_exit_code() {
    let settings = "intensity = 0, period = 1, escalate = { shut_down = 42 }";
    let host = Host::up(PROVOST, &otp("one_for_one", settings));
    let b = host.until_phase("b", "running");
    Host::kill(&b["pid"], Signal::KILL);
    assert_eq!(host.ended(), Some(42));
}

#[test]
fn replicas_know_their_number_and_are_selected_by_their_base_name() {
    let host = Host::up(
        PROVOST,
        "[process.web]\ncommand = \"echo replica $PROVOST_REPLICA; exec sleep 1000\"\nreplicas = 3\n",
    );
    for number in 1..=3 {
        let name = format!("web.{number}");
        host.until_phase(&name, "running");
        eventually(
            "it says its number",
            || host.ok(&["logs", &name]),
            |log| log.contains(&format!("replica {number}")),
        );
    }
    host.ok(&["stop", "web", "--wait"]);
    for number in 1..=3 {
        assert_eq!(host.process(&format!("web.{number}"))["phase"], "stopped");
    }
    host.down();
}

#[test]
fn a_process_that_fails_its_health_check_is_restarted() {
    let host = Host::up(
        PROVOST,
        "[process.web]\ncommand = \"touch well; echo well; exec sleep 1000\"\nready = { log = \"well\" }\n\
         health = { exec = [\"test\", \"-e\", \"well\"], every = \"50ms\", failures = 2 }\n",
    );
    host.until("web", "is well", |web| web["health"] == "healthy");
    std::fs::remove_file(host.setup().dir().join("well")).unwrap();
    let web = host
        .until("web", "runs again and is well", |web| web["incarnation"] == 2 && web["health"] == "healthy");
    assert_eq!(
        (&web["failures"], &web["restarts"]),
        (&0.into(), &1.into()),
        "a restart after a failed health check counts as a restart, not as a crash"
    );
    host.down();
}
