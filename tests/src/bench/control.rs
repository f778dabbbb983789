//! The scaling control. Threads that each read a private atomic share nothing, so two should do twice the work of one. If
//! they do not, another program held a core, readers did not truly contend, and ratios under contention are too small (or,
//! with one thread, too noisy).

use std::sync::atomic::{AtomicU64, Ordering};

use super::spread::spread;
use super::trial::{Design, Load, Side, Times, trial};

/// The scaling below which a block counts as disturbed.
pub const DISTURBED_BELOW: f64 = 1.7;

/// The number of pairs of runs, of which the median counts. A single stall changes it as little as the median of a design.
const PAIRS: usize = 3;

/// Returns the throughput of two threads divided by that of one.
#[must_use]
pub fn control(times: Times) -> f64 {
    let design = Design::new("a private atomic", Side::Atomic, |_| {
        let word = AtomicU64::new(1);
        move || word.load(Ordering::Acquire)
    });
    let times = Times { throughput_ms: times.throughput_ms.min(12), latency_ms: 0 };
    let run = |threads| trial(&design, threads, Load::None, times).per_second;
    spread((0..PAIRS).map(|_| run(2) / run(1)).collect()).0
}

/// Whether the machine can run two threads at once.
#[must_use]
pub fn applies() -> bool {
    std::thread::available_parallelism().is_ok_and(|cores| cores.get() > 1)
}
