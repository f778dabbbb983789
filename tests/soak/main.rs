//! The soak: one host with 200 processes, exposed for a given time to crashes, orders, plugin changes, stalling clients and
//! faults, all random from a seed. At the end the faults are switched off, and the invariants have to hold.
//!
//! ```text
//! cargo test --release -p provost --test soak -- --minutes 60 --seed 7
//! ```
//!
//! Without arguments it takes a few seconds, with seed 1.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test prints, and fails by panicking"
)]

mod chaos;
mod control;
mod faults;
mod fleet;
mod lines;
mod machine;
mod model;
mod options;
mod orders;
mod plugins;
mod random;
mod shared;
mod stalls;
mod tally;
mod trial;
mod verdict;
mod watch;

use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(options) = options::read(std::env::args().skip(1)) else { return ExitCode::SUCCESS };
    let seed = options.seed;
    println!("soak: {} s, seed {seed}", options.seconds);
    let (problems, figures) = trial::run(&options);
    println!("soak: {figures}");
    for problem in &problems {
        println!("soak: FAILED (seed {seed}): {problem}");
    }
    if problems.is_empty() {
        println!("soak: all invariants hold");
        return ExitCode::SUCCESS;
    }
    ExitCode::FAILURE
}
