//! Readiness checks: host names that are never resolved, ports of other processes, variables.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;

use provost_tests::{Host, Setup, eventually};
use rustix::process::Signal;
use serde_json::Value;

use crate::PROVOST;

/// Returns a port on which nothing listens now.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Returns the number of threads of the host that look up names.
fn lookups(host: &Host) -> usize {
    let tasks = fs::read_dir(format!("/proc/{}/task", host.pid())).unwrap();
    let names = tasks.flatten().filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
    names.filter(|name| name.starts_with("provost-names")).count()
}

/// Starts a host whose name server never answers, with 40 processes whose checks need `name` and one without a check.
fn with_dead_name_server(name: &str) -> Host {
    let config = format!(
        "[process.waits]\ncommand = 'exec sleep 1000'\nreplicas = 40\nready = {{ tcp = '{name}:5432', every = '10ms', timeout = '50ms' }}\n\
         [process.other]\ncommand = 'echo here; exec sleep 1000'\n"
    );
    // Longer than any command here waits.
    Setup::new(PROVOST, &config).up_with(&[("FAILPOINTS", "names.lookup=sleep(3600000)")])
}

fn nobody_else_is_delayed(host: &Host) {
    for _ in 0..3 {
        host.ok(&["restart", "--wait", "--timeout", "30s", "other"]);
        assert!(host.ok(&["logs", "-n", "1", "other"]).contains("here"));
    }
    assert_eq!(host.process("waits.40")["phase"], "starting");
}

#[test]
fn a_name_that_is_never_answered_delays_nobody_else_and_takes_one_thread() {
    let host = with_dead_name_server("db.example.invalid");
    eventually("a look-up hangs", || lookups(&host), |count| *count > 0);
    nobody_else_is_delayed(&host);
    assert_eq!(lookups(&host), 1);
    host.down();
}

#[test]
fn forty_names_that_are_never_answered_delay_nobody_else() {
    let host = with_dead_name_server("db$PROVOST_REPLICA.example.invalid");
    eventually("look-ups hang", || lookups(&host), |count| *count > 8);
    nobody_else_is_delayed(&host);
    assert!(lookups(&host) <= 64);
    host.down();
}

/// Returns a command that serves HTTP on a port.
fn server(port: &str) -> String {
    format!(
        "python3 -c 'import http.server as h; h.HTTPServer((\"127.0.0.1\", {port}), h.SimpleHTTPRequestHandler).serve_forever()'"
    )
}

#[test]
fn with_own_port_only_a_socket_of_the_process_counts_and_the_log_names_the_owner_of_another() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let (foreign, own) = (taken.local_addr().unwrap().port(), free_port());
    let ready = |port| {
        format!("ready = {{ tcp = '127.0.0.1:{port}', every = '20ms', timeout = '10s', own_port = true }}")
    };
    let config = format!(
        "[process.foreign]\ncommand = 'exec sleep 1000'\n{}\n\
         [process.own]\ncommand = \"\"\"{} & wait\"\"\"\n{}\n",
        ready(foreign),
        server(&own.to_string()),
        ready(own),
    );
    let host = Host::up(PROVOST, &config);
    host.until_phase("own", "running");
    let told = format!("port {foreign} belongs to pid {} (", std::process::id());
    eventually("the log names the owner of the port", || host.log(), |log| log.contains(&told));
    assert_eq!(host.process("foreign")["phase"], "starting");
    host.down();
}

#[test]
fn a_check_uses_the_variables_of_the_incarnation_that_it_checks() {
    let port = free_port();
    let config = format!(
        "[process.web]\ncommand = \"\"\"exec {}\"\"\"\nenv = {{ PORT = {port} }}\n\
         ready = {{ http = 'http://127.0.0.1:$PORT/', every = '20ms', timeout = '10s' }}\n\
         [process.line]\ncommand = 'echo up as $PROVOST_REPLICA; exec sleep 1000'\nreplicas = 2\n\
         ready = {{ log = 'up as $PROVOST_REPLICA' }}\n\
         [process.unset]\ncommand = 'exec sleep 1000'\nready = {{ tcp = '127.0.0.1:$PROVOST_TEST_UNSET', every = '20ms' }}\n",
        server(&port.to_string())
    );
    let host = Host::up(PROVOST, &config);
    let web = host.until_phase("web", "running");
    assert_eq!(web["reason"], format!("ready: http://127.0.0.1:{port}/ answers 200"));
    let line = host.until_phase("line.2", "running");
    assert_eq!(line["reason"], "ready: it said `up as 2`");
    let told = "127.0.0.1:$PROVOST_TEST_UNSET: the variable PROVOST_TEST_UNSET is not set";
    eventually("the log says that the variable is not set", || host.log(), |log| log.contains(told));
    assert_eq!(host.process("unset")["phase"], "starting");
    host.down();
}

/// Returns the names of the variables of a process: those that the host shows, and those that the process has.
fn variables(host: &Host, name: &str) -> [Vec<String>; 2] {
    let mut stream = UnixStream::connect(host.setup().dir().join(".provost/provost.sock")).unwrap();
    write!(stream, "GET /v1/processes/{name} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let detail: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    let shown = detail["environment"].as_array().unwrap().iter();
    let environ = fs::read_to_string(format!("/proc/{}/environ", detail["pid"])).unwrap();
    let mut has: Vec<String> =
        environ.split_terminator('\0').map(|one| one.split_once('=').unwrap().0.to_owned()).collect();
    has.sort();
    [shown.map(|name| name.as_str().unwrap().to_owned()).collect(), has]
}

#[test]
fn the_variables_that_are_shown_are_those_that_the_process_has_also_in_the_next_host() {
    let mut config = "[host]\nkeeper = true\n[process.plain]\ncommand = ['sleep', '1000']\n\
                      [process.full]\ncommand = ['sleep', '1000']\nsockets = { x = './x.sock' }\n\
                      watchdog = '1h'\nenv = { OWN = '1' }\n"
        .to_owned();
    let mut names = vec!["plain", "full"];
    if rustix::process::geteuid().is_root() {
        // Of a number that no user has, nothing is known.
        config += "[process.number]\ncommand = ['sleep', '1000']\ncwd = '/'\nuser = '54321:54321'\n\
                   [process.user]\ncommand = ['sleep', '1000']\ncwd = '/'\nuser = 'root'\n";
        names.extend(["number", "user"]);
    }
    let host = Setup::new(PROVOST, &config).up_with(&[("LISTEN_FDS", "7"), ("WATCHDOG_USEC", "1")]);
    for round in 0..2 {
        for name in &names {
            host.until_phase(name, "running");
            let [shown, has] = variables(&host, name);
            assert_eq!(shown, has, "{name}, host {round}");
        }
        let former = u64::from(host.pid());
        if round == 0 {
            Host::kill(&former.into(), Signal::KILL);
            host.setup().until_another_host(former);
        }
    }
    host.down();
}
