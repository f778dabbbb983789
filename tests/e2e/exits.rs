//! The steps after an exit: the committed fact, the decision of a policy component, the next incarnation.

use provost_tests::{Host, eventually};
use rustix::process::Signal;

use crate::PROVOST;

fn with_backoff(settings: &str, command: &str) -> String {
    format!(
        "[plugins.backoff]\ncomponent = \"bundled:backoff\"\nsettings = {{ {settings} }}\n\
         [process.web]\ncommand = \"{command}\"\npolicies = [\"backoff\"]\n"
    )
}

#[test]
fn a_process_killed_with_sigkill_runs_again_and_the_events_tell_why() {
    let host = Host::up(PROVOST, &with_backoff("first = '10ms'", "exec sleep 1000"));
    let first = host.until_phase("web", "running");
    Host::kill(&first["pid"], Signal::KILL);
    let second = host.until("web", "runs again", |it| it["phase"] == "running" && it["pid"] != first["pid"]);
    assert_eq!(second["incarnation"], 2);
    assert_eq!(second["restarts"], 1);

    let events = host.events("web");
    let kinds: Vec<&str> = events.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["added", "start", "spawned", "ready", "exited", "decided", "spawned", "ready"]);
    let generations: Vec<u64> = events.iter().map(|event| event["generation"].as_u64().unwrap()).collect();
    assert!(generations.windows(2).all(|pair| pair[0] < pair[1]), "{generations:?}");
    assert_eq!(events[4]["exit"]["name"], "SIGKILL");
    assert_eq!(events[5]["decision"]["by"], "backoff");
    assert_eq!(events[5]["decision"]["action"], "restart");
    let reason = events[5]["decision"]["reason"].as_str().unwrap();
    assert!(reason.contains("SIGKILL") && reason.contains("10 ms"), "the policy's own reason: {reason}");
    host.down();
}

#[test]
fn give_up_after_ends_in_fatal_with_the_policys_reason_and_start_revives_it() {
    let host = Host::up(PROVOST, &with_backoff("first = '1ms', give_up_after = 3", "exit 3"));
    let fatal = host.until_phase("web", "fatal");
    let reason = fatal["reason"].as_str().unwrap();
    assert!(reason.contains("gave up") && reason.contains('3'), "{reason}");
    assert_eq!(fatal["decision"]["by"], "backoff");
    assert_eq!(fatal["restarts"], 3);
    assert!(host.run(&["status"]).stdout.contains("gave up"));
    let explained = host.ok(&["explain", "web"]);
    assert!(explained.contains(reason), "{explained}");
    assert_eq!(host.run(&["status", "web"]).code, 3, "what was named and is not running");

    host.ok(&["start", "web"]);
    let again = host.until("web", "fatal again", |it| it["phase"] == "fatal" && it["restarts"] == 6);
    assert_eq!(again["incarnation"], 8, "four incarnations each time: the first and three restarts");
    host.down();
}

#[test]
fn a_process_that_succeeds_is_not_restarted_and_its_dependents_start() {
    let config = r#"
[plugins.backoff]
component = "bundled:backoff"
[process.job]
command = "echo working; exit 0"
policies = ["backoff"]
[process.app]
command = "exec sleep 1000"
depends_on = { job = "completed" }
"#;
    let host = Host::up(PROVOST, config);
    host.until_phase("app", "running");
    let job = host.until("job", "is judged", |it| it["decision"]["action"] == "stay-down");
    assert_eq!(
        (&job["phase"], &job["exit"]["code"], &job["incarnation"]),
        (&"exited".into(), &0.into(), &1.into())
    );
    host.down();
}

#[test]
fn without_any_policy_the_failsafe_decides() {
    let host = Host::up(PROVOST, "[process.web]\ncommand = \"exit 1\"\n");
    let judged = host.until("web", "is judged twice", |it| it["restarts"].as_u64() >= Some(2));
    assert_eq!(judged["decision"]["by"], "failsafe");
    host.down();
}

#[test]
fn orphans_become_children_of_the_parent_of_all_processes_and_are_reaped() {
    // The subshell ends at once, so that its child outlives its parent.
    let command = "(sleep 1000 & echo $! > orphan); exec sleep 1000";
    let host = Host::up(PROVOST, &format!("[process.parent]\ncommand = \"{command}\"\n"));
    host.until_phase("parent", "running");
    let orphan = eventually(
        "the orphan has a pid",
        || {
            std::fs::read_to_string(host.setup().dir().join("orphan"))
                .unwrap_or_default()
                .trim()
                .parse::<u64>()
        },
        Result::is_ok,
    );
    let orphan = orphan.unwrap();
    let stat = || std::fs::read_to_string(format!("/proc/{orphan}/stat")).unwrap_or_default();
    let parent = || provost_tests::parent(u32::try_from(orphan).unwrap());
    eventually("it belongs to it", parent, |parent| *parent == Some(host.up_pid()));
    Host::kill(&orphan.into(), Signal::KILL);
    eventually("not even a zombie is left", stat, String::is_empty);
    host.down();
}
