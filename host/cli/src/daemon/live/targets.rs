//! The processes of a new config, each with the process that it is now and with what differs.

use std::collections::HashMap;
use std::sync::Arc;

use provost_state::ProcessId;
use provost_supervisor::{ProcessSpec, Supervisor};

use super::checked::Compared;
use crate::difference::{Changed, Effect, Member, Plan, Shape, keys_between};
use crate::render::humane::counted;

/// The keys of a spec that a process has for its whole life in the registry.
const IDENTITY: [&str; 3] = ["group", "type", "success_codes"];

/// A process of the new config.
pub(super) struct Target {
    pub(super) spec: ProcessSpec,
    /// The process in the registry, if there is one of this name.
    pub(super) id: Option<ProcessId>,
    /// Whether that process is being removed, so that this one can only be added after it.
    pub(super) is_leaving: bool,
    /// The keys that differ from what is in force for it.
    pub(super) keys: Vec<(String, Effect)>,
}

impl Target {
    pub(super) fn name(&self) -> &Arc<str> {
        &self.spec.name
    }

    /// Whether it is removed and added again, because its identity changes.
    pub(super) fn is_replaced(&self) -> bool {
        self.id.is_some() && self.keys.iter().any(|(key, _)| IDENTITY.contains(&key.as_str()))
    }

    /// The keys that need a restart.
    pub(super) fn for_restart(&self) -> Vec<&str> {
        let keys = self.keys.iter().filter(|(_, effect)| *effect == Effect::Restart);
        keys.map(|(key, _)| key.as_str()).collect()
    }

    pub(super) fn all_keys(&self) -> String {
        listed(&self.keys.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>())
    }
}

/// Returns all processes of the config, each with what differs from what is in force for it.
pub(super) fn targets(supervisor: &Supervisor, specs: Vec<ProcessSpec>, compared: &Compared) -> Vec<Target> {
    let world = supervisor.reader().snapshot();
    fn members(shape: &Shape) -> HashMap<&str, &Member> {
        let all = shape.processes.iter().flat_map(|one| &one.members);
        all.map(|member| (&*member.name, member)).collect()
    }
    let (running, wanted) = (members(&compared.running), members(&compared.wanted));
    let target = |spec: ProcessSpec| {
        let base = spec.set_name().unwrap_or(&spec.name);
        let id = world.id(&spec.name);
        let is_leaving = id.is_some_and(|id| supervisor.is_leaving(id));
        let keys = match (running.get(&*spec.name), wanted.get(base)) {
            (Some(old), Some(new)) if !is_leaving => keys_between(&old.settings, &new.settings),
            _ => Vec::new(),
        };
        Target { id, is_leaving, keys, spec }
    };
    specs.into_iter().map(target).collect()
}

/// Joins keys, the first few by name.
pub(super) fn listed(keys: &[&str]) -> String {
    const SHOWN: usize = 6;
    let shown = keys.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    match keys.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

pub(super) fn have_changed(keys: &[&str]) -> String {
    format!("{} {} changed", listed(keys), if keys.len() == 1 { "has" } else { "have" })
}

/// Returns the places of the processes, each after those that it depends on. A cycle, which the config excludes, ends the search.
pub(super) fn in_dependency_order(targets: &[Target]) -> Vec<usize> {
    let places: HashMap<&str, usize> =
        targets.iter().enumerate().map(|(at, target)| (&**target.name(), at)).collect();
    let mut order = Vec::with_capacity(targets.len());
    let mut seen = vec![false; targets.len()];
    for first in 0..targets.len() {
        // Without recursion, because a chain may be as long as the config.
        let mut path = vec![(first, 0)];
        while let Some((at, next)) = path.pop() {
            if next == 0 && std::mem::replace(&mut seen[at], true) {
                continue;
            }
            let dependency = targets[at].spec.depends_on.get(next);
            match dependency {
                None => order.push(at),
                Some(on) => {
                    path.push((at, next + 1));
                    path.extend(places.get(&*on.name).filter(|on| !seen[**on]).map(|on| (*on, 0)));
                }
            }
        }
    }
    order
}

/// Describes a plan in one line.
pub(super) fn summary(plan: &Plan) -> String {
    let count = |wanted: fn(&Changed) -> bool| plan.processes.iter().filter(|(_, one)| wanted(one)).count();
    let added = count(|one| matches!(one, Changed::Added(_)));
    let removed = count(|one| matches!(one, Changed::Removed { .. }));
    let changed = count(|one| matches!(one, Changed::Keys(_)));
    let some = |count: usize, noun: &str, what: &str| {
        (count > 0).then(|| format!("{} to {what}", counted(count as u64, noun)))
    };
    let parts = [
        some(added, "process", "add"),
        some(changed, "process", "change"),
        some(removed, "process", "remove"),
        some(plan.plugins.len(), "plugin", "change"),
        some(plan.host.len(), "setting", "change in the host"),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    match parts.is_empty() {
        true => "checked: nothing differs".to_owned(),
        false => format!("checked: {}", parts.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use provost_supervisor::{CommandLine, Condition, Dependency};

    use super::*;

    fn target(name: &str, depends_on: &[&str]) -> Target {
        let on = |name: &&str| Dependency { name: Arc::from(*name), condition: Condition::Started };
        let spec = ProcessSpec {
            depends_on: depends_on.iter().map(on).collect(),
            ..ProcessSpec::new(name, CommandLine::Shell(String::new()))
        };
        Target { spec, id: None, is_leaving: false, keys: Vec::new() }
    }

    #[test]
    fn each_process_comes_after_those_that_it_depends_on() {
        let targets = [
            target("top", &["left", "right", "elsewhere"]),
            target("left", &["base"]),
            target("other", &[]),
            target("right", &["base", "left"]),
            target("base", &[]),
        ];
        let order: Vec<&str> =
            in_dependency_order(&targets).into_iter().map(|at| &**targets[at].name()).collect();
        assert_eq!(order, ["base", "left", "right", "top", "other"]);
        let long: Vec<Target> =
            (0..20_000).map(|n| target(&n.to_string(), &[&*(n + 1).to_string()])).collect();
        assert_eq!(in_dependency_order(&long).first(), Some(&19_999));
        let circle = [target("a", &["b"]), target("b", &["a"])];
        assert_eq!(in_dependency_order(&circle).len(), 2);
    }

    #[test]
    fn long_lists_of_keys_are_cut() {
        assert_eq!(have_changed(&["a"]), "a has changed");
        assert_eq!(
            have_changed(&["a", "b", "c", "d", "e", "f", "g", "h"]),
            "a, b, c, d, e, f and 2 more have changed"
        );
    }
}
