//! The end of the host: bounded in time, whatever hangs, and reported truthfully.

use std::process::Stdio;

use provost_tests::{Host, Setup, eventually, is_alive};
use rustix::process::Signal;

use crate::PROVOST;

const WEB: &str = "[process.web]\ncommand = \"exec sleep 1000\"\n";
const STUBBORN: &str = r#"
[process.web]
command = "trap '' TERM INT; echo deaf; while :; do sleep 1000; done"
ready = { log = "deaf" }
stop = { grace = "1h" }
"#;

/// Starts a host with this fault.
fn with_fault(config: &str, fault: &str) -> Host {
    let setup = Setup::new(PROVOST, config);
    let log = std::fs::File::create(setup.dir().join("up.log")).unwrap();
    let mut command = setup.command(&["up"]);
    command.env("FAILPOINTS", fault).stdout(log.try_clone().unwrap()).stderr(log);
    setup.up_by(command)
}

/// Sends the signal repeatedly until the host has ended, and returns its exit code.
fn signal_until_ended(host: &mut Host, signal: Signal) -> Option<i32> {
    let ended = eventually(
        "it has ended",
        || {
            if host.try_ended().is_none() {
                host.signal(signal);
            }
            (host.try_ended().map(|status| status.code()), host.log())
        },
        |(ended, _)| ended.is_some(),
    );
    ended.0.flatten()
}

#[test]
fn a_second_interrupt_kills_processes_that_ignore_signals() {
    let mut host = Host::up(PROVOST, STUBBORN);
    let web = host.until_phase("web", "running")["pid"].as_u64().unwrap();
    assert_eq!(signal_until_ended(&mut host, Signal::INT), Some(0));
    assert!(!is_alive(web));
    assert!(host.log().contains("interrupted: killing all processes"), "{}", host.log());
}

#[test]
fn a_second_signal_ends_the_host_although_its_own_stop_hangs() {
    let mut host = with_fault(STUBBORN, "ending=return(hang)");
    let web = host.until_phase("web", "running")["pid"].as_u64().unwrap();
    assert_eq!(signal_until_ended(&mut host, Signal::TERM), Some(0));
    assert!(!is_alive(web));
}

#[test]
fn a_shutdown_that_hangs_is_over_after_the_grace_times() {
    let config = format!("{WEB}stop = {{ grace = \"1s\" }}\n");
    let mut host = with_fault(&config, "ending=return(hang)");
    let web = host.until_phase("web", "running")["pid"].as_u64().unwrap();
    host.signal(Signal::TERM);
    assert_eq!(host.until_ended(), Some(0));
    assert!(!is_alive(web));
    assert!(host.log().contains("the grace times are over: killing all processes"), "{}", host.log());
}

/// Returns what was printed from the error on. How much of the progress comes before it depends on the moment.
fn error_in(printed: &str) -> &str {
    printed.find("error: ").map_or("", |at| &printed[at..])
}

#[test]
fn processes_that_are_left_are_named_by_down_and_by_the_log_and_give_exit_code_1() {
    let mut host = with_fault(WEB, "ending=return(left)");
    host.until_phase("web", "running");
    let down = host.run(&["down"]);
    assert_eq!((down.code, &*down.stdout), (1, ""), "{down:?}");
    insta::assert_snapshot!(error_in(&down.stderr).replace(&host.pid().to_string(), "PID"), @r"
    error: the host (pid PID) has ended, and this is left:
      web (pid 4711): a test says so
    hint: end it by hand, or find out what holds it; then `provost up`
    ");
    assert_eq!(host.until_ended(), Some(1));
    assert!(host.log().contains("error: left: web (pid 4711): a test says so"), "{}", host.log());
    assert!(!host.log().contains("all processes have ended"), "{}", host.log());
}

#[test]
fn the_exit_code_for_processes_that_are_left_overrides_that_of_a_policy() {
    let config = r#"
[plugins.limit]
component = "bundled:otp"
settings = { intensity = 0, period = 1, escalate = { shut_down = 42 } }
[process.web]
command = "while ! test -e go; do sleep 0.05; done; exit 1"
policies = ["limit"]
"#;
    let mut host = with_fault(config, "ending=return(left)");
    std::fs::write(host.setup().dir().join("go"), "").unwrap();
    assert_eq!(host.until_ended(), Some(1), "{}", host.log());
    assert!(host.log().contains("with code 42"), "{}", host.log());
}

#[test]
fn down_does_not_say_that_all_has_ended_when_the_host_vanishes() {
    let host = Host::up(PROVOST, STUBBORN);
    let web = host.until_phase("web", "running")["pid"].clone();
    let down = host.setup().command(&["down"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    host.until_phase("web", "stopping");
    // The keeper first, which would start another host.
    Host::kill(&host.up_pid().into(), Signal::KILL);
    Host::kill(&host.pid().into(), Signal::KILL);
    let ended = down.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    insta::assert_snapshot!(
        error_in(&String::from_utf8(ended.stderr).unwrap()).replace(&host.pid().to_string(), "PID"),
        @r"
    error: the host (pid PID) ended without a report: its processes may be alive
    hint: look for them with `ps`; the log of the host may say why it ended
    "
    );
    assert!(is_alive(web.as_u64().unwrap()), "the warning about living processes was wrong");
    Host::kill(&web, Signal::KILL);
}

#[test]
fn a_host_that_cannot_be_set_up_or_panics_stops_the_processes_that_it_has_started() {
    for fault in ["daemon.set_up=return", "daemon.set_up=panic(on purpose)"] {
        let config = format!("{WEB}[process.other]\ncommand = \"echo $$ > pid; exec sleep 1000\"\n");
        let setup = Setup::new(PROVOST, &config);
        let ran = setup.command(&["up"]).env("FAILPOINTS", fault).output().unwrap();
        assert_eq!(ran.status.code(), Some(1), "{ran:?}");
        let said = String::from_utf8(ran.stderr).unwrap();
        assert!(said.contains("all processes have ended") && said.contains("error: "), "{said}");
        // The process may have been stopped before it wrote its pid.
        let pid = std::fs::read_to_string(setup.dir().join("pid")).unwrap_or_default();
        assert!(!pid.trim().parse().is_ok_and(is_alive), "{pid}");
    }
}

#[test]
fn a_background_host_ends_if_its_start_cannot_be_reported() {
    let setup = Setup::new(PROVOST, WEB);
    let mut command = setup.command(&["up", "--background"]);
    // Nobody reads the message that the host is ready.
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(setup.host_log().contains("all processes have ended"), "{}", setup.host_log());
}

#[test]
fn a_host_that_cannot_start_its_runtime_says_so_and_does_not_panic() {
    for fault in ["daemon.runtime=return", "daemon.runtime=panic"] {
        let setup = Setup::new(PROVOST, WEB);
        let ran = setup.command(&["up"]).env("FAILPOINTS", fault).output().unwrap();
        assert_eq!(ran.status.code(), Some(1), "{ran:?}");
        let said = String::from_utf8(ran.stderr).unwrap();
        assert!(said.starts_with("error: cannot start the host: ") && said.contains("\nhint: "), "{said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}
