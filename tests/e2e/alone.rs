//! The keeper without a host: what was begun is finished in its time, and everything ends in order.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use provost_tests::{Host, eventually, is_alive};
use rustix::process::Signal;

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
