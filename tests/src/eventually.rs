//! Waiting for a condition: the only place in the tests that lets time pass.

use std::fmt::Debug;
use std::path::Path;
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

/// Removes a directory with everything in it, into which somebody may be writing.
pub fn clean_away(dir: &Path) {
    let remove = || std::fs::remove_dir_all(dir).map_err(|error| error.to_string());
    eventually("the directory is removed", remove, Result::is_ok).unwrap_or_default();
}
