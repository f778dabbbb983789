//! What processes say about themselves: `sd_notify`, the watchdog, stored descriptors, s6's readiness descriptor.

use std::fs;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use provost_tests::{Host, Setup, eventually};
use rustix::process::Signal;
use serde_json::Value;

use crate::PROVOST;
use crate::lost_keeper::{kill_both, up_again};

/// Begins a Python program: `say` sends a message, `until` waits for a file.
const PYTHON: &str = r#"
import array, os, socket, sys, time
def say(text, fds=[]):
    address = os.environ["NOTIFY_SOCKET"]
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.connect("\0" + address[1:])
    s.sendmsg([text.encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else [])
def until(name):
    while not os.path.exists(name): time.sleep(0.01)
def write(name, text):
    with open(name + ".new", "w") as f: f.write(text)
    os.rename(name + ".new", name)
def for_ever():
    while True: time.sleep(1000)
"#;

/// Starts a host with a process `web` that runs this Python program, with these lines in its section.
fn python(lines: &str, program: &str, rest: &str) -> Host {
    let config = format!("[process.web]\ncommand = ['python3', 'web.py']\n{lines}\n{rest}");
    let setup = Setup::new(PROVOST, &config);
    fs::write(setup.dir().join("web.py"), format!("{PYTHON}{program}")).unwrap();
    setup.up()
}

fn touch(host: &Host, name: &str) {
    fs::write(host.setup().dir().join(name), "").unwrap();
}

fn read(host: &Host, name: &str) -> String {
    let path = host.setup().dir().join(name);
    eventually(name, || fs::read_to_string(&path).unwrap_or_default(), |text| !text.is_empty())
}

fn reason(process: &Value) -> &str {
    process["reason"].as_str().unwrap()
}

#[test]
fn a_process_says_when_it_is_ready_and_what_it_does_and_a_stranger_is_not_believed() {
    let program = "write('address', os.environ['NOTIFY_SOCKET'])\nsay('STATUS=loading')\nuntil('go')\n\
                   say('READY=1\\nSTATUS=serving \\x1b[31m')\nuntil('main')\nsay('MAINPID=%d' % os.getpid())\nfor_ever()";
    let host = python("ready = { notify = true }", program, "");
    host.until("web", "its status", |it| reason(it).contains("it says: loading"));
    // The test is a process of the same user, and in another session.
    let address = read(&host, "address");
    let address = SocketAddr::from_abstract_name(&address[1..]).unwrap();
    UnixDatagram::unbound().unwrap().send_to_addr(b"READY=1\nSTATUS=a stranger", &address).unwrap();
    eventually("it is said", || host.log(), |log| log.contains("do not belong to it are dropped"));
    assert_eq!(host.process("web")["phase"], "starting");
    touch(&host, "go");
    let ready = host.until("web", "ready", |it| it["phase"] == "running");
    assert_eq!(ready["incarnation"], 1);
    host.until("web", "its status", |it| reason(it) == "it says: serving \u{fffd}[31m");
    touch(&host, "main");
    let text = format!("it says: its main process is {}", ready["pid"]);
    host.until("web", "its main process", |it| reason(it) == text);
    host.down();
}

#[test]
fn a_helper_that_has_ended_is_believed_and_a_child_in_another_session_is_not() {
    let program = "def helper(text, session):\n  pid = os.fork()\n  if pid == 0:\n    if session: os.setsid()\n    say(text)\n    \
                   until('over') if session else None\n    os._exit(0)\n  if not session: os.waitpid(pid, 0)\n\
                   helper('STATUS=not heard', True)\nhelper('STATUS=heard', False)\nuntil('go')\nhelper('READY=1', False)\nfor_ever()";
    let host = python("ready = { notify = true }", program, "");
    let starting = host.until("web", "its status", |it| reason(it).contains("it says"));
    assert!(reason(&starting).ends_with("it says: heard"), "{starting}");
    touch(&host, "go");
    host.until_phase("web", "running");
    touch(&host, "over");
    host.down();
}

#[test]
fn a_process_that_falls_silent_is_restarted() {
    let program = "assert os.environ['WATCHDOG_USEC'] == '3000000' and os.environ['WATCHDOG_PID'] == str(os.getpid())\n\
                   say('READY=1')\nwhile not os.path.exists('hang'):\n  say('WATCHDOG=1')\n  time.sleep(0.02)\nos.rename('hang', 'hung')\nfor_ever()";
    for keeper in ["true", "false"] {
        let rest = format!("[host]\nkeeper = {keeper}\n");
        let host = python("ready = { notify = true }\nwatchdog = '3s'", program, &rest);
        host.until_phase("web", "running");
        touch(&host, "hang");
        let again = host.until("web", "again", |it| it["incarnation"] == 2 && it["phase"] == "running");
        assert_eq!(again["restarts"], 1, "{}", host.log());
        let events = host.events("web");
        let silent =
            |event: &&Value| event["reason"].as_str().is_some_and(|it| it.contains("WATCHDOG=1 within 3s"));
        assert!(events.iter().any(|event| silent(&event)), "{events:?}");
        host.down();
    }
}

#[test]
fn a_flood_of_messages_delays_nobody_and_takes_no_memory() {
    let program = "say('READY=1')\nn = 0\nwhile True:\n  n += 1\n  say('STATUS=%d ' % n + 'x' * 3000)";
    let other = "[process.other]\ncommand = 'exec sleep 1000'\n";
    let host = python("ready = { notify = true }", program, other);
    host.until("web", "it says something", |it| reason(it).starts_with("it says: "));
    let before = host.memory_kib();
    for _ in 0..5 {
        host.ok(&["restart", "--wait", "--timeout", "30s", "other"]);
    }
    let status = host.process("web");
    assert!(status["reason"].as_str().unwrap().len() < 300);
    let grown = host.memory_kib().saturating_sub(before);
    assert!(grown < 32 * 1024, "{grown} KiB");
    host.down();
}

#[test]
fn a_message_is_not_lost_with_the_host_and_stored_descriptors_outlive_both() {
    let program = "fds = int(os.environ.get('LISTEN_FDS', '0'))\n\
                   if fds:\n  assert os.environ['LISTEN_PID'] == str(os.getpid())\n  \
                   write('found', os.environ['LISTEN_FDNAMES'] + ' ' + ' '.join(os.pread(3 + n, 9, 0).decode() for n in range(fds)))\n\
                   else:\n  for name in ['one', 'two']:\n    fd = os.memfd_create(name)\n    os.write(fd, name.encode())\n    \
                   say('FDSTORE=1\\nFDNAME=' + name, [fd])\n  say('FDSTOREREMOVE=1\\nFDNAME=none')\n  write('stored', 'x')\n\
                   until('go')\nsay('READY=1')\nwrite('said', 'x')\nfor_ever()";
    let host = python("ready = { notify = true }", program, "[host]\nkeeper = true\n");
    read(&host, "stored");
    let first = host.process("web");
    assert_eq!(first["phase"], "starting");
    let former = host.pid();
    // It has handled what was sent before its next order.
    host.ok(&["status"]);
    // A host that is suspended reads nothing.
    Host::kill(&former.into(), Signal::STOP);
    touch(&host, "go");
    read(&host, "said");
    Host::kill(&former.into(), Signal::KILL);
    host.setup().until_another_host(former.into());
    let ready = host.until_phase("web", "running");
    assert_eq!(
        (&ready["pid"], &ready["incarnation"]),
        (&first["pid"], &first["incarnation"]),
        "{}",
        host.log()
    );
    Host::kill(&ready["pid"], Signal::KILL);
    host.until("web", "again", |it| it["incarnation"] == 2 && it["phase"] == "running");
    assert_eq!(read(&host, "found"), "one:two one two");
    host.down();
}

#[test]
fn messages_and_stored_descriptors_outlive_a_keeper_that_is_killed() {
    let program = "names = os.environ.get('LISTEN_FDNAMES')\n\
                   if names:\n  write('found', names + ' ' + os.pread(3, 9, 0).decode())\n  say('READY=1')\n\
                   else:\n  fd = os.memfd_create('one')\n  os.write(fd, b'one')\n  say('FDSTORE=1\\nFDNAME=one', [fd])\n  \
                   write('stored', 'x')\n  until('go')\n  say('READY=1')\nfor_ever()";
    let host = python("ready = { notify = true }", program, "[host]\nkeeper = true\n");
    read(&host, "stored");
    let first = host.process("web");
    // What was sent before is handled before the next order.
    host.ok(&["status"]);
    let former = u64::from(host.pid());
    Host::kill(&host.up_pid().into(), Signal::KILL);
    host.setup().until_another_host(former);
    assert_eq!(
        (&host.process("web")["pid"], &host.process("web")["phase"]),
        (&first["pid"], &"starting".into())
    );
    touch(&host, "go");
    host.until_phase("web", "running");
    Host::kill(&first["pid"], Signal::KILL);
    host.until("web", "again", |it| it["incarnation"] == 2 && it["phase"] == "running");
    assert_eq!(read(&host, "found"), "one one");
    host.ok(&["down"]);
}

#[test]
fn a_process_is_heard_again_after_the_host_and_the_keeper_were_killed_at_once() {
    let host = python(
        "ready = { notify = true }",
        "write('runs', 'x')\nuntil('go')\nsay('READY=1\\nSTATUS=well')\nfor_ever()",
        "[host]\nkeeper = true\n",
    );
    read(&host, "runs");
    let first = host.process("web");
    kill_both(&host, 1);
    up_again(&host);
    touch(&host, "go");
    let ready = host.until_phase("web", "running");
    assert_eq!((&ready["pid"], &ready["incarnation"]), (&first["pid"], &first["incarnation"]));
    host.ok(&["down"]);
}

#[test]
fn a_line_on_the_readiness_descriptor_means_ready_also_for_the_next_host() {
    let config = "[host]\nkeeper = true\n[process.web]\nready = { fd = 3 }\n\
                  command = 'until [ -e go ]; do sleep 0.05; done; echo >&3; exec 3>&-; touch said; exec sleep 1000'\n\
                  [process.never]\nready = { fd = 3 }\ncommand = 'echo -n x >&3; exec 3>&-; touch closed; exec sleep 1000'\n";
    let setup = Setup::new(PROVOST, config);
    let dir = setup.dir().to_owned();
    let host = setup.up();
    let exists = |name: &str| eventually(name, || dir.join(name).exists(), |exists| *exists);
    exists("closed");
    let starting = host.until("web", "why", |it| reason(it).starts_with("not ready"));
    assert_eq!(reason(&starting), "not ready: it has not written a line to descriptor 3");
    let former = host.pid();
    Host::kill(&former.into(), Signal::STOP);
    fs::write(dir.join("go"), "").unwrap();
    exists("said");
    Host::kill(&former.into(), Signal::KILL);
    host.setup().until_another_host(former.into());
    let ready = host.until_phase("web", "running");
    assert_eq!((&ready["pid"], &ready["incarnation"]), (&starting["pid"], &starting["incarnation"]));
    assert_eq!(host.process("never")["phase"], "starting");
    host.down();
}

#[test]
fn what_a_process_sends_is_read_by_the_next_host_although_the_config_does_not_ask_for_it_any_more() {
    let program = "say('READY=1')\nuntil('go')\nfor n in range(2000): say('STATUS=%d' % n)\nwrite('said', 'x')\nfor_ever()";
    let host = python("ready = { notify = true }", program, "[host]\nkeeper = true\n");
    let ready = host.until_phase("web", "running");
    let config = host.setup().dir().join("provost.toml");
    let text = fs::read_to_string(&config).unwrap().replace("ready = { notify = true }", "");
    fs::write(&config, text).unwrap();
    let former = host.pid();
    Host::kill(&former.into(), Signal::KILL);
    host.setup().until_another_host(former.into());
    touch(&host, "go");
    // A socket that nobody reads holds a few messages, and then its sender waits.
    read(&host, "said");
    let last = host.until("web", "the last status", |it| reason(it) == "it says: 1999");
    assert_eq!((&last["pid"], &last["incarnation"]), (&ready["pid"], &ready["incarnation"]));
    host.down();
}
