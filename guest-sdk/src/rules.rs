//! Functions that restart policies share: lists of ends, exit codes, and counting deaths in the world.

use core::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

use crate::{Death, Exit, Signal, World};

/// The number of deaths of a process that the host remembers: more cannot be counted.
///
/// ```
/// use provost_guest::{World, rules::DEATHS_REMEMBERED, testing::MadeUpWorld};
///
/// assert!(MadeUpWorld::default().deaths("web", DEATHS_REMEMBERED).is_empty());
/// ```
pub const DEATHS_REMEMBERED: u32 = 100;

/// A list of exit codes and signals, as an operator writes it: `[0, 143, "SIGTERM", "HUP", "SIGRTMIN+3"]`.
///
/// ```
/// use provost_guest::{Exit, rules::Ends, settings};
///
/// let ends: Ends = settings::parse(r#"[0, "SIGTERM"]"#)?;
/// assert!(ends.contain(&Exit::Signal(15)) && !ends.contain(&Exit::Code(1)));
/// assert!(Ends::codes([78]).contain(&Exit::Code(78)));
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ends {
    codes: Vec<i32>,
    signals: Vec<Signal>,
}

impl Ends {
    /// Creates a list of these exit codes.
    #[must_use]
    pub fn codes(codes: impl Into<Vec<i32>>) -> Self {
        Self { codes: codes.into(), signals: Vec::new() }
    }

    /// Returns the exit codes of the list.
    #[cfg(feature = "schema")]
    pub(crate) fn exit_codes(&self) -> &[i32] {
        &self.codes
    }

    /// Returns the signals of the list.
    #[cfg(feature = "schema")]
    pub(crate) fn signals(&self) -> &[Signal] {
        &self.signals
    }

    /// Returns true if this end is in the list.
    #[must_use]
    pub fn contain(&self, exit: &Exit) -> bool {
        match exit {
            Exit::Code(code) => self.codes.contains(code),
            Exit::Signal(number) => Signal::new(*number).is_some_and(|signal| self.signals.contains(&signal)),
            Exit::NotSpawned(_) | Exit::NotReady(_) | Exit::Unobserved | Exit::Other(_) => false,
        }
    }
}

/// One element of a list of ends.
enum End {
    Code(i32),
    Signal(Signal),
}

impl<'de> Deserialize<'de> for End {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = End;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an exit code or the name of a signal, such as 3 or \"SIGTERM\"")
            }

            fn visit_i64<E: Error>(self, code: i64) -> Result<End, E> {
                let code =
                    i32::try_from(code).map_err(|_| E::custom(format!("{code} is not an exit code")))?;
                Ok(End::Code(code))
            }

            fn visit_u64<E: Error>(self, code: u64) -> Result<End, E> {
                let code =
                    i32::try_from(code).map_err(|_| E::custom(format!("{code} is not an exit code")))?;
                Ok(End::Code(code))
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<End, E> {
                // A number in quotes could be an exit code or a signal: refuse it rather than guess.
                if name.parse::<i64>().is_ok() {
                    return Err(E::custom(format!("write the exit code {name} without quotes")));
                }
                name.parse().map(End::Signal).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

impl<'de> Deserialize<'de> for Ends {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut ends = Self::default();
        for end in Vec::<End>::deserialize(deserializer)? {
            match end {
                End::Code(code) => ends.codes.push(code),
                End::Signal(signal) => ends.signals.push(signal),
            }
        }
        Ok(ends)
    }
}

/// Returns the exit code as shells and containers report it: 128 plus the number for a signal; `None` if it is unknown.
///
/// ```
/// use provost_guest::{Exit, rules};
///
/// assert_eq!(rules::exit_code(&Exit::Signal(9)), Some(137));
/// assert_eq!(rules::exit_code(&Exit::Unobserved), None);
/// ```
#[must_use]
pub fn exit_code(exit: &Exit) -> Option<i32> {
    match exit {
        Exit::Code(code) => Some(*code),
        Exit::Signal(number) => Some(number.saturating_add(128)),
        Exit::NotSpawned(_) | Exit::NotReady(_) | Exit::Unobserved | Exit::Other(_) => None,
    }
}

/// Counts the newest consecutive deaths of a process that `matches` accepts; the newest one always counts.
///
/// ```
/// use provost_guest::{Exit, rules, testing::MadeUpWorld};
///
/// let deaths = [(Exit::Code(1), 50), (Exit::Code(1), 70), (Exit::Code(1), 90_000)];
/// let world = MadeUpWorld::default().with_deaths("web", deaths);
/// assert_eq!(rules::streak(&world, "web", |death| death.uptime < 1_000), 2);
/// ```
#[must_use]
pub fn streak(world: &dyn World, name: &str, matches: impl Fn(&Death) -> bool) -> u32 {
    let deaths = world.deaths(name, DEATHS_REMEMBERED);
    let streak = deaths.iter().take_while(|death| matches(death)).count();
    u32::try_from(streak).unwrap_or(u32::MAX).max(1)
}

/// Returns the deaths that the host remembers of a process, newest first, each at the latest time at which it can have been.
///
/// ```
/// use provost_guest::{Exit, rules, testing::MadeUpWorld};
///
/// // The clock was set back by a second after the older death.
/// let deaths = [(Exit::Code(1), 100, 5_000), (Exit::Code(1), 100, 6_000)];
/// let world = MadeUpWorld::default().with_deaths_at("web", deaths);
/// let times: Vec<u64> = rules::deaths_in_order(&world, "web", 5_000).iter().map(|death| death.at).collect();
/// assert_eq!(times, [5_000, 4_900]);
/// ```
///
/// Their times are those of the wall clock, which may have been set back since: what died before that would seem to have died just
/// now, or in the future. But no death is later than the beginning of the life that followed it, and none is later than `now`.
#[must_use]
pub fn deaths_in_order(world: &dyn World, name: &str, now: u64) -> Vec<Death> {
    let mut deaths = world.deaths(name, DEATHS_REMEMBERED);
    let mut latest = now;
    for death in &mut deaths {
        death.at = death.at.min(latest);
        latest = death.at.saturating_sub(death.uptime);
    }
    deaths
}

/// Returns the deaths of these processes that are less than `window_ms` before `now`, as [`deaths_in_order`] dates them.
///
/// ```
/// use provost_guest::{Exit, rules, testing::MadeUpWorld};
///
/// let deaths = [(Exit::Code(1), 100, 9_000), (Exit::Code(1), 100, 2_000)];
/// let world = MadeUpWorld::default().with_deaths_at("web", deaths);
/// assert_eq!(rules::deaths_within(&world, ["web", "db"], 5_000, 9_500).len(), 1);
/// ```
#[must_use]
pub fn deaths_within(
    world: &dyn World,
    names: impl IntoIterator<Item = impl AsRef<str>>,
    window_ms: u64,
    now: u64,
) -> Vec<Death> {
    let of = |name: &str| deaths_in_order(world, name, now);
    let all = names.into_iter().flat_map(|name| of(name.as_ref()));
    all.filter(|death| now.saturating_sub(death.at) < window_ms).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::parse;
    use crate::testing::MadeUpWorld;

    #[test]
    fn ends_are_listed_by_code_and_by_signal() {
        let ends: Ends = parse(r#"[0, 143, "SIGTERM", "hup", "RTMIN+3"]"#).expect("they are ends");
        for (exit, is) in [
            (Exit::Code(143), true),
            (Exit::Code(1), false),
            (Exit::Signal(15), true),
            (Exit::Signal(1), true),
            (Exit::Signal(9), false),
            (Exit::Signal(37), true),
            (Exit::NotReady("no answer".into()), false),
            (Exit::Unobserved, false),
        ] {
            assert_eq!(ends.contain(&exit), is, "{exit:?}");
        }
        let refused = parse::<Ends>(r#"["SIGNONE"]"#).expect_err("there is none");
        assert!(refused.contains("there is no signal \"SIGNONE\""), "{refused}");
        let quoted = parse::<Ends>(r#"["9"]"#).expect_err("it is no signal");
        assert!(quoted.contains("without quotes"), "{quoted}");
    }

    #[test]
    fn a_streak_ends_at_the_first_other_death_and_a_window_excludes_its_edge() {
        let deaths = [(Exit::Code(1), 5, 9_000), (Exit::Code(1), 5, 8_000), (Exit::Code(0), 5, 1_000)];
        let world = MadeUpWorld::default().with_deaths_at("web", deaths);
        assert_eq!(streak(&world, "web", |death| death.exit != Exit::Code(0)), 2);
        assert_eq!(streak(&world, "nobody", |_| true), 1);
        assert_eq!(deaths_within(&world, ["web"], 2_000, 10_000).len(), 1, "one is exactly as long ago");
        assert_eq!(deaths_within(&world, ["web", "web"], 100_000, 10_000).len(), 6);
    }

    #[test]
    fn a_death_before_the_clock_was_set_back_is_as_old_as_the_lives_after_it_are_long() {
        // An hour and half an hour of life, and then the clock was set back by a day, in the third life.
        let deaths = [(Exit::Code(1), 2_000_000, 5_000_000), (Exit::Code(1), 1_800_000, 90_000_000)];
        let world = MadeUpWorld::default().with_deaths_at("web", deaths);
        let at = |now| deaths_in_order(&world, "web", now).iter().map(|death| death.at).collect::<Vec<_>>();
        assert_eq!(at(5_000_000), [5_000_000, 3_000_000]);
        assert_eq!(at(4_000_000), [4_000_000, 2_000_000], "it was set back after the last death, too");
        assert_eq!(deaths_within(&world, ["web"], 10_000, 5_000_000).len(), 1);
        let calm = MadeUpWorld::default()
            .with_deaths_at("web", [(Exit::Code(1), 5, 9_000), (Exit::Code(1), 5, 1_000)]);
        let at: Vec<u64> = deaths_in_order(&calm, "web", 9_500).iter().map(|death| death.at).collect();
        assert_eq!(at, [9_000, 1_000], "what is in order stays as it is");
    }
}
