//! A start policy for what has to be looked at when it fails: it is started again only within business hours. Whatever is started by
//! hand, or for the first time, starts at any time.

use provost_guest::{Plan, Span, StartDecision, StartPolicy, World};
use serde::Deserialize;

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;

/// The longest wait before the policy is asked again.
const WAIT_MAX_MS: u64 = HOUR_MS;

/// The policy and its settings.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct BusinessHours {
    /// The hour of the day at which business begins, 0 to 23.
    pub from: u64,
    /// The hour of the day at which it ends, 1 to 24.
    pub until: u64,
    /// The days of the week, 1 (Monday) to 7 (Sunday).
    pub days: Vec<u64>,
    /// The hours by which the local time is ahead of UTC, -12 to 14. A policy has no time zones.
    pub utc_offset: i64,
}

impl Default for BusinessHours {
    fn default() -> Self {
        Self { from: 9, until: 17, days: vec![1, 2, 3, 4, 5], utc_offset: 0 }
    }
}

impl StartPolicy for BusinessHours {
    fn check(&self) -> Result<(), String> {
        if !(self.from < self.until && self.until <= 24) {
            return Err(format!(
                "`from` is {} and `until` is {}: they are hours of one day",
                self.from, self.until
            ));
        }
        if self.days.is_empty() || self.days.iter().any(|day| !(1..=7).contains(day)) {
            return Err("`days` has at least one day, from 1 (Monday) to 7 (Sunday)".to_owned());
        }
        if !(-12..=14).contains(&self.utc_offset) {
            return Err(format!("`utc_offset` is {}, but it is from -12 to 14", self.utc_offset));
        }
        Ok(())
    }

    fn before_start(&self, plan: &Plan, _world: &dyn World) -> StartDecision {
        if plan.failures == 0 {
            return StartDecision::pass("it has not failed");
        }
        let rest_ms = self.until_open(plan.now);
        if rest_ms == 0 {
            return StartDecision::pass("it is within business hours");
        }
        let reason = format!("business begins in {}", Span::from_ms(rest_ms));
        StartDecision::wait(Span::from_ms(rest_ms.min(WAIT_MAX_MS)), reason)
    }
}

provost_guest::export!(BusinessHours: StartPolicy);
provost_guest::settings_schema!(BusinessHours);

impl BusinessHours {
    /// Returns the time in milliseconds until business begins; 0 within business hours.
    fn until_open(&self, now_ms: u64) -> u64 {
        let local_ms = now_ms.saturating_add_signed(self.utc_offset * 3_600_000);
        let (today, at_ms) = (local_ms / DAY_MS, local_ms % DAY_MS);
        let (from_ms, until_ms) = (self.from * HOUR_MS, self.until * HOUR_MS);
        if self.is_open(today) && (from_ms..until_ms).contains(&at_ms) {
            return 0;
        }
        let first = u64::from(at_ms >= from_ms);
        let days = (first..=first + 6).find(|ahead| self.is_open(today + ahead));
        days.map_or(WAIT_MAX_MS, |ahead| ahead * DAY_MS + from_ms - at_ms)
    }

    /// Whether there is business on a day since the Unix epoch, which was a Thursday.
    fn is_open(&self, day: u64) -> bool {
        self.days.contains(&((day + 3) % 7 + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Monday, the 5th of January 2026, 00:00 UTC.
    const MONDAY_MS: u64 = 20_458 * DAY_MS;

    #[test]
    fn the_wait_ends_when_business_begins() {
        let policy = BusinessHours::default();
        let until_open =
            |day: u64, hour: u64| policy.until_open(MONDAY_MS + day * DAY_MS + hour * HOUR_MS) / HOUR_MS;
        assert_eq!([until_open(0, 8), until_open(0, 9), until_open(0, 16), until_open(0, 17)], [1, 0, 0, 16]);
        // From Friday evening, from Saturday and from Sunday to Monday.
        assert_eq!([until_open(4, 17), until_open(5, 12), until_open(6, 23)], [64, 45, 10]);
    }

    #[test]
    fn the_offset_moves_the_day_as_well() {
        let policy = BusinessHours { utc_offset: -8, ..BusinessHours::default() };
        // Sunday, 16:00 in California, and Monday, 09:00 there.
        assert_eq!(policy.until_open(MONDAY_MS), 17 * HOUR_MS);
        assert_eq!(policy.until_open(MONDAY_MS + 17 * HOUR_MS), 0);
    }

    #[test]
    fn hours_that_are_none_are_refused() {
        for (from, until) in [(9, 9), (17, 9), (9, 25)] {
            assert!(
                BusinessHours { from, until, ..BusinessHours::default() }.check().is_err(),
                "{from} to {until}"
            );
        }
        assert!(BusinessHours { days: vec![0], ..BusinessHours::default() }.check().is_err());
        assert!(BusinessHours { days: Vec::new(), ..BusinessHours::default() }.check().is_err());
    }
}
