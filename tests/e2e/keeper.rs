//! The keeper: the host is killed and its processes go on, without a second copy of any of them.

use std::collections::BTreeMap;
use std::path::Path;

use provost_tests::{Host, Setup, children, eventually, is_alive, parent};
use rustix::process::Signal;
use serde_json::Value;

use crate::PROVOST;

/// Returns what has to stay the same when a host ends, by the names of the processes.
pub(crate) fn lives(status: &Value) -> BTreeMap<String, Value> {
    let life = |it: &Value| {
        let kept = ["phase", "pid", "incarnation", "started_at", "restarts"];
        (it["name"].as_str().unwrap().to_owned(), kept.iter().map(|key| it[*key].clone()).collect())
    };
    status["processes"].as_array().unwrap().iter().map(life).collect()
}

/// Whether each process runs.
pub(crate) fn all_run(status: &Value) -> bool {
    status["processes"].as_array().unwrap().iter().all(|it| it["phase"] == "running")
}

/// Writes the numbers from 1 to 3,000, one a line, with a pause after every twenty, and goes on.
pub(crate) const WRITER: &str = "i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo $i; \
    [ $((i % 20)) != 0 ] || sleep 0.01; done; exec sleep 1000";

/// Returns the numbers in the log file of a writer.
pub(crate) fn numbers(log: &Path) -> Vec<u32> {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    text.lines().filter_map(|line| line.rsplit(' ').next()?.parse().ok()).collect()
}

#[test]
fn a_host_that_is_killed_is_started_again_and_adopts_all_processes_without_a_second_copy() {
    let config =
        "[host]\nkeeper = true\n[process.web]\nreplicas = 20\ncommand = \"while :; do sleep 1000; done\"\n";
    let mut host = Host::up(PROVOST, config);
    let before = eventually("all run", || host.status(), all_run);
    assert_eq!(lives(&before).len(), 20);
    let generation = before["generation"].as_u64().unwrap();
    let mut former = before["host"]["pid"].as_u64().unwrap();
    assert_eq!(parent(u32::try_from(former).unwrap()), Some(host.up_pid()));
    for _ in 0..2 {
        Host::kill(&former.into(), Signal::KILL);
        let status = host.setup().until_another_host(former);
        assert_eq!(lives(&status), lives(&before), "{}", host.log());
        assert!(status["generation"].as_u64().unwrap() >= generation);
        former = status["host"]["pid"].as_u64().unwrap();
    }
    // The twenty and the host.
    assert_eq!(children(host.up_pid()).len(), 21);
    let pids: Vec<u64> = lives(&before).values().map(|life| life[1].as_u64().unwrap()).collect();
    host.ok(&["down"]);
    assert_eq!(host.until_ended(), Some(0));
    assert!(!pids.into_iter().any(is_alive));
}

#[test]
fn an_exit_while_there_is_no_host_has_its_code_and_is_decided_once() {
    let config = "[host]\nkeeper = true\n[process.web]\n\
                  command = \"while [ ! -e go ]; do sleep 0.05; done; rm go; exit 7\"\n";
    let host = Host::up(PROVOST, config);
    let first = host.until_phase("web", "running");
    let former = host.pid();
    // A host that is suspended notices nothing.
    Host::kill(&former.into(), Signal::STOP);
    std::fs::write(host.setup().dir().join("go"), "").unwrap();
    let stat = || std::fs::read_to_string(format!("/proc/{}/stat", first["pid"])).unwrap_or_default();
    eventually("it has ended", stat, |stat| stat.contains(") Z "));
    Host::kill(&former.into(), Signal::KILL);
    host.setup().until_another_host(former.into());
    let second = host.until("web", "runs again", |it| it["incarnation"] == 2 && it["phase"] == "running");
    assert_eq!(second["restarts"], 1, "{second}");
    let events = host.events("web");
    let kinds: Vec<&str> = events.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["exited", "decided", "spawned", "ready"], "{events:?}");
    assert_eq!(events[0]["exit"]["code"], 7);
    host.down();
}

#[test]
fn output_from_the_time_without_a_host_is_in_the_log_in_order() {
    let host = Host::up(PROVOST, &format!("[host]\nkeeper = true\n[process.web]\ncommand = \"{WRITER}\"\n"));
    let log = host.setup().dir().join(".provost/logs/web.log");
    let numbers = || numbers(&log);
    let mut former = u64::from(host.pid());
    for reached in [200, 1_000, 1_800] {
        eventually("it writes", numbers, |numbers| numbers.last().is_some_and(|last| *last >= reached));
        Host::kill(&former.into(), Signal::KILL);
        former = host.setup().until_another_host(former)["host"]["pid"].as_u64().unwrap();
    }
    let all = eventually("it has written all", numbers, |numbers| numbers.last() == Some(&3_000));
    assert!(all.iter().copied().eq(1..=3_000), "{all:?}");
    host.down();
}

#[test]
fn without_a_keeper_the_host_is_the_process_of_up_and_its_status_says_so() {
    let web = "[process.web]\ncommand = \"exec sleep 1000\"\n";
    let host = Host::up(PROVOST, &format!("[host]\nkeeper = false\n{web}"));
    assert_eq!(host.pid(), host.up_pid());
    host.until_phase("web", "running");
    host.down();
    let faults = [("FAILPOINTS", "keeper.memory=return;keeper.file=return")];
    let host = Setup::new(PROVOST, &format!("[host]\nkeeper = true\n{web}")).up_with(&faults);
    assert_eq!(host.pid(), host.up_pid());
    let status = host.status();
    let degraded = status["host"]["degraded"].as_array().unwrap();
    let keeper = degraded.iter().find(|it| it["what"] == "the keeper").expect("it is said");
    let reason = keeper["reason"].as_str().unwrap();
    assert!(
        reason.contains("its program cannot be executed: not from memory: Permission denied"),
        "{reason}"
    );
    host.down();
}

#[test]
fn a_keeper_that_cannot_be_executed_from_memory_is_executed_from_a_file() {
    let config = "[host]\nkeeper = true\n[process.web]\ncommand = \"exec sleep 1000\"\n";
    let host = Setup::new(PROVOST, config).up_with(&[("FAILPOINTS", "keeper.memory=return")]);
    assert_ne!(host.pid(), host.up_pid());
    let program = std::fs::read_link(format!("/proc/{}/exe", host.up_pid())).unwrap();
    assert!(program.ends_with(".provost/provost-keeper"), "{}", program.display());
    host.until_phase("web", "running");
    host.down();
}

#[test]
fn a_host_that_dies_again_and_again_is_left_down_and_up_starts_it_again_without_a_second_copy() {
    let config = "[host]\nkeeper = true\n[process.web]\nreplicas = 3\ncommand = \"exec sleep 1000\"\n";
    let host = Host::up(PROVOST, config);
    let before = eventually("all run", || host.status(), all_run);
    let mut former = u64::from(host.pid());
    for _ in 0..4 {
        Host::kill(&former.into(), Signal::KILL);
        former = host.setup().until_another_host(former)["host"]["pid"].as_u64().unwrap();
    }
    Host::kill(&former.into(), Signal::KILL);
    eventually("it is said", || host.log(), |log| log.contains("the host has died 5 times within a minute"));
    assert_eq!(host.run(&["status"]).code, 3);
    assert!(lives(&before).values().all(|life| is_alive(life[1].as_u64().unwrap())));
    let up = host.run(&["up"]);
    assert_eq!(up.code, 1, "{up:?}");
    let said = "it starts one again, which takes over the 3 processes that are there";
    assert!(up.stderr.contains(said), "{up:?}");
    let after = host.setup().until_another_host(former);
    assert_eq!(lives(&after), lives(&before));
    // It starts no second host and no second keeper beside the first.
    let up = host.run(&["up"]);
    let told = format!("a host is running here already: pid {}", after["host"]["pid"]);
    assert!(up.code == 1 && up.stderr.contains(&told), "{up:?}");
    assert_eq!(children(host.up_pid()).len(), 4);
    host.down();
}

#[test]
fn a_process_that_has_ended_is_reaped_although_the_next_one_cannot_be_started() {
    let config = "[host]\nkeeper = true\n[process.web]\ncommand = \"exec sleep 1000\"\n";
    // The machine has room for one process.
    let host = Setup::new(PROVOST, config).up_with(&[("FAILPOINTS", "spawn.fork=1*off->return(11)")]);
    let first = host.until_phase("web", "running")["pid"].clone();
    Host::kill(&first, Signal::KILL);
    let is_there = || Path::new(&format!("/proc/{first}")).exists();
    eventually("nothing is left of it", is_there, |is_there| !is_there);
    let degraded = || host.status()["host"]["degraded"].to_string();
    eventually("the next one is tried", degraded, |degraded| degraded.contains("web: "));
    assert_eq!(host.process("web")["incarnation"], 1);
    assert_eq!(host.run(&["down"]).code, 0);
}
