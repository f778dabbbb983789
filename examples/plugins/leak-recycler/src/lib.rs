//! A usage policy that recognises a leak before a limit is reached: a process whose memory has grown in each of the last samples, and by a
//! given share of what it was, is restarted while nothing is lost yet. The bundled `recycler` acts at a fixed limit instead.

use provost_guest::{Sample, UsageDecision, UsagePolicy, World};
use serde::Deserialize;

/// The policy and its settings.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct LeakRecycler {
    /// The number of samples in a row in which the memory has grown.
    pub samples: usize,
    /// The factor by which it has grown over all of them.
    pub growth: f64,
    /// The resident memory, in MiB, below which growth does not matter.
    pub least_mib: u64,
}

/// The trigger has this many former samples at most.
const FORMER_MAX: usize = 60;

impl Default for LeakRecycler {
    fn default() -> Self {
        Self { samples: 30, growth: 2.0, least_mib: 128 }
    }
}

impl UsagePolicy for LeakRecycler {
    fn check(&self) -> Result<(), String> {
        if !(2..=FORMER_MAX).contains(&self.samples) {
            return Err(format!("`samples` is {}, but it is from 2 to {FORMER_MAX}", self.samples));
        }
        if self.growth <= 1.0 {
            return Err(format!("`growth` is {}, but it is more than 1", self.growth));
        }
        Ok(())
    }

    fn on_sample(&self, sample: &Sample, _world: &dyn World) -> UsageDecision {
        let now = sample.usage.rss_bytes;
        let Some(first) = sample.former.get(self.samples - 1).map(|usage| usage.rss_bytes) else {
            return UsageDecision::pass(format!("samples before: {}", sample.former.len()));
        };
        if now >> 20 < self.least_mib {
            return UsageDecision::pass("it is small");
        }
        let newest = std::iter::once(&sample.usage).chain(&sample.former).take(self.samples + 1);
        let all: Vec<u64> = newest.map(|usage| usage.rss_bytes).collect();
        if !all.is_sorted_by(|newer, older| newer > older) {
            return UsageDecision::pass("its memory does not always grow");
        }
        let factor = now as f64 / first.max(1) as f64;
        if factor < self.growth {
            return UsageDecision::pass(format!("it has grown {factor:.1} times"));
        }
        let reason = format!("a leak: from {} to {} MiB in {} samples", first >> 20, now >> 20, self.samples);
        UsageDecision::restart(reason)
    }
}

provost_guest::export!(LeakRecycler: UsagePolicy);
provost_guest::settings_schema!(LeakRecycler);
