//! Who goes first: what a process waits for before it is spawned, and who must be down before it is stopped.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::sync::Arc;

use provost_state::{Exit, PhaseKind, ProcessState, Snapshot};

use crate::spec::{Condition, Dependency, ProcessSpec};

/// May a process with these dependencies be spawned in this world?
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// Yes.
    Open,
    /// No; what it waits for, in words for people.
    Shut(String),
}

pub(crate) fn gate(dependencies: &[Dependency], world: &Snapshot) -> Gate {
    let unmet: Vec<String> = dependencies.iter().filter_map(|dependency| unmet(dependency, world)).collect();
    if unmet.is_empty() { Gate::Open } else { Gate::Shut(format!("waiting for {}", unmet.join(" and "))) }
}

/// What is missing, in words for people; `None` if the condition holds.
fn unmet(dependency: &Dependency, world: &Snapshot) -> Option<String> {
    let name = &dependency.name;
    let Some(state) = world.by_name(name) else {
        return Some(format!("{name}, which does not exist"));
    };
    let (holds, wanted) = match dependency.condition {
        Condition::Started => (was_started(state), "to be started"),
        Condition::Ready => (state.ready(), "to be ready"),
        Condition::Completed => (has_completed(state), "to complete"),
    };
    (!holds).then(|| match standstill(state) {
        Some(standstill) => format!("{name} {wanted} ({standstill})"),
        None => format!("{name} {wanted}"),
    })
}

fn was_started(state: &ProcessState) -> bool {
    matches!(state.phase.kind(), PhaseKind::Starting | PhaseKind::Running) || has_completed(state)
}

fn has_completed(state: &ProcessState) -> bool {
    state.phase.kind() == PhaseKind::Exited && state.exit.as_ref().is_some_and(Exit::is_success)
}

/// Why it does not look as if it will come about by itself; `None` while the dependency is on its way.
fn standstill(state: &ProcessState) -> Option<String> {
    match (state.phase.kind(), &state.exit) {
        (PhaseKind::Exited, Some(exit)) => Some(format!("it {exit}")),
        (kind @ (PhaseKind::Stopped | PhaseKind::Fatal), _) => Some(format!("it is {kind}")),
        _ => None,
    }
}

/// The order that the config gives to processes: dependencies first, the order of the config among equals.
#[derive(Debug)]
pub(crate) struct Order {
    /// All processes, by their place in the config.
    specs: Vec<Arc<ProcessSpec>>,
    at: HashMap<Arc<str>, usize>,
    /// For each, those that depend on it.
    dependents: Vec<Vec<usize>>,
    /// For each, its place in the order of starting.
    rank: Vec<usize>,
}

impl Order {
    pub(crate) fn new(specs: Vec<Arc<ProcessSpec>>) -> Self {
        let at: HashMap<_, _> = specs.iter().enumerate().map(|(at, spec)| (spec.name.clone(), at)).collect();
        let mut dependents = vec![Vec::new(); specs.len()];
        let mut unmet = vec![0_usize; specs.len()];
        for (dependent, spec) in specs.iter().enumerate() {
            for dependency in spec.depends_on.iter().filter_map(|dependency| at.get(&dependency.name)) {
                dependents[*dependency].push(dependent);
                unmet[dependent] += 1;
            }
        }
        // What is in a circle gets no rank and comes last; the config refuses circles.
        let mut rank = vec![usize::MAX; specs.len()];
        let mut free: BinaryHeap<_> = (0..specs.len()).filter(|at| unmet[*at] == 0).map(Reverse).collect();
        let mut next = 0..;
        while let (Some(Reverse(first)), Some(place)) = (free.pop(), next.next()) {
            rank[first] = place;
            for dependent in &dependents[first] {
                unmet[*dependent] -= 1;
                if unmet[*dependent] == 0 {
                    free.push(Reverse(*dependent));
                }
            }
        }
        Self { specs, at, dependents, rank }
    }

    /// The names of all groups.
    pub(crate) fn groups(&self) -> HashSet<Arc<str>> {
        self.specs.iter().map(|spec| spec.group.clone()).filter(|group| !group.is_empty()).collect()
    }

    /// The members of a group, in the order of starting.
    pub(crate) fn group(&self, group: &str) -> Vec<Arc<str>> {
        self.in_order((0..self.specs.len()).filter(|at| *self.specs[*at].group == *group))
    }

    /// Those that depend on it, by themselves.
    pub(crate) fn dependents(&self, name: &str) -> impl Iterator<Item = &Arc<str>> {
        let of_it = self.at.get(name).map(|at| &self.dependents[*at]);
        of_it.into_iter().flatten().map(|at| &self.specs[*at].name)
    }

    /// Those that depend on it, directly or not, in the order of starting.
    pub(crate) fn all_dependents(&self, name: &str) -> Vec<Arc<str>> {
        self.at.get(name).map_or_else(Vec::new, |at| self.in_order(self.above(*at).into_iter()))
    }

    /// It and those of its group that come after it, in the order of starting: who depends on it, directly or not, or
    /// stands behind it in the config without being something that it depends on.
    pub(crate) fn rest(&self, name: &str) -> Vec<Arc<str>> {
        let Some(leader) = self.at.get(name).copied() else { return Vec::new() };
        let above = self.above(leader);
        let group = &self.specs[leader].group;
        let comes_after = |at: &usize| {
            let behind = *at > leader && !self.above(*at).contains(&leader);
            *at == leader || (self.specs[*at].group == *group && (above.contains(at) || behind))
        };
        self.in_order((0..self.specs.len()).filter(comes_after))
    }

    fn above(&self, at: usize) -> HashSet<usize> {
        let mut found = HashSet::new();
        let mut left = vec![at];
        while let Some(next) = left.pop() {
            left.extend(self.dependents[next].iter().filter(|dependent| found.insert(**dependent)));
        }
        found
    }

    fn in_order(&self, some: impl Iterator<Item = usize>) -> Vec<Arc<str>> {
        let mut some: Vec<usize> = some.collect();
        some.sort_by_key(|at| (self.rank[*at], *at));
        some.into_iter().map(|at| self.specs[at].name.clone()).collect()
    }
}

/// A dependency that leads back to where it came from, as `a -> b -> a`; `None` if there is none.
#[must_use]
pub fn cycle(edges: &[(Arc<str>, Vec<Arc<str>>)]) -> Option<Vec<Arc<str>>> {
    let by_name: HashMap<&Arc<str>, &Vec<Arc<str>>> = edges.iter().map(|(name, to)| (name, to)).collect();
    let mut cleared = HashSet::new();
    edges.iter().find_map(|(name, _)| walk(name, &by_name, &mut cleared, &mut Vec::new()))
}

fn walk(
    name: &Arc<str>,
    edges: &HashMap<&Arc<str>, &Vec<Arc<str>>>,
    cleared: &mut HashSet<Arc<str>>,
    path: &mut Vec<Arc<str>>,
) -> Option<Vec<Arc<str>>> {
    if cleared.contains(name) {
        return None;
    }
    if let Some(start) = path.iter().position(|earlier| earlier == name) {
        let mut cycle = path[start..].to_vec();
        cycle.push(name.clone());
        return Some(cycle);
    }
    path.push(name.clone());
    let found =
        edges.get(name).and_then(|next| next.iter().find_map(|next| walk(next, edges, cleared, path)));
    path.pop();
    if found.is_none() {
        cleared.insert(name.clone());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(lines: &[(&str, &[&str])]) -> Vec<(Arc<str>, Vec<Arc<str>>)> {
        lines
            .iter()
            .map(|(name, to)| (Arc::from(*name), to.iter().map(|to| Arc::from(*to)).collect()))
            .collect()
    }

    #[test]
    fn a_cycle_is_found_and_told_in_order() {
        let found = cycle(&edges(&[("x", &["a"]), ("a", &["b"]), ("b", &["c"]), ("c", &["a"])])).unwrap();
        let found: Vec<&str> = found.iter().map(|name| &**name).collect();
        assert_eq!(found, ["a", "b", "c", "a"]);
        assert!(cycle(&edges(&[("a", &["a"])])).is_some());
    }

    #[test]
    fn a_diamond_is_no_cycle() {
        assert_eq!(cycle(&edges(&[("a", &["b", "c"]), ("b", &["d"]), ("c", &["d"]), ("d", &[])])), None);
    }
}
