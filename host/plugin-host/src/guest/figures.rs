//! What one version of a plugin did so far. Status reads it while calls go on, so nothing here makes anybody wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::{ArcSwap, ArcSwapOption};
use hdrhistogram::Histogram;
use parking_lot::Mutex;
use provost_state::{Fault, FaultKind, Latency, PluginFigures};

/// The longest time that is told apart, in nanoseconds: more than any call may take.
const LONGEST_NS: u64 = 1_000_000_000_000;

/// How long calls took. On contention a writer drops its sample and a reader reuses the last result.
#[derive(Debug, Default)]
struct Timings {
    /// From the first call on.
    histogram: Mutex<Option<Histogram<u64>>>,
    last: ArcSwap<Latency>,
}

impl Timings {
    fn record(&self, ns: u64) {
        let Some(mut histogram) = self.histogram.try_lock() else { return };
        if histogram.is_none() {
            *histogram = Histogram::new_with_bounds(1, LONGEST_NS, 2).ok();
        }
        if let Some(histogram) = &mut *histogram {
            histogram.saturating_record(ns.max(1));
        }
    }

    fn read(&self) -> Latency {
        if let Some(histogram) = self.histogram.try_lock()
            && let Some(histogram) = &*histogram
        {
            let latency = Latency {
                timed: histogram.len(),
                p50_ns: histogram.value_at_quantile(0.50),
                p95_ns: histogram.value_at_quantile(0.95),
                p99_ns: histogram.value_at_quantile(0.99),
                max_ns: histogram.max(),
            };
            self.last.store(Arc::new(latency));
        }
        **self.last.load()
    }
}

/// The figures that are one number each: their names are those of the fields of [`PluginFigures`].
macro_rules! counters {
    ($($name:ident),* $(,)?) => {
        #[derive(Debug, Default)]
        struct Counters {
            $($name: AtomicU64,)*
        }

        impl Counters {
            /// The numbers, in figures that are otherwise empty.
            fn read(&self) -> PluginFigures {
                PluginFigures { $($name: self.$name.load(Ordering::Relaxed),)* ..PluginFigures::default() }
            }
        }
    };
}

counters!(calls, clamps, fuel_last, fuel_max, memory_bytes_max, missed, lines_dropped, denials);

/// What one version of a plugin did so far.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    counters: Counters,
    faults: [AtomicU64; FaultKind::ALL.len()],
    call: Timings,
    last_fault: ArcSwapOption<Fault>,
}

/// What one call used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Used {
    pub(crate) ns: u64,
    pub(crate) fuel: u64,
    pub(crate) memory_bytes: usize,
}

impl Figures {
    /// Nothing of a trial counts, neither the lines that it wrote nor what it was denied.
    pub(crate) fn forget_trial(&self) {
        self.counters.lines_dropped.store(0, Ordering::Relaxed);
        self.counters.denials.store(0, Ordering::Relaxed);
    }

    /// Counts an answer that the host did not follow to the letter.
    pub(crate) fn clamped(&self) {
        self.counters.clamps.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts changes that a consumer was not told.
    pub(crate) fn missed(&self, changes: u64) {
        self.counters.missed.fetch_add(changes, Ordering::Relaxed);
    }

    /// Counts a line that was dropped.
    pub(crate) fn line_dropped(&self) {
        self.counters.lines_dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts what was tried without being granted.
    pub(crate) fn denied(&self, times: usize) {
        self.counters.denials.fetch_add(times as u64, Ordering::Relaxed);
    }

    /// Counts a call that ran, whether it succeeded or not.
    pub(crate) fn used(&self, used: Used) {
        self.call.record(used.ns);
        self.counters.fuel_last.store(used.fuel, Ordering::Relaxed);
        self.counters.fuel_max.fetch_max(used.fuel, Ordering::Relaxed);
        self.counters.memory_bytes_max.fetch_max(used.memory_bytes as u64, Ordering::Relaxed);
    }

    /// Counts an answer, or that there was none.
    pub(crate) fn answered(&self, fault: Option<&Fault>) {
        self.counters.calls.fetch_add(1, Ordering::Relaxed);
        let Some(fault) = fault else { return };
        let kind = FaultKind::ALL.iter().position(|kind| *kind == fault.kind);
        if let Some(count) = kind.and_then(|kind| self.faults.get(kind)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.last_fault.store(Some(Arc::new(fault.clone())));
    }

    /// Has it ever answered well, or never been asked at all?
    pub(crate) fn are_good(&self) -> bool {
        let faults: u64 = self.faults.iter().map(|count| count.load(Ordering::Relaxed)).sum();
        let calls = self.counters.calls.load(Ordering::Relaxed);
        calls == 0 || calls > faults
    }

    /// All of it, with the bytes that the plugin has stored.
    pub(crate) fn read(&self, stored_bytes: usize) -> PluginFigures {
        let counts = self.faults.iter().map(|count| count.load(Ordering::Relaxed));
        PluginFigures {
            faults: FaultKind::ALL.into_iter().zip(counts).filter(|(_, count)| *count > 0).collect(),
            call: self.call.read(),
            stored_bytes: stored_bytes as u64,
            last_fault: self.last_fault.load().as_deref().cloned(),
            ..self.counters.read()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_say_what_was_counted() {
        let figures = Figures::default();
        let fault = Fault { kind: FaultKind::Fuel, message: "used more".into() };
        figures.used(Used { ns: 1_000, fuel: 70, memory_bytes: 9 });
        figures.answered(None);
        figures.used(Used { ns: 3_000, fuel: 30, memory_bytes: 5 });
        figures.answered(Some(&fault));
        let read = figures.read(12);
        assert_eq!((read.calls, read.faults), (2, vec![(FaultKind::Fuel, 1)]));
        assert_eq!((read.fuel_last, read.fuel_max, read.memory_bytes_max), (30, 70, 9));
        assert_eq!((read.call.timed, read.stored_bytes), (2, 12));
        assert!(read.call.p50_ns >= 1_000 && read.call.max_ns >= 3_000);
        assert_eq!(read.last_fault, Some(fault));
    }

    #[test]
    fn status_does_not_wait_for_who_is_recording() {
        let figures = Figures::default();
        figures.used(Used { ns: 1_000, ..Used::default() });
        let before = figures.read(0).call;
        let recording = figures.call.histogram.lock();
        assert_eq!(figures.read(0).call, before);
        figures.used(Used { ns: 9_000, ..Used::default() });
        drop(recording);
        assert_eq!(figures.read(0).call.timed, 1);
    }
}
