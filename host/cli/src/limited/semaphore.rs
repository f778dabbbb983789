//! A semaphore that bounds how many processes do the same work at the same time.

use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// The number of processes that do the same work at the same time. Others wait for a permit.
const AT_ONCE: usize = 2;

/// A semaphore of [`AT_ONCE`] permits.
#[derive(Debug, Default)]
pub(crate) struct Semaphore {
    taken: Mutex<usize>,
    returned: Condvar,
}

/// The permission to run one process, which is returned when it is dropped.
pub(crate) struct Permit<'s>(&'s Semaphore);

impl Semaphore {
    /// Waits for a permit.
    pub(crate) fn acquire(&self) -> Permit<'_> {
        let mut taken = self.taken.lock();
        self.returned.wait_while(&mut taken, |taken| *taken >= AT_ONCE);
        *taken += 1;
        Permit(self)
    }

    /// Waits for a permit for at most this time; returns `None` if there is none by then.
    pub(crate) fn acquire_within(&self, most: Duration) -> Option<Permit<'_>> {
        let mut taken = self.taken.lock();
        if self.returned.wait_while_for(&mut taken, |taken| *taken >= AT_ONCE, most).timed_out() {
            return None;
        }
        *taken += 1;
        Some(Permit(self))
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        *self.0.taken.lock() -= 1;
        self.0.returned.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn no_more_than_two_have_a_permit_and_the_next_gets_one_that_is_returned() {
        let permits = Arc::new(Semaphore::default());
        let (first, _second) = (permits.acquire(), permits.acquire());
        let waiting = permits.clone();
        let third = std::thread::spawn(move || drop(waiting.acquire()));
        assert_eq!(*permits.taken.lock(), 2);
        drop(first);
        third.join().unwrap();
    }

    #[test]
    fn who_waits_for_a_bounded_time_gets_no_permit_that_others_hold_and_one_that_is_free() {
        let permits = Semaphore::default();
        let (first, second) = (permits.acquire(), permits.acquire_within(Duration::ZERO));
        assert!(second.is_some(), "it is free");
        assert!(permits.acquire_within(Duration::ZERO).is_none());
        drop(first);
        assert!(permits.acquire_within(Duration::ZERO).is_some());
        assert_eq!(*permits.taken.lock(), 1);
    }
}
