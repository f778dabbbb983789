//! The time from the kill of a process to the first instruction of its successor, including the call of the policy
//! component: `cargo bench -p provost --bench restart`.
//!
//! The first thing that the child does is to read the monotonic clock, which it then writes into a file; the harness reads
//! the same clock right before it kills. So the figure covers the delivery of the signal, the pidfd, both commits, the
//! decision in a fresh instance, the spawn, and the start of the child.
//!
//! In the same rounds, a loop of `waitpid` and `posix_spawn` starts the same child again. `-- --beside PATH` adds another
//! `provost`, such as an earlier build.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and fails by panicking")]

mod figures;

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use provost_tests::{Host, eventually};
use rustix::process::Signal;
use serde_json::{Value, json};

use figures::{Latencies, now_ns, quick};

const PROVOST: &str = env!("CARGO_BIN_EXE_provost");
const KILLS: usize = 300;

/// The variable that makes this program the child, and names the file for its time. The child then waits to be killed.
const MARK: &str = "PROVOST_BENCH_MARK";

/// The variable that makes this program the bare loop.
const LOOP: &str = "PROVOST_BENCH_LOOP";

/// The designs: the name in the report, and the value of `keeper` in the config.
const PARENTS: [(&str, &str); 2] =
    [("component policy, first = 0ms", "true"), ("the same, without a keeper", "false")];

/// The design that supervises nothing: what the kernel needs for the same.
const BARE: &str = "bare loop of waitpid and posix_spawn";

/// The name of the design that is given by `--beside PATH`: another `provost`, such as an earlier build.
const BESIDE: &str = "the first one with another binary";

/// What starts the child again.
enum Parent {
    Host(Host),
    Loop(Child),
}

/// A process that is killed again and again.
struct Measured {
    name: &'static str,
    parent: Parent,
    /// The file with the time at which the last child began, and its process id.
    mark: PathBuf,
    took: Latencies,
}

impl Measured {
    fn host(name: &'static str, binary: &str, keeper: &str, mark: PathBuf) -> Self {
        let config = format!(
            "[host]\nkeeper = {keeper}\nrestart_budget = {{ restarts = 99, per = \"1ms\" }}\n\
             [plugins.backoff]\ncomponent = \"bundled:backoff\"\nsettings = {{ first = \"0ms\" }}\n\
             [process.target]\ncommand = [{:?}]\nenv = {{ {MARK} = {mark:?} }}\npolicies = [\"backoff\"]\n",
            std::env::current_exe().unwrap(),
        );
        Self { name, parent: Parent::Host(Host::up(binary, &config)), mark, took: Latencies::default() }
    }

    fn bare(mark: PathBuf) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let child = command.env(LOOP, &mark).stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        Self { name: BARE, parent: Parent::Loop(child), mark, took: Latencies::default() }
    }

    /// Returns when the last child began, and its process id.
    fn born(&self) -> Option<(u64, u64)> {
        let text = std::fs::read_to_string(&self.mark).ok()?;
        let (born, pid) = text.split_once(' ')?;
        Some((born.parse().ok()?, pid.parse().ok()?))
    }

    /// Kills the child and waits for its successor. Records the nanoseconds from the kill to the successor's start.
    fn kill(&mut self) {
        let (before, pid) = eventually("it lives", || self.born(), Option::is_some).unwrap();
        if let Parent::Host(host) = &self.parent {
            host.until_phase("target", "running");
        }
        let killed = now_ns();
        Host::kill(&pid.into(), Signal::KILL);
        let is_next = |born: &Option<(u64, u64)>| born.is_some_and(|(born, _)| born > before);
        let (after, _) = eventually("the next lives", || self.born(), is_next).unwrap();
        self.took.record(after - killed);
    }

    /// Checks that the policy has decided every restart, and returns the figures.
    fn end(mut self, kills: usize) -> Value {
        let last = self.born();
        match self.parent {
            Parent::Host(host) => {
                let events = host.events("target");
                let decided = events.into_iter().filter(|event| event["decision"]["by"] == "backoff").count();
                assert!(decided >= kills, "the policy decided {decided} of {kills} restarts");
                host.down();
            }
            Parent::Loop(ref mut bare) => {
                // It would start another one.
                bare.kill().unwrap();
                bare.wait().unwrap();
                let (_, pid) = last.unwrap();
                Host::kill(&pid.into(), Signal::KILL);
            }
        }
        println!("{:<40} {}", self.name, self.took.words());
        json!({ "design": self.name, "kill_to_successor": self.took.json() })
    }
}

fn child(mark: &str) {
    let born = now_ns();
    let before = format!("{mark}.new");
    std::fs::write(&before, format!("{born} {}", std::process::id())).unwrap();
    std::fs::rename(&before, mark).unwrap();
    loop {
        std::thread::park();
    }
}

/// Starts the child again and again.
fn bare_loop(mark: &str) {
    let program = std::env::current_exe().unwrap();
    loop {
        let mut command = Command::new(&program);
        command.env_remove(LOOP).env(MARK, mark);
        command.spawn().unwrap().wait().unwrap();
    }
}

fn main() {
    if let Ok(mark) = std::env::var(MARK) {
        child(&mark);
    }
    if let Ok(mark) = std::env::var(LOOP) {
        bare_loop(&mark);
    }
    let marks = tempfile::tempdir().unwrap();
    let mark = |name: &str| marks.path().join(name);
    let mut all: Vec<Measured> = PARENTS
        .iter()
        .map(|(name, keeper)| Measured::host(name, PROVOST, keeper, mark(&format!("keeper-{keeper}"))))
        .collect();
    all.push(Measured::bare(mark("bare")));
    let beside = std::env::args().skip_while(|argument| argument != "--beside").nth(1);
    all.extend(beside.map(|binary| Measured::host(BESIDE, &binary, "true", mark("beside"))));
    let kills = if quick() { KILLS / 10 } else { KILLS };
    // In turn, so that a busy moment of the machine meets all of them.
    for _ in 0..kills {
        all.iter_mut().for_each(Measured::kill);
    }
    println!(
        "kill -> first instruction of the successor, {kills} kills, policy `backoff` (component) with first = 0ms"
    );
    let designs: Vec<Value> = all.into_iter().map(|one| one.end(kills)).collect();
    figures::write("restart", json!([{ "setting": "one process", "kills": kills, "designs": designs }]));
}
