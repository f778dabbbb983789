//! The everyday commands: targets, signals, logs, views, the order of stopping, and commands that need no host.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::process::Stdio;

use provost_tests::{Host, Setup, eventually};

use crate::PROVOST;

const CONFIG: &str = r#"
[plugins.prometheus]
component = "bundled:prometheus"
[plugins.notify]
component = "bundled:notify"
[process.db]
command = "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done"
ready = { log = "up" }
[process.api]
command = "exec 2>/dev/null; trap 'echo hup' HUP; echo hello from $PROVOST_PROCESS; while :; do sleep 0.05; done"
group = "web"
depends_on = { db = "ready" }
env = { GREETING = "hello" }
[process.idle]
command = "exec sleep 1000"
group = "web"
autostart = false
"#;

#[test]
fn targets_are_names_groups_and_all() {
    let host = Host::up(PROVOST, CONFIG);
    host.until_phase("api", "running");
    host.ok(&["start", "--wait", "web:*"]);
    assert_eq!(host.process("idle")["phase"], "running");
    host.ok(&["stop", "--wait", "web:*"]);
    assert_eq!(host.process("idle")["phase"], "stopped");
    assert_eq!(host.process("api")["cause"], "user");
    let before = host.process("db")["incarnation"].as_u64().unwrap();
    host.ok(&["restart", "--wait", "all"]);
    assert_eq!(host.process("db")["incarnation"].as_u64().unwrap(), before + 1);
    let unknown = host.run(&["stop", "apy"]);
    assert_eq!(unknown.code, 2, "{unknown:?}");
    assert!(unknown.stderr.contains("apy") && unknown.stderr.contains("`api`"), "{unknown:?}");
    host.down();
}

#[test]
fn signals_reach_processes_and_one_that_is_not_running_gives_exit_code_3() {
    let host = Host::up(PROVOST, CONFIG);
    host.until_phase("api", "running");
    eventually("it has set its trap", || host.ok(&["logs", "api"]), |logs| logs.contains("hello from api"));
    host.ok(&["signal", "HUP", "api"]);
    eventually("the signal arrived", || host.ok(&["logs", "api"]), |logs| logs.contains("hup"));
    assert_eq!(host.run(&["signal", "HUP", "idle"]).code, 3);
    assert_eq!(host.run(&["status", "idle"]).code, 3);
    assert_eq!(host.run(&["status", "api"]).code, 0);
    assert_eq!(host.run(&["signal", "NOPE", "api"]).code, 2);
    host.down();
}

#[test]
fn followed_logs_begin_with_earlier_lines() {
    let host = Host::up(PROVOST, CONFIG);
    host.until_phase("api", "running");
    eventually("it spoke", || host.ok(&["logs", "api"]), |logs| logs.contains("hello from api"));
    let mut follow = host.setup().command(&["logs", "-f", "api"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(follow.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("hello from api"));
    host.ok(&["signal", "HUP", "api"]);
    assert!(lines.next().unwrap().unwrap().contains("hup"));
    host.down();
    assert!(lines.next().is_none(), "the stream ends with the host");
    follow.wait().unwrap();
}

#[test]
fn the_bundled_view_and_consumer_see_all_processes() {
    let host = Host::up(PROVOST, CONFIG);
    host.until_phase("api", "running");
    let metrics = host.ok(&["view", "prometheus"]);
    assert!(metrics.ends_with("# EOF\n"), "{metrics}");
    assert!(metrics.contains("name=\"api\"") && metrics.contains("group=\"web\""), "{metrics}");
    eventually(
        "notify has logged the change",
        || host.log(),
        |log| {
            log.lines()
                .any(|line| line.contains("notify") && line.contains("api") && line.contains("running"))
        },
    );
    let plugins = host.ok(&["plugin", "list"]);
    assert!(plugins.contains("prometheus") && plugins.contains("status-view"), "{plugins}");
    let missing = host.run(&["view", "notify"]);
    assert_eq!(missing.code, 2, "{missing:?}");
    host.down();
}

#[test]
fn a_process_stops_after_those_that_depend_on_it() {
    let host = Host::up(PROVOST, CONFIG);
    host.until_phase("api", "running");
    let mut follow =
        host.setup().command(&["events", "-f", "-o", "json"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(follow.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("added"));
    host.down();
    let events: Vec<serde_json::Value> =
        lines.map_while(Result::ok).map(|line| serde_json::from_str(&line).unwrap()).collect();
    let position = |process: &str, kind: &str| {
        events.iter().position(|event| event["process"] == process && event["kind"] == kind).unwrap()
    };
    assert!(position("api", "exited") < position("db", "stop"), "{events:#?}");
    follow.wait().unwrap();
}

#[test]
fn components_are_inspected_without_a_host() {
    let setup = Setup::new(PROVOST, CONFIG);
    let sockets = provost_tests::guest("sockets");
    let inspected = setup.run(&["plugin", "inspect", sockets.to_str().unwrap()]);
    assert!(
        inspected.stdout.contains("wasi:sockets") && inspected.stdout.contains("restart-policy"),
        "{inspected:?}"
    );
    let bundled = setup.run(&["plugin", "inspect", "bundled:backoff"]);
    assert_eq!(bundled.code, 0, "{bundled:?}");
    assert!(bundled.stdout.contains("restart-policy"), "{bundled:?}");
}

#[test]
fn help_completions_and_validation_need_no_host() {
    let setup = Setup::new(PROVOST, CONFIG);
    assert!(setup.run(&["completions", "bash"]).stdout.contains("provost"));
    assert!(setup.run(&["--help"]).stdout.contains("explain"));
    let valid = setup.run(&["validate"]);
    assert_eq!(valid.code, 0, "{valid:?}");
    assert_eq!(setup.run(&["frobnicate"]).code, 2);
}

#[test]
fn any_http_client_understands_the_socket() {
    let host = Host::up(PROVOST, CONFIG);
    let mut socket = UnixStream::connect(host.setup().dir().join(".provost/provost.sock")).unwrap();
    socket.write_all(b"GET /v1/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("application/json"), "{head}");
    let status: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(status["processes"].as_array().unwrap().len(), 3);
    host.down();
}
