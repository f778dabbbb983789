//! Random draws that are the same for the same seed, on every machine, in whichever order they are made: a draw depends on what it
//! is for and not on the draws before it. So a scenario from which a fault was removed has the same course otherwise.

use provost_state::hash;

/// A draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Draw(u64);

impl Draw {
    /// Makes the draw with these names, such as those of a fault, of a purpose and of a process, and with this number, of a life or
    /// of a moment.
    pub(crate) fn new(seed: u64, names: &[&str], number: u64) -> Self {
        let bytes = names.iter().flat_map(|name| name.bytes().chain([b'/']));
        Self(hash::mixed(seed.to_le_bytes().into_iter().chain(bytes).chain(number.to_le_bytes())))
    }

    /// Returns a number that is at least 0 and less than 1, each equally likely.
    pub(crate) fn share(self) -> f64 {
        // 53 bits are as many as such a number has.
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Returns whether something happens that has this chance.
    pub(crate) fn happens(self, chance: f64) -> bool {
        self.share() < chance
    }

    /// Returns a number from `least` to `most`, each equally likely.
    pub(crate) fn between(self, least: u64, most: u64) -> u64 {
        let width = most.saturating_sub(least).saturating_add(1);
        least.saturating_add((self.share() * width as f64) as u64).min(most.max(least))
    }

    /// Returns the time until an event that happens once in `mean` on average, at any time with the same likelihood.
    pub(crate) fn exponential(self, mean: u64) -> u64 {
        (-(1.0 - self.share()).ln() * mean as f64).round() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draws(purpose: &'static str) -> impl Iterator<Item = Draw> {
        (0..10_000).map(move |number| Draw::new(7, &[purpose, "web"], number))
    }

    #[test]
    fn a_draw_is_the_same_for_ever_and_differs_for_each_purpose_process_and_number() {
        let draw = Draw::new(1, &["crash", "web"], 3);
        assert_eq!(draw, Draw::new(1, &["crash", "web"], 3));
        let others = [
            Draw::new(2, &["crash", "web"], 3),
            Draw::new(1, &["exit", "web"], 3),
            Draw::new(1, &["crash", "db"], 3),
            Draw::new(1, &["crash", "web"], 4),
        ];
        assert!(others.iter().all(|other| *other != draw));
        assert_eq!(draw, FIXED);
    }

    /// A fixed value: the courses of scenarios with a seed depend on it.
    const FIXED: Draw = Draw(4_197_905_542_574_387_057);

    #[test]
    fn shares_are_spread_evenly() {
        let below = |bound: f64| draws("a").filter(|draw| draw.share() < bound).count();
        assert!((900..1_100).contains(&below(0.1)), "{}", below(0.1));
        assert!((4_800..5_200).contains(&below(0.5)), "{}", below(0.5));
        assert_eq!(below(1.0), 10_000);
    }

    #[test]
    fn a_number_between_two_is_neither_below_nor_above_them_and_may_be_each() {
        let drawn: std::collections::BTreeSet<u64> = draws("b").map(|draw| draw.between(3, 6)).collect();
        assert_eq!(drawn, (3..=6).collect());
        assert!(draws("b").all(|draw| draw.between(5, 5) == 5));
    }

    #[test]
    fn exponential_times_have_their_mean() {
        let sum: u64 = draws("c").map(|draw| draw.exponential(1_000)).sum();
        assert!((970..1_030).contains(&(sum / 10_000)), "{}", sum / 10_000);
    }
}
