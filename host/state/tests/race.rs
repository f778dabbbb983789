//! A deliberate data race, which `.ci/race` has ThreadSanitizer find before it believes that there is no other.

use std::cell::UnsafeCell;

struct Shared(UnsafeCell<u64>);

// SAFETY: none; it is the race itself. Two threads write, and nobody reads what they wrote.
#[expect(unsafe_code, reason = "a race cannot be written in safe code")]
unsafe impl Sync for Shared {}

#[test]
#[ignore = "a race on purpose: only .ci/race runs it"]
fn a_race_is_found() {
    let shared = Shared(UnsafeCell::new(0));
    std::thread::scope(|scope| {
        for number in 0..2 {
            let shared = &shared;
            scope.spawn(move || {
                // SAFETY: none; see above.
                #[expect(unsafe_code, reason = "the race")]
                unsafe {
                    *shared.0.get() = number;
                }
            });
        }
    });
}
