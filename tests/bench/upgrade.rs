//! For how long the API is silent over an upgrade: `cargo bench -p provost --bench upgrade`.
//!
//! The figure is what `provost upgrade` prints: the time from the last answer of the host that ends to the first answer of the next
//! one, seen by a client that asks every two milliseconds. So it covers the end of the requests and of the journal, the end of
//! the process, the exec, the config, the plugins, and the adoption of all processes. They are checked to be the same afterwards.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and fails by panicking")]

mod figures;

use provost_tests::{Host, eventually};
use serde_json::{Value, json};

use figures::{Latencies, now_ns, quick};

const PROVOST: &str = env!("CARGO_BIN_EXE_provost");
const UPGRADES: usize = 30;
const PROCESSES: usize = 100;

fn pids(status: &Value) -> Vec<Value> {
    status["processes"].as_array().unwrap().iter().map(|process| process["pid"].clone()).collect()
}

fn main() {
    let config = format!(
        "[host]\nkeeper = true\n[process.web]\nreplicas = {PROCESSES}\ncommand = \"exec sleep 100000\"\n"
    );
    let host = Host::up(PROVOST, &config);
    let all_run = |status: &Value| {
        status["processes"].as_array().unwrap().iter().all(|process| process["phase"] == "running")
    };
    let before = pids(&eventually("all run", || host.status(), all_run));
    assert_eq!(before.len(), PROCESSES);
    let upgrades = if quick() { UPGRADES / 10 } else { UPGRADES };
    let (mut silent, mut whole) = (Latencies::default(), Latencies::default());
    for _ in 0..upgrades {
        let begun = now_ns();
        let upgraded = host.json(&["upgrade", "-o", "json"]);
        whole.record(now_ns() - begun);
        silent.record(upgraded["silent_ms"].as_u64().unwrap() * 1_000_000);
        assert_eq!(pids(&host.status()), before, "a process was restarted");
    }
    host.down();
    println!("silence of the API over an upgrade, {PROCESSES} processes, {upgrades} upgrades");
    println!("silence      {}", silent.words_in(1_000_000, "ms"));
    println!("the command  {}", whole.words());
    let setting = format!("{PROCESSES} processes");
    figures::write(
        "upgrade",
        json!([{ "setting": setting, "upgrades": upgrades, "silent": silent.json(), "command": whole.json() }]),
    );
}
