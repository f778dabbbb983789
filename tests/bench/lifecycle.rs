//! How long a host takes to start 500 processes and to end them: `cargo bench -p provost --bench lifecycle`. Measured are whole
//! commands, `provost up --detach --wait` until all run and `provost down` until all have ended, with a keeper and without one
//! in turn. `-- --beside PATH` adds another `provost`, such as an earlier build.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and fails by panicking")]

mod figures;

use std::fmt::Write as _;

use provost_tests::Setup;
use serde_json::{Value, json};

use figures::{Latencies, now_ns, quick};

const PROVOST: &str = env!("CARGO_BIN_EXE_provost");

/// The number of processes.
const PROCESSES: usize = 500;

/// A host that is started and ended again and again.
struct Measured {
    name: &'static str,
    binary: String,
    keeper: bool,
    start: Latencies,
    stop: Latencies,
}

impl Measured {
    fn new(name: &'static str, binary: &str, keeper: bool) -> Self {
        let (start, stop) = (Latencies::default(), Latencies::default());
        Self { name, binary: binary.to_owned(), keeper, start, stop }
    }

    /// Starts the host and ends it once.
    fn round(&mut self, processes: usize) {
        let mut config = format!("[host]\nkeeper = {}\n", self.keeper);
        for number in 0..processes {
            writeln!(config, "[process.p{number}]\ncommand = [\"sleep\", \"100000\"]").unwrap();
        }
        let setup = Setup::new(&self.binary, &config);
        let timed = |arguments: &[&str]| {
            let begun = now_ns();
            let ran = setup.run(arguments);
            assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.stderr);
            now_ns() - begun
        };
        self.start.record(timed(&["up", "--detach", "--wait"]));
        self.stop.record(timed(&["down"]));
    }

    fn end(&self) -> Value {
        println!("{:<36} start {}", self.name, self.start.words());
        println!("{:<36} stop  {}", "", self.stop.words());
        json!({ "design": self.name, "start": self.start.json(), "stop": self.stop.json() })
    }
}

fn main() {
    let mut all = vec![
        Measured::new("with a keeper", PROVOST, true),
        Measured::new("without a keeper", PROVOST, false),
    ];
    let beside = std::env::args().skip_while(|argument| argument != "--beside").nth(1);
    all.extend(beside.map(|binary| Measured::new("with a keeper, another binary", &binary, true)));
    let (rounds, processes) = if quick() { (1, PROCESSES / 10) } else { (10, PROCESSES) };
    // In turn, so that a busy moment of the machine meets all of them.
    for _ in 0..rounds {
        all.iter_mut().for_each(|one| one.round(processes));
    }
    println!("start and stop of {processes} processes, {rounds} rounds");
    let designs: Vec<Value> = all.iter().map(Measured::end).collect();
    let block =
        json!({ "setting": "all processes", "processes": processes, "rounds": rounds, "designs": designs });
    figures::write("lifecycle", json!([block]));
}
