//! The tally of the unasked ends of a process. A new version of a state shares the ends of the version before it, so that
//! recording an end allocates one link, whatever is in the tally.

use std::fmt;
use std::sync::Arc;

use super::exit::Death;

/// The maximum number of deaths kept for each process (s6 also keeps 100 by default).
pub const DEATHS_KEPT: usize = 100;

/// The unasked ends of a process, newest first: the last [`DEATHS_KEPT`] of them. Cloning it is cheap.
///
/// The ends are links of two chains. When the recent chain has [`DEATHS_KEPT`] links, it becomes the older one, and the
/// former older chain is dropped: so at most twice as many are in memory as are shown, and no link is ever copied.
#[derive(Clone, Default)]
pub struct Deaths {
    recent: Chain,
    older: Chain,
}

type Chain = Option<Arc<Link>>;

struct Link {
    death: Death,
    /// The number of links of the chain, with this one.
    count: usize,
    before: Chain,
}

fn count(chain: &Chain) -> usize {
    chain.as_ref().map_or(0, |link| link.count)
}

fn links(chain: &Chain) -> impl Iterator<Item = &Death> {
    std::iter::successors(chain.as_deref(), |link| link.before.as_deref()).map(|link| &link.death)
}

impl Deaths {
    /// Returns the tally after one more death.
    #[must_use]
    pub fn with(&self, death: Death) -> Self {
        let (before, older) = match count(&self.recent) {
            DEATHS_KEPT => (None, self.recent.clone()),
            _ => (self.recent.clone(), self.older.clone()),
        };
        let link = Link { death, count: count(&before) + 1, before };
        Self { recent: Some(Arc::new(link)), older }
    }

    /// Returns the deaths, newest first.
    pub fn iter(&self) -> impl Iterator<Item = &Death> {
        links(&self.recent).chain(links(&self.older)).take(DEATHS_KEPT)
    }

    /// Returns the last death.
    #[must_use]
    pub fn first(&self) -> Option<&Death> {
        self.recent.as_ref().map(|link| &link.death)
    }

    /// Returns the number of deaths that are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        DEATHS_KEPT.min(count(&self.recent) + count(&self.older))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.recent.is_none()
    }
}

impl FromIterator<Death> for Deaths {
    /// Collects deaths that are given newest first.
    fn from_iter<I: IntoIterator<Item = Death>>(newest_first: I) -> Self {
        let all: Vec<Death> = newest_first.into_iter().take(DEATHS_KEPT).collect();
        all.into_iter().rev().fold(Self::default(), |deaths, death| deaths.with(death))
    }
}

impl PartialEq for Deaths {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl fmt::Debug for Deaths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{Exit, Incarnation, Moment};

    fn death(incarnation: u64) -> Death {
        let exit = Exit::Code(1);
        Death { incarnation: Incarnation(incarnation), exit, at: Moment::default(), uptime_ms: incarnation }
    }

    fn numbers(deaths: &Deaths) -> Vec<u64> {
        deaths.iter().map(|death| death.incarnation.0).collect()
    }

    #[test]
    fn the_last_deaths_are_kept_newest_first_and_an_older_tally_keeps_its_own() {
        let mut all = vec![Deaths::default()];
        for number in 1..=3 * DEATHS_KEPT as u64 {
            all.push(all[all.len() - 1].with(death(number)));
        }
        for (recorded, deaths) in all.iter().enumerate() {
            let recorded = recorded as u64;
            let kept = recorded.min(DEATHS_KEPT as u64);
            let expected: Vec<u64> = (recorded - kept + 1..=recorded).rev().collect();
            assert_eq!(numbers(deaths), expected);
            assert_eq!((deaths.len(), deaths.is_empty()), (expected.len(), expected.is_empty()));
            assert_eq!(deaths.first().map(|death| death.incarnation.0), expected.first().copied());
            assert_eq!(deaths.iter().cloned().collect::<Deaths>(), *deaths);
        }
    }

    #[test]
    fn at_most_twice_as_many_as_are_shown_are_in_memory() {
        let mut deaths = Deaths::default();
        let mut first = None;
        for number in 0..2 * DEATHS_KEPT as u64 + 1 {
            deaths = deaths.with(death(number));
            first = first.or_else(|| deaths.recent.as_ref().map(Arc::downgrade));
        }
        assert_eq!(count(&deaths.recent) + count(&deaths.older), DEATHS_KEPT + 1);
        assert!(first.is_some_and(|first| first.upgrade().is_none()), "the oldest link is dropped");
    }
}
