//! The time from the kill of a process to the first instruction of its successor, including the call of the policy
//! component: `cargo bench -p provost --bench restart`.
//!
//! The first thing that the child does is to read the monotonic clock, which it then writes into a file; the harness reads
//! the same clock right before it kills. So the figure covers the delivery of the signal, the pidfd, both commits, the
//! decision in a fresh instance, the spawn, and the start of the child.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and fails by panicking")]

mod figures;

use provost_tests::{Host, eventually};
use rustix::process::Signal;
use serde_json::json;

use figures::{Latencies, now_ns, quick};

const PROVOST: &str = env!("CARGO_BIN_EXE_provost");
const KILLS: usize = 300;

/// The variable that makes this program the child, and names the file for its time. The child then waits to be killed.
const MARK: &str = "PROVOST_BENCH_MARK";

fn child(mark: &str) {
    let born = now_ns();
    let before = format!("{mark}.new");
    std::fs::write(&before, born.to_string()).unwrap();
    std::fs::rename(&before, mark).unwrap();
    loop {
        std::thread::park();
    }
}

fn main() {
    if let Ok(mark) = std::env::var(MARK) {
        child(&mark);
    }
    let marks = tempfile::tempdir().unwrap();
    let mark = marks.path().join("born");
    let config = format!(
        "[host]\nrestart_budget = {{ restarts = 99, per = \"1ms\" }}\n\
         [plugins.backoff]\ncomponent = \"bundled:backoff\"\nsettings = {{ first = \"0ms\" }}\n\
         [process.target]\ncommand = [{:?}]\nenv = {{ {MARK} = {mark:?} }}\npolicies = [\"backoff\"]\n",
        std::env::current_exe().unwrap(),
    );
    let host = Host::up(PROVOST, &config);
    let kills = if quick() { KILLS / 10 } else { KILLS };
    let mut took = Latencies::default();
    (0..kills).for_each(|_| took.record(one(&host, &mark)));
    let decided =
        host.events("target").into_iter().filter(|event| event["decision"]["by"] == "backoff").count();
    assert!(decided >= kills, "the policy decided {decided} of {kills} restarts");
    host.down();

    println!(
        "kill -> first instruction of the successor, {kills} kills, policy `backoff` (component) with first = 0ms"
    );
    println!("{}", took.words());
    let design = json!({ "design": "component policy, first = 0ms", "kill_to_successor": took.json() });
    figures::write("restart", json!([{ "setting": "one process", "kills": kills, "designs": [design] }]));
}

/// Kills the child and waits for the file of its successor. Returns the nanoseconds from the kill to the successor's start.
fn one(host: &Host, mark: &std::path::Path) -> u64 {
    let born = || std::fs::read_to_string(mark).ok().and_then(|text| text.parse::<u64>().ok());
    let before = eventually("it lives", born, Option::is_some).unwrap();
    let running = host.until_phase("target", "running");
    let killed = now_ns();
    Host::kill(&running["pid"], Signal::KILL);
    let after = eventually("the next lives", born, |born| born.is_some_and(|born| born > before)).unwrap();
    after - killed
}
