//! The order of starting: what a process waits for before it is spawned, and which processes must be down before it is
//! stopped.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::sync::Arc;

use provost_state::{PhaseKind, ProcessState, Snapshot};

use crate::spec::{Condition, Dependency, ProcessSpec};

/// Whether a process with these dependencies may be spawned in this snapshot.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// It may be spawned.
    Open,
    /// It has to wait for this, in words for people.
    Shut(String),
}

pub(crate) fn gate(dependencies: &[Dependency], world: &Snapshot) -> Gate {
    let unmet: Vec<String> = dependencies.iter().filter_map(|dependency| unmet(dependency, world)).collect();
    if unmet.is_empty() { Gate::Open } else { Gate::Shut(format!("waiting for {}", unmet.join(" and "))) }
}

/// Returns what is missing, in words for people; `None` if the condition holds.
pub(crate) fn unmet(dependency: &Dependency, world: &Snapshot) -> Option<String> {
    let name = &dependency.name;
    let Some(state) = world.by_name(name) else {
        return Some(format!("{name}, which does not exist"));
    };
    let holds = match dependency.condition {
        Condition::Started => was_started(state),
        Condition::Ready if state.identity.process_type.is_job() => state.is_done(),
        Condition::Ready => state.ready(),
        Condition::Completed => state.has_completed(),
    };
    let wanted = wanted(dependency.condition, Some(state));
    (!holds).then(|| match standstill(state) {
        Some(standstill) => format!("{name} {wanted} ({standstill})"),
        None => format!("{name} {wanted}"),
    })
}

/// Returns the condition that a dependency has to meet, in words for people. A job is ready when it is done.
pub(crate) fn wanted(condition: Condition, state: Option<&ProcessState>) -> &'static str {
    let is_job = state.is_some_and(|state| state.identity.process_type.is_job());
    match condition {
        Condition::Started => "to be started",
        Condition::Ready if !is_job => "to be ready",
        Condition::Ready | Condition::Completed => "to complete",
    }
}

fn was_started(state: &ProcessState) -> bool {
    matches!(state.phase.kind(), PhaseKind::Starting | PhaseKind::Running) || state.has_completed()
}

/// Returns what keeps a dependency from its condition; `None` while it is on its way.
fn standstill(state: &ProcessState) -> Option<String> {
    match (state.phase.kind(), &state.exit) {
        // The text stays the same from its end to its next start, so that a waiting process reports it once.
        (PhaseKind::Exited | PhaseKind::Backoff, Some(exit)) => Some(format!("it {exit}")),
        (kind @ (PhaseKind::Stopped | PhaseKind::Fatal), _) => Some(format!("it is {kind}")),
        _ => None,
    }
}

/// The order in which processes are started: dependencies first, the order of the config among equals.
#[derive(Debug)]
pub(crate) struct StartOrder {
    /// All processes, by their place in the config.
    specs: Vec<Arc<ProcessSpec>>,
    at: HashMap<Arc<str>, usize>,
    /// The members of each group.
    members: HashMap<Arc<str>, Vec<usize>>,
    /// For each process, its direct dependencies.
    dependencies: Vec<Vec<usize>>,
    /// For each process, its direct dependents.
    dependents: Vec<Vec<usize>>,
    /// For each process, its place in the order of starting.
    rank: Vec<usize>,
}

impl StartOrder {
    pub(crate) fn new(specs: Vec<Arc<ProcessSpec>>) -> Self {
        let at: HashMap<_, _> = specs.iter().enumerate().map(|(at, spec)| (spec.name.clone(), at)).collect();
        let mut members: HashMap<Arc<str>, Vec<usize>> = HashMap::new();
        for (at, spec) in specs.iter().enumerate().filter(|(_, spec)| !spec.group.is_empty()) {
            members.entry(spec.group.clone()).or_default().push(at);
        }
        let mut dependencies = vec![Vec::new(); specs.len()];
        let mut dependents = vec![Vec::new(); specs.len()];
        let mut unmet = vec![0_usize; specs.len()];
        for (dependent, spec) in specs.iter().enumerate() {
            for dependency in spec.depends_on.iter().filter_map(|dependency| at.get(&dependency.name)) {
                dependencies[dependent].push(*dependency);
                dependents[*dependency].push(dependent);
                unmet[dependent] += 1;
            }
        }
        // Processes in a circle get no rank and come last; the config refuses circles.
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
        Self { specs, at, members, dependencies, dependents, rank }
    }

    /// Returns all processes, by their place in the config.
    pub(crate) fn specs(&self) -> &[Arc<ProcessSpec>] {
        &self.specs
    }

    /// Returns the place of a process in the config.
    pub(crate) fn place(&self, name: &str) -> Option<usize> {
        self.at.get(name).copied()
    }

    /// Returns all places, dependencies before their dependents.
    pub(crate) fn dependencies_first(&self) -> Vec<usize> {
        let mut places: Vec<usize> = (0..self.specs.len()).collect();
        places.sort_unstable_by_key(|at| (self.rank[*at], *at));
        places
    }

    /// Returns the members of a group, in the order of starting.
    pub(crate) fn group(&self, group: &str) -> Vec<Arc<str>> {
        self.in_order(self.members_of(group).iter().copied())
    }

    fn members_of(&self, group: &str) -> &[usize] {
        self.members.get(group).map_or(&[], Vec::as_slice)
    }

    /// Returns the direct dependents of a process.
    pub(crate) fn dependents(&self, name: &str) -> impl Iterator<Item = &Arc<str>> {
        let of_it = self.at.get(name).map(|at| &self.dependents[*at]);
        of_it.into_iter().flatten().map(|at| &self.specs[*at].name)
    }

    /// Returns the direct and indirect dependents of a process, in the order of starting.
    pub(crate) fn all_dependents(&self, name: &str) -> Vec<Arc<str>> {
        self.at
            .get(name)
            .map_or_else(Vec::new, |at| self.in_order(reached(&self.dependents, *at).into_iter()))
    }

    /// Returns a process and the members of its group that come after it, in the order of starting: its direct and
    /// indirect dependents, and those behind it in the config that it does not depend on.
    pub(crate) fn rest(&self, name: &str) -> Vec<Arc<str>> {
        let Some(leader) = self.at.get(name).copied() else { return Vec::new() };
        let (above, below) = (reached(&self.dependents, leader), reached(&self.dependencies, leader));
        let comes_after =
            |at: &usize| *at == leader || above.contains(at) || (*at > leader && !below.contains(at));
        // A process without a group is treated as a group of one.
        let group = match self.members_of(&self.specs[leader].group) {
            [] => std::slice::from_ref(&leader),
            members => members,
        };
        self.in_order(group.iter().copied().filter(comes_after))
    }

    fn in_order(&self, some: impl Iterator<Item = usize>) -> Vec<Arc<str>> {
        let mut some: Vec<usize> = some.collect();
        some.sort_by_key(|at| (self.rank[*at], *at));
        some.into_iter().map(|at| self.specs[at].name.clone()).collect()
    }
}

/// Returns what is reachable from `start` over any number of edges. Each edge is followed once.
fn reached(edges: &[Vec<usize>], start: usize) -> HashSet<usize> {
    let mut found = HashSet::new();
    let mut left = vec![start];
    while let Some(next) = left.pop() {
        left.extend(edges[next].iter().filter(|other| found.insert(**other)));
    }
    found
}
