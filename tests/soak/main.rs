//! The soak: one host with 200 processes, exposed for a given time to crashes, orders, plugin changes, stalling clients and
//! faults, all random from a seed. At the end the faults are switched off, and the invariants have to hold.
//!
//! ```text
//! cargo test --release -p provost --test soak -- --minutes 60 --seed 7
//! ```
//!
//! Without arguments it takes a few seconds, with seed 1.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test prints, and fails by panicking")]

mod chaos;
mod faults;
mod fleet;
mod lines;
mod machine;
mod model;
mod orders;
mod plugins;
mod resident;
mod shared;
mod stalls;
mod trial;
mod verdict;
mod watch;

use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(options) = provost_tests::runs::Options::read("soak", std::env::args().skip(1)) else {
        return ExitCode::SUCCESS;
    };
    let seed = options.seed;
    println!("soak: {} s, seed {seed}", options.seconds);
    let ended = trial::run(&options);
    provost_tests::runs::verdict("soak", seed, &ended, "all invariants hold")
}
