//! From the kill of a process to the first instruction of its successor, the call of the policy component
//! included: `cargo bench -p provost --bench restart`.
//!
//! The child is a process that writes the monotonic clock's nanoseconds into a file as the first thing it does; the
//! harness reads the same clock right before it kills. So the figure holds the kernel's delivery of the
//! signal, the pidfd, both commits, the decision in a fresh instance, the spawn, and the start of the child.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and fails by panicking")]

use provost_tests::{Host, eventually};
use rustix::process::Signal;
use rustix::time::{ClockId, clock_gettime};

const PROVOST: &str = env!("CARGO_BIN_EXE_provost");
const KILLS: usize = 300;

/// This program is its own child: with `MARK` set it writes the time and waits for the end.
const MARK: &str = "PROVOST_BENCH_MARK";

fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    u64::try_from(now.tv_sec).unwrap() * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap()
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
    let mark = marks.path().join("born");
    let config = format!(
        "[plugins.backoff]\ncomponent = \"bundled:backoff\"\nsettings = {{ first = \"0ms\" }}\n\
         [process.target]\ncommand = [{:?}]\nenv = {{ {MARK} = {mark:?} }}\npolicies = [\"backoff\"]\n",
        std::env::current_exe().unwrap(),
    );
    let host = Host::up(PROVOST, &config);
    let mut took_us: Vec<u64> = (0..KILLS).map(|_| one(&host, &mark)).collect();
    let decided =
        host.events("target").into_iter().filter(|event| event["decision"]["by"] == "backoff").count();
    assert!(decided >= KILLS, "the policy decided {decided} of {KILLS} restarts");
    host.down();

    took_us.sort_unstable();
    let at = |percent: usize| took_us[(took_us.len() - 1) * percent / 100];
    println!(
        "kill -> first instruction of the successor, {KILLS} kills, policy `backoff` (component) with first = 0ms"
    );
    println!("p50 {} us   p95 {} us   p99 {} us   max {} us", at(50), at(95), at(99), at(100));
}

/// Kills the living child and waits for the mark of the next; how long that took by the children's clock.
fn one(host: &Host, mark: &std::path::Path) -> u64 {
    let born = || std::fs::read_to_string(mark).ok().and_then(|text| text.parse::<u64>().ok());
    let before = eventually("it lives", born, Option::is_some).unwrap();
    let running = host.until_phase("target", "running");
    let killed = now_ns();
    Host::kill(&running["pid"], Signal::KILL);
    let after = eventually("the next lives", born, |born| born.is_some_and(|born| born > before)).unwrap();
    (after - killed) / 1_000
}
