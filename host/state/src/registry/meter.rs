//! The counts and latencies of each backend: the figures of the A/B comparison.
//!
//! Measuring must not distort what is measured. One in [`SAMPLED`] reads of a thread is timed and represents
//! all of them, so a read costs a thread-local count. Commits are timed with their wait for the lock: the first
//! [`ALL_TIMED`] on each backend, then one in [`SAMPLED`]. Pollers, watches and status words are not counted, because
//! reading them is cheaper than a count.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use hdrhistogram::Histogram;

use super::commit::{Counters, Rejected};
use super::routing::Backend;
use crate::process::Generation;

/// On each thread, one in this many reads is timed; and one in this many commits.
pub const SAMPLED: u32 = 64;

/// The number of commits on each backend that are all timed, so that there are figures soon.
pub const ALL_TIMED: u64 = 1_024;

/// The longest time that is recorded exactly, in nanoseconds: one minute. Longer times count as this one.
const LONGEST_NS: u64 = 60_000_000_000;

/// A function that reads a monotonic clock in nanoseconds. It is an argument, because this crate has no clock.
pub type ReadClock = fn() -> u64;

thread_local! {
    static READS: Cell<u32> = const { Cell::new(0) };
}

/// The distribution of the times that an operation took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    /// The number of timed operations.
    pub timed: u64,
    /// The median, in nanoseconds.
    pub p50_ns: u64,
    /// The 95th percentile, in nanoseconds.
    pub p95_ns: u64,
    /// The 99th percentile, in nanoseconds.
    pub p99_ns: u64,
    /// The longest time, in nanoseconds.
    pub max_ns: u64,
}

#[derive(Debug)]
struct Timings(Mutex<Histogram<u64>>);

impl Timings {
    fn new() -> Self {
        // The library accepts these bounds, which are constants.
        let histogram = Histogram::new_with_bounds(1, LONGEST_NS, 2).or_else(|_| Histogram::new(2));
        Self(Mutex::new(histogram.unwrap_or_else(|_| unreachable!("two significant figures are allowed"))))
    }

    /// Records a sample, or drops it if another thread holds the lock: a sample is not worth a wait.
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
    /// The number of reads of one state or of a snapshot, rounded down to a multiple of [`SAMPLED`] for each thread.
    pub reads: u64,
    /// The number of published commits.
    pub commits: u64,
    /// The number of commits that had to wait for another writer at the writers' mutex; in a compare-and-swap loop
    /// these would be the retries.
    pub retries: u64,
    /// The number of commits refused as stale.
    pub stale: u64,
    /// The number of reads and commits in which the two sides did not agree.
    pub differences: u64,
    /// The latency of reading one state.
    pub read: Latency,
    /// The latency of a commit.
    pub commit: Latency,
    /// The latency of taking a snapshot.
    pub snapshot: Latency,
}

/// A read that is timed.
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

/// The numbers of refused commits, on all backends together.
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

    /// Counts a read on this thread, and returns whether it is to be timed: one in [`SAMPLED`] is.
    #[inline]
    pub(crate) fn is_timed() -> bool {
        READS.with(|reads| {
            let count = reads.get().wrapping_add(1);
            reads.set(count);
            // A model has to take the same way each time.
            count.is_multiple_of(SAMPLED) && !cfg!(loom)
        })
    }

    /// Runs `read`, and times one in [`SAMPLED`] calls on this thread.
    #[inline]
    pub(crate) fn read<T>(&self, backend: Backend, operation: Operation, read: impl FnOnce() -> T) -> T {
        self.counted(Self::is_timed(), backend, operation, read)
    }

    /// Runs `read`, which was counted already, and times it if it [is one of those](Self::is_timed).
    #[inline]
    pub(crate) fn counted<T>(
        &self,
        is_timed: bool,
        backend: Backend,
        operation: Operation,
        read: impl FnOnce() -> T,
    ) -> T {
        if is_timed { self.timed(backend, operation, read) } else { read() }
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

    /// Runs `commit`, counts it as published or refused, and times it if it is one of those that are timed.
    pub(crate) fn commit<T>(
        &self,
        backend: Backend,
        commit: impl FnOnce() -> Result<T, Rejected>,
    ) -> Result<T, Rejected> {
        let meter = self.of(backend);
        let before = meter.commits.load(Ordering::Relaxed);
        let is_timed = before < ALL_TIMED || before.is_multiple_of(u64::from(SAMPLED));
        let begun = is_timed.then(|| (self.clock)());
        let result = commit();
        match &result {
            Ok(_) => {
                meter.commits.fetch_add(1, Ordering::Relaxed);
                if let Some(begun) = begun {
                    meter.commit.record((self.clock)().saturating_sub(begun));
                }
            }
            Err(refused) => self.refused(meter, refused),
        }
        result
    }

    #[cold]
    fn refused(&self, meter: &Meter, refused: &Rejected) {
        let (counter, stale) = match refused {
            Rejected::StaleIncarnation { .. } => (&self.refused.stale_incarnation, true),
            Rejected::StaleVersion { .. } => (&self.refused.stale_version, true),
            Rejected::Unknown(_) | Rejected::Illegal(_) => (&self.refused.illegal, false),
        };
        counter.fetch_add(1, Ordering::Relaxed);
        meter.stale.fetch_add(u64::from(stale), Ordering::Relaxed);
    }

    /// Counts a commit that had to wait for another writer.
    pub(crate) fn retried(&self, backend: Backend) {
        self.of(backend).retries.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn difference(&self) {
        self.of(Backend::Dual).differences.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the counters. Each generation up to `latest` is one commit.
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
