//! The parts of a child's contract that only a whole host can show: limits, inherited signals, descendants, terminals.

use std::fs::File;
use std::process::Command;

use provost_tests::{Host, Setup, eventually, is_alive};
use serde_json::Value;

use crate::PROVOST;

/// Starts a host with a line of shell, which can first change what the host inherits.
fn up_through(config: &str, line: &str) -> Host {
    let setup = Setup::new(PROVOST, config);
    let log = File::create(setup.dir().join("up.log")).unwrap();
    let mut shell = setup.shell(line);
    shell.stdout(log.try_clone().unwrap()).stderr(log);
    setup.up_by(shell)
}

fn log_of(host: &Host, name: &str) -> String {
    eventually(&format!("{name} has printed"), || host.ok(&["logs", name]), |log| !log.is_empty())
}

#[test]
fn a_worker_behind_a_shell_has_its_whole_grace_time() {
    let host = Setup::case(PROVOST, "grace-cut").up();
    host.until_phase("web", "running");
    let pid = host.process("web")["pid"].as_u64().unwrap();
    let worker = || std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    // The worker starts a `sleep` after it has set its trap.
    let sleeps = |worker: &String| {
        let worker = worker.trim();
        let children = std::fs::read_to_string(format!("/proc/{worker}/task/{worker}/children"));
        children.is_ok_and(|children| !children.is_empty())
    };
    eventually("the worker works", worker, sleeps);
    host.ok(&["stop", "--wait", "web"]);
    let done = std::fs::read_to_string(host.setup().dir().join("done.txt"));
    assert_eq!(done.unwrap_or_default(), "flushed\n");
    host.down();
}

#[test]
fn the_jobs_of_an_interactive_shell_are_ended_with_their_process() {
    let host = Setup::case(PROVOST, "left-the-group").up();
    let pid = host.until_phase("jobs", "running")["pid"].as_u64().unwrap();
    let jobs = || -> Vec<u64> {
        let children =
            std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        children.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
    };
    let found = eventually("two jobs run", jobs, |jobs| jobs.len() == 2);
    host.ok(&["stop", "--wait", "jobs"]);
    assert_eq!(found.into_iter().filter(|pid| is_alive(*pid)).collect::<Vec<_>>(), [0; 0]);
    host.down();
}

#[test]
fn a_script_whose_interpreter_is_missing_names_it() {
    let host = Setup::case(PROVOST, "missing-interpreter").up();
    let told = host.until("crlf", "could not be started", |it| it["exit"]["error"].is_string());
    let told = told["exit"]["error"].as_str().unwrap();
    assert!(told.contains("its interpreter `/bin/sh\\r`, named in its first line, does not exist"), "{told}");
    host.down();
}

#[test]
fn an_environment_file_is_read_as_documented_or_refused_with_its_place() {
    let host = Setup::case(PROVOST, "env-files").up();
    assert_eq!(log_of(&host, "bom"), "[1] [2]\n");
    assert_eq!(log_of(&host, "hash"), "[val #space]\n");
    assert_eq!(log_of(&host, "pem"), "[first\nMIIBVgIBADANBgk==]\n");
    assert_eq!(log_of(&host, "windows"), "[1] [twolines]\n");
    for (process, place) in [
        ("two", "two.env:1:11: something follows the closing quote"),
        ("nul", "nul.env:1:4: a NUL character"),
        ("open", "open.env:2:5: this quote is never closed"),
        ("latin1", "latin1.env: it is not UTF-8: the first invalid byte is at 2:6"),
    ] {
        let told = host.until(process, "could not be started", |it| it["exit"]["error"].is_string());
        assert!(told["exit"]["error"].as_str().unwrap().contains(place), "{told}");
    }
    host.down();
}

#[test]
fn a_child_and_the_host_keep_no_descriptor_of_the_caller() {
    let config =
        "[process.web]\ncommand = \"[ -e /proc/$$/fd/9 ] && echo leaked || echo closed; exec sleep 1000\"\n";
    let host = up_through(config, "exec 9>lock; flock -n 9; exec \"$PROVOST\" up");
    assert_eq!(log_of(&host, "web"), "closed\n");
    let lock = host.setup().dir().join("lock");
    let free = Command::new("flock").arg("-n").arg(&lock).arg("true").status().unwrap();
    assert!(free.success(), "the lock is still held");
    host.down();
}

#[test]
fn a_child_has_the_soft_limit_that_the_host_was_started_with_although_the_host_raised_its_own() {
    let config = "[process.w]\nreplicas = 30\ncommand = \"ulimit -Sn; exec sleep 1000\"\n";
    let host = up_through(config, "ulimit -Sn 256; exec \"$PROVOST\" up");
    assert_eq!(log_of(&host, "w.30"), "256\n");
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", host.pid())).unwrap();
    let own = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert!(!own.split_whitespace().any(|word| word == "256"), "the host raised its own: {own}");
    // A missing program is also reported as such when the child starts through the exec stage, which restores the limit.
    host.down();
    let host = up_through(
        "[process.w]\nreplicas = 30\ncommand = [\"./no-such-program\"]\n",
        "ulimit -Sn 256; exec \"$PROVOST\" up",
    );
    let told = host.until("w.1", "could not be started", |it| it["exit"]["error"].is_string());
    assert!(told["exit"]["error"].as_str().unwrap().contains("./no-such-program: no such program"), "{told}");
    host.down();
}

#[test]
fn a_hangup_that_was_ignored_stays_ignored_in_the_host_and_its_children() {
    let config = "[process.web]\ncommand = \"exec sleep 1000\"\n";
    let host = up_through(config, "trap '' HUP; exec \"$PROVOST\" up");
    let pid = host.until_phase("web", "running")["pid"].clone();
    Host::kill(&host.pid().into(), rustix::process::Signal::HUP);
    Host::kill(&pid, rustix::process::Signal::HUP);
    let ignored = |pid: &Value| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap().trim().to_owned();
        u64::from_str_radix(&mask, 16).unwrap() & 1 == 1
    };
    assert!(ignored(&pid));
    assert_eq!(host.process("web")["incarnation"], 1);
    host.down();
}

#[test]
fn a_signal_that_the_caller_blocked_is_not_blocked_in_a_child() {
    let config = "[process.web]\ncommand = [\"sleep\", \"1000\"]\nstop = { grace = \"1h\" }\n";
    let block = "import signal,os,sys; signal.pthread_sigmask(signal.SIG_BLOCK,{signal.SIGTERM}); \
                 os.execv(sys.argv[1],sys.argv[1:])";
    let host = up_through(config, &format!("exec python3 -c '{block}' \"$PROVOST\" up"));
    host.until_phase("web", "running");
    host.ok(&["stop", "--wait", "web"]);
    assert_eq!(host.process("web")["exit"]["name"], "SIGTERM");
    host.down();
}

#[test]
fn a_child_of_a_host_at_a_terminal_cannot_be_stopped_by_that_terminal() {
    let config = "[process.stty]\ncommand = \"stty sane < /dev/tty; echo said $?; exec sleep 1000\"\n";
    let host = up_through(config, "exec script -qec \"$PROVOST up\" /dev/null");
    assert!(log_of(&host, "stty").contains("said"), "{}", host.log());
    let pid = host.process("stty")["pid"].clone();
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    assert!(!stat.contains(") T "), "{stat}");
    host.ok(&["down"]);
}

#[test]
fn a_descendant_that_left_its_group_is_ended_with_its_process_or_named_if_the_config_leaves_it() {
    let jobs = |escaped: &str| {
        format!(
            "[process.jobs]\ncommand = [\"bash\", \"-c\", \"set -m; sleep 1119 & setsid sleep 1119 & (setsid sleep 1119 &); sleep 0.2; echo $$; wait; sleep 1000\"]\n\
             stop = {{ grace = \"1m\", escaped = \"{escaped}\" }}\n"
        )
    };
    let sleepers = |host: &Host| -> Vec<u64> {
        let marker = format!("{}", host.setup().dir().display());
        let pids = std::fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
        let ours = |pid: &u64| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let cwd = std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_default();
            line.starts_with(b"sleep\x001119") && cwd.display().to_string() == marker && is_alive(*pid)
        };
        pids.filter(ours).collect()
    };
    let host = Host::up(PROVOST, &jobs("kill"));
    log_of(&host, "jobs");
    eventually("three have left", || sleepers(&host), |found| found.len() == 3);
    host.ok(&["stop", "--wait", "jobs"]);
    assert_eq!(sleepers(&host), [0; 0]);
    host.down();

    let host = Host::up(PROVOST, &jobs("leave"));
    log_of(&host, "jobs");
    eventually("three have left", || sleepers(&host), |found| found.len() == 3);
    host.ok(&["stop", "--wait", "jobs"]);
    let left = sleepers(&host);
    let named: Vec<u64> = host.status()["host"]["left"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|left| left["pid"].as_u64())
        .collect();
    assert!(!left.is_empty() && left.iter().all(|pid| named.contains(pid)), "{left:?} {named:?}");
    let down = host.run(&["down"]);
    assert_eq!(down.code, 1, "{down:?}");
    for pid in &left {
        assert!(format!("{}{}", down.stdout, down.stderr).contains(&pid.to_string()), "{down:?}");
        Host::kill(&(*pid).into(), rustix::process::Signal::KILL);
    }
}
