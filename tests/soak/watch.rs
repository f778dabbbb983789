//! Requests the status during the whole run: every request is answered, no counter decreases, and no two processes share a
//! child.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use provost_tests::bench::clock::now_ns;
use serde_json::Value;

use crate::fleet::PROCESSES;
use crate::shared::Soak;
use provost_tests::runs::Control;
use provost_tests::runs::pause;

/// The longest latency that the histogram distinguishes: a minute.
const LONGEST_US: u64 = 60_000_000;

/// The pause between two requests.
const EVERY_MS: u64 = 25;

/// The latencies of status, in microseconds.
#[derive(Debug)]
pub(crate) struct Latencies(Histogram<u64>);

impl Latencies {
    /// Returns the count, the median, the 99th percentile and the maximum as text.
    pub(crate) fn words(&self) -> String {
        let ms = |us: u64| us as f64 / 1_000.0;
        format!(
            "{} status: p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms",
            self.0.len(),
            ms(self.0.value_at_quantile(0.5)),
            ms(self.0.value_at_quantile(0.99)),
            ms(self.0.max())
        )
    }
}

/// Requests the status until the soak is over, and returns the latencies.
pub(crate) fn work(soak: &Soak) -> Latencies {
    let mut latencies = Latencies(Histogram::new_with_bounds(1, LONGEST_US, 3).unwrap());
    let mut control = Control::new(&soak.machine.socket);
    let mut last = BTreeMap::new();
    let mut generation = 0;
    while !soak.is_over() {
        let begun = now_ns();
        match control.status() {
            Ok(status) => {
                latencies.0.saturating_record((now_ns() - begun) / 1_000);
                let now = status["generation"].as_u64().unwrap();
                if now < generation {
                    soak.problems.add(format!("generation {now} came after {generation}"));
                }
                generation = now;
                check(soak, &status, &mut last);
            }
            Err(error) => soak.problems.add(format!("status was not answered: {error}")),
        }
        pause(EVERY_MS);
    }
    latencies
}

fn check(soak: &Soak, status: &Value, last: &mut BTreeMap<String, (u64, u64)>) {
    let processes = status["processes"].as_array().unwrap();
    if processes.len() != PROCESSES {
        soak.problems.add(format!("status lists {} processes", processes.len()));
    }
    let mut owners = BTreeMap::new();
    for process in processes {
        let name = process["name"].as_str().unwrap();
        if let Some(pid) = process["pid"].as_u64()
            && let Some(other) = owners.insert(pid, name)
        {
            soak.problems.add(format!("{name} and {other} share the child {pid}"));
        }
        let now = (process["incarnation"].as_u64().unwrap(), process["version"].as_u64().unwrap());
        let before = last.insert(name.to_owned(), now).unwrap_or_default();
        if now.0 < before.0 || now.1 < before.1 {
            soak.problems.add(format!("{name} went back from {before:?} to {now:?}"));
        }
    }
}
