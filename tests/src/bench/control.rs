//! The scaling control. Readers of an atomic of their own share nothing, so two threads should get twice as far as one.
//! If they do not, another program held a core, readers did not truly contend, and ratios under contention are too
//! small (or, at one thread, too noisy).

use std::sync::atomic::{AtomicU64, Ordering};

use super::spread::spread;
use super::trial::{Design, Load, Side, Times, trial};

/// Below this a block counts as disturbed.
pub const DISTURBED_BELOW: f64 = 1.7;

/// Of so many pairs of runs the middle one counts: a single stall disturbs no median, that of a design neither.
const PAIRS: usize = 3;

/// How much further two threads get than one.
#[must_use]
pub fn control(times: Times) -> f64 {
    let design = Design::new("a word of one's own", Side::Atomic, |_| {
        let word = AtomicU64::new(1);
        move || word.load(Ordering::Acquire)
    });
    let times = Times { throughput_ms: times.throughput_ms.min(12), latency_ms: 0 };
    let run = |threads| trial(&design, threads, Load::None, times).per_second;
    spread((0..PAIRS).map(|_| run(2) / run(1)).collect()).0
}

/// Can two threads run at once at all?
#[must_use]
pub fn applies() -> bool {
    std::thread::available_parallelism().is_ok_and(|cores| cores.get() > 1)
}
