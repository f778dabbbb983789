//! Real processes that are added, removed and reconfigured while the host runs: what becomes of their output, their
//! environment files and their checks.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod shared;

use std::path::Path;

use provost_state::{Cause, Health, PhaseKind, ProcessId};
use provost_supervisor::{
    Adopted, Check, HealthCheck, LogItem, LogLimits, LogReader, ProcessSpec, Settings, StopTo, Supervisor,
};
use shared::{shell, until, until_phase};

/// A process that runs this line when it is asked to end, and then ends.
fn ends_with(name: &str, last: &str) -> ProcessSpec {
    let line = format!("trap '{last}; exit' TERM; echo up; while :; do sleep 0.01; done");
    // Its `sleep` is not sent the signal, so that the shell does not report its end.
    ProcessSpec { stop_to: StopTo::Main, ..shell(name, &line) }
}

fn boot(dir: &Path, specs: Vec<ProcessSpec>) -> Supervisor {
    Supervisor::boot(Settings::new(dir.join("logs")), specs, Vec::new(), Vec::new()).unwrap()
}

async fn add_and_start(supervisor: &Supervisor, spec: ProcessSpec) -> ProcessId {
    let id = supervisor.add(vec![spec]).unwrap()[0];
    supervisor.start(id, Cause::Reload).await.unwrap();
    id
}

async fn remove(supervisor: &Supervisor, id: ProcessId) {
    supervisor.remove(id, "removed by a test".into()).await.unwrap();
}

/// Receives the next line, with the process that wrote it; `None` at the end.
async fn next(reader: &mut LogReader) -> Option<(String, String)> {
    match reader.recv().await? {
        LogItem::Line(line) => {
            Some((line.process.to_string(), String::from_utf8_lossy(&line.text).into_owned()))
        }
        other => panic!("{other:?}"),
    }
}

fn line(process: &str, text: &str) -> Option<(String, String)> {
    Some((process.to_owned(), text.to_owned()))
}

#[tokio::test]
async fn all_output_is_in_the_log_before_a_name_is_free_and_the_file_stays_for_the_next_process() {
    let dir = tempfile::tempdir().unwrap();
    // It writes much when it is asked to end.
    let talker = |text: &str| {
        ends_with("web", &format!("i=0; while [ $i -lt 2000 ]; do echo {text}; i=$((i+1)); done"))
    };
    let supervisor = boot(dir.path(), vec![]);
    let mut expected = 0;
    for text in ["first", "second"] {
        let id = add_and_start(&supervisor, talker(text)).await;
        let mut reader = supervisor.logs().follow(&[id], 0, true);
        while next(&mut reader).await != line("web", "up") {}
        remove(&supervisor, id).await;
        expected += 2_001;
        let file = std::fs::read_to_string(dir.path().join("logs/web.log")).unwrap();
        assert_eq!(file.lines().count(), expected);
        assert!(file.ends_with(&format!(" stdout F {text}\n")));
        while let Some(line) = next(&mut reader).await {
            assert_eq!(line.1, text);
        }
    }
    assert_eq!(supervisor.logs().given_up(), 0);
}

#[tokio::test]
async fn who_follows_everything_sees_what_is_added_later_and_goes_on_when_others_leave() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings::new(dir.path().join("logs"));
    let prepared = Supervisor::prepare(settings, vec![], Vec::new(), Vec::new(), Adopted::default()).unwrap();
    let mut all = prepared.follow_output();
    let supervisor = prepared.start();
    for name in ["a", "b"] {
        let id = add_and_start(&supervisor, shell(name, "echo hello; exec sleep 1000")).await;
        assert_eq!(next(&mut all).await, line(name, "hello"));
        remove(&supervisor, id).await;
    }
    supervisor.shutdown(Cause::Shutdown).await;
    assert_eq!(next(&mut all).await, None);
}

#[tokio::test]
async fn who_follows_some_goes_on_with_the_rest_and_ends_with_the_last_of_them() {
    let dir = tempfile::tempdir().unwrap();
    let talks = |name: &str| ends_with(name, "echo bye");
    let supervisor = boot(dir.path(), vec![talks("a"), talks("b"), talks("other")]);
    let ids = ["a", "b"].map(|name| supervisor.reader().snapshot().id(name).unwrap());
    for lines in [0, 10] {
        let mut reader = supervisor.logs().follow(&ids[usize::from(lines == 0)..], lines, true);
        if lines == 10 {
            let mut first = [next(&mut reader).await, next(&mut reader).await];
            first.sort();
            assert_eq!(first, [line("a", "up"), line("b", "up")]);
            remove(&supervisor, ids[0]).await;
            assert_eq!(next(&mut reader).await, line("a", "bye"));
            remove(&supervisor, ids[1]).await;
            assert_eq!(next(&mut reader).await, line("b", "bye"));
            assert_eq!(next(&mut reader).await, None);
        }
    }
    supervisor.shutdown(Cause::Shutdown).await;
}

#[tokio::test]
async fn a_removal_does_not_wait_for_a_stranger_that_holds_the_output_open() {
    let dir = tempfile::tempdir().unwrap();
    // The descendant is in a session of its own, and orphans are not adopted here: nobody ends it.
    let line = "setsid sh -c 'echo $$; exec sleep 1000' & exec sleep 1000";
    let supervisor = boot(dir.path(), vec![shell("web", line)]);
    let id = supervisor.reader().snapshot().id("web").unwrap();
    let mut reader = supervisor.logs().follow(&[id], 10, true);
    let pid: i32 = next(&mut reader).await.unwrap().1.parse().unwrap();
    remove(&supervisor, id).await;
    let stranger = rustix::process::Pid::from_raw(pid).unwrap();
    assert!(rustix::process::test_kill_process(stranger).is_ok(), "it still holds the output");
    let id = add_and_start(&supervisor, shell("web", "echo next; exec sleep 1000")).await;
    let mut reader = supervisor.logs().follow(&[id], 10, true);
    while next(&mut reader).await.unwrap().1 != "next" {}
    rustix::process::kill_process(stranger, rustix::process::Signal::KILL).unwrap();
    supervisor.shutdown(Cause::Shutdown).await;
}

#[tokio::test]
async fn an_environment_file_that_changes_is_noticed_until_its_process_is_spawned_again() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("app.env");
    std::fs::write(&file, "A=1\n").unwrap();
    let spec = ProcessSpec { env_files: vec![file.clone()], ..shell("app", "exec sleep 1000") };
    let supervisor = boot(dir.path(), vec![spec]);
    let id = until_phase(&supervisor, "app", PhaseKind::Running).await.id;
    let changed = || supervisor.spawned_with(id).unwrap().changed_env_files();
    assert!(changed().is_empty());
    std::fs::write(&file, "# only a comment\nA=1\n").unwrap();
    assert!(changed().is_empty());
    std::fs::write(&file, "A=2\n").unwrap();
    assert_eq!(changed(), [file]);
    supervisor.renew(id, Cause::Reload).await.unwrap();
    until(&supervisor, "app", |state| state.incarnation.0 == 2 && state.ready()).await;
    assert!(changed().is_empty());
    supervisor.stop(id, Cause::User).await.unwrap();
    until_phase(&supervisor, "app", PhaseKind::Stopped).await;
    assert!(supervisor.spawned_with(id).is_none());
}

#[tokio::test]
async fn a_new_health_check_finds_the_variables_of_the_life_that_it_checks() {
    let dir = tempfile::tempdir().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (file, other) = (dir.path().join("port.env"), dir.path().join("other.env"));
    std::fs::write(&file, format!("PORT={port}\n")).unwrap();
    std::fs::write(&other, "PORT=1\n").unwrap();
    let spec = ProcessSpec { env_files: vec![file], ..shell("web", "exec sleep 1000") };
    let supervisor = boot(dir.path(), vec![spec.clone()]);
    let id = until_phase(&supervisor, "web", PhaseKind::Running).await.id;
    let check = Check::Tcp("127.0.0.1:$PORT".to_owned());
    let health = HealthCheck { check, every_ms: 10, timeout_ms: 10_000, failures: 1_000_000 };
    // The other file is for the next life.
    let new = ProcessSpec { env_files: vec![other], health: Some(health), ..spec };
    supervisor.reconfigure(id, new).await.unwrap();
    let healthy = until(&supervisor, "web", |state| state.health == Health::Healthy).await;
    assert_eq!(healthy.incarnation.0, 1);
    assert_eq!(
        supervisor.spawned_with(id).unwrap().spec.changed_at_spawn(&supervisor.spec(id).unwrap()),
        ["env_files"]
    );
    supervisor.shutdown(Cause::Shutdown).await;
}

#[tokio::test]
async fn smaller_log_limits_hold_for_the_next_lines_and_the_files_beyond_them_are_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let limits = |file_bytes_max, files_max| LogLimits { file_bytes_max, files_max };
    let spec = ProcessSpec {
        log: limits(200, 6),
        ..shell(
            "web",
            "for i in 1 2 3 4 5 6 7 8 9; do echo a line that fills a file to a half; done; cat; exec sleep 1000",
        )
    };
    let supervisor = boot(dir.path(), vec![spec.clone()]);
    let files = || std::fs::read_dir(dir.path().join("logs")).unwrap().count();
    while files() < 4 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let before = until_phase(&supervisor, "web", PhaseKind::Running).await;
    let id = before.id;
    while std::fs::metadata(dir.path().join("logs/web.log.4")).is_err() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    supervisor.reconfigure(id, ProcessSpec { log: limits(100, 2), ..spec }).await.unwrap();
    supervisor.renew(id, Cause::Reload).await.unwrap();
    while files() > 2 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    supervisor.shutdown(Cause::Shutdown).await;
    assert!(std::fs::metadata(dir.path().join("logs/web.log")).unwrap().len() <= 100);
}
