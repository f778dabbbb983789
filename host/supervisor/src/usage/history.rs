//! The samples of one life of a process: ten minutes in steps of 6 seconds, and an hour in steps of 30 seconds. That is
//! at most 220 points of 12 bytes.

use std::collections::VecDeque;

use provost_state::{Moment, Usage};

/// The nanoseconds of the unit in which times are kept: a tenth of a second.
const UNIT_NS: u64 = 100_000_000;

/// The steps of the two parts, in units, and how many there are at most.
const FINE: (u64, usize) = (60, 100);
const COARSE: (u64, usize) = (300, 120);

/// A sample may be earlier than its step by this many units, because timers are not exact.
const EARLY: u64 = 5;

/// What a process used in one step of its history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsagePoint {
    /// The end of the step.
    pub at: Moment,
    /// The average CPU during the step, in thousandths of a core.
    pub cpu_millis: u32,
    /// The most resident memory of the samples in the step, in bytes; whole KiB.
    pub rss_bytes: u64,
}

/// A point as it is kept.
#[derive(Clone, Copy, Debug)]
struct Point {
    at_units: u32,
    cpu_millis: u32,
    rss_kib: u32,
}

/// The points of one step width.
#[derive(Debug)]
struct Part {
    points: VecDeque<Point>,
    /// The beginning of the present step, with the CPU time in milliseconds at it.
    since: (u64, u64),
    rss_kib: u32,
}

impl Part {
    fn push(&mut self, (step, most): (u64, usize), at: u64, usage: &Usage) {
        let rss_kib = u32::try_from(usage.rss_bytes >> 10).unwrap_or(u32::MAX);
        self.rss_kib = self.rss_kib.max(rss_kib);
        let (began, cpu_ms) = self.since;
        let units = at.saturating_sub(began);
        if units + EARLY < step {
            return;
        }
        while self.points.len() >= most {
            self.points.pop_front();
        }
        let used_ms = usage.cpu_ms.saturating_sub(cpu_ms);
        self.points.push_back(Point {
            at_units: u32::try_from(at).unwrap_or(u32::MAX),
            cpu_millis: u32::try_from(used_ms.saturating_mul(10) / units.max(1)).unwrap_or(u32::MAX),
            rss_kib: self.rss_kib,
        });
        self.since = (at, usage.cpu_ms);
        self.rss_kib = 0;
    }
}

/// The history of one life.
#[derive(Debug)]
pub(super) struct History {
    fine: Part,
    coarse: Part,
}

impl History {
    /// Begins with a first sample, which is the beginning of the first step.
    pub(super) fn new(first: &Usage) -> Self {
        let part = || Part {
            points: VecDeque::new(),
            since: (first.at.mono_ns / UNIT_NS, first.cpu_ms),
            rss_kib: u32::try_from(first.rss_bytes >> 10).unwrap_or(u32::MAX),
        };
        Self { fine: part(), coarse: part() }
    }

    pub(super) fn push(&mut self, usage: &Usage) {
        let at = usage.at.mono_ns / UNIT_NS;
        self.fine.push(FINE, at, usage);
        self.coarse.push(COARSE, at, usage);
    }

    /// Returns the points, oldest first: the coarse ones as far as there are no fine ones.
    pub(super) fn points(&self, now: Moment) -> Vec<UsagePoint> {
        let fine_from = self.fine.points.front().map_or(u32::MAX, |first| first.at_units);
        let coarse = self.coarse.points.iter().filter(|point| point.at_units < fine_from);
        let point = |point: &Point| {
            let mono_ns = u64::from(point.at_units) * UNIT_NS;
            let ago_ms = now.mono_ns.saturating_sub(mono_ns) / 1_000_000;
            UsagePoint {
                at: Moment { mono_ns, wall_ms: now.wall_ms.saturating_sub(ago_ms) },
                cpu_millis: point.cpu_millis,
                rss_bytes: u64::from(point.rss_kib) << 10,
            }
        };
        coarse.chain(&self.fine.points).map(point).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(at_s: u64, cpu_ms: u64, rss_bytes: u64) -> Usage {
        let at = Moment { mono_ns: at_s * 1_000_000_000, wall_ms: 1_000_000 + at_s * 1_000 };
        Usage { at, cpu_ms, rss_bytes, ..Usage::default() }
    }

    #[test]
    fn an_hour_is_kept_and_the_last_ten_minutes_of_it_in_finer_steps() {
        let mut history = History::new(&usage(0, 0, 0));
        // Half a core is used all the time.
        for second in (2..=7_200).step_by(2) {
            history.push(&usage(second, second * 500, second << 10));
        }
        let points = history.points(usage(7_200, 0, 0).at);
        assert!(points.is_sorted_by_key(|point| point.at.mono_ns));
        assert!(points.iter().all(|point| point.cpu_millis == 500), "{points:?}");
        let seconds: Vec<u64> = points.iter().map(|point| point.at.mono_ns / 1_000_000_000).collect();
        assert_eq!((seconds[0], *seconds.last().unwrap()), (3_630, 7_200));
        assert_eq!(seconds.iter().filter(|second| **second > 6_600).count(), 100);
        assert!(points.len() <= FINE.1 + COARSE.1);
        let last = points.last().unwrap();
        assert_eq!((last.rss_bytes, last.at.wall_ms), (7_200 << 10, 8_200_000));
    }

    #[test]
    fn a_step_has_the_most_memory_and_the_average_cpu_of_its_samples() {
        let mut history = History::new(&usage(10, 100, 1 << 20));
        for (second, cpu_ms, rss) in [(12, 100, 9 << 20), (14, 2_100, 1 << 20), (16, 3_100, 2 << 20)] {
            history.push(&usage(second, cpu_ms, rss));
        }
        let points = history.points(usage(16, 0, 0).at);
        let [point] = points[..] else { panic!("{points:?}") };
        assert_eq!((point.cpu_millis, point.rss_bytes), (500, 9 << 20));
    }
}
