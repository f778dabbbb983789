//! The bounds that every decision is held to, and the notes that report them.

use std::time::Duration;

use provost_state::process::DEATHS_KEPT;
use provost_state::{Deaths, Moment};

/// The shortest wait of a start policy, in milliseconds: asking it again without a pause would keep a thread busy.
const START_WAIT_MS_MIN: u64 = 100;

/// How many restarts of a process are allowed within which period. When the budget is used up, the next restart is held
/// back until the oldest one has left the period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestartBudget {
    /// The number of restarts. More than [`RestartBudget::RESTARTS_MAX`] count as that.
    pub restarts: usize,
    /// The period in milliseconds; 0 for no bound.
    pub per_ms: u64,
}

impl RestartBudget {
    /// The most restarts that can be counted: a state remembers this many deaths before the last one.
    pub const RESTARTS_MAX: usize = DEATHS_KEPT - 1;

    /// Returns for how many milliseconds no restart is left, given the times of the former ones, newest first.
    fn used_up_for_ms(self, former: impl Iterator<Item = Moment>, now: Moment) -> u64 {
        let Some(earlier) = self.restarts.min(Self::RESTARTS_MAX).checked_sub(1) else {
            return self.per_ms;
        };
        former.skip(earlier).map(|at| at.plus_ms(self.per_ms).ms_since(now)).next().unwrap_or(0)
    }
}

impl Default for RestartBudget {
    /// Allows 60 restarts per minute.
    fn default() -> Self {
        Self { restarts: 60, per_ms: 60_000 }
    }
}

/// The bounds that every decision is held to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Envelope {
    pub(crate) deadline: Duration,
    pub(crate) restart_delay_ms_max: u64,
    pub(crate) restart_delay_ms_min: u64,
    pub(crate) restart_budget: RestartBudget,
}

impl Envelope {
    /// Returns why this delay cannot be followed at all, if it cannot.
    pub(super) fn excess(&self, delay_ms: u64) -> Option<String> {
        let max = self.restart_delay_ms_max;
        (delay_ms > max)
            .then(|| format!("wanted to wait {delay_ms} ms, more than restart_delay_max ({max} ms) allows"))
    }

    /// Returns the delay of a restart after the first of `deaths`, which are newest first; and a note if it differs
    /// from the requested one.
    pub(super) fn restart_delay(&self, asked_ms: u64, deaths: &Deaths, now: Moment) -> (u64, Option<String>) {
        let floor_ms = self.restart_delay_ms_min;
        let used_up_ms = self.restart_budget.used_up_for_ms(deaths.iter().skip(1).map(|death| death.at), now);
        if used_up_ms > asked_ms.max(floor_ms) {
            let note = format!("wanted to wait {asked_ms} ms, but {}: {used_up_ms} ms", self.budget_spent());
            (used_up_ms, Some(note))
        } else if asked_ms < floor_ms {
            let note = format!("wanted to wait {asked_ms} ms, less than restart_delay_min: {floor_ms} ms");
            (floor_ms, Some(note))
        } else {
            (asked_ms, None)
        }
    }

    /// Returns why there can be no restart of a living process now, if there can be none, given the times of the former
    /// ones, newest first.
    pub(super) fn no_restart(&self, former: &[Moment], now: Moment) -> Option<String> {
        let used_up_ms = self.restart_budget.used_up_for_ms(former.iter().copied(), now);
        (used_up_ms > 0).then(|| {
            format!("wanted a restart, but {}: none for another {used_up_ms} ms", self.budget_spent())
        })
    }

    /// Returns the delay before a start policy is asked again, and a note if it differs from the requested one.
    pub(super) fn start_wait(&self, asked_ms: u64) -> (u64, Option<String>) {
        let max_ms = self.restart_delay_ms_max;
        if asked_ms > max_ms {
            let note = format!("wanted to wait {asked_ms} ms, more than restart_delay_max: {max_ms} ms");
            (max_ms, Some(note))
        } else if asked_ms < START_WAIT_MS_MIN.min(max_ms) {
            let least_ms = START_WAIT_MS_MIN.min(max_ms);
            let note = format!("wanted to wait {asked_ms} ms, less than a start policy may: {least_ms} ms");
            (least_ms, Some(note))
        } else {
            (asked_ms, None)
        }
    }

    /// Returns how long a process may take to end, and a note if that differs from the requested time.
    pub(super) fn drain(&self, asked_ms: u64) -> (u64, Option<String>) {
        let max_ms = self.restart_delay_ms_max;
        let note =
            || format!("wanted to give it {asked_ms} ms to end, more than restart_delay_max: {max_ms} ms");
        (asked_ms.min(max_ms), (asked_ms > max_ms).then(note))
    }

    fn budget_spent(&self) -> String {
        let RestartBudget { restarts, per_ms } = self.restart_budget;
        let restarts = restarts.min(RestartBudget::RESTARTS_MAX);
        format!("restart_budget ({restarts} in {per_ms} ms) is used up")
    }
}

#[cfg(test)]
mod tests {
    use provost_state::{Death, Exit, Incarnation};

    use super::*;

    fn envelope(restarts: usize, per_ms: u64) -> Envelope {
        Envelope {
            deadline: Duration::from_secs(1),
            restart_delay_ms_max: 10_000,
            restart_delay_ms_min: 50,
            restart_budget: RestartBudget { restarts, per_ms },
        }
    }

    /// Returns deaths that happened `ago_ms` milliseconds ago.
    fn deaths(now: Moment, ago_ms: &[u64]) -> Deaths {
        let at = |ago: &u64| Moment { mono_ns: now.mono_ns - ago * 1_000_000, ..now };
        let death =
            |ago| Death { incarnation: Incarnation(1), exit: Exit::Code(1), at: at(ago), uptime_ms: 1 };
        ago_ms.iter().map(death).collect()
    }

    #[test]
    fn a_budget_is_used_up_until_its_oldest_restart_has_left_the_period() {
        let now = Moment::default().plus_ms(100_000);
        let delay =
            |budget: usize, ago: &[u64]| envelope(budget, 1_000).restart_delay(100, &deaths(now, ago), now);
        assert_eq!(delay(3, &[0, 10, 20]), (100, None), "two restarts so far");
        let (delay_ms, note) = delay(3, &[0, 10, 20, 300]);
        assert_eq!(delay_ms, 700);
        assert_eq!(
            note.unwrap(),
            "wanted to wait 100 ms, but restart_budget (3 in 1000 ms) is used up: 700 ms"
        );
        assert_eq!(delay(3, &[0, 10, 20, 950]), (100, None), "it asked for longer than that anyway");
        assert_eq!(delay(0, &[0]).0, 1_000);
        assert_eq!(envelope(0, 0).restart_delay(100, &deaths(now, &[0]), now), (100, None), "no bound");
    }

    #[test]
    fn a_budget_beyond_what_is_remembered_counts_as_what_is_remembered() {
        let now = Moment::default().plus_ms(100_000);
        let many = deaths(now, &[0; DEATHS_KEPT]);
        assert_eq!(envelope(1_000, 1_000).restart_delay(100, &many, now).0, 1_000);
    }

    #[test]
    fn the_wait_of_a_start_policy_is_held_between_its_bounds() {
        let envelope = envelope(60, 60_000);
        assert_eq!(envelope.start_wait(500), (500, None));
        assert_eq!(envelope.start_wait(0).0, 100);
        assert!(envelope.start_wait(20_000).1.unwrap().contains("10000 ms"));
    }
}
