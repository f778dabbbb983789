//! The operations that are measured.

use std::hint::black_box;

/// An operation to be measured. Every closure is one; what it returns is kept from being optimised away.
pub trait Op {
    /// Does it so many times.
    fn many(&mut self, count: u32);
}

impl<T, F: FnMut() -> T> Op for F {
    fn many(&mut self, count: u32) {
        for _ in 0..count {
            black_box(self());
        }
    }
}
