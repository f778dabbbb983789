//! Hosts under pressure from clients and the machine: too few descriptors, too many clients, clients that do not read.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use provost_tests::{Host, eventually};
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, prlimit, setrlimit};
use serde_json::Value;

use crate::PROVOST;

/// The bound on the resident memory of the host; beyond it the host buffers output that no client reads.
const MEMORY_KIB_MAX: u64 = 200 * 1024;

fn limit_descriptors(host: &Host, most: u64) -> Rlimit {
    let pid = Pid::from_raw(i32::try_from(host.pid()).unwrap());
    let before = getrlimit(Resource::Nofile);
    prlimit(pid, Resource::Nofile, Rlimit { current: Some(most), maximum: before.maximum }).unwrap()
}

/// Returns one more than the highest open descriptor of the host.
fn descriptors(host: &Host) -> u64 {
    let list = std::fs::read_dir(format!("/proc/{}/fd", host.pid())).unwrap();
    list.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse::<u64>().ok()).max().unwrap() + 1
}

fn lacks(host: &Host, what: &str) -> bool {
    let status = host.status();
    status["host"]["degraded"].as_array().unwrap().iter().any(|it| it["what"] == what)
}

#[test]
fn status_answers_and_no_line_is_lost_while_there_is_no_descriptor_left() {
    let config =
        "[process.talk]\ncommand = \"while [ ! -e go ]; do sleep 0.05; done; seq 1 100; exec sleep 1000\"\n";
    let host = Host::up(PROVOST, config);
    host.until_phase("talk", "running");
    // The limit is just above the open descriptors: idle clients take the free ones, and then the reserve has to suffice.
    let before = limit_descriptors(&host, descriptors(&host));
    let mut idle = Vec::new();
    while !lacks(&host, "descriptors") {
        assert!(idle.len() < 1_000, "the limit is never reached");
        idle.extend((0..10).map(|_| connect(&host)));
    }
    for _ in 0..20 {
        idle.push(connect(&host));
        assert_eq!(host.process("talk")["phase"], "running");
    }
    std::fs::write(host.setup().dir().join("go"), "").unwrap();
    let log = host.setup().dir().join(".provost/logs/talk.log");
    let text = || std::fs::read_to_string(&log).unwrap_or_default();
    eventually("all lines are written", text, |text| text.ends_with(" 100\n"));
    assert_eq!(text().lines().count(), 100);
    let pid = Pid::from_raw(i32::try_from(host.pid()).unwrap());
    prlimit(pid, Resource::Nofile, before).unwrap();
    eventually("it is over", || lacks(&host, "descriptors"), |lacks| !lacks);
    host.down();
}

fn connect(host: &Host) -> UnixStream {
    UnixStream::connect(host.setup().dir().join(".provost/provost.sock")).unwrap()
}

#[test]
fn with_too_many_idle_clients_a_killed_process_is_restarted_and_status_answers() {
    const CLIENTS: usize = 1_500;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_some_and(|soft| soft < 4_000) {
        setrlimit(Resource::Nofile, Rlimit { current: Some(4_000), maximum }).unwrap();
    }
    let host = Host::up(PROVOST, "[process.web]\ncommand = \"exec sleep 1000\"\n");
    let web = host.until_phase("web", "running");
    let mut clients: Vec<UnixStream> = (0..CLIENTS).map(|_| connect(&host)).collect();
    Host::kill(&web["pid"], Signal::KILL);
    host.until("web", "is restarted", |it| it["restarts"] == 1 && it["phase"] == "running");
    // 1,024 connections, and the host's other descriptors. Those that gave way are closed by their own tasks.
    eventually("the others are closed", || descriptors(&host), |open| *open < 1_024 + 200);
    // The connections that were idle the longest were closed.
    assert_eq!(clients[0].read(&mut [0]).unwrap(), 0);
    host.down();
}

#[test]
fn the_api_has_threads_that_do_nothing_else() {
    let host = Host::up(PROVOST, "[process.web]\ncommand = \"exec sleep 1000\"\n");
    let threads = std::fs::read_dir(format!("/proc/{}/task", host.pid())).unwrap();
    let names = threads.filter_map(|it| std::fs::read_to_string(it.unwrap().path().join("comm")).ok());
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    assert_eq!(names.filter(|name| name == "provost-api\n").count(), (processors / 2).clamp(1, 4));
    host.down();
}

#[test]
fn clients_that_do_not_read_output_without_newlines_cost_no_memory() {
    let config = "[process.flood]\ncommand = [\"cat\", \"/dev/zero\"]\n\
                  logs = { file_size = \"8MiB\", files = 2 }\n";
    let host = Host::up(PROVOST, config);
    let flood = host.until_phase("flood", "running");
    let mut readers: Vec<UnixStream> = (0..4).map(|_| connect(&host)).collect();
    for reader in &mut readers {
        let request = "GET /v1/logs?select=flood&follow=1&n=100000000000 HTTP/1.1\r\nhost: localhost\r\n\r\n";
        reader.write_all(request.as_bytes()).unwrap();
    }
    let written = || {
        let io = std::fs::read_to_string(format!("/proc/{}/io", flood["pid"])).unwrap();
        let line = io.lines().find(|line| line.starts_with("wchar:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    eventually(
        "much is written",
        || (written(), host.memory_kib()),
        |(written, memory)| {
            assert!(*memory < MEMORY_KIB_MAX, "{memory} KiB");
            *written > 500 << 20
        },
    );
    let status: Value = host.status();
    assert_eq!(status["processes"][0]["phase"], "running");
    host.down();
}

#[test]
fn a_very_long_unknown_name_is_refused_with_a_short_message() {
    let config: String = (0..2_000)
        .map(|number| format!("[process.worker-{number}]\ncommand = \"exit\"\nautostart = false\n"))
        .collect();
    let host = Host::up(PROVOST, &config);
    let ran = host.run(&["start", &"w".repeat(100_000)]);
    assert_ne!(ran.code, 0);
    assert!(ran.stderr.len() < 1_000, "{}", ran.stderr.len());
    host.down();
}
