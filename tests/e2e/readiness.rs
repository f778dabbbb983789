//! Processes that do not become ready: the explanations, the deadline, and waits that end when they cannot succeed.

use std::net::TcpListener;

use provost_tests::{Host, Setup, eventually};

use crate::PROVOST;

/// Returns a port on which every connection is answered with this status until the test ends.
fn answers(status: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 1024]);
            let _ = write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n");
        }
    });
    port
}

#[test]
fn a_failing_check_is_explained_by_every_command_and_commits_no_change_for_each_attempt() {
    let port = answers("503");
    let config = format!(
        "[process.web]\ncommand = 'exec sleep 1000'\nready = {{ http = 'http://127.0.0.1:{port}/', every = '5ms' }}\n"
    );
    let host = Host::up(PROVOST, &config);
    let why = format!("http://127.0.0.1:{port}/ answers 503");
    let web = host.until("web", "says why", |web| web["failing"]["why"] == *why);
    assert_eq!((&web["phase"], &web["ready"]), (&"starting".into(), &false.into()));
    assert_eq!(web["reason"], format!("not ready: {why}"));
    let waited = host.run(&["start", "--wait", "--timeout", "100ms", "web"]);
    assert_eq!(waited.code, 1, "{waited:?}");
    let told = format!("error: web is still starting after 100ms: not ready: {why}\n");
    assert!(waited.stderr.starts_with(&told), "{}", waited.stderr);
    assert!(waited.stderr.contains("`provost explain web`"), "the hint is literal: {}", waited.stderr);
    let explained = host.ok(&["explain", "web"]);
    assert!(explained.contains(&format!("not ready: {why}")), "{explained}");
    let shown = host.ok(&["status"]);
    assert!(shown.contains(&format!("not ready: {why} (for ")), "{shown}");
    let told: Vec<_> = host.events("web").into_iter().filter(|event| event["kind"] == "not_ready").collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(host.process("web")["version"], web["version"], "hundreds of attempts later");
    host.down();
}

#[test]
fn a_process_that_is_not_ready_in_time_is_ended_and_its_policies_decide() {
    let config = r#"
[plugins.backoff]
component = "bundled:backoff"
settings = { first = "1ms", give_up_after = 1 }
[process.web]
command = "trap 'exit 0' TERM; while :; do sleep 0.05; done"
policies = ["backoff"]
ready = { exec = "exit 2", every = "20ms", within = "3s" }
"#;
    let host = Host::up(PROVOST, config);
    let waited = host.run(&["start", "--wait", "--timeout", "60s", "web"]);
    let fatal = host.until_phase("web", "fatal");
    assert_eq!((&fatal["failures"], &fatal["restarts"]), (&2.into(), &1.into()));
    let why = "did not become ready in time: its check exited with code 2 (ready.within is 3s)";
    assert_eq!(fatal["exit"]["error"], why);
    assert!(fatal["reason"].as_str().unwrap().contains("gave up after 1 restarts"), "{fatal}");
    assert_eq!(waited.code, 1, "{waited:?}");
    assert!(waited.stderr.contains(why), "{waited:?}");
    let kinds: Vec<_> =
        host.events("web").iter().map(|event| event["kind"].as_str().unwrap().to_owned()).collect();
    let kinds: Vec<&str> = kinds.iter().map(String::as_str).filter(|kind| *kind != "not_ready").collect();
    assert_eq!(
        kinds,
        [
            "added", "start", "spawned", "overdue", "exited", "decided", "spawned", "overdue", "exited",
            "decided"
        ]
    );
    host.down();
}

const CHAIN: &str = r#"
[plugins.backoff]
component = "bundled:backoff"
settings = { first = "1ms", give_up_after = 1 }
[process.disk]
command = "exit 3"
policies = ["backoff"]
[process.db]
command = "exec sleep 1000"
depends_on = { disk = "completed" }
[process.app]
command = "exec sleep 1000"
depends_on = { db = "ready" }
group = "front"
[process.other]
command = "exec sleep 1000"
group = "front"
[process.web]
command = "exec sleep 1000"
depends_on = { manual = "started" }
[process.manual]
command = "exec sleep 1000"
autostart = false
"#;

#[test]
fn a_wait_that_cannot_succeed_ends_at_once_and_names_the_chain() {
    let host = Host::up(PROVOST, CHAIN);
    // An hour is longer than this test may take.
    let wait = |target: &str| host.run(&["start", "--wait", "--timeout", "1h", target]);
    let app = wait("app");
    assert_eq!(app.code, 1, "{app:?}");
    let told = "error: app cannot be started: app waits for db to be ready; db waits for disk to complete; disk is fatal: ";
    assert!(app.stderr.starts_with(told), "{}", app.stderr);
    assert!(
        app.stderr.contains("hint: `provost explain disk` says why; `provost start disk`"),
        "{}",
        app.stderr
    );
    let explained = host.ok(&["explain", "app"]);
    assert!(explained.contains("db waits for disk to complete; disk is fatal: "), "{explained}");
    let group = wait("front:*");
    assert_eq!(group.code, 1, "{group:?}");
    assert!(group.stdout.starts_with("other: running"), "each result is printed: {group:?}");
    assert!(group.stderr.contains("app cannot be started: "), "{group:?}");
    let web = wait("web");
    let told = "error: web cannot be started: web waits for manual to be started; manual is stopped: not started yet\n";
    assert!(web.stderr.starts_with(told), "{web:?}");
    host.ok(&["start", "--wait", "manual", "web"]);
    host.ok(&["stop", "--wait", "web", "manual"]);
    let web = wait("web");
    assert!(web.stderr.contains("manual is stopped: stop asked for by a user"), "{web:?}");
    host.down();
}

#[test]
fn a_wait_that_times_out_says_what_is_missing() {
    let config = r#"
[process.db]
command = "exec sleep 1000"
ready = { exec = "exit 7", every = "10ms" }
[process.app]
command = "exec sleep 1000"
depends_on = { db = "ready" }
"#;
    let host = Host::up(PROVOST, config);
    host.until("db", "says why", |db| db["failing"]["why"] == "its check exited with code 7");
    let app = host.run(&["start", "--wait", "--timeout", "1s", "app"]);
    let told = "error: app is still waiting after 1s: app waits for db to be ready; db is starting: not ready: its check exited with code 7\n";
    assert!(app.stderr.starts_with(told), "{app:?}");
    host.down();
}

#[test]
fn a_health_check_that_fails_says_why() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = format!(
        "[process.web]\ncommand = 'exec sleep 1000'\nhealth = {{ tcp = '127.0.0.1:{port}', every = '20ms', failures = 1000000 }}\n"
    );
    let host = Host::up(PROVOST, &config);
    let web = host.until("web", "says why", |web| !web["failing"].is_null());
    let why = web["failing"]["why"].as_str().unwrap();
    assert!(why.starts_with(&format!("cannot connect to 127.0.0.1:{port}: ")), "{why}");
    assert!(web["reason"].as_str().unwrap().contains(why), "{web}");
    host.down();
}

#[test]
fn a_text_that_is_never_printed_and_a_variable_that_is_not_set_are_reported() {
    let config = r#"
[process.quiet]
command = "exec sleep 1000"
ready = { log = "listening" }
[process.unset]
command = "exec sleep 1000"
ready = { log = "up on $PROVOST_TEST_UNSET" }
"#;
    let host = Setup::new(PROVOST, config).up();
    let quiet = host.until("quiet", "says why", |it| !it["failing"].is_null());
    assert_eq!(quiet["reason"], "not ready: it has not said `listening`");
    let told = "the text of its check: the variable PROVOST_TEST_UNSET is not set";
    host.until("unset", "says why", |it| it["failing"]["why"].as_str().is_some_and(|why| why.contains(told)));
    eventually("the log reports what waiting cannot fix", || host.log(), |log| log.contains(told));
    host.down();
}
