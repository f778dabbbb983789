//! Who goes first: what a process waits for before it is spawned, and who must be down before it is stopped.

use std::collections::HashMap;
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

/// For each process, those that depend on it: they are stopped before it.
pub(crate) fn dependents(specs: &[Arc<ProcessSpec>]) -> HashMap<Arc<str>, Vec<Arc<str>>> {
    let mut dependents: HashMap<Arc<str>, Vec<Arc<str>>> = HashMap::new();
    for spec in specs {
        for dependency in &spec.depends_on {
            dependents.entry(dependency.name.clone()).or_default().push(spec.name.clone());
        }
    }
    dependents
}

/// A dependency that leads back to where it came from, as `a -> b -> a`; `None` if there is none.
#[must_use]
pub fn cycle(edges: &[(Arc<str>, Vec<Arc<str>>)]) -> Option<Vec<Arc<str>>> {
    let by_name: HashMap<&Arc<str>, &Vec<Arc<str>>> = edges.iter().map(|(name, to)| (name, to)).collect();
    let mut cleared = std::collections::HashSet::new();
    edges.iter().find_map(|(name, _)| walk(name, &by_name, &mut cleared, &mut Vec::new()))
}

fn walk(
    name: &Arc<str>,
    edges: &HashMap<&Arc<str>, &Vec<Arc<str>>>,
    cleared: &mut std::collections::HashSet<Arc<str>>,
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
