//! The figures of one version of a plugin so far. Status reads them during calls, so nothing here blocks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::{ArcSwap, ArcSwapOption};
use hdrhistogram::Histogram;
use parking_lot::Mutex;
use provost_state::{Fault, FaultKind, Latency, PluginFigures};

/// The upper bound of the histogram, in nanoseconds: more than any call may take.
const LONGEST_NS: u64 = 1_000_000_000_000;

/// The durations of calls. On contention a writer drops its sample and a reader reuses the last result.
#[derive(Debug, Default)]
struct Timings {
    /// Created by the first call.
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

/// Declares the figures that are one number each, under the names of the fields of [`PluginFigures`].
macro_rules! counters {
    ($($name:ident),* $(,)?) => {
        #[derive(Debug, Default)]
        struct Counters {
            $($name: AtomicU64,)*
        }

        impl Counters {
            /// Returns figures that contain only these counters.
            fn read(&self) -> PluginFigures {
                PluginFigures { $($name: self.$name.load(Ordering::Relaxed),)* ..PluginFigures::default() }
            }
        }
    };
}

provost_state::plugin_counters!(counters);

/// The figures of one version of a plugin so far.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    counters: Counters,
    faults: [AtomicU64; FaultKind::ALL.len()],
    call: Timings,
    last_fault: ArcSwapOption<Fault>,
}

/// The resources that one call used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Used {
    pub(crate) ns: u64,
    pub(crate) fuel: u64,
    pub(crate) memory_bytes: usize,
}

impl Figures {
    /// Resets what a trial has counted: the lines that it wrote and the accesses that it was denied.
    pub(crate) fn forget_trial(&self) {
        self.counters.lines_dropped.store(0, Ordering::Relaxed);
        self.counters.denials.store(0, Ordering::Relaxed);
    }

    /// Counts a decision that the host clamped.
    pub(crate) fn clamped(&self) {
        self.counters.clamps.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts changes that a consumer was not notified of.
    pub(crate) fn missed(&self, changes: u64) {
        self.counters.missed.fetch_add(changes, Ordering::Relaxed);
    }

    /// Counts a line that was dropped.
    pub(crate) fn line_dropped(&self) {
        self.counters.lines_dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts attempts at something that was not granted.
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

    /// Counts an answer or a fault.
    pub(crate) fn answered(&self, fault: Option<&Fault>) {
        self.counters.calls.fetch_add(1, Ordering::Relaxed);
        let Some(fault) = fault else { return };
        let kind = FaultKind::ALL.iter().position(|kind| *kind == fault.kind);
        if let Some(count) = kind.and_then(|kind| self.faults.get(kind)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.last_fault.store(Some(Arc::new(fault.clone())));
    }

    /// Whether it has ever answered without a fault, or was never called at all.
    pub(crate) fn are_good(&self) -> bool {
        let faults: u64 = self.faults.iter().map(|count| count.load(Ordering::Relaxed)).sum();
        let calls = self.counters.calls.load(Ordering::Relaxed);
        calls == 0 || calls > faults
    }

    /// Returns all figures, with the bytes that the plugin has stored.
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
    fn figures_report_what_was_counted() {
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
    fn status_does_not_wait_for_a_writer() {
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
