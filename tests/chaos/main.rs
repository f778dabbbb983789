//! The chaos run: one host with 100 processes that write numbered lines and crash at random, orders and reloads, and every few
//! seconds a blow that kills the host, its keeper or both, or an upgrade. At the end nothing may be lost, doubled or forgotten.
//!
//! ```text
//! cargo test --release -p provost --test chaos -- --minutes 60 --seed 7
//! ```
//!
//! Processes that have lost their keeper are reaped by this program, at once or, with `--reap-late`, at its end.
//!
//! Without arguments it takes a few seconds, with seed 1. The processes are this program again.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test prints, and fails by panicking"
)]

mod blows;
mod fleet;
mod history;
mod lines;
mod losses;
mod machine;
mod model;
mod orders;
mod places;
mod reaper;
mod shared;
mod trial;
mod verdict;
mod watch;
mod worker;

use std::process::ExitCode;

use provost_tests::runs::Options;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [word, kind, seed] = &arguments[..]
        && word == places::WORD
    {
        return worker::run(kind, seed);
    }
    let Some(options) = Options::read("chaos", arguments.into_iter()) else { return ExitCode::SUCCESS };
    let seed = options.seed;
    println!("chaos: {} s, seed {seed}", options.seconds);
    reaper::become_reaper();
    let orphans = losses::Orphans::default();
    let noted = orphans.clone();
    let trial = std::thread::spawn(move || trial::run(&options, noted));
    let ended = reaper::reap_until_ended(trial, !options.reaps_late, &orphans);
    provost_tests::runs::verdict("chaos", seed, &ended, "nothing was lost, doubled or forgotten")
}
