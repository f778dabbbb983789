//! The processes and their dependencies.

use std::collections::HashMap;

use provost_api::{Condition, Dependencies, Dependency, Phase, ProcessType};
use provost_state::naming::replica_of;
use serde::Serialize;

/// One process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Node {
    /// Its name.
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) process_type: ProcessType,
    /// Its group, if it is in one.
    pub(crate) group: Option<String>,
    /// Its phase, if a host runs.
    pub(crate) phase: Option<Phase>,
    /// Whether it is ready.
    pub(crate) ready: bool,
    /// What it waits for before it is started.
    pub(crate) depends_on: Vec<Dependency>,
}

impl Node {
    /// Describes the state of the process in a few words; `None` if no host runs.
    pub(super) fn state(&self) -> Option<String> {
        let phase = self.phase.as_ref()?;
        Some(match (phase, self.ready) {
            (Phase::Exited, true) => "done".to_owned(),
            (Phase::Running, false) if self.process_type != ProcessType::Job => {
                "running, not ready".to_owned()
            }
            _ => phase.to_string(),
        })
    }
}

/// There is no process and no group of that name.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no process called `{0}`")]
pub(crate) struct UnknownTarget(pub(crate) String);

/// Processes, and which waits for which.
#[derive(Clone, Debug, Default)]
pub(crate) struct Graph {
    nodes: Vec<Node>,
    /// For each node, its dependencies: the place of each with its condition.
    needs: Vec<Vec<(usize, Condition)>>,
}

impl From<Dependencies> for Graph {
    fn from(answer: Dependencies) -> Self {
        let nodes = answer.processes.into_iter().map(|process| Node {
            name: process.name,
            process_type: process.process_type,
            group: process.group,
            phase: Some(process.phase),
            ready: process.ready,
            depends_on: process.depends_on,
        });
        Self::of(nodes.collect())
    }
}

impl Graph {
    /// Builds a graph. A dependency on a process that is not among the nodes is left out.
    pub(crate) fn of(nodes: Vec<Node>) -> Self {
        let places: HashMap<&str, usize> = nodes.iter().map(|node| node.name.as_str()).zip(0..).collect();
        let needs = nodes.iter().map(|node| {
            let needs = node.depends_on.iter();
            needs
                .filter_map(|need| Some((*places.get(need.process.as_str())?, need.condition.clone())))
                .collect()
        });
        Self { needs: needs.collect(), nodes }
    }

    /// Returns all processes, in the order of the config.
    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Returns the name of the process at a place.
    pub(crate) fn name(&self, at: usize) -> &str {
        self.nodes.get(at).map_or("", |node| &node.name)
    }

    /// Returns the places and conditions of the direct dependencies of the process at a place.
    pub(crate) fn needs(&self, at: usize) -> &[(usize, Condition)] {
        self.needs.get(at).map_or(&[], Vec::as_slice)
    }

    /// Returns the part of the graph that the targets and everything that they need make; without targets all of it.
    ///
    /// # Errors
    /// [`UnknownTarget`] if a target names nothing.
    pub(crate) fn part(self, targets: &[String]) -> Result<Self, UnknownTarget> {
        if targets.is_empty() {
            return Ok(self);
        }
        let mut reached = vec![false; self.nodes.len()];
        let mut due = self.named(targets)?;
        while let Some(at) = due.pop() {
            if !std::mem::replace(&mut reached[at], true) {
                due.extend(self.needs(at).iter().map(|(need, _)| *need));
            }
        }
        Ok(Self::of(
            self.nodes
                .into_iter()
                .zip(reached)
                .filter_map(|(node, reached)| reached.then_some(node))
                .collect(),
        ))
    }

    /// Returns the places of the processes that targets name: a name, that of a process with replicas, `GROUP:*` or `all`.
    ///
    /// # Errors
    /// [`UnknownTarget`] if a target names nothing.
    pub(crate) fn named(&self, targets: &[String]) -> Result<Vec<usize>, UnknownTarget> {
        let mut named = Vec::new();
        for target in targets {
            let is_named = |node: &Node| match target.strip_suffix(":*") {
                Some(group) => node.group.as_deref() == Some(group),
                None => {
                    target == "all"
                        || node.name == *target
                        || replica_of(&node.name).is_some_and(|(base, _)| base == target)
                }
            };
            let before = named.len();
            named.extend((0..self.nodes.len()).filter(|at| is_named(&self.nodes[*at])));
            if named.len() == before {
                return Err(UnknownTarget(target.clone()));
            }
        }
        Ok(named)
    }

    /// Returns the places of the processes that no other waits for.
    pub(crate) fn last(&self) -> Vec<usize> {
        let mut is_needed = vec![false; self.nodes.len()];
        for (need, _) in self.needs.iter().flatten() {
            is_needed[*need] = true;
        }
        (0..self.nodes.len()).filter(|at| !is_needed[*at]).collect()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Returns a process that needs others: `web` or `job:migrate`, and `db=ready`.
    pub(crate) fn node(name: &str, group: &str, phase: Option<Phase>, needs: &[(&str, Condition)]) -> Node {
        Node {
            name: name.to_owned(),
            process_type: if name == "migrate" { ProcessType::Job } else { ProcessType::Service },
            group: (!group.is_empty()).then(|| group.to_owned()),
            ready: matches!(phase, Some(Phase::Running | Phase::Exited)),
            phase,
            depends_on: needs
                .iter()
                .map(|(name, condition)| Dependency {
                    process: (*name).to_owned(),
                    condition: condition.clone(),
                })
                .collect(),
        }
    }

    /// Returns a graph with every condition, a diamond and a process on its own.
    pub(crate) fn shop() -> Graph {
        let (started, ready, completed) = (Condition::Started, Condition::Ready, Condition::Completed);
        Graph::of(vec![
            node("disk", "", Some(Phase::Running), &[]),
            node("migrate", "", Some(Phase::Exited), &[("db", ready.clone())]),
            node("db", "data", Some(Phase::Running), &[("disk", started.clone())]),
            node(
                "web.1",
                "front",
                Some(Phase::Waiting),
                &[("db", ready.clone()), ("migrate", completed.clone())],
            ),
            node("web.2", "front", Some(Phase::Waiting), &[("db", ready), ("migrate", completed)]),
            node("proxy", "front", Some(Phase::Stopped), &[("web.1", started.clone()), ("web.2", started)]),
            node("worker", "", Some(Phase::Backoff), &[]),
        ])
    }

    #[test]
    fn a_part_has_the_targets_and_everything_that_they_need() {
        let names = |targets: &[&str]| -> Result<Vec<String>, UnknownTarget> {
            let targets: Vec<String> = targets.iter().map(|target| (*target).to_owned()).collect();
            Ok(shop().part(&targets)?.nodes().iter().map(|node| node.name.clone()).collect())
        };
        assert_eq!(names(&["migrate"]).unwrap(), ["disk", "migrate", "db"]);
        assert_eq!(names(&["web"]).unwrap(), ["disk", "migrate", "db", "web.1", "web.2"]);
        assert_eq!(names(&["data:*", "worker"]).unwrap(), ["disk", "db", "worker"]);
        assert_eq!((names(&["all"]).unwrap().len(), names(&[]).unwrap().len()), (7, 7));
        assert_eq!(names(&["wob"]), Err(UnknownTarget("wob".to_owned())));
        assert_eq!(names(&["front"]), Err(UnknownTarget("front".to_owned())));
    }
}
