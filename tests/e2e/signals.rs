//! The effects of signals on the host, and what it inherits from its caller.

use std::path::{Path, PathBuf};

use provost_tests::{Host, Setup, eventually, is_alive};
use rustix::process::Signal;

use crate::PROVOST;

const WEB: &str = "[process.web]\ncommand = \"exec sleep 1000\"\n";

/// The signals that have a meaning for the host, cannot be caught, do not end a process, or report a fault of its own code.
const EXCLUDED: [i32; 20] = [1, 2, 3, 4, 7, 8, 9, 11, 13, 15, 17, 18, 19, 20, 21, 22, 23, 28, 31, 32];

/// Starts `provost up` with a line of shell, with its output in `up.log`.
fn up_by(setup: Setup, line: &str) -> Host {
    let command = setup.shell(&format!("{line} > up.log 2>&1"));
    setup.up_by(command)
}

#[test]
fn signals_without_a_meaning_do_not_end_the_host() {
    let host = Host::up(PROVOST, WEB);
    let web = host.until_phase("web", "running");
    for number in (1..=64).filter(|number| !EXCLUDED.contains(number) && *number != 33) {
        let sent = host.setup().shell(&format!("kill -{number} {}", host.up_pid())).status().unwrap();
        assert!(sent.success(), "signal {number}");
        let name = provost_state::Signal::new(number).unwrap().to_string();
        eventually(
            &format!("{name} is logged"),
            || host.log(),
            |log| {
                log.lines()
                    .any(|line| line.contains(&format!("{name} ")) || line.contains(&format!("{name}:")))
            },
        );
    }
    assert_eq!(host.process("web")["pid"], web["pid"]);
    host.down();
}

#[test]
fn a_limit_on_file_size_fails_a_write_and_does_not_end_the_host() {
    let config = "[process.talk]\ncommand = \"yes | head -c 200000; exec sleep 1000\"\n";
    let host = up_by(Setup::new(PROVOST, config), "ulimit -f 64; exec \"$PROVOST\" up");
    host.until_phase("talk", "running");
    eventually("it is logged", || host.log(), |log| log.contains("SIGXFSZ"));
    host.until_phase("talk", "running");
    host.down();
}

#[test]
fn a_host_that_was_started_by_nohup_outlives_its_terminal() {
    let host = up_by(Setup::new(PROVOST, WEB), "exec nohup \"$PROVOST\" up");
    host.signal(Signal::HUP);
    host.signal(Signal::USR1);
    eventually("it keeps running after both", || host.log(), |log| log.contains("SIGUSR1"));
    host.until_phase("web", "running");
    host.down();
}

#[test]
fn the_end_of_its_terminal_ends_a_host_in_the_foreground_in_order_and_a_hangup_alone_does_not() {
    // Its streams are not the terminal, so that only the signal tells it.
    let up = "exec script -qec \"exec \\\"$PROVOST\\\" up > out.log 2>&1\" /dev/null";
    let mut host = up_by(Setup::new(PROVOST, WEB), up);
    let pid = host.setup().owner().unwrap();
    Host::kill(&pid.into(), Signal::HUP);
    eventually(
        "the config is reloaded",
        || host.setup().host_log(),
        |log| log.contains("the config is in force"),
    );
    host.signal(Signal::KILL);
    host.until_ended();
    eventually("the host has ended", || is_alive(pid), |alive| !alive);
    let log = host.setup().host_log();
    assert!(log.contains("the terminal was closed") && log.contains("all processes have ended"), "{log}");
}

#[test]
fn a_host_handles_a_signal_that_its_caller_had_blocked() {
    let mut host = up_by(Setup::new(PROVOST, WEB), "exec env --block-signal=TERM \"$PROVOST\" up");
    host.until_phase("web", "running");
    host.signal(Signal::TERM);
    assert_eq!(host.until_ended(), Some(0));
}

/// Returns the open descriptors of a process and the files that they refer to.
fn open_files(pid: u64) -> Vec<(u32, PathBuf)> {
    let entries = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().filter_map(Result::ok);
    let numbered = entries.filter_map(|entry| {
        let number = entry.file_name().to_str()?.parse().ok()?;
        Some((number, std::fs::read_link(entry.path()).ok()?))
    });
    numbered.collect()
}

#[test]
fn descriptors_that_the_host_inherits_are_closed() {
    let host = up_by(Setup::new(PROVOST, WEB), "exec 7<. 9>lock; exec \"$PROVOST\" up");
    let lock = |pid: u64| open_files(pid).into_iter().find(|(_, path)| path.ends_with("lock"));
    let web = host.until_phase("web", "running")["pid"].as_u64().unwrap();
    for pid in [host.up_pid().into(), host.pid().into(), web] {
        assert_eq!(lock(pid), None, "{pid}");
    }
    let setup = host.down();
    let up = setup.shell("exec 9>lock; flock -n 9; \"$PROVOST\" up --detach").output().unwrap();
    assert!(up.status.success(), "{up:?}");
    let free = setup.shell("flock -n lock true").status().unwrap();
    assert!(free.success(), "the lock is free although the host runs");
    assert_eq!(setup.run(&["down"]).code, 0);
}

#[test]
fn closed_standard_streams_are_replaced_by_dev_null() {
    let setup = Setup::new(PROVOST, WEB);
    let command = setup.shell("exec \"$PROVOST\" up <&- >&- 2>&-");
    let host = setup.up_by(command);
    host.until_phase("web", "running");
    let files = open_files(host.pid().into());
    for number in 0..3 {
        let null = (number, Path::new("/dev/null").to_owned());
        assert!(files.contains(&null), "{files:?}");
    }
    host.down();
}

#[test]
fn a_signal_while_plugins_are_loaded_ends_the_host_at_once() {
    let setup = Setup::new(PROVOST, WEB);
    let mut command = setup.command(&["up"]);
    command.env("FAILPOINTS", "boot.plugins=pause").stderr(std::process::Stdio::piped());
    let child = command.spawn().unwrap();
    eventually("it has begun", || setup.owner(), Option::is_some);
    Host::kill(&child.id().into(), Signal::TERM);
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(said.contains("terminated before anything was started"), "{said}");
}

#[test]
fn a_signal_while_a_plugin_is_compiled_ends_the_host_at_once() {
    let setup = Setup::new(PROVOST, &format!("[plugins.p]\ncomponent = \"bundled:prometheus\"\n{WEB}"));
    let mut command = setup.command(&["up"]);
    command.env("XDG_CACHE_HOME", setup.dir().join("cold"));
    let mut child = command.spawn().unwrap();
    eventually("it has begun", || setup.owner(), Option::is_some);
    Host::kill(&child.id().into(), Signal::TERM);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_host_that_is_stopped_before_it_is_set_up_is_not_reported_as_up() {
    let setup = Setup::new(PROVOST, WEB);
    let mut command = setup.command(&["up", "--detach"]);
    command.env("FAILPOINTS", "boot.plugins=pause").stderr(std::process::Stdio::piped());
    let child = command.spawn().unwrap();
    let host = eventually("it has begun", || setup.owner(), Option::is_some).unwrap();
    Host::kill(&host.into(), Signal::TERM);
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(said.contains("error: the host was told to stop before it was set up"), "{said}");
}
