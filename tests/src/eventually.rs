//! Waiting for a condition. The only place of the tests that lets time pass.

use std::fmt::Debug;
use std::time::{Duration, Instant};

/// Far beyond what anything takes on a busy machine: reaching it means that it will never be so.
const PATIENCE: Duration = Duration::from_secs(90);

/// Looks until `holds` accepts what `look` sees, and returns that.
///
/// # Panics
/// When patience runs out, with what was seen last.
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
