//! Full disks, hanging disks and special files, under the logs of real children.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::Path;
use std::time::Duration;

use fail::FailScenario;
use provost_state::{Cause, PhaseKind};
use provost_supervisor::{
    Check, CommandLine, LogItem, LogReader, ProcessSpec, Readiness, Settings, Supervisor,
};

fn shell(name: &str, line: &str) -> ProcessSpec {
    ProcessSpec { stop_grace_ms: 500, ..ProcessSpec::new(name, CommandLine::Shell(line.to_owned())) }
}

fn boot(dir: &Path, specs: Vec<ProcessSpec>) -> Supervisor {
    Supervisor::boot(Settings::new(dir.to_owned()), specs, Vec::new(), Vec::new()).unwrap()
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..6_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}");
}

fn follow(supervisor: &Supervisor, name: &str) -> LogReader {
    let id = supervisor.reader().snapshot().id(name).unwrap();
    supervisor.logs().follow(&[id], 100, true)
}

async fn next(reader: &mut LogReader) -> String {
    match reader.recv().await.unwrap() {
        LogItem::Line(line) => String::from_utf8_lossy(&line.text).into_owned(),
        LogItem::Missed { lines, .. } => panic!("missed {lines:?}"),
        LogItem::Cleared { .. } => panic!("cleared"),
    }
}

fn is_running(supervisor: &Supervisor, name: &str) -> bool {
    let world = supervisor.reader().snapshot();
    world.by_name(name).is_some_and(|state| state.phase.kind() == PhaseKind::Running)
}

fn log(dir: &Path, name: &str) -> String {
    std::fs::read_to_string(dir.join(format!("{name}.log"))).unwrap_or_default()
}

#[tokio::test]
async fn a_full_disk_loses_whole_lines_and_is_reported_while_it_lasts() {
    let scenario = FailScenario::setup();
    fail::cfg("log.write", "return(28)").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let line = "i=0; while [ $i -lt 200 ]; do i=$((i+1)); echo lost $i; done; while [ ! -e go ]; do sleep 0.05; done; \
                echo after; exec sleep 1000";
    let spec = ProcessSpec { cwd: Some(dir.path().into()), ..shell("talk", line) };
    let supervisor = boot(&dir.path().join("logs"), vec![spec]);
    let mut reader = follow(&supervisor, "talk");
    for number in 1..=200 {
        assert_eq!(next(&mut reader).await, format!("lost {number}"), "a follower still receives it");
    }
    // A follower is sent a line before the write of it has failed.
    until("it is told", || !supervisor.degraded().list().is_empty()).await;
    let reason = supervisor.degraded().list()[0].reason.to_string();
    assert!(reason.contains("talk") && reason.contains("No space left"), "{reason}");
    fail::remove("log.write");
    std::fs::write(dir.path().join("go"), "").unwrap();
    assert_eq!(next(&mut reader).await, "after");
    let text = log(&dir.path().join("logs"), "talk");
    assert!(text.ends_with(" stdout F after\n") && text.lines().count() == 1, "{text}");
    until("no longer degraded", || supervisor.degraded().list().is_empty()).await;
    supervisor.shutdown(Cause::Shutdown).await;
    scenario.teardown();
}

#[tokio::test]
async fn a_disk_that_hangs_under_one_process_keeps_nobody_waiting() {
    let scenario = FailScenario::setup();
    let dir = tempfile::tempdir().unwrap();
    let ready = Some(Readiness {
        check: Check::LogLine("up".to_owned()),
        every_ms: 100,
        timeout_ms: 60_000,
        within_ms: None,
        own_port: false,
    });
    let hangs = ProcessSpec { ready, ..shell("hangs", "echo up; exec sleep 1000") };
    let other = ProcessSpec { autostart: false, ..shell("other", "echo hello; exec sleep 1000") };
    fail::cfg("log.write", "1*pause->off").unwrap();
    let supervisor = boot(dir.path(), vec![hangs, other]);
    until("its text is seen although it is not written", || is_running(&supervisor, "hangs")).await;
    let id = supervisor.reader().snapshot().id("hangs").unwrap();
    let mut reader = follow(&supervisor, "hangs");
    // Its output fills the pipe, but a restart does not wait for the disk.
    supervisor.restart(id, Cause::User).await.unwrap();
    until("it is restarted", || {
        let world = supervisor.reader().snapshot();
        world.by_name("hangs").is_some_and(|state| state.incarnation.0 == 2)
    })
    .await;
    let other = supervisor.reader().snapshot().id("other").unwrap();
    supervisor.start(other, Cause::User).await.unwrap();
    assert_eq!(next(&mut follow(&supervisor, "other")).await, "hello");
    assert_eq!(log(dir.path(), "hangs"), "");
    fail::remove("log.write");
    for _ in 0..2 {
        assert_eq!(next(&mut reader).await, "up", "nothing is lost when the disk comes back");
    }
    supervisor.shutdown(Cause::Shutdown).await;
    scenario.teardown();
}

#[tokio::test]
async fn a_fifo_in_the_place_of_a_log_file_hinders_that_process_alone() {
    let scenario = FailScenario::setup();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("odd.log");
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RWXU).unwrap();
    let supervisor = boot(
        dir.path(),
        vec![shell("odd", "echo one; exec sleep 1000"), shell("even", "echo two; exec sleep 1000")],
    );
    assert_eq!(next(&mut follow(&supervisor, "even")).await, "two");
    until("it is reported", || {
        supervisor.degraded().list().iter().any(|it| {
            it.reason.contains(
                "the log of odd could not be written at the last attempt: it is a pipe, not a regular file",
            )
        })
    })
    .await;
    supervisor.shutdown(Cause::Shutdown).await;
    scenario.teardown();
}

#[tokio::test]
async fn a_rotation_that_fails_loses_no_line() {
    let scenario = FailScenario::setup();
    fail::cfg("log.rotate", "return(5)").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let limits = provost_supervisor::LogLimits { file_bytes_max: 200, files_max: 3 };
    let talk = ProcessSpec { log: limits, ..shell("talk", "seq 1 50; exec sleep 1000") };
    let supervisor = boot(dir.path(), vec![talk]);
    until("all lines are written", || log(dir.path(), "talk").ends_with(" 50\n")).await;
    assert_eq!(log(dir.path(), "talk").lines().count(), 50);
    supervisor.shutdown(Cause::Shutdown).await;
    scenario.teardown();
}

#[tokio::test]
async fn without_a_descriptor_for_the_file_lines_wait_and_are_not_lost() {
    let scenario = FailScenario::setup();
    fail::cfg("log.open", "return(24)").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let supervisor = boot(dir.path(), vec![shell("talk", "seq 1 50; exec sleep 1000")]);
    until("it is reported", || !supervisor.degraded().list().is_empty()).await;
    fail::remove("log.open");
    until("all lines are written", || log(dir.path(), "talk").ends_with(" 50\n")).await;
    assert_eq!(log(dir.path(), "talk").lines().count(), 50);
    until("no longer degraded", || supervisor.degraded().list().is_empty()).await;
    supervisor.shutdown(Cause::Shutdown).await;
    scenario.teardown();
}
