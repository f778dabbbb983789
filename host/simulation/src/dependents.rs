//! Which processes need which others to run.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use provost_supervisor::{Condition, ProcessSpec};

/// The dependents of each process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dependents(HashMap<Arc<str>, Vec<Arc<str>>>);

impl Dependents {
    /// Finds what needs each process to run, directly or through others. What waits for its end (`completed`) does not need it.
    pub(crate) fn among(processes: &[ProcessSpec]) -> Self {
        let needs = |spec: &ProcessSpec| -> Vec<Arc<str>> {
            let on = spec.depends_on.iter().filter(|on| on.condition != Condition::Completed);
            on.map(|on| on.name.clone()).collect()
        };
        let needed: HashMap<&Arc<str>, Vec<Arc<str>>> =
            processes.iter().map(|spec| (&spec.name, needs(spec))).collect();
        let mut dependents: HashMap<Arc<str>, Vec<Arc<str>>> = HashMap::new();
        for spec in processes {
            let (mut seen, mut left) = (HashSet::new(), needs(spec));
            while let Some(on) = left.pop() {
                if seen.insert(on.clone()) {
                    left.extend(needed.get(&on).into_iter().flatten().cloned());
                    dependents.entry(on).or_default().push(spec.name.clone());
                }
            }
        }
        Self(dependents)
    }

    /// Returns the dependents of a process, in the order of the scenario.
    pub(crate) fn of(&self, process: &str) -> &[Arc<str>] {
        self.0.get(process).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use provost_supervisor::{CommandLine, Dependency};

    use super::*;

    fn spec(name: &str, on: &[(&str, Condition)]) -> ProcessSpec {
        let depends_on =
            on.iter().map(|(name, condition)| Dependency { name: (*name).into(), condition: *condition });
        ProcessSpec {
            depends_on: depends_on.collect(),
            ..ProcessSpec::new(name, CommandLine::Argv(vec![name.to_owned()]))
        }
    }

    #[test]
    fn dependents_are_direct_and_indirect_ones_that_need_the_process_to_run() {
        let dependents = Dependents::among(&[
            spec("gateway", &[("worker", Condition::Started), ("broker", Condition::Ready)]),
            spec("worker", &[("broker", Condition::Ready)]),
            spec("broker", &[("migration", Condition::Completed)]),
            spec("migration", &[]),
        ]);
        let of = |name| dependents.of(name).iter().map(|one| &**one).collect::<Vec<_>>();
        assert_eq!(of("broker"), ["gateway", "worker"], "each once");
        assert_eq!(of("worker"), ["gateway"]);
        assert!(of("migration").is_empty() && of("gateway").is_empty());
    }
}
