//! A deliberate data race, which `.ci/race` has ThreadSanitizer find before it believes that there is no other.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicUsize, Ordering};

struct Shared(UnsafeCell<u64>);

// SAFETY: none; it is the race itself. Two threads write, and nobody reads what they wrote.
#[expect(unsafe_code, reason = "a race cannot be written in safe code")]
unsafe impl Sync for Shared {}

#[test]
#[ignore = "a race on purpose: only .ci/race runs it"]
fn a_race_is_found() {
    let shared = Shared(UnsafeCell::new(0));
    // One writes after the other, because of two writes at the same instant the sanitizer may see neither; and none has
    // ended before both have written, because of a thread that has ended it may not know any more. A relaxed counter
    // orders nothing of that for it.
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
