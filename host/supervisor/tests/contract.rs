//! Tests the contract of a child (docs/processes.md) clause by clause, as seen from inside the child.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;

use provost_state::{Cause, Exit, PhaseKind, ProcessState, Signal};
use provost_supervisor::{
    CommandLine, Escaped, Leftover, LogItem, LogStream, ProcessSpec, Settings, Stderr, Stdin, StopTo,
    Supervisor,
};

fn shell(line: &str) -> ProcessSpec {
    ProcessSpec::new("web", CommandLine::Shell(line.to_owned()))
}

struct Host {
    supervisor: Supervisor,
    dir: tempfile::TempDir,
}

impl Host {
    fn boot(spec: ProcessSpec) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let spec = ProcessSpec { cwd: Some(spec.cwd.unwrap_or_else(|| dir.path().to_owned())), ..spec };
        let settings = Settings::new(dir.path().join("logs"));
        let supervisor = Supervisor::boot(settings, vec![spec], Vec::new(), Vec::new()).unwrap();
        Self { supervisor, dir }
    }

    fn state(&self) -> Arc<ProcessState> {
        self.supervisor.reader().snapshot().iter().next().unwrap().clone()
    }

    async fn until(&self, holds: impl Fn(&ProcessState) -> bool) -> Arc<ProcessState> {
        let mut changed = self.supervisor.changed();
        loop {
            changed.mark_unchanged();
            let state = self.state();
            if holds(&state) {
                return state;
            }
            changed.changed().await.unwrap();
        }
    }

    async fn until_phase(&self, phase: PhaseKind) -> Arc<ProcessState> {
        self.until(|state| state.phase.kind() == phase).await
    }

    async fn lines(&self, wanted: usize) -> Vec<(LogStream, String)> {
        let mut items = self.supervisor.logs().follow(&[self.state().id], 1_000, true);
        let mut lines = Vec::new();
        while lines.len() < wanted {
            match items.recv().await.unwrap() {
                LogItem::Line(line) => {
                    lines.push((line.stream, String::from_utf8_lossy(&line.text).into_owned()));
                }
                LogItem::Missed { lines, .. } => panic!("missed {lines:?} lines"),
                LogItem::Cleared { .. } => panic!("cleared"),
            }
        }
        lines
    }

    async fn line(&self) -> String {
        self.lines(1).await.remove(0).1
    }

    async fn stop(&self) -> Arc<ProcessState> {
        self.supervisor.stop(self.state().id, Cause::User).await.unwrap();
        self.until_phase(PhaseKind::Stopped).await
    }

    fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.dir.path().join(name)).unwrap_or_default()
    }
}

fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !(stat.is_empty() || stat.contains(") Z ") || stat.contains(") X "))
}

#[tokio::test]
async fn a_child_leads_its_own_session_and_group() {
    // Fields of /proc/self/stat: pid, group, session, terminal.
    let host = Host::boot(shell("exec awk '{print $1 == $5, $1 == $6, $7}' /proc/self/stat"));
    assert_eq!(host.line().await, "1 1 0");
}

#[tokio::test]
async fn a_child_has_the_descriptors_0_1_and_2_and_no_other() {
    // A descriptor that is open in this process and would survive an exec.
    let leaked = std::fs::File::open("/dev/null").unwrap();
    rustix::io::fcntl_setfd(&leaked, rustix::io::FdFlags::empty()).unwrap();
    let look = "for fd in $(seq 0 200); do [ -e /proc/$$/fd/$fd ] && printf '%s ' $fd; done; echo; readlink /proc/$$/fd/0";
    let lines = Host::boot(shell(look)).lines(2).await;
    assert_eq!((lines[0].1.as_str(), lines[1].1.as_str()), ("0 1 2 ", "/dev/null"));
}

#[tokio::test]
async fn a_child_blocks_and_ignores_no_signal() {
    let host = Host::boot(shell("exec grep -E '^Sig(Blk|Ign)' /proc/self/status"));
    for (_, line) in host.lines(2).await {
        let (_, mask) = line.split_once(':').unwrap();
        assert_eq!(mask.trim().trim_start_matches('0'), "", "{line}");
    }
}

#[tokio::test]
async fn a_child_has_the_umask_the_limits_and_the_oom_score_of_the_host() {
    let own = |file: &str, key: &str| {
        let text = std::fs::read_to_string(file).unwrap();
        text.lines().find(|line| line.starts_with(key)).unwrap_or_default().to_owned()
    };
    let host = Host::boot(shell(
        "cat /proc/$$/oom_score_adj; grep ^Umask /proc/$$/status; grep '^Max open files' /proc/$$/limits",
    ));
    let lines: Vec<String> = host.lines(3).await.into_iter().map(|(_, line)| line).collect();
    assert_eq!(lines[0], own("/proc/self/oom_score_adj", ""));
    assert_eq!(lines[1], own("/proc/self/status", "Umask"));
    assert_eq!(lines[2], own("/proc/self/limits", "Max open files"));
}

#[tokio::test]
async fn variables_come_from_the_host_then_files_then_the_config_and_provost_has_the_last_word() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("web.env");
    std::fs::write(&file, "FROM_FILE=file\nBOTH=file\n").unwrap();
    let spec = ProcessSpec {
        env: [("BOTH", "config"), ("PROVOST_PROCESS", "another")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        env_files: vec![file],
        ..shell("echo \"$FROM_FILE $BOTH $PROVOST_PROCESS $PROVOST_INCARNATION ${PATH:+path}\"")
    };
    assert_eq!(Host::boot(spec).line().await, "file config web 1 path");
}

#[tokio::test]
async fn a_child_starts_in_its_working_directory() {
    let dir = tempfile::tempdir().unwrap();
    let spec = ProcessSpec { cwd: Some(dir.path().to_owned()), ..shell("pwd -P") };
    assert_eq!(Path::new(&Host::boot(spec).line().await), dir.path().canonicalize().unwrap());
}

#[tokio::test]
async fn merged_output_is_one_stream_in_its_order() {
    let spec = ProcessSpec {
        stderr: Stderr::Merged,
        ..shell("for n in 1 2 3 4 5; do echo out $n; echo err $n >&2; done")
    };
    let lines = Host::boot(spec).lines(10).await;
    let wanted: Vec<_> = (1..=5).flat_map(|n| [format!("out {n}"), format!("err {n}")]).collect();
    assert_eq!(lines, wanted.into_iter().map(|line| (LogStream::Out, line)).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_terminal_on_request_is_the_controlling_one_and_changes_no_byte() {
    let spec = ProcessSpec {
        tty: true,
        ..shell("test -t 0 && test -t 1 && test -t 2 && echo all; echo ctty > /dev/tty")
    };
    let lines: Vec<String> = Host::boot(spec).lines(2).await.into_iter().map(|(_, line)| line).collect();
    assert_eq!(lines, ["all", "ctty"]);
}

#[tokio::test]
async fn standard_input_ends_at_once_or_stays_open_on_request() {
    assert_eq!(Host::boot(shell("cat; echo ended")).line().await, "ended");
    let spec = ProcessSpec { stdin: Stdin::Open, ..shell("echo reads; cat; echo ended") };
    let host = Host::boot(spec);
    assert_eq!(host.line().await, "reads");
    host.stop().await;
    assert_eq!(host.lines(1).await.len(), 1, "it never reached the end of its input");
}

#[tokio::test]
async fn the_grace_time_belongs_to_the_group_and_not_to_its_leader() {
    // The leader ends at once by SIGTERM; its child takes longer, within the grace time.
    let host = Host::boot(shell(
        "bash -c 'trap \"sleep 0.3; echo flushed > done.txt; exit 0\" TERM; echo up; while :; do sleep 0.05; done' & wait",
    ));
    assert_eq!(host.line().await, "up");
    let stopped = host.stop().await;
    assert_eq!((host.file("done.txt").trim(), stopped.exit.clone()), ("flushed", Some(Exit::Signal(15))));
}

#[tokio::test]
async fn a_group_that_does_not_end_is_killed_when_the_grace_time_is_over() {
    let host = Host::boot(ProcessSpec {
        stop_grace_ms: 300,
        ..shell("bash -c 'trap \"\" TERM; echo $$; while :; do sleep 0.05; done' & wait")
    });
    let stubborn: u32 = host.line().await.parse().unwrap();
    host.stop().await;
    assert!(!is_alive(stubborn));
}

#[tokio::test]
async fn what_is_left_of_a_group_does_not_delay_a_restart_that_nobody_asked_for() {
    let host = Host::boot(ProcessSpec {
        stop_grace_ms: 3_600_000,
        ..shell("bash -c 'trap \"\" TERM; echo $$; while :; do sleep 0.05; done' & sleep 0.2; exit 1")
    });
    let stubborn: u32 = host.line().await.parse().unwrap();
    host.until(|state| state.incarnation.0 == 2).await;
    while is_alive(stubborn) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_stop_signal_reaches_the_main_process_alone_on_request() {
    let host = Host::boot(ProcessSpec {
        stop_to: StopTo::Main,
        command: CommandLine::Argv(vec![
            "bash".into(),
            "-c".into(),
            "bash -c 'trap \"echo hit >> child.txt\" TERM; while :; do sleep 0.05; done' & child=$!
             trap 'sleep 0.2; kill -9 $child; exit 0' TERM; echo up; while :; do sleep 0.05; done"
                .into(),
        ]),
        ..shell("")
    });
    assert_eq!(host.line().await, "up");
    let stopped = host.stop().await;
    assert_eq!((stopped.exit.clone(), host.file("child.txt").as_str()), (Some(Exit::Code(0)), ""));
}

#[tokio::test]
async fn a_real_time_signal_is_sent() {
    let python = "import signal,sys,time\nsignal.signal(40, lambda *_: sys.exit(0))\nprint('up', flush=True)\nwhile True: time.sleep(0.05)";
    let host = Host::boot(ProcessSpec {
        stop_signal: "SIGRTMIN+6".parse().unwrap(),
        command: CommandLine::Argv(vec!["python3".into(), "-c".into(), python.into()]),
        ..shell("")
    });
    assert_eq!((host.line().await.as_str(), Signal::new(40)), ("up", "RTMIN+6".parse().ok()));
    assert_eq!(host.stop().await.exit, Some(Exit::Code(0)));
}

/// Starts a process whose descendant leaves its group and session; returns the pid of the descendant, too.
async fn with_a_daemon(name: &str, escaped: Escaped) -> (Host, u32) {
    let line = "setsid bash -c 'echo $$; exec sleep 1000' & exec sleep 1000";
    boot_with_a_daemon(ProcessSpec { name: name.into(), escaped, ..shell(line) }).await
}

/// Starts a process whose first line is the pid of its descendant, and returns that, too.
async fn boot_with_a_daemon(spec: ProcessSpec) -> (Host, u32) {
    // The orphans of all tests are adopted by this one process; the name of the spec tells them apart.
    let host = Host::boot(spec);
    host.supervisor.adopt_orphans().unwrap();
    let daemon = host.line().await.parse().unwrap();
    (host, daemon)
}

#[tokio::test]
async fn what_has_left_the_group_and_the_session_is_ended_after_it() {
    let (host, daemon) = with_a_daemon("killed", Escaped::Kill).await;
    host.stop().await;
    assert!(!is_alive(daemon));
    assert_eq!(host.supervisor.left(), []);
}

/// Starts a process that ends at once, and leaves a descendant behind that ignores its stop signal.
async fn with_a_stubborn_daemon(name: &str, stop_grace_ms: u64) -> (Host, u32) {
    let line = "setsid bash -c 'trap \"\" TERM; echo $$; exec sleep 1000 > /dev/null 2>&1' & sleep 0.2";
    let spec = ProcessSpec { name: name.into(), stop_grace_ms, ..shell(line) };
    let (host, daemon) = boot_with_a_daemon(spec).await;
    host.until_phase(PhaseKind::Exited).await;
    (host, daemon)
}

/// Returns what the last look of the host has found of its process; it finds the orphans of other tests, too.
fn left_of(host: &Host) -> Vec<Leftover> {
    let process = host.state().name().clone();
    host.supervisor.left().into_iter().filter(|left| left.process.as_ref() == Some(&process)).collect()
}

#[tokio::test]
async fn the_end_of_the_host_waits_for_the_end_of_what_a_process_has_left_that_ended_by_itself() {
    let (host, daemon) = with_a_stubborn_daemon("stubborn", 500).await;
    host.supervisor.shutdown(Cause::Shutdown).await;
    assert!(!is_alive(daemon));
    assert_eq!(left_of(&host), []);
}

#[tokio::test]
async fn a_kill_of_everything_ends_its_grace_time_as_well() {
    let (host, daemon) = with_a_stubborn_daemon("patient", 1_000_000).await;
    let end = host.supervisor.shutdown(Cause::Shutdown);
    let kill = async {
        // As often as an operator who sees that it takes long: the end has to have begun.
        while is_alive(daemon) {
            host.supervisor.kill_all().await;
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::join!(end, kill);
    assert_eq!(left_of(&host), []);
}

#[tokio::test]
async fn what_has_left_the_group_is_ended_even_if_it_cannot_be_looked_for_at_first() {
    let (host, daemon) = with_a_daemon("unseen", Escaped::Kill).await;
    // As for want of a descriptor: nothing is known of the descendants then.
    fail::cfg("family.look", "10*return->off").unwrap();
    host.stop().await;
    fail::remove("family.look");
    assert!(!is_alive(daemon));
    assert_eq!(host.supervisor.left(), []);
}

#[tokio::test]
async fn what_has_left_the_group_is_left_and_named_on_request() {
    let (host, daemon) = with_a_daemon("left", Escaped::Leave).await;
    host.stop().await;
    assert!(is_alive(daemon));
    let left = host.supervisor.left();
    assert_eq!((left.len(), left[0].pid, left[0].process.as_deref()), (1, daemon, Some("left")));
    let pid = rustix::process::Pid::from_raw(i32::try_from(daemon).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    while !host.supervisor.left().is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_becomes_of_those_that_have_left_the_group_can_change_while_they_live() {
    let (host, daemon) = with_a_daemon("changed", Escaped::Leave).await;
    let id = host.state().id;
    let spec = host.supervisor.spec(id).unwrap();
    let spec = ProcessSpec { escaped: Escaped::Kill, ..(*spec).clone() };
    host.supervisor.reconfigure(id, spec).await.unwrap();
    host.stop().await;
    assert!(!is_alive(daemon));
    assert_eq!(host.supervisor.left(), []);
}

#[tokio::test]
async fn the_error_of_a_script_names_its_missing_interpreter() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let script = dir.path().join("crlf.sh");
    std::fs::write(&script, "#!/bin/sh\r\necho hi\r\n").unwrap();
    std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).unwrap();
    let spec = ProcessSpec { command: CommandLine::Argv(vec![script.display().to_string()]), ..shell("") };
    let state = Host::boot(spec).until(|state| state.exit.is_some()).await;
    let why = state.exit.as_ref().unwrap().to_string();
    assert!(why.contains("its interpreter `/bin/sh\\r`, named in its first line, does not exist"), "{why}");
}
