//! Sockets that are opened for processes: they stay open over restarts of the process and of the host.

use std::fs;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use provost_tests::{Host, Setup, parent};
use rustix::process::Signal;
use serde_json::Value;

use crate::PROVOST;
use crate::lost_keeper::{kill_both, up_again};

/// A server that answers each connection to either of its sockets with the number of its process.
const SERVER: &str = r#"
import os, select, socket, time
assert os.environ["LISTEN_PID"] == str(os.getpid()), os.environ["LISTEN_PID"]
assert "NOTIFY_SOCKET" not in os.environ
names = os.environ["LISTEN_FDNAMES"].split(":")
assert len(names) == int(os.environ["LISTEN_FDS"])
sockets = [socket.socket(fileno=3 + n) for n in range(len(names))]
while os.path.exists("wait"): time.sleep(0.01)
while True:
    for ready in select.select(sockets, [], [])[0]:
        connection, _ = ready.accept()
        connection.sendall(b"%d %s" % (os.getpid(), names[sockets.index(ready)].encode()))
        connection.close()
"#;

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn answer(mut stream: impl Read) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

/// Connects, and fails the test if nobody answers for a minute.
fn tcp(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

fn setup(config: &str) -> Setup {
    let setup = Setup::new(PROVOST, config);
    fs::write(setup.dir().join("server.py"), SERVER).unwrap();
    setup
}

#[test]
fn connections_wait_while_the_process_or_the_host_is_restarted_and_none_is_refused() {
    for keeper in [true, false] {
        let port = free_port();
        let config = format!(
            "[host]\nkeeper = {keeper}\n[process.web]\ncommand = ['python3', 'server.py']\n\
             sockets = {{ http = '127.0.0.1:{port}', admin = './admin.sock' }}\n"
        );
        let host = setup(&config).up();
        let dir = host.setup().dir().to_owned();
        let first = host.until_phase("web", "running")["pid"].to_string();
        assert_eq!(answer(tcp(port)), format!("{first} http"), "{}", host.ok(&["logs", "web"]));
        assert_eq!(answer(UnixStream::connect(dir.join("admin.sock")).unwrap()), format!("{first} admin"));
        // The next life does not accept at once.
        fs::write(dir.join("wait"), "").unwrap();
        Host::kill(&first.parse().unwrap(), Signal::KILL);
        let waiting = tcp(port);
        let again = host.until("web", "again", |it| it["incarnation"] == 2 && it["phase"] == "running");
        fs::remove_file(dir.join("wait")).unwrap();
        assert_eq!(answer(waiting), format!("{} http", again["pid"]));
        if keeper {
            let former = host.pid();
            Host::kill(&again["pid"], Signal::STOP);
            let waiting = tcp(port);
            Host::kill(&former.into(), Signal::KILL);
            let meanwhile = tcp(port);
            host.setup().until_another_host(former.into());
            Host::kill(&again["pid"], Signal::CONT);
            for stream in [waiting, meanwhile, tcp(port)] {
                assert_eq!(answer(stream), format!("{} http", again["pid"]));
            }
            // The next host starts it with the same sockets.
            host.ok(&["restart", "--wait", "--timeout", "30s", "web"]);
            let third = host.process("web");
            assert_eq!(
                (answer(tcp(port)), &third["incarnation"]),
                (format!("{} http", third["pid"]), &Value::from(3))
            );
        }
        host.down();
        assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    }
}

#[test]
fn a_keeper_that_is_killed_loses_no_socket_and_after_both_were_killed_the_next_life_gets_new_ones() {
    let port = free_port();
    let host = setup(&format!(
        "[host]\nkeeper = true\n[process.web]\ncommand = ['python3', 'server.py']\n\
         sockets = {{ http = '127.0.0.1:{port}', admin = './admin.sock' }}\n"
    ))
    .up();
    let admin = host.setup().dir().join("admin.sock");
    let first = host.until_phase("web", "running")["pid"].clone();
    kill_both(&host, 1);
    assert_eq!(answer(tcp(port)), format!("{first} http"), "it goes on without a host");
    let status = up_again(&host);
    assert_eq!(status["processes"][0]["pid"], first);
    host.ok(&["restart", "--wait", "--timeout", "30s", "web"]);
    let second = host.process("web")["pid"].clone();
    assert_eq!(answer(tcp(port)), format!("{second} http"));
    assert_eq!(answer(UnixStream::connect(&admin).unwrap()), format!("{second} admin"));
    // Now the keeper alone.
    let former = status["host"]["pid"].as_u64().unwrap();
    let keeper = parent(u32::try_from(former).unwrap()).unwrap();
    Host::kill(&second, Signal::STOP);
    Host::kill(&keeper.into(), Signal::KILL);
    let waiting = tcp(port);
    let status = host.setup().until_another_host(former);
    assert_eq!(status["processes"][0]["pid"], second);
    Host::kill(&second, Signal::KILL);
    let third =
        host.until("web", "again", |it| it["incarnation"] == 3 && it["phase"] == "running")["pid"].clone();
    assert_eq!(
        answer(waiting),
        format!("{third} http"),
        "a connection that waited is served by the next life"
    );
    assert_eq!(answer(UnixStream::connect(&admin).unwrap()), format!("{third} admin"));
    host.ok(&["down"]);
    // Nothing is held open any more when `down` returns, although the keeper may end later than the host.
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    assert!(!admin.exists());
}

#[test]
fn an_address_that_is_taken_is_named_and_a_reload_opens_the_new_before_it_closes_the_former() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let (first, second) = (free_port(), free_port());
    let config = |port: u16, rest: &str| {
        format!(
            "[process.web]\ncommand = ['python3', 'server.py']\nsockets = {{ http = '127.0.0.1:{port}' }}\n{rest}"
        )
    };
    let bad = format!("[process.bad]\ncommand = 'true'\nsockets = {{ x = '{address}' }}\n");
    let host = setup(&config(first, &bad)).up();
    let why = host.until("bad", "why", |it| it["exit"]["error"].is_string() || it["exit"].is_object());
    let text = why.to_string();
    let said = format!("the socket `x` of bad cannot be opened at {address}: another program has it");
    assert!(text.contains(&said), "{text}");
    host.until_phase("web", "running");
    fs::write(host.setup().dir().join("provost.toml"), config(second, "")).unwrap();
    host.ok(&["reload", "--wait"]);
    let again = host.until("web", "again", |it| it["incarnation"] == 2 && it["phase"] == "running");
    assert_eq!(answer(tcp(second)), format!("{} http", again["pid"]));
    assert!(TcpStream::connect(("127.0.0.1", first)).is_err(), "the former one is closed");
    host.down();
}

#[test]
fn another_name_mode_or_backlog_goes_with_the_same_socket_and_what_no_config_has_any_more_is_closed() {
    let port = free_port();
    let sockets = |sockets: &str| {
        format!(
            "[host]\nkeeper = true\n[process.web]\ncommand = ['python3', 'server.py']\nsockets = {{ {sockets} }}\n"
        )
    };
    let rest = |name: &str, path: &str| {
        format!("[process.{name}]\ncommand = ['sleep', '1000']\nsockets = {{ x = './{path}' }}\n")
    };
    let before = sockets(&format!("http = '127.0.0.1:{port}', admin = './admin.sock'"));
    let host = setup(&[before, rest("idle", "idle.sock"), rest("gone", "gone.sock")].concat()).up();
    let dir = host.setup().dir().to_owned();
    let mode = || fs::metadata(dir.join("admin.sock")).unwrap().permissions().mode() & 0o777;
    for name in ["web", "idle", "gone"] {
        host.until_phase(name, "running");
    }
    host.ok(&["stop", "--wait", "idle", "gone"]);
    let write = |config: String| fs::write(dir.join("provost.toml"), config).unwrap();
    // A connection that waits is answered by the next life, which knows the socket by its new name.
    Host::kill(&host.process("web")["pid"], Signal::STOP);
    let waiting = tcp(port);
    let changed =
        "api = '127.0.0.1:{port}', admin = { address = './admin.sock', mode = '0640', backlog = 7 }";
    let changed = sockets(&changed.replace("{port}", &port.to_string()));
    write([changed, rest("idle", "idle.sock"), rest("gone", "gone.sock")].concat());
    Host::kill(&host.process("web")["pid"], Signal::KILL);
    host.ok(&["reload", "--wait"]);
    let is_new = |it: &Value| it["phase"] == "running" && mode() == 0o640;
    host.until("web", "again", is_new);
    let said = answer(waiting);
    assert!(said.ends_with(" api") || said.ends_with(" http"), "{said}");
    let second = host.process("web");
    assert_eq!(answer(tcp(port)), format!("{} api", second["pid"]));
    assert_eq!(
        answer(UnixStream::connect(dir.join("admin.sock")).unwrap()),
        format!("{} admin", second["pid"])
    );
    // The same with another host, which also finds sockets of processes that have no child.
    write([sockets(&format!("last = '127.0.0.1:{port}'")), rest("idle", "other.sock")].concat());
    let former = host.pid();
    Host::kill(&former.into(), Signal::KILL);
    host.setup().until_another_host(former.into());
    let is_next = |it: &Value| it["pid"] != second["pid"] && it["phase"] == "running";
    let third = host.until("web", "again", is_next);
    assert_eq!(answer(tcp(port)), format!("{} last", third["pid"]));
    for name in ["admin.sock", "idle.sock", "gone.sock"] {
        assert!(!dir.join(name).exists(), "{name}");
    }
    host.down();
}
