//! The blows: what is killed or replaced, and the wait until a host answers again.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use jiff::Timestamp;
use provost_tests::bench::clock::now_ns;
use provost_tests::runs::{Random, pause};
use rustix::process::Signal;
use serde_json::Value;

use crate::losses::Loss;
use crate::machine::Held;
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
    /// Another host takes the place of this one, and at times another program that of the keeper.
    Upgrade,
    /// The same, and one of them is killed meanwhile.
    Cut,
}

/// The kinds. They are drawn from a bag, so that a short run has about as many of each.
const BLOWS: [Blow; 6] = [Blow::Host, Blow::Suspended, Blow::Keeper, Blow::Both, Blow::Upgrade, Blow::Cut];

/// The longest time between the beginning of an upgrade and a kill, in milliseconds.
const CUT_WITHIN_MS: u64 = 600;

/// What a blow has done.
#[derive(Clone, Copy, Debug, Default)]
struct Struck {
    /// Whether a keeper was killed.
    has_lost_keeper: bool,
    /// If both were killed: the moment before that, and when `provost up` was run, in milliseconds since 1970.
    both: Option<(i64, i64)>,
    /// For how long no host answered, where it was told.
    silent_ms: Option<u64>,
    /// Whether a host answers again already.
    is_waited_for: bool,
    /// Whether the host stays.
    is_refused: bool,
}

impl Blow {
    fn word(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Suspended => "suspended",
            Self::Keeper => "keeper",
            Self::Both => "both",
            Self::Upgrade => "upgrade",
            Self::Cut => "cut",
        }
    }

    fn strike(self, chaos: &Chaos, held: &Held, random: &mut Random) -> Struck {
        let Held { host, keeper } = held;
        match self {
            Self::Host => host.signal(Signal::KILL),
            Self::Suspended => {
                host.signal(Signal::STOP);
                pause(random.between(50, 1_500));
                host.signal(Signal::KILL);
            }
            Self::Keeper => {
                keeper.signal(Signal::KILL);
                return Struck { has_lost_keeper: true, ..Struck::default() };
            }
            Self::Both => {
                let killed = Timestamp::now().as_millisecond();
                // So that the host does not notice that its keeper is gone.
                host.signal(Signal::STOP);
                keeper.signal(Signal::KILL);
                host.signal(Signal::KILL);
                // On a busy machine that takes a moment, in which the lock is held.
                host.until_ended();
                keeper.until_ended();
                pause(random.between(0, 1_000));
                let both = Some((killed, Timestamp::now().as_millisecond()));
                chaos.machine.up();
                return Struck { has_lost_keeper: true, both, ..Struck::default() };
            }
            Self::Upgrade => return upgrade(chaos, random.below(3) == 0),
            Self::Cut => return cut(chaos, held, random),
        }
        Struck::default()
    }
}

/// Begins an upgrade, and kills the host or the keeper meanwhile.
fn cut(chaos: &Chaos, Held { host, keeper }: &Held, random: &mut Random) -> Struck {
    let command = chaos.machine.begin(&["upgrade", "--keeper"]);
    pause(random.between(0, CUT_WITHIN_MS));
    chaos.tally.add("upgrades cut by a kill");
    let has_lost_keeper = random.below(2) == 0;
    let killed = Timestamp::now().as_millisecond();
    if has_lost_keeper { keeper } else { host }.signal(Signal::KILL);
    let mut both = None;
    if chaos.machine.is_deserted(host.pid) {
        // The host had left, and the next one had not come yet.
        chaos.tally.add("of these, up because nobody was left");
        both = Some((killed, Timestamp::now().as_millisecond()));
        chaos.machine.up();
    }
    command.end();
    Struck { has_lost_keeper, both, is_waited_for: true, ..Struck::default() }
}

/// Has another host of the same program take the place of this one, and at times another program that of the keeper.
fn upgrade(chaos: &Chaos, with_keeper: bool) -> Struck {
    let line: &[&str] = if with_keeper { &["upgrade", "--keeper"] } else { &["upgrade"] };
    let ran = chaos.machine.run(&[line, &["-o", "json"]].concat());
    if ran.code == 0 {
        if with_keeper {
            chaos.tally.add("upgrades of the keeper");
        }
        let upgraded: Value = serde_json::from_str(&ran.stdout).unwrap();
        return Struck { silent_ms: upgraded["silent_ms"].as_u64(), ..Struck::default() };
    }
    let is_refused = ran.stderr.contains("the config is being changed");
    if is_refused {
        chaos.tally.add("upgrades refused because of a reload");
    } else {
        chaos.problems.add(format!("{line:?}: {ran:?}"));
    }
    Struck { is_refused, ..Struck::default() }
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
    let mut bag = Vec::new();
    while !is_over() {
        pause(random.between(500, 5_000));
        let Some(held) = chaos.machine.until_held() else {
            chaos
                .problems
                .add(format!("no host or no keeper answers before a blow: {}", chaos.machine.log()));
            break;
        };
        if bag.is_empty() {
            bag.extend(BLOWS);
        }
        let blow = bag.swap_remove(usize::try_from(random.below(bag.len() as u64)).unwrap());
        let from = now_ns();
        let struck = blow.strike(chaos, &held, &mut random);
        let former = Some(held.host.pid).filter(|_| !struck.is_refused);
        let gave_up = || chaos.tally.add("up after five ends");
        let Some(took_ns) = chaos.machine.until_another(former, gave_up) else {
            chaos.problems.add(format!("no host answers after {blow:?}: {}", chaos.machine.log()));
            break;
        };
        if !struck.is_waited_for {
            silences.record(blow, struck.silent_ms.map_or(took_ns, |ms| ms * 1_000_000));
        }
        if struck.has_lost_keeper {
            // A host that answered before it had noticed the loss leaves for another one, with another keeper.
            if chaos.machine.until_held().is_none() {
                chaos.problems.add(format!("no host has a keeper after {blow:?}: {}", chaos.machine.log()));
                break;
            }
            chaos.losses.add(Loss { from, to: now_ns(), both: struck.both });
        }
    }
    silences
}
