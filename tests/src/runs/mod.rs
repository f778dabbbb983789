//! What the long random runs share: the soak and the chaos run.
//!
//! | room | owns |
//! |---|---|
//! | `options` | the command line |
//! | `control` | a client of the API that nothing makes panic |
//! | `tally` | counts of actions, and the list of problems |
//! | `orders` | the orders, and what they ask for |
//! | `marked` | the processes of a run |
//! | `ending` | what a run prints and keeps at its end |
//! | `random` | random numbers that are determined by a seed |
#![expect(clippy::panic, clippy::print_stdout, reason = "a test prints, and fails by panicking")]

mod control;
mod ending;
mod marked;
mod options;
mod orders;
mod random;
mod tally;

pub use control::{Answer, Control, IO_TIMEOUT};
pub use ending::{keep, verdict};
pub use marked::{marked, variable};
pub use options::Options;
pub use orders::{Act, Want};
pub use random::Random;
pub use tally::{Problems, Tally};

/// The number of checks of an invariant, and the pause between two of them.
const CHECKS: u32 = 300;
const EVERY_MS: u64 = 200;

/// Waits for `ms` milliseconds.
pub fn pause(ms: u64) {
    std::thread::park_timeout(std::time::Duration::from_millis(ms));
}

/// Checks until there are no objections, and returns those that are left after the last check.
pub fn until_none(mut objections: impl FnMut() -> Vec<String>) -> Vec<String> {
    let mut last = Vec::new();
    for _ in 0..CHECKS {
        last = objections();
        if last.is_empty() {
            break;
        }
        pause(EVERY_MS);
    }
    last
}
