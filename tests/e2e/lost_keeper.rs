//! The keeper is killed, alone or together with its host: all processes go on, and none is started a second time.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;

use provost_tests::{Host, clean_away, eventually, is_alive, parent};
use rustix::process::Signal;
use serde_json::Value;

use crate::PROVOST;
use crate::keeper::{WRITER, all_run, lives, numbers};

/// The names of the files for the next host.
const TABLE: &str = ".provost/processes.table";
const STASH: &str = ".provost/stash.copy";

/// Each waits for a file with its name, and ends with code 7 then.
pub(crate) const WAITING: &str =
    "while [ ! -e go.$PROVOST_PROCESS ]; do sleep 0.05; done; rm go.$PROVOST_PROCESS; exit 7";

fn up(processes: usize) -> Host {
    let config =
        format!("[host]\nkeeper = true\n[process.web]\nreplicas = {processes}\ncommand = \"{WAITING}\"\n");
    Host::up(PROVOST, &config)
}

pub(crate) fn until_all_run(host: &Host, count: usize) -> Value {
    eventually("all run", || host.status(), |status| lives(status).len() == count && all_run(status))
}

pub(crate) fn pids(lives: &BTreeMap<String, Value>) -> Vec<u64> {
    lives.values().map(|life| life[1].as_u64().unwrap()).collect()
}

pub(crate) fn file(host: &Host, name: &str) -> PathBuf {
    host.setup().dir().join(name)
}

/// Waits until the table has this number of processes and there is a copy of the stash: the disk may be behind.
pub(crate) fn until_copied(host: &Host, processes: usize) {
    let lines = || {
        let table = std::fs::read_to_string(file(host, TABLE)).unwrap_or_default();
        let lines =
            table.lines().filter(|line| line.get(9..).is_some_and(|line| line.starts_with("+ "))).count();
        (lines, file(host, STASH).exists())
    };
    eventually("the files have them", lines, |(lines, is_copied)| *lines >= processes && *is_copied);
}

#[test]
fn the_next_host_can_look_for_the_processes_from_the_first_one_on() {
    let config =
        "[host]\nkeeper = true\n[process.web]\ncommand = \"ls .provost/processes.table; exec sleep 1000\"\n";
    let host = Host::up(PROVOST, config);
    let said = eventually("it has looked", || host.ok(&["logs", "web"]), |said| !said.is_empty());
    assert_eq!(said, ".provost/processes.table\n");
    host.down();
}

/// Kills the host and the keeper of this moment at once, after the table has this many processes.
pub(crate) fn kill_both(host: &Host, processes: usize) {
    until_copied(host, processes);
    let status = host.status()["host"].clone();
    let (pid, keeper) = (&status["pid"], &status["keeper_pid"]);
    // The host is suspended first, so that it does not notice that the keeper is gone.
    Host::kill(pid, Signal::STOP);
    Host::kill(keeper, Signal::KILL);
    Host::kill(pid, Signal::KILL);
    eventually("the host is gone", || is_alive(pid.as_u64().unwrap()), |alive| !alive);
}

/// Starts a host again, in the background.
pub(crate) fn up_again(host: &Host) -> Value {
    let up = host.run(&["up", "--detach"]);
    assert_eq!(up.code, 0, "{up:?}\n{}", host.setup().host_log());
    host.status()
}

/// Stops everything, and checks that none of these processes is left.
pub(crate) fn down(host: &Host, pids: Vec<u64>) {
    host.ok(&["down"]);
    eventually("all have ended", || pids.iter().copied().any(is_alive), |alive| !alive);
    assert!(!file(host, TABLE).exists(), "the next host begins anew");
}

/// The checksum of zip, Ethernet and many others.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(sum & 1)))
    })
}

#[test]
fn a_keeper_that_is_killed_is_replaced_and_no_process_notices() {
    let host = up(10);
    let before = until_all_run(&host, 10);
    let mut former = u64::from(host.pid());
    let mut keeper = host.up_pid();
    for _ in 0..2 {
        Host::kill(&keeper.into(), Signal::KILL);
        let status = host.setup().until_another_host(former);
        assert_eq!(lives(&status), lives(&before), "{}\n{}", host.log(), host.setup().host_log());
        former = status["host"]["pid"].as_u64().unwrap();
        let next = parent(u32::try_from(former).unwrap()).unwrap();
        let name = std::fs::read(format!("/proc/{next}/cmdline")).unwrap();
        assert!(next != keeper && name.starts_with(b"provost-keeper\0"));
        keeper = next;
    }
    assert!(host.log().contains("another one (pid "), "{}", host.log());
    // One that this keeper has not started ends: that is decided once.
    std::fs::write(file(&host, "go.web.3"), "").unwrap();
    let second = host.until("web.3", "runs again", |it| it["incarnation"] == 2 && it["phase"] == "running");
    assert_eq!(parent(u32::try_from(second["pid"].as_u64().unwrap()).unwrap()), Some(keeper));
    let events = host.events("web.3");
    let exits: Vec<&Value> = events.iter().filter(|event| event["kind"] == "exited").collect();
    assert_eq!((exits.len(), &second["restarts"]), (1, &1.into()), "{events:?}");
    // Kernels before 6.15 tell it only if nobody reaps the process at once.
    assert!(exits[0]["exit"]["code"] == 7 || exits[0]["exit"]["error"] == "ended unobserved", "{events:?}");
    down(&host, pids(&lives(&host.status())));
    eventually("the keeper has ended", || is_alive(keeper.into()), |alive| !alive);
}

#[test]
fn a_keeper_that_is_killed_while_the_host_leaves_for_an_upgrade_is_replaced_and_the_upgrade_goes_on() {
    let config = "[host]\nkeeper = true\n[process.web]\nreplicas = 3\ncommand = \"exec sleep 1000\"\n";
    let setup = provost_tests::Setup::new(PROVOST, config);
    let next = setup.dir().join("next");
    if std::fs::hard_link(PROVOST, &next).is_err() {
        std::fs::copy(PROVOST, &next).unwrap();
    }
    let host = setup.up_with(&[("FAILPOINTS", "serving.leaves=sleep(5000)")]);
    let before = until_all_run(&host, 3);
    let mut upgrade = host.setup().command(&["upgrade", "./next"]).stdout(Stdio::null()).spawn().unwrap();
    eventually("it leaves", || host.log(), |log| log.contains("an upgrade to version"));
    Host::kill(&host.up_pid().into(), Signal::KILL);
    assert!(upgrade.wait().unwrap().success(), "{}", host.setup().host_log());
    let after = host.setup().until_another_host(u64::from(host.pid()));
    assert_eq!(lives(&after), lives(&before), "{}", host.setup().host_log());
    let pid = after["host"]["pid"].as_u64().unwrap();
    assert_eq!(std::fs::read_link(format!("/proc/{pid}/exe")).unwrap(), next);
    down(&host, pids(&lives(&after)));
}

#[test]
fn a_host_that_is_asked_to_stop_while_it_leaves_and_awaits_another_keeper_has_everything_ended() {
    let config = "[host]\nkeeper = true\n[process.web]\nreplicas = 3\ncommand = \"exec sleep 1000\"\n";
    let host =
        provost_tests::Setup::new(PROVOST, config).up_with(&[("FAILPOINTS", "serving.leaves=sleep(2000)")]);
    let processes = pids(&lives(&until_all_run(&host, 3)));
    let mut upgrade = host.setup().command(&["upgrade"]).stderr(Stdio::null()).spawn().unwrap();
    eventually("it leaves", || host.log(), |log| log.contains("an upgrade to version"));
    Host::kill(&host.up_pid().into(), Signal::KILL);
    Host::kill(&host.pid().into(), Signal::TERM);
    eventually("all have ended", || processes.iter().copied().any(is_alive), |alive| !alive);
    assert!(!upgrade.wait().unwrap().success());
    assert_eq!(host.run(&["status"]).code, 3, "{}", host.setup().host_log());
}

#[test]
fn a_new_keeper_that_ends_before_it_is_told_that_it_has_everything_is_followed_by_another_one() {
    let config = "[host]\nkeeper = true\n[process.web]\nreplicas = 3\ncommand = \"exec sleep 1000\"\n";
    let host =
        provost_tests::Setup::new(PROVOST, config).up_with(&[("FAILPOINTS", "keeper.untold=1*return")]);
    let before = until_all_run(&host, 3);
    Host::kill(&host.up_pid().into(), Signal::KILL);
    let status = host.setup().until_another_host(host.pid().into());
    assert_eq!(lives(&status), lives(&before), "{}\n{}", host.log(), host.setup().host_log());
    down(&host, pids(&lives(&status)));
}

#[test]
fn a_host_whose_new_keepers_all_end_before_they_are_told_goes_on_without_one() {
    let config = "[host]\nkeeper = true\n[process.web]\ncommand = \"exec sleep 1000\"\n";
    let host = provost_tests::Setup::new(PROVOST, config).up_with(&[("FAILPOINTS", "keeper.untold=return")]);
    let first = host.until_phase("web", "running");
    Host::kill(&host.up_pid().into(), Signal::KILL);
    let degraded = || host.status()["host"]["degraded"].to_string();
    eventually("it gives up", degraded, |degraded| degraded.contains("are not supervised any more"));
    assert_eq!(host.process("web")["pid"], first["pid"]);
    assert_eq!(host.run(&["down"]).code, 0);
    eventually("it is gone", || is_alive(first["pid"].as_u64().unwrap()), |alive| !alive);
}

#[test]
fn a_keeper_that_cannot_be_replaced_leaves_a_host_that_goes_on_without_one() {
    let config = "[host]\nkeeper = true\n[process.web]\ncommand = \"exec sleep 1000\"\n";
    let host =
        provost_tests::Setup::new(PROVOST, config).up_with(&[("FAILPOINTS", "keeper.successor=return")]);
    let first = host.until_phase("web", "running");
    Host::kill(&host.up_pid().into(), Signal::KILL);
    let degraded = || host.status()["host"]["degraded"].to_string();
    eventually("it is said", degraded, |degraded| degraded.contains("no process is started"));
    eventually("it gives up", degraded, |degraded| degraded.contains("are not supervised any more"));
    assert_eq!(host.process("web")["pid"], first["pid"]);
    Host::kill(&first["pid"], Signal::KILL);
    let second = host.until("web", "runs again", |it| it["incarnation"] == 2 && it["phase"] == "running");
    assert_eq!(parent(u32::try_from(second["pid"].as_u64().unwrap()).unwrap()), Some(host.pid()));
    assert_eq!(host.run(&["down"]).code, 0);
    eventually("it is gone", || is_alive(second["pid"].as_u64().unwrap()), |alive| !alive);
}

#[test]
fn after_the_host_and_the_keeper_were_killed_at_once_the_next_up_adopts_all_processes() {
    let host = up(20);
    let before = until_all_run(&host, 20);
    for _ in 0..2 {
        kill_both(&host, 20);
        assert!(pids(&lives(&before)).into_iter().all(is_alive), "they go on without a host");
        let after = up_again(&host);
        assert_eq!(lives(&after), lives(&before), "{}", host.setup().host_log());
    }
    std::fs::write(file(&host, "go.web.7"), "").unwrap();
    host.until("web.7", "runs again", |it| it["incarnation"] == 2 && it["phase"] == "running");
    down(&host, pids(&lives(&host.status())));
}

#[test]
fn the_lines_of_a_writer_are_complete_and_in_order_after_both_were_killed() {
    let host = Host::up(PROVOST, &format!("[host]\nkeeper = true\n[process.web]\ncommand = \"{WRITER}\"\n"));
    let log = file(&host, ".provost/logs/web.log");
    let numbers = || numbers(&log);
    eventually("it writes", numbers, |numbers| numbers.last().is_some_and(|last| *last >= 200));
    kill_both(&host, 1);
    up_again(&host);
    let all = eventually("it has written all", numbers, |numbers| numbers.last() == Some(&3_000));
    // Lines that were written and not yet taken out of the pipe are written again by the next host.
    let mut next = 1;
    for number in all {
        assert!(number <= next, "{next} is lost: {number} follows");
        next = next.max(number + 1);
    }
    assert_eq!(next, 3_001);
    down(&host, pids(&lives(&host.status())));
}

#[test]
fn a_process_that_has_ended_while_nobody_was_there_is_decided_once() {
    let host = up(3);
    let before = lives(&until_all_run(&host, 3));
    kill_both(&host, 3);
    Host::kill(&before["web.2"][1], Signal::KILL);
    eventually("it has ended", || is_alive(before["web.2"][1].as_u64().unwrap()), |alive| !alive);
    up_again(&host);
    let second = host.until("web.2", "runs again", |it| it["incarnation"] == 2 && it["phase"] == "running");
    assert_eq!(second["restarts"], 1, "{second}");
    let after = lives(&host.status());
    assert_eq!((&after["web.1"], &after["web.3"]), (&before["web.1"], &before["web.3"]));
    down(&host, pids(&after));
}

#[test]
fn a_table_of_another_boot_is_kept_aside_and_nothing_of_it_is_adopted() {
    let host = up(3);
    let before = lives(&until_all_run(&host, 3));
    kill_both(&host, 3);
    // As if the machine had been started again.
    for pid in pids(&before) {
        Host::kill(&pid.into(), Signal::KILL);
    }
    let table = std::fs::read_to_string(file(&host, TABLE)).unwrap();
    let (head, rest) = table.split_once('\n').unwrap();
    let fields: Vec<&str> = head.split(' ').collect();
    let head = format!("provost-lives 1 another-boot {} {}", fields[4], fields[5]);
    std::fs::write(file(&host, TABLE), format!("{:08x} {head}\n{rest}", crc32(head.as_bytes()))).unwrap();
    up_again(&host);
    let after = until_all_run(&host, 3);
    assert!(after["processes"].as_array().unwrap().iter().all(|it| it["incarnation"] == 1), "{after}");
    let log = host.setup().host_log();
    assert!(log.contains("it was written before the machine was started again"), "{log}");
    assert!(file(&host, &format!("{TABLE}.other-boot")).exists());
    down(&host, pids(&lives(&after)));
}

#[test]
fn a_table_that_is_torn_is_kept_aside_and_still_there_is_no_second_copy() {
    let host = up(5);
    let before = until_all_run(&host, 5);
    kill_both(&host, 5);
    let table = std::fs::read(file(&host, TABLE)).unwrap();
    let second = table.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(1).unwrap().0;
    std::fs::write(file(&host, TABLE), &table[..second + 30]).unwrap();
    let after = up_again(&host);
    assert_eq!(lives(&after), lives(&before), "{}", host.setup().host_log());
    let log = host.setup().host_log();
    assert!(log.contains("1 of its lines cannot be read"), "{log}");
    assert!(file(&host, &format!("{TABLE}.unreadable")).exists());
    down(&host, pids(&lives(&after)));
}

#[test]
fn a_table_that_was_cleaned_away_with_its_directory_is_written_again() {
    let host = up(3);
    let before = until_all_run(&host, 3);
    clean_away(&file(&host, ".provost"));
    kill_both(&host, 3);
    assert_eq!(lives(&up_again(&host)), lives(&before), "{}", host.setup().host_log());
    down(&host, pids(&lives(&before)));
}
