//! The native policy of last resort, which decides when no policy is configured or none could answer.
//!
//! Its back-off doubles from 100 ms to 30 s; a life of a minute resets it. It trusts exit code 0: a process
//! that reports success is not started again (as with systemd's `Restart=on-failure`), because running a
//! finished job twice may do harm that a missing restart does not.

use std::sync::Arc;

use super::policy::Ended;
use crate::process::{Deaths, FAILSAFE, RulingAction};

/// The name under which the failsafe's decisions are recorded.
pub const NAME: &str = FAILSAFE;
const FIRST_MS: u64 = 100;
const MAX_MS: u64 = 30_000;

/// Returns the decision about the life that just ended, which is the first of `deaths` (newest first), and its reason in
/// words for people.
#[must_use]
pub fn decide(ended: &Ended, deaths: &Deaths) -> (RulingAction, Arc<str>) {
    // Whether this exit is a success depends on the type of the process; `failures` already takes that into account.
    if ended.exit.is_success() && ended.failures == 0 {
        return (RulingAction::StayDown, Arc::from("it is done: exit code 0"));
    }
    let streak = deaths.iter().take_while(|death| !death.ends_streak()).count().max(1);
    let doublings = u32::try_from(streak - 1).unwrap_or(u32::MAX);
    let delay_ms = FIRST_MS.saturating_mul(2_u64.saturating_pow(doublings)).min(MAX_MS);
    let reason = format!("{}; restart {streak} in a row, after {delay_ms} ms", ended.exit);
    (RulingAction::restart(delay_ms), Arc::from(reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{Death, Exit, Incarnation, Moment};

    fn ended(exit: Exit) -> Ended {
        Ended {
            name: "web".into(),
            group: "".into(),
            incarnation: Incarnation(1),
            failures: u32::from(!exit.is_success()),
            exit,
            uptime_ms: 5,
            was_ready: true,
            restarts: 0,
            now: Moment::default(),
            seed: 0,
        }
    }

    fn deaths(uptimes_ms: &[u64]) -> Deaths {
        let death = |&uptime_ms| Death {
            incarnation: Incarnation(1),
            exit: Exit::Code(1),
            at: Moment::default(),
            uptime_ms,
        };
        uptimes_ms.iter().map(death).collect()
    }

    fn delay(uptimes_ms: &[u64]) -> u64 {
        match decide(&ended(Exit::Code(1)), &deaths(uptimes_ms)).0 {
            RulingAction::Restart { delay_ms, .. } => delay_ms,
            other => panic!("not a restart: {other:?}"),
        }
    }

    #[test]
    fn the_delay_doubles_from_100_ms_to_30_s() {
        let delays: Vec<u64> = (1..=11).map(|n| delay(&vec![5; n])).collect();
        assert_eq!(delays, [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
        assert_eq!(delay(&[5; 100]), 30_000);
    }

    #[test]
    fn a_life_of_a_minute_resets_the_delay() {
        assert_eq!(delay(&[60_000, 5, 5, 5]), 100);
        assert_eq!(delay(&[5, 60_000, 5, 5, 5]), 100);
        assert_eq!(delay(&[5, 5, 60_000, 5]), 200);
    }

    #[test]
    fn exit_code_0_is_a_success_unless_it_counts_as_a_failure() {
        assert_eq!(decide(&ended(Exit::Code(0)), &deaths(&[5])).0, RulingAction::StayDown);
        let failed_job = Ended { failures: 1, ..ended(Exit::Code(0)) };
        assert!(
            matches!(decide(&failed_job, &deaths(&[5])).0, RulingAction::Restart { .. }),
            "a job whose success codes do not include 0"
        );
    }
}
