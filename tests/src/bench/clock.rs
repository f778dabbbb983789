//! The clocks of the benchmarks, in nanoseconds, and the cost of reading one.

use rustix::time::{ClockId, clock_gettime};

use super::op::Op;

fn read(clock: ClockId) -> u64 {
    let now = clock_gettime(clock);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// Reads the monotonic clock.
#[must_use]
pub fn now_ns() -> u64 {
    read(ClockId::Monotonic)
}

/// Reads the processor time of the calling thread.
#[must_use]
pub fn thread_cpu_ns() -> u64 {
    read(ClockId::ThreadCPUTime)
}

/// Returns the time that the clock shows for an empty operation: the median of 1001 measurements.
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
