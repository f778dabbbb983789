//! Who waited for whom: the chain of a process leads to the dependency that met its condition last, and so on.

use provost_api::Condition;

use super::firsts::{Boot, First};

/// One process of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    /// Its place in the graph.
    pub(super) at: usize,
    /// For the dependency of the process before it in the chain: the condition that was met last.
    pub(super) condition: Option<Condition>,
}

impl Boot {
    /// Returns the chain of the process at a place, which comes first.
    pub(super) fn chain(&self, at: usize) -> Vec<Link> {
        let mut chain = vec![Link { at, condition: None }];
        let mut here = at;
        // Each dependency is another process, unless they wait for each other, which the config refuses.
        while let Some((need, condition)) = self.last_need(here)
            && chain.len() <= self.firsts.len()
        {
            chain.push(Link { at: need, condition: Some(condition) });
            here = need;
        }
        chain
    }

    /// Returns the dependency that met its condition last, before the process was spawned. While the process has not been
    /// spawned, it is one that has not met its condition.
    pub(super) fn last_need(&self, at: usize) -> Option<(usize, Condition)> {
        let first = self.firsts.get(at)?;
        let needs = || self.graph.needs(at).iter();
        let met = |need: &(usize, Condition)| met_at(self.firsts.get(need.0)?, &need.1);
        if first.spawned.is_none()
            && let Some(open) = needs().find(|need| met(need).is_none())
        {
            return Some(open.clone());
        }
        needs().filter(|need| met(need).is_some()).max_by_key(|need| met(need)).cloned()
    }
}

/// Returns when a process met a condition for the first time.
pub(super) fn met_at(first: &First, condition: &Condition) -> Option<u64> {
    match condition {
        Condition::Started => first.spawned,
        Condition::Completed => first.completed,
        Condition::Ready | Condition::Other(_) => first.ready,
    }
}
