//! The clocks of the benchmarks, in nanoseconds, and what reading one costs.

use rustix::time::{ClockId, clock_gettime};

use super::op::Op;

fn read(clock: ClockId) -> u64 {
    let now = clock_gettime(clock);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// The monotonic clock.
#[must_use]
pub fn now_ns() -> u64 {
    read(ClockId::Monotonic)
}

/// The processor time of the calling thread.
#[must_use]
pub fn thread_cpu_ns() -> u64 {
    read(ClockId::ThreadCPUTime)
}

/// What timing an operation that does nothing says that it took: the median of a thousand.
#[must_use]
pub fn cost_ns() -> u64 {
    let mut nothing: Box<dyn Op> = Box::new(|| ());
    let mut took: Vec<u64> = (0..1_001)
        .map(|_| {
            let begun = now_ns();
            nothing.many(1);
            now_ns() - begun
        })
        .collect();
    took.sort_unstable();
    took[took.len() / 2]
}
