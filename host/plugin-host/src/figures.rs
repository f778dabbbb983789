//! What one version of a plugin did so far. Status reads it while calls go on, so nothing here makes anybody wait.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use arc_swap::{ArcSwap, ArcSwapOption};
use hdrhistogram::Histogram;
use provost_state::{Fault, FaultKind, Latency, PluginFigures};

/// The longest time that is told apart, in nanoseconds: more than any call may take.
const LONGEST_NS: u64 = 1_000_000_000_000;

/// How long calls took. Who finds the other at it leaves out its sample, or makes do with what was read last.
#[derive(Debug, Default)]
struct Timings {
    /// From the first call on.
    histogram: Mutex<Option<Histogram<u64>>>,
    last: ArcSwap<Latency>,
}

impl Timings {
    fn record(&self, ns: u64) {
        let Ok(mut histogram) = self.histogram.try_lock() else { return };
        if histogram.is_none() {
            *histogram = Histogram::new_with_bounds(1, LONGEST_NS, 2).ok();
        }
        if let Some(histogram) = &mut *histogram {
            histogram.saturating_record(ns.max(1));
        }
    }

    fn read(&self) -> Latency {
        if let Ok(histogram) = self.histogram.try_lock()
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

/// What one version of a plugin did so far.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    calls: AtomicU64,
    faults: [AtomicU64; FaultKind::ALL.len()],
    pub(crate) clamps: AtomicU64,
    call: Timings,
    fuel_last: AtomicU64,
    fuel_max: AtomicU64,
    memory_bytes_max: AtomicU64,
    pub(crate) missed: AtomicU64,
    pub(crate) lines_dropped: AtomicU64,
    pub(crate) denials: AtomicU64,
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
        self.lines_dropped.store(0, Ordering::Relaxed);
        self.denials.store(0, Ordering::Relaxed);
    }

    /// Counts a call that ran, whether it succeeded or not.
    pub(crate) fn used(&self, used: Used) {
        self.call.record(used.ns);
        self.fuel_last.store(used.fuel, Ordering::Relaxed);
        self.fuel_max.fetch_max(used.fuel, Ordering::Relaxed);
        self.memory_bytes_max.fetch_max(used.memory_bytes as u64, Ordering::Relaxed);
    }

    /// Counts an answer, or that there was none.
    pub(crate) fn answered(&self, fault: Option<&Fault>) {
        self.calls.fetch_add(1, Ordering::Relaxed);
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
        let calls = self.calls.load(Ordering::Relaxed);
        calls == 0 || calls > faults
    }

    /// All of it, with the bytes that the plugin has stored.
    pub(crate) fn read(&self, stored_bytes: usize) -> PluginFigures {
        let of = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
        PluginFigures {
            calls: of(&self.calls),
            faults: FaultKind::ALL
                .into_iter()
                .zip(self.faults.iter().map(of))
                .filter(|(_, count)| *count > 0)
                .collect(),
            clamps: of(&self.clamps),
            call: self.call.read(),
            fuel_last: of(&self.fuel_last),
            fuel_max: of(&self.fuel_max),
            memory_bytes_max: of(&self.memory_bytes_max),
            stored_bytes: stored_bytes as u64,
            missed: of(&self.missed),
            lines_dropped: of(&self.lines_dropped),
            denials: of(&self.denials),
            last_fault: self.last_fault.load().as_deref().cloned(),
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
        let recording = figures.call.histogram.lock().unwrap();
        assert_eq!(figures.read(0).call, before);
        figures.used(Used { ns: 9_000, ..Used::default() });
        drop(recording);
        assert_eq!(figures.read(0).call.timed, 1);
    }
}
