//! What the processes use, and how their CPU usage has developed while the view was open.

use std::collections::{HashMap, VecDeque};

use provost_api::ProcessUsage;

/// The most points of a trend.
const TREND_MAX: usize = 32;

/// What one process uses.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Used {
    /// The last figures.
    pub(crate) now: ProcessUsage,
    /// The cores that it used, oldest first.
    pub(crate) trend: VecDeque<f64>,
}

/// What the processes use.
#[derive(Debug, Default)]
pub(crate) struct Usages {
    processes: HashMap<String, Used>,
    host: Option<Used>,
}

impl Usages {
    /// Takes in all figures of a look of the host. A process that is not among them uses nothing.
    pub(crate) fn learn(&mut self, all: Vec<ProcessUsage>) {
        let mut before = std::mem::take(&mut self.processes);
        self.processes.reserve(all.len());
        for usage in all {
            if usage.host {
                let trend = self.host.take();
                self.host = Some(Used::after(trend, usage));
                continue;
            }
            // The key is moved, not copied.
            let (name, known) = match before.remove_entry(&usage.process) {
                Some((name, known)) => (name, Some(known)),
                None => (usage.process.clone(), None),
            };
            self.processes.insert(name, Used::after(known, usage));
        }
    }

    /// Returns what a process uses.
    pub(crate) fn of(&self, process: &str) -> Option<&Used> {
        self.processes.get(process)
    }

    /// Returns what the host itself uses.
    pub(crate) fn host(&self) -> Option<&ProcessUsage> {
        self.host.as_ref().map(|host| &host.now)
    }

    /// Returns the cores and the bytes that all processes use together; `None` if nothing is known.
    pub(crate) fn all(&self) -> Option<(f64, u64)> {
        let used = || self.processes.values().map(|used| &used.now);
        let sums = (used().map(|usage| usage.cpu).sum(), used().map(|usage| usage.rss_bytes).sum());
        (!self.processes.is_empty()).then_some(sums)
    }
}

impl Used {
    fn after(before: Option<Self>, now: ProcessUsage) -> Self {
        let mut trend = match before {
            Some(before) if before.now.at == now.at => return before,
            // Another incarnation begins a new trend.
            Some(before) if before.now.incarnation == now.incarnation => before.trend,
            _ => VecDeque::new(),
        };
        if trend.len() == TREND_MAX {
            trend.pop_front();
        }
        trend.push_back(now.cpu);
        Self { now, trend }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(process: &str, incarnation: u64, at: u64, cpu: f64) -> ProcessUsage {
        let host = process == "provost";
        let (process, at) = (process.into(), at.to_string());
        ProcessUsage { process, host, incarnation, at, cpu, rss_bytes: 10, ..ProcessUsage::default() }
    }

    #[test]
    fn each_look_adds_a_point_and_another_incarnation_begins_anew() {
        let mut usages = Usages::default();
        assert_eq!(usages.all(), None);
        usages.learn(vec![usage("provost", 0, 1, 0.5), usage("a", 1, 1, 0.25), usage("b", 1, 1, 0.5)]);
        usages.learn(vec![usage("provost", 0, 2, 0.5), usage("a", 1, 2, 1.0), usage("b", 2, 2, 0.0)]);
        usages.learn(vec![usage("provost", 0, 2, 0.5), usage("a", 1, 2, 1.0), usage("b", 2, 2, 0.0)]);
        assert_eq!(usages.of("a").unwrap().trend, [0.25, 1.0]);
        assert_eq!(usages.of("b").unwrap().trend, [0.0]);
        assert_eq!(usages.all(), Some((1.0, 20)), "the host is not one of them");
        assert_eq!(usages.host().unwrap().cpu, 0.5);
        for at in 3..100 {
            usages.learn(vec![usage("a", 1, at, 0.0)]);
        }
        assert_eq!(usages.of("a").unwrap().trend.len(), TREND_MAX);
        assert!(usages.of("b").is_none());
    }
}
