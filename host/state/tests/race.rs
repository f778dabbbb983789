//! A deliberate data race. `.ci/race` checks that ThreadSanitizer finds it before it trusts that there are no others.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicUsize, Ordering};

struct Shared(UnsafeCell<u64>);

// SAFETY: none; this is the race itself. Two threads write, and nothing reads the value.
#[expect(unsafe_code, reason = "a race cannot be written in safe code")]
unsafe impl Sync for Shared {}

#[test]
#[ignore = "a race on purpose: only .ci/race runs it"]
fn a_race_is_found() {
    let shared = Shared(UnsafeCell::new(0));
    // The threads write one after the other, because the sanitizer may miss two simultaneous writes; and neither ends
    // before both have written, because the sanitizer may forget a thread that has ended. The relaxed counter does not
    // order the writes for the sanitizer.
    let turn = AtomicUsize::new(0);
    let until = |wanted| {
        while turn.load(Ordering::Relaxed) < wanted {
            std::thread::yield_now();
        }
    };
    std::thread::scope(|scope| {
        for number in 0..2 {
            let (shared, turn) = (&shared, &turn);
            scope.spawn(move || {
                until(number);
                // SAFETY: none; see above.
                #[expect(unsafe_code, reason = "the race")]
                unsafe {
                    *shared.0.get() = number as u64;
                }
                turn.fetch_add(1, Ordering::Relaxed);
                until(2);
            });
        }
    });
}
