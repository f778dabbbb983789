//! The host's own log and its output: the host never waits for a terminal, a pipe or a disk, and reports every loss.

use std::process::{Command, Stdio};

use provost_tests::{Host, Setup, eventually};
use rustix::process::Signal;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::PROVOST;

const WEB: &str = "[process.web]\ncommand = \"exec sleep 1000\"\n";
const CHATTY: &str = "[process.chatty]\ncommand = \"seq 1 200000; exec sleep 1000\"\n";

/// Returns the command `provost up` in the foreground, with these faults.
fn up(setup: &Setup, faults: &str) -> Command {
    let mut command = setup.command(&["up"]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).env("FAILPOINTS", faults);
    command
}

#[test]
fn when_the_reader_of_standard_error_is_gone_the_log_continues_in_a_file_and_the_host_keeps_running() {
    let setup = Setup::new(PROVOST, WEB);
    let mut command = up(&setup, "");
    command.stderr(Stdio::piped()).stdout(Stdio::piped());
    let mut host = setup.up_by(command);
    drop(host.take_stderr());
    let web = host.until_phase("web", "running");
    host.signal(Signal::USR1);
    let log = eventually(
        "the log goes on",
        || host.setup().host_log(),
        |log| log.contains("nobody reads standard error any more") && log.contains("SIGUSR1"),
    );
    assert_eq!(log.matches("SIGUSR1").count(), 1, "{log}");
    assert_eq!(host.process("web")["pid"], web["pid"]);
    let setup = host.down();
    assert!(setup.host_log().contains("all processes have ended"), "{}", setup.host_log());
}

#[test]
fn a_pipe_that_nobody_reads_delays_neither_down_nor_a_signal() {
    for by_signal in [false, true] {
        let setup = Setup::new(PROVOST, CHATTY);
        let mut command = up(&setup, "");
        // Both ends stay open, and nobody reads.
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut host = setup.up_by(command);
        eventually(
            "it has printed everything",
            || host.ok(&["logs", "-n", "1", "chatty"]),
            |log| log.contains("200000"),
        );
        if by_signal {
            host.signal(Signal::TERM);
        } else {
            let down = host.run(&["down"]);
            assert_eq!(down.code, 0, "{down:?}");
        }
        assert_eq!(host.until_ended(), Some(0));
    }
}

#[test]
fn a_log_that_cannot_be_written_is_shown_as_degraded_and_ends_nothing() {
    let setup = Setup::new(PROVOST, WEB);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = up(&setup, "");
    command.stderr(full.try_clone().unwrap()).stdout(full);
    let host = setup.up_by(command);
    let status = eventually(
        "it is shown",
        || host.ok(&["status"]),
        |status| status.contains("DEGRADED") && status.contains("the host's log"),
    );
    assert!(status.contains("No space left on device"), "{status}");
    host.until_phase("web", "running");
    host.down();
}

#[test]
fn a_log_that_can_be_written_again_has_every_line() {
    let setup = Setup::new(PROVOST, WEB);
    let faults = "hostlog.write=3*return(28)->off";
    let ran = setup.command(&["up", "--detach"]).env("FAILPOINTS", faults).output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
    let host = setup.owner().unwrap();
    let ran = setup.shell(&format!("kill -USR1 {host}; kill -USR2 {host}")).status().unwrap();
    assert!(ran.success());
    eventually(
        "both lines are there",
        || setup.host_log(),
        |log| log.contains("SIGUSR1") && log.contains("SIGUSR2") && log.contains("no longer degraded"),
    );
    assert_eq!(setup.run(&["down"]).code, 0);
}

#[test]
fn a_hanging_disk_of_the_log_delays_neither_the_host_nor_its_end() {
    let setup = Setup::new(PROVOST, WEB);
    let up = setup.command(&["up", "--detach"]).env("FAILPOINTS", "hostlog.write=pause").output().unwrap();
    assert!(up.status.success(), "{up:?}");
    let host = setup.owner().unwrap();
    // Writing the first line hangs.
    assert!(setup.shell(&format!("kill -USR1 {host}")).status().unwrap().success());
    let status: serde_json::Value =
        serde_json::from_str(&setup.run(&["status", "-o", "json"]).stdout).unwrap();
    assert_eq!(status["processes"].as_array().unwrap().len(), 1);
    let down = setup.run(&["down"]);
    assert_eq!(down.code, 0, "{down:?}");
    assert_eq!(setup.host_log(), "");
}

#[test]
fn the_log_of_a_host_in_the_background_is_private_and_never_a_link() {
    use std::os::unix::fs::PermissionsExt;
    let setup = Setup::new(PROVOST, WEB);
    let runtime = setup.dir().join(".provost");
    std::fs::create_dir(&runtime).unwrap();
    let victim = setup.dir().join("victim");
    std::fs::write(&victim, "keep me").unwrap();
    std::os::unix::fs::symlink(&victim, runtime.join("provost.log")).unwrap();
    assert_eq!(setup.run(&["up", "--detach"]).code, 0);
    assert!(setup.shell(&format!("kill -USR1 {}", setup.owner().unwrap())).status().unwrap().success());
    eventually(
        "it is shown",
        || setup.run(&["status"]).stdout,
        |status| status.contains("DEGRADED") && status.contains("the host's log"),
    );
    std::fs::remove_file(runtime.join("provost.log")).unwrap();
    eventually("it is written", || setup.host_log(), |log| log.contains("SIGUSR1"));
    assert_eq!(std::fs::read_to_string(victim).unwrap(), "keep me");
    let mode = std::fs::metadata(runtime.join("provost.log")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(setup.run(&["down"]).code, 0);
}

/// Opens a pseudoterminal, and returns its master and the path of its slave.
fn terminal() -> (std::os::fd::OwnedFd, String) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let slave = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
    (master, slave)
}

/// Starts a host with a line of shell on the terminal `TTY`, closes the terminal, checks that the host ends in order, and
/// returns its log. If the terminal controls the host, the host gets SIGHUP; otherwise it only fails to write.
fn ends_with_its_terminal(line: &str) -> String {
    let setup = Setup::new(PROVOST, WEB);
    let (master, slave) = terminal();
    let mut command = setup.shell(&line.replace("TTY", &slave));
    command.env_remove("FAILPOINTS");
    let mut host = setup.up_by(command);
    let web = host.until_phase("web", "running");
    drop(master);
    assert_eq!(host.until_ended(), Some(0));
    assert!(!provost_tests::is_alive(web["pid"].as_u64().unwrap()));
    let log = host.setup().host_log();
    assert!(log.contains("all processes have ended"), "{log}");
    log
}

#[test]
fn a_host_whose_terminal_is_gone_says_so_in_its_log_and_ends_in_order() {
    let log = ends_with_its_terminal("exec \"$PROVOST\" up > TTY 2>&1");
    assert!(log.contains("the terminal is gone"), "{log}");
}

#[test]
fn a_host_whose_session_has_lost_its_terminal_says_so_in_its_log_and_ends_in_order() {
    let log = ends_with_its_terminal("exec setsid --ctty \"$PROVOST\" up < TTY > TTY 2>&1");
    assert!(log.contains("the terminal"), "{log}");
}

#[test]
fn a_stopped_terminal_delays_nothing() {
    let setup = Setup::new(PROVOST, CHATTY);
    // Nobody reads from the master: after some kilobytes the slave accepts no more, as after Ctrl-S.
    let (master, slave) = terminal();
    let command = setup.shell(&format!("exec \"$PROVOST\" up > {slave} 2>&1"));
    let mut host = setup.up_by(command);
    eventually(
        "it has printed everything",
        || host.ok(&["logs", "-n", "1", "chatty"]),
        |log| log.contains("200000"),
    );
    assert_eq!(host.run(&["down"]).code, 0);
    assert_eq!(host.until_ended(), Some(0));
    drop(master);
}

#[test]
fn a_limit_on_open_files_that_is_too_low_for_all_processes_is_reported_at_boot() {
    let config = "[process.web]\ncommand = \"exec sleep 1000\"\nreplicas = 40\n";
    let setup = Setup::new(PROVOST, config);
    let command = setup.shell("ulimit -n 200; exec \"$PROVOST\" up > up.log 2>&1");
    let host = setup.up_by(command);
    let log = host.log();
    assert!(log.contains("at most 20 of 40 processes fit the limit of 200 open files"), "{log}");
    host.down();
}

#[test]
fn a_panic_of_the_host_is_logged_as_a_defect_without_the_message_of_rust() {
    let host = {
        let setup = Setup::new(PROVOST, WEB);
        let log = std::fs::File::create(setup.dir().join("up.log")).unwrap();
        let mut command = up(&setup, "boot.plugins=panic(on purpose)");
        command.stderr(log);
        (command.status().unwrap(), setup)
    };
    let (status, setup) = host;
    assert_eq!(status.code(), Some(1));
    let said = std::fs::read_to_string(setup.dir().join("up.log")).unwrap();
    assert!(said.contains("a defect of the host") && said.contains("on purpose"), "{said}");
    assert!(
        said.contains("error: the host could not be set up") && !said.contains("RUST_BACKTRACE"),
        "{said}"
    );
    drop(Host::up(PROVOST, WEB).down());
}
