//! The outlook of waiting processes: whether their dependencies can still be met unprompted, and the chain of reasons.

use std::sync::Arc;

use provost_state::{Phase, ProcessState, Snapshot};

use crate::groups::{StartOrder, unmet, wanted};
use crate::supervisor::Supervisor;

/// The maximum number of links of a chain that are shown.
const LINKS_TOLD: usize = 6;

/// The dependency that one process waits for.
#[derive(Clone, Copy, Debug)]
struct Link {
    /// The place of the dependency in the config; `None` if there is no such process.
    dependency: Option<usize>,
    /// The index of the dependency in the spec of the waiting process.
    nth: usize,
    /// Whether the condition will not be met unless somebody acts.
    is_hopeless: bool,
}

/// The outlook of all waiting processes in one snapshot.
#[derive(Debug)]
pub struct Outlook<'w> {
    order: Arc<StartOrder>,
    world: &'w Snapshot,
    links: Vec<Option<Link>>,
}

impl Supervisor {
    /// Computes the outlook of the processes that wait in this snapshot, in one pass over all processes and
    /// dependencies.
    #[must_use]
    pub fn outlook<'w>(&self, world: &'w Snapshot) -> Outlook<'w> {
        Outlook::new(self.order(), world)
    }
}

impl<'w> Outlook<'w> {
    pub(crate) fn new(order: Arc<StartOrder>, world: &'w Snapshot) -> Self {
        let mut links = vec![None; order.specs().len()];
        // Dependencies come before the processes that depend on them.
        for at in order.dependencies_first() {
            let spec = &order.specs()[at];
            let Some(state) = world.by_name(&spec.name) else { continue };
            if state.phase != Phase::Waiting {
                continue;
            }
            let open = spec.depends_on.iter().enumerate().filter(|(_, one)| unmet(one, world).is_some());
            let mut waits = open.map(|(nth, dependency)| {
                let dependency = order.place(&dependency.name);
                let is_hopeless = match dependency {
                    Some(other) => {
                        let behind = links[other].is_some_and(|link: Link| link.is_hopeless);
                        behind || will_not_move(&order, other, world)
                    }
                    None => true,
                };
                Link { dependency, nth, is_hopeless }
            });
            let first = waits.next();
            links[at] = match first {
                Some(first) if !first.is_hopeless => {
                    Some(waits.find(|link| link.is_hopeless).unwrap_or(first))
                }
                first => first,
            };
        }
        Self { order, world, links }
    }

    fn link(&self, name: &str) -> Option<Link> {
        self.links[self.order.place(name)?]
    }

    /// Whether this process waits for a dependency that will not be met unless somebody acts: one that was given up,
    /// was stopped, has ended the wrong way, or waits for such a dependency itself.
    #[must_use]
    pub fn is_hopeless(&self, name: &str) -> bool {
        self.link(name).is_some_and(|link| link.is_hopeless)
    }

    /// Returns the process at the end of the chain, which has to move first.
    #[must_use]
    pub fn root(&self, name: &str) -> Option<Arc<str>> {
        let mut last = None;
        let mut link = self.link(name);
        for _ in 0..self.links.len() {
            let Some(dependency) = link.and_then(|link| link.dependency) else { break };
            last = Some(self.order.specs()[dependency].name.clone());
            link = self.links[dependency];
        }
        last
    }

    /// Explains why a process waits, down to the root cause: `app waits for db to be ready; db is fatal: gave up after
    /// 3 restarts`.
    #[must_use]
    pub fn chain(&self, state: &ProcessState) -> String {
        let mut told = Vec::new();
        let (mut name, mut behind) = (state.name().clone(), 0);
        while let Some(link) = self.link(&name) {
            let dependency = self.order.place(&name).map(|at| &self.order.specs()[at].depends_on[link.nth]);
            let Some(dependency) = dependency.filter(|_| behind <= self.links.len()) else { break };
            if told.len() < LINKS_TOLD {
                let state = self.world.by_name(&dependency.name).map(|state| &**state);
                let to = wanted(dependency.condition, state);
                told.push(format!("{name} waits for {} {to}", dependency.name));
            }
            behind += 1;
            name = dependency.name.clone();
        }
        if behind > LINKS_TOLD {
            told.push(format!("({} more)", behind - LINKS_TOLD));
        }
        told.push(match self.world.by_name(&name) {
            Some(last) => format!("{name} is {}: {}", last.phase.kind(), last.reason),
            None => format!("{name} does not exist"),
        });
        told.join("; ")
    }
}

/// Whether a process is at rest, and not merely because the host has not started it yet.
fn will_not_move(order: &StartOrder, at: usize, world: &Snapshot) -> bool {
    let spec = &order.specs()[at];
    world.by_name(&spec.name).is_none_or(|state| {
        let is_about_to_be_started = spec.autostart && state.version.0 == 0;
        state.is_at_rest() && !is_about_to_be_started
    })
}
