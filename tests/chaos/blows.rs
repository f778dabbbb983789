//! The blows: what is killed, and the wait until a host answers again.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use provost_tests::bench::clock::now_ns;
use provost_tests::runs::{Random, pause};
use rustix::process::Signal;

use crate::machine::Machine;
use crate::shared::Chaos;

/// A kind of blow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blow {
    /// The host is killed.
    Host,
    /// The host is suspended for a while, in which it notices nothing, and then killed.
    Suspended,
    /// The keeper is killed, and the host replaces it.
    Keeper,
    /// Both are killed at once, and `provost up` is run.
    Both,
}

/// The kinds; each is as likely as another.
const BLOWS: [Blow; 4] = [Blow::Host, Blow::Suspended, Blow::Keeper, Blow::Both];

/// How long a host may take to take over all processes after it answers, in nanoseconds.
const TAKEN_OVER_NS: u64 = 2_000_000_000;

/// How long the last lines of a life that has ended may wait in its pipe, in nanoseconds.
const UNREAD_NS: u64 = 1_000_000_000;

impl Blow {
    fn word(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Suspended => "suspended",
            Self::Keeper => "keeper",
            Self::Both => "both",
        }
    }

    fn strike(self, chaos: &Chaos, (host, keeper): (u32, u32), random: &mut Random) {
        match self {
            Self::Host => Machine::signal(host, Signal::KILL),
            Self::Suspended => {
                Machine::signal(host, Signal::STOP);
                pause(random.between(50, 1_500));
                Machine::signal(host, Signal::KILL);
            }
            Self::Keeper => Machine::signal(keeper, Signal::KILL),
            Self::Both => {
                // So that the host does not notice that its keeper is gone.
                Machine::signal(host, Signal::STOP);
                Machine::signal(keeper, Signal::KILL);
                Machine::signal(host, Signal::KILL);
                pause(random.between(0, 1_000));
                chaos.machine.up();
            }
        }
    }
}

/// The times from a blow until the API answers again, in microseconds, by the kind of blow.
#[derive(Debug, Default)]
pub(crate) struct Silences(BTreeMap<&'static str, Histogram<u64>>);

/// The longest silence that a histogram distinguishes, in microseconds.
const LONGEST_US: u64 = 600_000_000;

impl Silences {
    fn record(&mut self, blow: Blow, took_ns: u64) {
        let new = || Histogram::new_with_bounds(1, LONGEST_US, 3).unwrap();
        self.0.entry(blow.word()).or_insert_with(new).saturating_record(took_ns / 1_000);
    }

    /// Returns the count, the median, the 95th percentile and the maximum of each kind as text.
    pub(crate) fn words(&self) -> String {
        let ms = |us: u64| us as f64 / 1_000.0;
        let one = |(blow, times): (&&str, &Histogram<u64>)| {
            format!(
                "{} of `{blow}`: p50 {:.0} ms, p95 {:.0} ms, max {:.0} ms",
                times.len(),
                ms(times.value_at_quantile(0.5)),
                ms(times.value_at_quantile(0.95)),
                ms(times.max())
            )
        };
        let all: Vec<String> = self.0.iter().map(one).collect();
        format!("the API answers again after: {}", all.join("; "))
    }
}

/// Strikes until the time is over, and waits after each blow until a host answers.
pub(crate) fn work(chaos: &Chaos, is_over: impl Fn() -> bool) -> Silences {
    let mut random = Random::of(chaos.seed, "blows");
    let mut silences = Silences::default();
    while !is_over() {
        pause(random.between(500, 5_000));
        let (host, keeper) = (chaos.machine.host(), chaos.machine.keeper());
        let Some((host, keeper)) = host.zip(keeper.map(|keeper| keeper.pid)) else {
            chaos.problems.add(format!("no host or no keeper answers before a blow: {host:?}, {keeper:?}"));
            break;
        };
        let blow = *random.pick(&BLOWS);
        let begun = now_ns();
        blow.strike(chaos, (host, keeper), &mut random);
        let gave_up = || chaos.tally.add("up after five ends");
        let Some(took_ns) = chaos.machine.until_another(Some(host), gave_up) else {
            chaos.problems.add(format!("no host answers after {blow:?}: {}", chaos.machine.log()));
            break;
        };
        silences.record(blow, took_ns);
        if matches!(blow, Blow::Keeper | Blow::Both) {
            chaos.orphaned.lock().unwrap().push((begun - UNREAD_NS, now_ns() + TAKEN_OVER_NS));
        }
    }
    silences
}
