//! Tests that need real children.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod shared;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use provost_state::{
    Cause, Decision, Ended, Exit, Fault, Health, Judgement, PhaseKind, Policy, RulingAction, Scope, Signal,
    Snapshot,
};
use provost_supervisor::{
    Check, CommandLine, HealthCheck, LogItem, LogStream, ProcessSpec, Readiness, Refusal, Settings,
    Supervisor,
};
use shared::{shell, until, until_phase};

fn boot(dir: &Path, specs: Vec<ProcessSpec>) -> Supervisor {
    Supervisor::boot(Settings::new(dir.join("logs")), specs, Vec::new(), Vec::new()).unwrap()
}

/// Follows the output of a process from its beginning until `wanted` lines have arrived.
async fn lines(supervisor: &Supervisor, name: &str, wanted: usize) -> Vec<(LogStream, String)> {
    let id = supervisor.reader().snapshot().id(name).unwrap();
    let mut items = supervisor.logs().follow(&[id], 1_000_000, true);
    let mut lines = Vec::new();
    while lines.len() < wanted {
        match items.recv().await.unwrap() {
            LogItem::Line(line) => {
                lines.push((line.stream, String::from_utf8_lossy(&line.text).into_owned()))
            }
            LogItem::Missed { lines, .. } => panic!("missed {lines:?} lines"),
            LogItem::Cleared { .. } => panic!("cleared"),
        }
    }
    lines
}

#[tokio::test]
async fn both_outputs_arrive_line_by_line_and_a_last_line_without_newline_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let supervisor =
        boot(dir.path(), vec![shell("talker", r"printf 'one\ntwo\n\nlast'; printf 'oops\377\n' >&2")]);
    let lines = lines(&supervisor, "talker", 5).await;
    let of = |wanted| {
        lines.iter().filter(|(stream, _)| *stream == wanted).map(|(_, text)| &**text).collect::<Vec<_>>()
    };
    assert_eq!(of(LogStream::Out), ["one", "two", "", "last"]);
    assert_eq!(of(LogStream::Err), ["oops\u{fffd}"]);
}

#[tokio::test]
async fn the_exit_of_a_child_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    let unable =
        ProcessSpec { command: CommandLine::Argv(vec!["no-such-program".into()]), ..shell("unable", "") };
    let nowhere = ProcessSpec { cwd: Some("no/such/dir".into()), ..shell("nowhere", "true") };
    let plain = dir.path().join("plain.txt");
    std::fs::write(&plain, "no program").unwrap();
    std::fs::set_permissions(&plain, std::fs::Permissions::from_mode(0o644)).unwrap();
    let forbidden = ProcessSpec {
        command: CommandLine::Argv(vec![plain.display().to_string()]),
        ..shell("forbidden", "")
    };
    let specs = vec![
        shell("fine", "exit 0"),
        shell("bad", "exit 7"),
        shell("shot", "kill -9 $$"),
        unable,
        nowhere,
        forbidden,
    ];
    let supervisor = boot(dir.path(), specs);
    let exit = async |name: &'static str| {
        until(&supervisor, name, |state| state.exit.is_some()).await.exit.clone().unwrap()
    };
    assert_eq!(exit("fine").await, Exit::Code(0));
    assert_eq!(exit("bad").await, Exit::Code(7));
    assert_eq!(exit("shot").await, Exit::Signal(9));
    for (name, expected) in
        [("unable", "no such program"), ("nowhere", "working directory"), ("forbidden", "not allowed")]
    {
        let Exit::NotSpawned(why) = exit(name).await else { panic!("{name} was spawned") };
        assert!(why.contains(expected), "{why}");
    }
    supervisor.shutdown(Cause::Shutdown).await;
}

#[tokio::test]
async fn environment_files_are_read_at_each_spawn_and_the_config_wins() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("app.env");
    std::fs::write(&file, "A=file\nB=file\n").unwrap();
    let spec = ProcessSpec {
        env: [("B".to_owned(), "config".to_owned())].into(),
        env_files: vec![file.clone()],
        ..shell("app", "echo $A $B $PROVOST_PROCESS $PROVOST_INCARNATION")
    };
    let supervisor = boot(dir.path(), vec![spec]);
    assert_eq!(lines(&supervisor, "app", 1).await[0].1, "file config app 1");
    let done = until_phase(&supervisor, "app", PhaseKind::Exited).await;
    std::fs::write(&file, "A=changed\n").unwrap();
    supervisor.start(done.id, Cause::User).await.unwrap();
    assert_eq!(lines(&supervisor, "app", 2).await[1].1, "changed config app 2");
}

#[tokio::test]
async fn a_stop_reaches_grandchildren_and_none_is_left_behind() {
    let dir = tempfile::tempdir().unwrap();
    let pids = dir.path().join("pids");
    let stubborn = format!(
        "sh -c 'trap \"\" TERM; echo $$ >> {0}; echo up; while :; do sleep 1; done' & wait",
        pids.display()
    );
    let supervisor = boot(dir.path(), vec![shell("tree", &stubborn)]);
    assert_eq!(lines(&supervisor, "tree", 1).await[0].1, "up");
    let grandchild: u32 = std::fs::read_to_string(&pids).unwrap().trim().parse().unwrap();
    assert!(Path::new(&format!("/proc/{grandchild}")).exists());
    let id = supervisor.reader().snapshot().id("tree").unwrap();
    supervisor.stop(id, Cause::User).await.unwrap();
    until_phase(&supervisor, "tree", PhaseKind::Stopped).await;
    // The signal was sent before the parent was reaped; wait until the kernel has delivered it.
    while running(grandchild) {
        tokio::task::yield_now().await;
    }
}

/// Returns true if the process exists and is not a zombie.
fn running(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !(status.is_empty() || status.contains(") Z ") || status.contains(") X "))
}

#[tokio::test]
async fn readiness_by_tcp_http_exec_and_a_log_line() {
    let dir = tempfile::tempdir().unwrap();
    let port = {
        let probe = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        probe.local_addr().unwrap().port()
    };
    let ready =
        |check| Some(Readiness { check, every_ms: 20, timeout_ms: 2_000, within_ms: None, own_port: false });
    let server = format!(
        "exec python3 -u -c 'import http.server; http.server.HTTPServer((\"127.0.0.1\", {port}), http.server.SimpleHTTPRequestHandler).serve_forever()'"
    );
    let flag = dir.path().join("flag");
    let touch = format!("read _ < /dev/null; : > {}; exec sleep 1000", flag.display());
    let test = CommandLine::Argv(vec!["test".into(), "-e".into(), flag.display().to_string()]);
    let supervisor = boot(
        dir.path(),
        vec![
            ProcessSpec {
                ready: ready(Check::Http(format!("http://127.0.0.1:{port}/"))),
                ..shell("http", &server)
            },
            ProcessSpec {
                ready: ready(Check::Tcp(format!("127.0.0.1:{port}"))),
                ..shell("tcp", "exec sleep 1000")
            },
            ProcessSpec { ready: ready(Check::Exec(test)), ..shell("exec", &touch) },
            ProcessSpec {
                ready: ready(Check::LogLine("listening on".into())),
                ..shell("line", "echo starting; echo now listening on 80; exec sleep 1000")
            },
            ProcessSpec { ready: ready(Check::LogLine("never".into())), ..shell("never", "exec sleep 1000") },
        ],
    );
    for name in ["http", "tcp", "exec", "line"] {
        let state = until_phase(&supervisor, name, PhaseKind::Running).await;
        assert!(state.reason.starts_with("ready: "), "{name}: {}", state.reason);
    }
    assert_eq!(supervisor.reader().snapshot().by_name("never").unwrap().phase.kind(), PhaseKind::Starting);
    supervisor.shutdown(Cause::Shutdown).await;
}

#[tokio::test]
async fn a_long_line_without_an_end_is_not_glued_to_the_next_life() {
    const LENGTH: usize = 2 << 20;
    let dir = tempfile::tempdir().unwrap();
    let supervisor =
        boot(dir.path(), vec![shell("mega", &format!("head -c {LENGTH} /dev/zero | tr '\\0' x"))]);
    for life in 1..=2_usize {
        let ended =
            until(&supervisor, "mega", |state| state.incarnation.0 == life as u64 && state.exit.is_some())
                .await;
        supervisor.start(ended.id, Cause::User).await.unwrap();
    }
    supervisor.shutdown(Cause::Shutdown).await;
    let id = supervisor.reader().snapshot().id("mega").unwrap();
    let mut items = supervisor.logs().follow(&[id], 1_000_000, false);
    let mut lengths = Vec::new();
    while let Some(LogItem::Line(line)) = items.recv().await {
        lengths.push(line.text.len());
    }
    assert!(lengths.len() >= 2 && lengths.iter().take(2).all(|length| *length == LENGTH), "{lengths:?}");
}

#[tokio::test]
async fn a_check_that_takes_too_long_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let check = CommandLine::Shell("echo $$ >> pids; exec sleep 1000".to_owned());
    let ready = Some(Readiness {
        check: Check::Exec(check),
        every_ms: 5,
        timeout_ms: 5,
        within_ms: None,
        own_port: false,
    });
    let spec = ProcessSpec { ready, cwd: Some(dir.path().into()), ..shell("web", "exec sleep 1000") };
    let supervisor = boot(dir.path(), vec![spec]);
    let tried = || std::fs::read_to_string(dir.path().join("pids")).unwrap_or_default();
    while tried().lines().count() < 10 {
        tokio::task::yield_now().await;
    }
    supervisor.shutdown(Cause::Shutdown).await;
    for pid in tried().lines().map(|pid| pid.parse().unwrap()) {
        while Path::new(&format!("/proc/{pid}")).exists() && running(pid) {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_signal_reaches_a_running_process_and_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let spec = shell("web", "exec 2>/dev/null; trap 'echo hup' HUP; echo up; while :; do sleep 0.05; done");
    let supervisor = boot(dir.path(), vec![spec, ProcessSpec { autostart: false, ..shell("off", "true") }]);
    lines(&supervisor, "web", 1).await;
    let world = supervisor.reader().snapshot();
    supervisor.signal(world.id("web").unwrap(), Signal::HUP).await.unwrap();
    assert_eq!(lines(&supervisor, "web", 2).await[1].1, "hup");
    assert_eq!(supervisor.signal(world.id("off").unwrap(), Signal::HUP).await, Err(Refusal::NotRunning));
    supervisor.shutdown(Cause::Shutdown).await;
}

#[tokio::test]
async fn a_process_whose_health_check_fails_is_restarted_and_each_check_states_its_result() {
    let dir = tempfile::tempdir().unwrap();
    let flag = dir.path().join("well");
    std::fs::write(&flag, "").unwrap();
    let test = CommandLine::Argv(vec!["test".into(), "-e".into(), flag.display().to_string()]);
    let health = Some(HealthCheck { check: Check::Exec(test), every_ms: 10, timeout_ms: 5_000, failures: 2 });
    let supervisor = boot(dir.path(), vec![ProcessSpec { health, ..shell("web", "exec sleep 1000") }]);
    let well = until(&supervisor, "web", |state| state.health == Health::Healthy).await;
    assert_eq!(&*well.reason, "healthy: its check exited with code 0");
    std::fs::remove_file(&flag).unwrap();
    let ill = until(&supervisor, "web", |state| state.health == Health::Unhealthy).await;
    assert!(ill.reason.contains("its check exited with code 1"), "{}", ill.reason);
    let again = until(&supervisor, "web", |state| state.incarnation.0 == 2 && state.ready()).await;
    assert_eq!((again.failures, again.deaths.len()), (0, 0));
    supervisor.shutdown(Cause::Shutdown).await;
}

#[tokio::test]
async fn a_replica_knows_its_number() {
    let dir = tempfile::tempdir().unwrap();
    let spec = ProcessSpec { replica: Some(2), ..shell("web.2", "echo replica $PROVOST_REPLICA") };
    let supervisor = boot(dir.path(), vec![spec]);
    assert_eq!(lines(&supervisor, "web.2", 1).await[0].1, "replica 2");
    supervisor.shutdown(Cause::Shutdown).await;
}

/// Restarts the whole group at once.
#[derive(Debug)]
struct Together(Arc<str>);

impl Policy for Together {
    fn name(&self) -> &Arc<str> {
        &self.0
    }

    fn judges(&self, judgement: Judgement) -> bool {
        judgement == Judgement::Restart
    }

    fn on_exit(&self, _: &Ended, _: &Arc<Snapshot>) -> Result<Decision, Fault> {
        Ok(Decision::new(RulingAction::Restart { delay_ms: 0, scope: Scope::Group }, "together"))
    }
}

#[tokio::test]
async fn a_group_is_restarted_together_and_no_old_child_runs_beside_a_new_one() {
    let dir = tempfile::tempdir().unwrap();
    let member = |name: &str, line: &str| ProcessSpec {
        group: "team".into(),
        policies: vec![Arc::new(Together("together".into()))],
        ..shell(name, line)
    };
    let stubborn = "trap '' TERM; while :; do sleep 1; done";
    let specs = vec![
        member("first", "exec sleep 1000"),
        ProcessSpec { stop_grace_ms: 50, ..member("stubborn", stubborn) },
        member("last", "exec sleep 1000"),
    ];
    let supervisor = boot(dir.path(), specs);
    for name in ["first", "stubborn", "last"] {
        until_phase(&supervisor, name, PhaseKind::Running).await;
    }
    let before = supervisor.reader().snapshot();
    supervisor.signal(before.id("first").unwrap(), Signal::KILL).await.unwrap();
    for name in ["first", "stubborn", "last"] {
        until(&supervisor, name, |state| state.incarnation.0 == 2 && state.ready()).await;
    }
    for old in before.iter().filter_map(|state| state.pid()) {
        assert!(!running(old), "{old} of the old incarnations is still running");
    }
    let after = supervisor.reader().snapshot();
    let started = |name: &str| after.by_name(name).unwrap().started_at.unwrap().mono_ns;
    assert!(started("first") < started("stubborn") && started("stubborn") < started("last"));
    supervisor.shutdown(Cause::Shutdown).await;
}
