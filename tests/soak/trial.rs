//! One soak, from the start of the host to its end.

use std::process::Child;

use provost_tests::Setup;
use provost_tests::bench::clock::now_ns;

use crate::fleet;
use crate::machine::{Machine, Usage};
use crate::resident::Resident;
use crate::shared::Soak;
use crate::watch::Latencies;
use crate::{chaos, faults, lines, orders, verdict, watch};
use provost_tests::runs::{Control, Options, keep, pause};

const PROVOST: &str = env!("CARGO_BIN_EXE_provost");

/// The length of a run, in seconds, from which on the bounded memories of the host (changes, exits) are full by its middle.
const LONG_SECONDS: u64 = 480;

/// Runs a soak, and returns its problems and its figures in one line.
pub(crate) fn run(options: &Options) -> (Vec<String>, String) {
    let setup = Setup::new(PROVOST, &fleet::config());
    fleet::prepare(setup.dir());
    let (machine, mut host) = Machine::up(setup);
    let soak = Soak::new(options.seed, machine, fleet::members());
    let figures = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        if answers(&soak, &mut host) { whole(&soak, &mut host, options.seconds) } else { String::new() }
    }));
    let _ = host.kill();
    let _ = host.wait();
    for pid in soak.machine.marked().into_keys() {
        soak.machine.kill(pid, rustix::process::Signal::KILL);
    }
    if options.keep || !soak.problems.list().is_empty() {
        keep("soak", soak.machine.dir());
    }
    let figures = figures.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    (soak.problems.list(), figures)
}

/// Waits up to a minute until the host answers, and returns whether it did.
fn answers(soak: &Soak, host: &mut Child) -> bool {
    for _ in 0..600 {
        if Control::new(&soak.machine.socket).status().is_ok() {
            return true;
        }
        if let Ok(Some(code)) = host.try_wait() {
            soak.problems.add(format!("the host ended with {code} at the start: {}", soak.machine.log()));
            return false;
        }
        pause(100);
    }
    soak.problems.add(format!("the host does not answer after its start: {}", soak.machine.log()));
    false
}

fn whole(soak: &Soak, host: &mut Child, seconds: u64) -> String {
    verdict::converges(soak, "after the start");
    let before = soak.machine.usage();
    let (latencies, resident) = storm(soak, host, seconds);
    if let Ok(Some(code)) = host.try_wait() {
        soak.problems.add(format!("the host ended unprompted, with {code}"));
        return soak.tally.words();
    }
    orders::settle(soak);
    verdict::converges(soak, "at the end");
    verdict::no_orphans(soak);
    // The population is the same as at the start, and writers that lost a line on a full disk write again.
    orders::restart_all(soak);
    verdict::converges(soak, "after everything was restarted");
    verdict::no_orphans(soak);
    verdict::no_defects(soak);
    let is_long = seconds >= LONG_SECONDS;
    let [_, middle, ..] = resident.means();
    let after = verdict::nothing_leaks(soak, before, is_long.then_some(middle));
    if is_long {
        verdict::levels_off(soak, &resident);
    }
    verdict::goes_down(soak, host);
    verdict::no_doubles(soak);
    let lines = lines::check(soak);
    figures(soak, &latencies, (before, after), &resident, lines)
}

/// Runs all disturbances at once for the given time. Returns the latencies of status, and the memory of the host.
fn storm(soak: &Soak, host: &mut Child, seconds: u64) -> (Latencies, Resident) {
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| watch::work(soak));
        for worker in 0..orders::WORKERS {
            scope.spawn(move || orders::work(soak, worker));
        }
        scope.spawn(|| chaos::work(soak));
        scope.spawn(|| faults::work(soak));
        let (begun, length) = (now_ns(), seconds * 1_000_000_000);
        let mut resident = Resident::default();
        while now_ns() < begun + length && matches!(host.try_wait(), Ok(None)) {
            pause(1_000);
            let share = (now_ns() - begun) as f64 / length as f64;
            resident.add(share, soak.machine.rss_kib());
        }
        soak.end();
        (watcher.join().unwrap(), resident)
    })
}

fn figures(
    soak: &Soak,
    latencies: &Latencies,
    (before, after): (Usage, Usage),
    resident: &Resident,
    lines: u64,
) -> String {
    let lives = std::fs::read_dir(soak.machine.dir().join("counts")).map_or(0, Iterator::count);
    format!(
        "{}; {lines} lines of {lives} writers' lives; {}; RSS {} to {} KiB ({}), descriptors {} to {}, threads {} to {}",
        soak.tally.words(),
        latencies.words(),
        before.rss_kib,
        after.rss_kib,
        resident.words(),
        before.files,
        after.files,
        before.threads,
        after.threads,
    )
}
