//! In which order the keeper ends processes when there is no host: the reverse of the order in which they were started.

use std::collections::{HashMap, HashSet};
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

    /// Enters the ranks of all processes of a config, which a former host may have started with another one.
    pub(super) fn settle(&self, specs: &[ProcessSpec]) {
        let by_name: HashMap<&str, &ProcessSpec> = specs.iter().map(|spec| (&*spec.name, spec)).collect();
        let mut seen = HashSet::new();
        for spec in specs.iter().filter(|spec| !self.0.contains_key(&spec.name)) {
            let mut path = vec![spec];
            while let Some(top) = path.last().copied() {
                let below = top.depends_on.iter().filter_map(|on| by_name.get(&*on.name));
                match below.copied().find(|other| seen.insert(other.name.clone())) {
                    Some(other) => path.push(other),
                    None => {
                        self.of(top);
                        path.pop();
                    }
                }
            }
        }
    }

    /// Returns the rank of a process; for one without a rank, enters and returns that which a former host has given to it.
    pub(super) fn get_or(&self, name: &Arc<str>, former: u32) -> u32 {
        *self.0.entry(name.clone()).or_insert(former)
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
        assert_eq!(ranks.get_or(&Arc::from("base"), 3), 3);
        assert_eq!(ranks.of(&spec("alone", &[])), 0);
        assert_eq!(ranks.of(&spec("db", &["base"])), 4);
        assert_eq!(ranks.of(&spec("web", &["alone", "db", "unknown"])), 5);
        assert_eq!(ranks.of(&spec("web", &["alone"])), 1, "its config has changed");
    }

    #[test]
    fn the_ranks_of_a_whole_config_do_not_depend_on_its_order() {
        let specs = [
            spec("web", &["api", "db"]),
            spec("api", &["db"]),
            spec("x", &["y"]),
            spec("y", &["x"]),
            spec("db", &[]),
        ];
        for rotation in 0..specs.len() {
            let mut specs = specs.to_vec();
            specs.rotate_left(rotation);
            let ranks = Ranks::default();
            ranks.settle(&specs);
            let rank = |name: &str| ranks.get_or(&Arc::from(name), 99);
            assert_eq!((rank("db"), rank("api"), rank("web"), rank("other")), (0, 1, 2, 99));
        }
    }
}
