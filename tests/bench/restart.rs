//! The time from the kill of a process to the first instruction of its successor, including the call of the policy
//! component: `cargo bench -p provost --bench restart`.
//!
//! The first thing that the child does is to read the monotonic clock, which it then writes into a file; the harness reads
//! the same clock right before it kills. So the figure covers the delivery of the signal, the pidfd, both commits, the
//! decision in a fresh instance, the spawn, and the start of the child.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and fails by panicking")]

mod figures;

use std::path::{Path, PathBuf};

use provost_tests::{Host, eventually};
use rustix::process::Signal;
use serde_json::{Value, json};

use figures::{Latencies, now_ns, quick};

const PROVOST: &str = env!("CARGO_BIN_EXE_provost");
const KILLS: usize = 300;

/// The variable that makes this program the child, and names the file for its time. The child then waits to be killed.
const MARK: &str = "PROVOST_BENCH_MARK";

/// The designs: the name in the report, and the value of `keeper` in the config.
const PARENTS: [(&str, &str); 2] =
    [("component policy, first = 0ms", "true"), ("the same, without a keeper", "false")];

/// A host whose process is killed again and again.
struct Measured {
    name: &'static str,
    host: Host,
    /// The file with the time at which the last child began.
    mark: PathBuf,
    took: Latencies,
}

impl Measured {
    fn start(name: &'static str, keeper: &str, marks: &Path) -> Self {
        let mark = marks.join(format!("keeper-{keeper}"));
        let config = format!(
            "[host]\nkeeper = {keeper}\nrestart_budget = {{ restarts = 99, per = \"1ms\" }}\n\
             [plugins.backoff]\ncomponent = \"bundled:backoff\"\nsettings = {{ first = \"0ms\" }}\n\
             [process.target]\ncommand = [{:?}]\nenv = {{ {MARK} = {mark:?} }}\npolicies = [\"backoff\"]\n",
            std::env::current_exe().unwrap(),
        );
        Self { name, host: Host::up(PROVOST, &config), mark, took: Latencies::default() }
    }

    /// Checks that the policy has decided every restart, and returns the figures.
    fn end(self, kills: usize) -> Value {
        let events = self.host.events("target");
        let decided = events.into_iter().filter(|event| event["decision"]["by"] == "backoff").count();
        assert!(decided >= kills, "the policy decided {decided} of {kills} restarts");
        self.host.down();
        println!("{:<30} {}", self.name, self.took.words());
        json!({ "design": self.name, "kill_to_successor": self.took.json() })
    }
}

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
    let hosts = PARENTS.map(|(name, setting)| Measured::start(name, setting, marks.path()));
    let mut hosts = Vec::from(hosts);
    let kills = if quick() { KILLS / 10 } else { KILLS };
    // In turn, so that a busy moment of the machine meets both.
    for _ in 0..kills {
        for host in &mut hosts {
            host.took.record(one(&host.host, &host.mark));
        }
    }
    println!(
        "kill -> first instruction of the successor, {kills} kills, policy `backoff` (component) with first = 0ms"
    );
    let designs: Vec<Value> = hosts.into_iter().map(|host| host.end(kills)).collect();
    figures::write("restart", json!([{ "setting": "one process", "kills": kills, "designs": designs }]));
}

/// Kills the child and waits for the file of its successor. Returns the nanoseconds from the kill to the successor's start.
fn one(host: &Host, mark: &Path) -> u64 {
    let born = || std::fs::read_to_string(mark).ok().and_then(|text| text.parse::<u64>().ok());
    let before = eventually("it lives", born, Option::is_some).unwrap();
    let running = host.until_phase("target", "running");
    let killed = now_ns();
    Host::kill(&running["pid"], Signal::KILL);
    let after = eventually("the next lives", born, |born| born.is_some_and(|born| born > before)).unwrap();
    after - killed
}
