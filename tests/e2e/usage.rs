//! What processes use, on real processes: the table, the history, and the bundled policy that restarts what uses too much.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use provost_tests::{Host, eventually, guest};
use serde_json::Value;

use crate::PROVOST;

/// A process that grows by 4 MiB every 50 ms, up to 400 MiB.
const LEAK: &str = "x=; i=0; while [ $i -lt 100 ]; do x=\"$x$(head -c 4194304 /dev/zero | tr '\\0' x)\"; \
                    i=$((i+1)); sleep 0.05; done; exec sleep 1000";

/// Returns the body of an answer of the API.
fn get(host: &Host, path: &str) -> String {
    let mut socket = UnixStream::connect(host.setup().dir().join(".provost/provost.sock")).unwrap();
    write!(socket, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

fn usage_of(host: &Host, name: &str) -> Value {
    let status: Value = serde_json::from_str(&host.ok(&["status", "-o", "json"])).unwrap();
    let all = status["usage"].as_array().cloned().unwrap_or_default();
    all.into_iter().find(|one| one["process"] == name).unwrap_or_default()
}

#[test]
fn a_wide_status_and_the_api_show_what_processes_and_the_host_use() {
    let host = Host::up(
        PROVOST,
        "[process.burning]\ncommand = \"while :; do :; done\"\n[process.idle]\ncommand = \"exec sleep 1000\"\n\
         [process.down]\ncommand = \"exec sleep 1000\"\nautostart = false\n",
    );
    host.until_phase("idle", "running");
    eventually("it burns", || usage_of(&host, "burning"), |it| it["cpu"].as_f64() > Some(0.1));
    eventually("its descriptors are counted", || usage_of(&host, "idle"), |it| it["fds"] == 3);
    let wide = host.ok(&["status", "-o", "wide"]);
    let cells = |name: &str| {
        let head: Vec<&str> =
            wide.lines().next().unwrap().split("  ").map(str::trim).filter(|it| !it.is_empty()).collect();
        let row = wide.lines().find(|line| line.starts_with(name)).unwrap();
        let row: Vec<&str> = row.split("  ").map(str::trim).filter(|it| !it.is_empty()).collect();
        let at = |column: &str| row[head.iter().position(|it| *it == column).unwrap()].to_owned();
        ["CPU", "RSS", "FDS", "THREADS"].map(at)
    };
    let [cpu, rss, fds, threads] = cells("burning");
    assert!(cpu.ends_with('%') && (rss.ends_with("KiB") || rss.ends_with("MiB")), "{wide}");
    assert_eq!((fds.parse::<u32>().is_ok(), &*threads), (true, "1"), "{wide}");
    assert_eq!(cells("down"), ["-", "-", "-", "-"], "{wide}");
    assert!(wide.contains("\nHOST     CPU") && wide.contains("\nprovost  "), "{wide}");
    let own = usage_of(&host, "provost");
    assert_eq!((&own["host"], own["rss_bytes"].as_u64() > Some(1 << 20)), (&true.into(), true), "{own}");
    let plain: Value = serde_json::from_str(&get(&host, "/v1/status")).unwrap();
    assert!(plain.get("usage").is_none(), "only if it is asked for");
    let parts: Value = serde_json::from_str(&get(&host, "/v1/status?parts=usage&select=idle")).unwrap();
    assert_eq!(parts["usage"].as_array().map(Vec::len), Some(1), "{parts}");
    host.down();
}

#[test]
fn the_history_of_a_process_grows_and_the_unknown_is_refused() {
    let host = Host::up(PROVOST, "[process.web]\ncommand = \"exec sleep 1000\"\n");
    host.until_phase("web", "running");
    let history =
        || -> Value { serde_json::from_str(&get(&host, "/v1/usage?select=web&history=1")).unwrap() };
    let points = |it: &Value| it["usage"][0]["history"].as_array().map_or(0, Vec::len);
    let usage = eventually("it has two points", history, |it| points(it) >= 2);
    let point = &usage["usage"][0]["history"][1];
    assert!(
        point["at"].is_string() && point["cpu"].is_number() && point["rss_bytes"].as_u64() > Some(0),
        "{usage}"
    );
    let all: Value = serde_json::from_str(&get(&host, "/v1/usage")).unwrap();
    assert_eq!(
        (&all["usage"][0]["process"], &all["usage"][1]["process"]),
        (&"provost".into(), &"web".into()),
        "{all}"
    );
    assert!(all["revision"].as_u64() > Some(0));
    assert!(get(&host, "/v1/usage?select=wob").contains("unknown"), "an unknown process is refused");
    host.down();
}

#[test]
fn the_recycler_restarts_a_process_that_leaks_and_leaves_others_alone() {
    let host = Host::up(
        PROVOST,
        &format!(
            "[plugins.recycler]\ncomponent = \"bundled:recycler\"\n\
             settings = {{ rss_max = \"60MiB\", samples = 2, settle = \"1s\", jitter = 0.0 }}\n\
             limits = {{ call_time = \"1m\" }}\n\
             [process.leaking]\ncommand = '''{LEAK}'''\npolicies = [\"recycler\"]\nusage = {{ every = \"1s\" }}\n\
             [process.modest]\ncommand = \"exec sleep 1000\"\npolicies = [\"recycler\"]\nusage = {{ every = \"1s\" }}\n"
        ),
    );
    let again = host.until("leaking", "is restarted", |it| it["incarnation"].as_u64() >= Some(2));
    assert_eq!((&again["cause"], &again["failures"]), (&"policy".into(), &0.into()), "{again}");
    let explained = host.ok(&["explain", "leaking"]);
    assert!(
        explained.contains("of resident memory in") && explained.contains("above 60.0 MiB"),
        "{explained}"
    );
    assert_eq!(host.process("modest")["incarnation"], 1);
    host.down();
}

#[test]
fn a_usage_policy_of_another_component_is_asked_and_a_view_may_answer_with_a_status() {
    let host = Host::up(
        PROVOST,
        &format!(
            "[plugins.conductor]\ncomponent = {:?}\n\
             settings = {{ wait = \"0ms\", replicas = 1, rss_bytes_max = 1 }}\nlimits = {{ call_time = \"1m\" }}\n\
             [process.web]\ncommand = \"exec sleep 1000\"\npolicies = [\"conductor\"]\nusage = {{ every = \"1s\" }}\n",
            guest("conductor")
        ),
    );
    let again = host.until("web", "is restarted", |it| it["incarnation"].as_u64() >= Some(2));
    assert_eq!(again["cause"], "policy", "{again}");
    let found = host.run(&["view", "conductor"]);
    assert!(found.code == 0 && found.stdout.contains("processes"), "{found:?}");
    let missing = host.run(&["view", "conductor", "missing"]);
    assert_eq!((missing.code, &*missing.stdout), (1, "there is no such page"), "{missing:?}");
    host.down();
}
