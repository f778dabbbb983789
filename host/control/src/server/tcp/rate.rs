//! How many requests one caller may send. Each caller has a budget for one second, which is refilled evenly. The number of callers
//! that are told apart is bounded; beyond it they share one budget.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// The most callers that are told apart.
const CALLERS_MAX: usize = 4_096;

/// Budgets that are full are forgotten at most this often.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// The time for which a budget lasts.
const BURST: Duration = Duration::from_secs(1);

/// Whose requests are counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Counted {
    /// The requests with this token.
    Token(Arc<str>),
    /// The requests without an accepted token from this address. Of IPv6 only the network counts, because one machine may
    /// have all addresses of it.
    Address(IpAddr),
    /// All callers beyond the most that are told apart.
    Others,
}

impl Counted {
    pub(super) fn at(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V6(address) => IpAddr::V6((address.to_bits() & !u128::from(u64::MAX)).into()),
            address => address,
        })
    }
}

/// The budgets of all callers.
#[derive(Debug, Default)]
pub(super) struct Budgets(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// When the budget of each caller is full again.
    full_at: HashMap<Counted, Instant>,
    swept_at: Option<Instant>,
}

impl Budgets {
    /// Takes one request from the budget of a caller that has `per_second`.
    ///
    /// # Errors
    /// How long the caller has to wait for the next one.
    pub(super) fn take(&self, caller: Counted, per_second: u32) -> Result<(), Duration> {
        let now = Instant::now();
        let mut state = self.0.lock();
        let caller = state.admitted(caller, now);
        let full_at = state.full_at.entry(caller).or_insert(now);
        let next = (*full_at).max(now) + BURST / per_second.max(1);
        match next.checked_duration_since(now + BURST) {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => {
                *full_at = next;
                Ok(())
            }
        }
    }
}

impl State {
    /// Returns the caller itself if there is room for its budget.
    fn admitted(&mut self, caller: Counted, now: Instant) -> Counted {
        if self.full_at.len() < CALLERS_MAX || self.full_at.contains_key(&caller) {
            return caller;
        }
        if self.swept_at.is_none_or(|last| now >= last + SWEEP_EVERY) {
            self.swept_at = Some(now);
            self.full_at.retain(|_, full_at| *full_at > now);
        }
        if self.full_at.len() < CALLERS_MAX { caller } else { Counted::Others }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u32) -> Counted {
        Counted::at(IpAddr::V4(number.into()))
    }

    #[tokio::test(start_paused = true)]
    async fn a_budget_is_for_one_second_and_is_refilled_evenly() {
        let budgets = Budgets::default();
        for _ in 0..10 {
            budgets.take(address(1), 10).unwrap();
        }
        assert_eq!(budgets.take(address(1), 10), Err(Duration::from_millis(100)));
        budgets.take(address(2), 10).unwrap();
        tokio::time::advance(Duration::from_millis(100)).await;
        budgets.take(address(1), 10).unwrap();
        assert!(budgets.take(address(1), 10).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn callers_beyond_the_bound_share_a_budget_until_others_are_idle() {
        let budgets = Budgets::default();
        for number in 0..4_096 {
            budgets.take(address(number), 1).unwrap();
        }
        budgets.take(address(5_000), 1).unwrap();
        assert!(budgets.take(address(5_001), 1).is_err(), "its budget is that of all others");
        assert!(budgets.0.lock().full_at.len() <= CALLERS_MAX + 1);
        tokio::time::advance(Duration::from_secs(2)).await;
        budgets.take(address(5_001), 1).unwrap();
        budgets.take(address(5_002), 1).unwrap();
        assert_eq!(budgets.0.lock().full_at.len(), 2);
    }

    #[test]
    fn a_network_of_ipv6_is_one_caller() {
        let at = |text: &str| Counted::at(text.parse().unwrap());
        assert_eq!(at("2001:db8::1"), at("2001:db8::ffff:1"));
        assert_ne!(at("2001:db8:0:1::1"), at("2001:db8::1"));
        assert_eq!(at("::ffff:10.0.0.1"), at("10.0.0.1"));
    }
}
