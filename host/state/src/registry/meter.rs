//! What each backend did, and how long it took: the figures of the A/B comparison.
//!
//! Measuring must not distort what is measured: of the reads of a thread one in [`SAMPLED`] is timed and
//! stands for all of them, so a read costs a thread-local count; commits are timed under the writers' lock, where
//! nobody else waits for the clock. Pollers and status words are not counted: they are cheaper than a count.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use hdrhistogram::Histogram;

use super::commit::{Counters, Rejected};
use super::routing::Backend;
use crate::process::Generation;

/// One read in so many is timed, on each thread.
pub const SAMPLED: u32 = 64;

/// The longest time that is told apart, in nanoseconds: a minute.
const LONGEST_NS: u64 = 60_000_000_000;

/// Reads a monotonic clock in nanoseconds. An argument, because this crate has no clock.
pub type ReadClock = fn() -> u64;

thread_local! {
    static READS: Cell<u32> = const { Cell::new(0) };
}

/// How long something took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    /// How many were timed.
    pub timed: u64,
    /// Half took at most this long, in nanoseconds.
    pub p50_ns: u64,
    /// 95th percentile, in nanoseconds.
    pub p95_ns: u64,
    /// 99th percentile, in nanoseconds.
    pub p99_ns: u64,
    /// The longest.
    pub max_ns: u64,
}

#[derive(Debug)]
struct Timings(Mutex<Histogram<u64>>);

impl Timings {
    fn new() -> Self {
        // The bounds are constants that the library accepts; without a histogram there is nothing to record.
        let histogram = Histogram::new_with_bounds(1, LONGEST_NS, 2).or_else(|_| Histogram::new(2));
        Self(Mutex::new(histogram.unwrap_or_else(|_| unreachable!("two significant figures are allowed"))))
    }

    /// Leaves it out if somebody else is recording: a sample is not worth a wait.
    fn record(&self, ns: u64) {
        if let Ok(mut histogram) = self.0.try_lock() {
            histogram.saturating_record(ns.max(1));
        }
    }

    fn read(&self) -> Latency {
        let histogram = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if histogram.is_empty() {
            return Latency::default();
        }
        Latency {
            timed: histogram.len(),
            p50_ns: histogram.value_at_quantile(0.50),
            p95_ns: histogram.value_at_quantile(0.95),
            p99_ns: histogram.value_at_quantile(0.99),
            max_ns: histogram.max(),
        }
    }
}

/// The figures of one backend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BackendFigures {
    /// Reads of one state or of the whole, rounded down to a multiple of [`SAMPLED`] a thread.
    pub reads: u64,
    /// Commits published.
    pub commits: u64,
    /// Commits that another writer came before, and that were made after it. The writers' mutex lets them wait;
    /// in a loop of compare-and-swap these would be the retries.
    pub retries: u64,
    /// Commits refused as stale.
    pub stale: u64,
    /// Reads and commits in which the two sides did not agree.
    pub differences: u64,
    /// Of one state.
    pub read: Latency,
    /// Of a commit.
    pub commit: Latency,
    /// Of a whole snapshot.
    pub snapshot: Latency,
}

/// What is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Read,
    Snapshot,
}

#[derive(Debug)]
struct Meter {
    reads: AtomicU64,
    commits: AtomicU64,
    retries: AtomicU64,
    stale: AtomicU64,
    differences: AtomicU64,
    read: Timings,
    commit: Timings,
    snapshot: Timings,
}

impl Meter {
    fn new() -> Self {
        Self {
            reads: AtomicU64::new(0),
            commits: AtomicU64::new(0),
            retries: AtomicU64::new(0),
            stale: AtomicU64::new(0),
            differences: AtomicU64::new(0),
            read: Timings::new(),
            commit: Timings::new(),
            snapshot: Timings::new(),
        }
    }
}

/// The meters of all backends.
#[derive(Debug)]
pub(crate) struct Meters {
    clock: ReadClock,
    meters: [Meter; Backend::ALL.len()],
    refused: Refused,
}

/// Commits that were refused, whatever the backend.
#[derive(Debug, Default)]
struct Refused {
    stale_incarnation: AtomicU64,
    stale_version: AtomicU64,
    illegal: AtomicU64,
}

impl Meters {
    pub(crate) fn new(clock: ReadClock) -> Self {
        Self { clock, meters: [Meter::new(), Meter::new(), Meter::new()], refused: Refused::default() }
    }

    fn of(&self, backend: Backend) -> &Meter {
        &self.meters[backend as usize]
    }

    /// Does `read`, and times it if it is this thread's turn.
    #[inline]
    pub(crate) fn read<T>(&self, backend: Backend, operation: Operation, read: impl FnOnce() -> T) -> T {
        let count = READS.with(|reads| {
            let count = reads.get().wrapping_add(1);
            reads.set(count);
            count
        });
        if count.is_multiple_of(SAMPLED) { self.timed(backend, operation, read) } else { read() }
    }

    #[cold]
    fn timed<T>(&self, backend: Backend, operation: Operation, read: impl FnOnce() -> T) -> T {
        let begun = (self.clock)();
        let value = read();
        let took_ns = (self.clock)().saturating_sub(begun);
        let meter = self.of(backend);
        meter.reads.fetch_add(u64::from(SAMPLED), Ordering::Relaxed);
        match operation {
            Operation::Read => meter.read.record(took_ns),
            Operation::Snapshot => meter.snapshot.record(took_ns),
        }
        value
    }

    pub(crate) fn now(&self) -> u64 {
        (self.clock)()
    }

    /// A commit came to its end: published, or refused.
    pub(crate) fn committed(&self, backend: Backend, refused: Option<&Rejected>, took_ns: u64) {
        let meter = self.of(backend);
        let (counter, stale) = match refused {
            None => {
                meter.commits.fetch_add(1, Ordering::Relaxed);
                meter.commit.record(took_ns);
                return;
            }
            Some(Rejected::StaleIncarnation { .. }) => (&self.refused.stale_incarnation, true),
            Some(Rejected::StaleVersion { .. }) => (&self.refused.stale_version, true),
            Some(Rejected::Unknown(_) | Rejected::Illegal(_)) => (&self.refused.illegal, false),
        };
        counter.fetch_add(1, Ordering::Relaxed);
        meter.stale.fetch_add(u64::from(stale), Ordering::Relaxed);
    }

    /// Another writer came before a commit.
    pub(crate) fn retried(&self, backend: Backend) {
        self.of(backend).retries.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn difference(&self) {
        self.of(Backend::Dual).differences.fetch_add(1, Ordering::Relaxed);
    }

    /// Every generation up to `latest` is a commit.
    pub(crate) fn counters(&self, latest: Generation) -> Counters {
        Counters {
            commits: latest.0,
            stale_incarnation: self.refused.stale_incarnation.load(Ordering::Relaxed),
            stale_version: self.refused.stale_version.load(Ordering::Relaxed),
            illegal: self.refused.illegal.load(Ordering::Relaxed),
        }
    }

    pub(crate) fn figures(&self, backend: Backend) -> BackendFigures {
        let meter = self.of(backend);
        BackendFigures {
            reads: meter.reads.load(Ordering::Relaxed),
            commits: meter.commits.load(Ordering::Relaxed),
            retries: meter.retries.load(Ordering::Relaxed),
            stale: meter.stale.load(Ordering::Relaxed),
            differences: meter.differences.load(Ordering::Relaxed),
            read: meter.read.read(),
            commit: meter.commit.read(),
            snapshot: meter.snapshot.read(),
        }
    }
}
