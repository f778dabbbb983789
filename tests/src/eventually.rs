//! Waiting for a condition: the only place in the tests that lets time pass.

use std::fmt::Debug;
use std::time::{Duration, Instant};

/// The longest wait, far beyond what any condition takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// Calls `look` every 5 ms until `holds` accepts the result, and returns that result.
///
/// # Panics
/// If that takes longer than 90 s; the message contains the last result.
#[expect(clippy::disallowed_methods, reason = "the bound on all waiting of the tests")]
pub fn eventually<T: Debug>(what: &str, mut look: impl FnMut() -> T, holds: impl Fn(&T) -> bool) -> T {
    let begun = Instant::now();
    loop {
        let seen = look();
        if holds(&seen) {
            return seen;
        }
        assert!(begun.elapsed() < PATIENCE, "never: {what}; last seen: {seen:#?}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}
