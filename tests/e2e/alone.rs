//! The keeper without a host: what was begun is finished in its time, and everything ends in order.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use provost_tests::{Host, eventually, is_alive};
use rustix::process::Signal;
use serde_json::Value;

use crate::PROVOST;
use crate::keeper::all_run;

/// Makes every later host fail, and kills the one that runs; returns when the keeper starts none any more.
fn without_host(host: &Host) {
    // A host does not use a directory in which everybody may write.
    let runtime_dir = host.setup().dir().join(".provost");
    std::fs::set_permissions(runtime_dir, Permissions::from_mode(0o777)).unwrap();
    Host::kill(&host.status()["host"]["pid"], Signal::KILL);
    eventually("it is said", || host.log(), |log| log.contains("the host has died 5 times within a minute"));
}

#[test]
fn a_process_that_was_being_stopped_is_killed_when_its_grace_time_is_over() {
    let config = "[host]\nkeeper = true\n[process.web]\nstop = { grace = \"2s\" }\n\
                  command = \"trap '' TERM; touch ready; while :; do sleep 0.1; done\"\n\
                  [process.db]\ncommand = \"exec sleep 1000\"\n";
    let host = Host::up(PROVOST, config);
    eventually("it ignores the signal", || host.setup().dir().join("ready").exists(), |ready| *ready);
    let status = eventually("all run", || host.status(), all_run);
    let pid = |name: &str| {
        let processes = status["processes"].as_array().unwrap();
        processes.iter().find(|it| it["name"] == name).unwrap()["pid"].as_u64().unwrap()
    };
    host.ok(&["stop", "web"]);
    without_host(&host);
    eventually("it is killed", || is_alive(pid("web")), |alive| !alive);
    assert!(is_alive(pid("db")));
}

#[test]
fn everything_ends_in_the_reverse_order_of_the_dependencies() {
    let process = |name: &str, on: &str| {
        format!(
            "[process.{name}]\n{on}command = \"trap 'echo {name} >>order; exit 0' TERM; touch {name}.ready; \
             while :; do sleep 0.05; done\"\n"
        )
    };
    let config = [
        "[host]\nkeeper = true\n".to_owned(),
        process("db", ""),
        process("api", "depends_on = [\"db\"]\n"),
        process("web", "depends_on = [\"api\"]\n"),
    ]
    .concat();
    let mut host = Host::up(PROVOST, &config);
    let dir = host.setup().dir().to_owned();
    let all_ready = || ["db", "api", "web"].iter().all(|name| dir.join(format!("{name}.ready")).exists());
    eventually("all listen", all_ready, |ready| *ready);
    eventually("all run", || host.status(), all_run);
    without_host(&host);
    host.signal(Signal::TERM);
    assert_eq!(host.until_ended(), Some(0));
    assert_eq!(std::fs::read_to_string(dir.join("order")).unwrap(), "web\napi\ndb\n");
}

#[test]
fn the_keeper_ends_a_child_of_a_former_host_as_the_config_says_now() {
    let config = |a: &str, b: &str| {
        let process = |name: &str, keys: &str| {
            format!(
                "[process.{name}]\n{keys}command = \"trap '' TERM; trap 'echo {name} >>order; exit 0' USR1; \
                 touch {name}.ready; while :; do sleep 0.05; done\"\n"
            )
        };
        format!("[host]\nkeeper = true\n{}{}", process("a", a), process("b", b))
    };
    let mut host = Host::up(PROVOST, &config("", ""));
    let dir = host.setup().dir().to_owned();
    let all_ready = || ["a", "b"].iter().all(|name| dir.join(format!("{name}.ready")).exists());
    eventually("all listen", all_ready, |ready| *ready);
    let before = eventually("all run", || host.status(), all_run);
    let usr1 = "stop = { signal = \"USR1\", grace = \"1m\" }\n";
    let changed = config(&format!("depends_on = [\"b\"]\n{usr1}"), usr1);
    std::fs::write(dir.join("provost.toml"), changed).unwrap();
    let former = host.pid();
    Host::kill(&former.into(), Signal::KILL);
    host.setup().until_another_host(former.into());
    let pids = |status: &Value| [0, 1].map(|at| status["processes"][at]["pid"].clone());
    assert_eq!(pids(&host.status()), pids(&before), "none of it needs a restart");
    without_host(&host);
    host.signal(Signal::TERM);
    assert_eq!(host.until_ended(), Some(0));
    assert_eq!(std::fs::read_to_string(dir.join("order")).unwrap(), "a\nb\n");
}

#[test]
fn a_stop_that_was_begun_ends_in_its_time_also_when_the_keeper_and_then_the_host_are_gone() {
    let config = "[host]\nkeeper = true\n[process.web]\nstop = { grace = \"6s\" }\n\
                  command = \"trap '' TERM; touch ready; while :; do sleep 0.1; done\"\n";
    let host = Host::up(PROVOST, config);
    eventually("it ignores the signal", || host.setup().dir().join("ready").exists(), |ready| *ready);
    let pid = host.until_phase("web", "running")["pid"].as_u64().unwrap();
    host.ok(&["stop", "web"]);
    // The next hosts fail from now on.
    let runtime_dir = host.setup().dir().join(".provost");
    std::fs::set_permissions(runtime_dir, Permissions::from_mode(0o777)).unwrap();
    let former = host.pid();
    Host::kill(&host.up_pid().into(), Signal::KILL);
    eventually("the host has left", || is_alive(former.into()), |alive| !alive);
    eventually("it is killed", || is_alive(pid), |alive| !alive);
    // The other keeper is still there.
    let log = host.log();
    let keeper = log.split_once("; another one (pid ").unwrap().1;
    let keeper: u64 = keeper.split_once(')').unwrap().0.parse().unwrap();
    Host::kill(&keeper.into(), Signal::TERM);
    eventually("the keeper has ended", || is_alive(keeper), |alive| !alive);
}
