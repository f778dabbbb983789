//! In which order the keeper ends processes when there is no host: the reverse of the order in which they were started.

use std::sync::Arc;

use dashmap::DashMap;

use crate::spec::ProcessSpec;

/// The ranks of processes: a process ranks above all that it depends on, and is ended before them.
#[derive(Debug, Default)]
pub(super) struct Ranks(DashMap<Arc<str>, u32>);

impl Ranks {
    /// Returns the rank of a process that is about to be started. What it depends on was started before it.
    pub(super) fn of(&self, spec: &ProcessSpec) -> u32 {
        let below = spec.depends_on.iter().filter_map(|on| self.0.get(&on.name).map(|rank| *rank));
        let rank = below.max().map_or(0, |below| below.saturating_add(1));
        self.0.insert(spec.name.clone(), rank);
        rank
    }

    /// Enters the rank that a former host has given to a process.
    pub(super) fn enter(&self, name: &Arc<str>, rank: u32) {
        self.0.insert(name.clone(), rank);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{CommandLine, Condition, Dependency};

    fn spec(name: &str, depends_on: &[&str]) -> ProcessSpec {
        let on = |name: &&str| Dependency { name: Arc::from(*name), condition: Condition::Started };
        ProcessSpec {
            depends_on: depends_on.iter().map(on).collect(),
            ..ProcessSpec::new(name, CommandLine::Shell(String::new()))
        }
    }

    #[test]
    fn a_process_ranks_above_all_that_it_depends_on() {
        let ranks = Ranks::default();
        ranks.enter(&Arc::from("base"), 3);
        assert_eq!(ranks.of(&spec("alone", &[])), 0);
        assert_eq!(ranks.of(&spec("db", &["base"])), 4);
        assert_eq!(ranks.of(&spec("web", &["alone", "db", "unknown"])), 5);
        assert_eq!(ranks.of(&spec("web", &["alone"])), 1, "its config has changed");
    }
}
