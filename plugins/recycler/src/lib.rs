//! The bundled usage policy: restarts a process that uses too much memory for several samples in a row, or that is too
//! old. This is what memmon of supervisord's plugins and `max_memory_restart` of pm2 do, with a time to drain, and with
//! limits that differ a little from replica to replica, so that not all of them are restarted at once.

mod bytes;

use provost_guest::{Sample, Span, Usage, UsageDecision, UsagePolicy, World};
use serde::Deserialize;

use crate::bytes::Bytes;

/// The policy and its settings.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Recycler {
    /// The most resident memory.
    rss_max: Option<Bytes>,
    /// The most proportional memory, which is read once a minute.
    pss_max: Option<Bytes>,
    /// The longest life.
    age_max: Option<Span>,
    /// How many samples in a row have to be above a memory limit.
    samples: u32,
    /// How old a process has to be before its memory counts.
    settle: Span,
    /// How long it may take to end; its own grace time if `None`.
    drain: Option<Span>,
    /// The share of each limit by which it is lower for some lives than for others.
    jitter: f64,
}

impl Default for Recycler {
    fn default() -> Self {
        Self {
            rss_max: None,
            pss_max: None,
            age_max: None,
            samples: 3,
            settle: Span::from_ms(60_000),
            drain: None,
            jitter: 0.1,
        }
    }
}

/// A kind of memory of a sample, in bytes; `None` if it was not read.
type Memory = fn(&Usage) -> Option<u64>;

/// The trigger has this many former samples at most.
const FORMER_MAX: u32 = 60;

impl UsagePolicy for Recycler {
    fn check(&self) -> Result<(), String> {
        if self.rss_max.is_none() && self.pss_max.is_none() && self.age_max.is_none() {
            return Err("it has no limit: set `rss_max`, `pss_max` or `age_max`".to_owned());
        }
        if !(1..=FORMER_MAX + 1).contains(&self.samples) {
            return Err(format!("`samples` is {}, but it is from 1 to {}", self.samples, FORMER_MAX + 1));
        }
        if !(0.0..=0.9).contains(&self.jitter) {
            return Err(format!("`jitter` is {}, but it is from 0 to 0.9", self.jitter));
        }
        Ok(())
    }

    fn on_sample(&self, sample: &Sample, _world: &dyn World) -> UsageDecision {
        let share = 1.0 - self.jitter * place(&sample.name, sample.incarnation);
        let (uptime, age_max) = (Span::from_ms(sample.uptime), self.age_max);
        if let Some(most) = age_max.map(|most| shortened(most, share)).filter(|most| uptime.ms() >= most.ms())
        {
            return self.restart(format!("it is {uptime} old: the limit of this life is {most}"));
        }
        if sample.uptime < self.settle.ms() {
            return UsageDecision::pass(format!("it is only {uptime} old"));
        }
        let memories: [(&str, Option<Bytes>, Memory); 2] = [
            ("resident", self.rss_max, |usage| Some(usage.rss_bytes)),
            ("proportional", self.pss_max, |usage| usage.pss_bytes),
        ];
        for (kind, most, of) in memories {
            let Some(most) = most.map(|most| most.scaled(share)) else { continue };
            let above = self.in_a_row(sample, |usage| of(usage).is_some_and(|bytes| bytes > most.0));
            if above >= self.samples {
                let now = Bytes(of(&sample.usage).unwrap_or_default());
                return self.restart(format!(
                    "{now} of {kind} memory in {} process(es), above {most} for {above} samples",
                    sample.usage.members
                ));
            }
        }
        UsageDecision::pass("within its limits")
    }
}

provost_guest::export!(Recycler: UsagePolicy);
provost_guest::settings_schema!(Recycler);

impl Recycler {
    fn restart(&self, reason: String) -> UsageDecision {
        match self.drain {
            Some(drain) => UsageDecision::restart_within(drain, reason),
            None => UsageDecision::restart(reason),
        }
    }

    /// Returns how many samples in a row, the present one first, have the property; no more than are needed.
    fn in_a_row(&self, sample: &Sample, is_above: impl Fn(&Usage) -> bool) -> u32 {
        let all = std::iter::once(&sample.usage).chain(&sample.former).take(self.samples as usize);
        u32::try_from(all.take_while(|usage| is_above(usage)).count()).unwrap_or(u32::MAX)
    }
}

fn shortened(most: Span, share: f64) -> Span {
    // A float that is too large saturates.
    Span::from_ms((most.ms() as f64 * share) as u64)
}

/// Returns a number from 0 to below 1 that is the same for all samples of a life, and differs between lives and replicas.
fn place(name: &str, incarnation: u64) -> f64 {
    let bytes = name.bytes().chain(incarnation.to_le_bytes());
    // FNV-1a, and a final mix, because names of replicas differ in one bit.
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mixed = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    ((mixed >> 11) as f64) / ((1_u64 << 53) as f64)
}
