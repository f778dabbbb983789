//! The processes by place, in the order of the config, and by name.

use std::collections::HashMap;

use provost_api::{Phase, Process};

/// The processes by place, in the order of the config, and by name.
#[derive(Debug, Default)]
pub(crate) struct Processes {
    all: Vec<Process>,
    places: HashMap<String, usize>,
}

impl Processes {
    /// Replaces all processes.
    pub(crate) fn replace(&mut self, processes: Vec<Process>) {
        self.all = processes;
        self.index();
    }

    /// Puts in the processes that have changed, and takes out those that were removed. A new process is the last one.
    pub(crate) fn change(&mut self, removed: &[String], changed: Vec<Process>) {
        if !removed.is_empty() {
            self.all.retain(|process| !removed.contains(&process.name));
            self.index();
        }
        for process in changed {
            match self.places.get(&process.name) {
                Some(place) => self.all[*place] = process,
                None => {
                    self.places.insert(process.name.clone(), self.all.len());
                    self.all.push(process);
                }
            }
        }
    }

    /// Puts the processes into this order; those that are not in it come last.
    pub(crate) fn arrange(&mut self, order: &[String]) {
        let places: HashMap<&str, usize> = order.iter().map(String::as_str).zip(0..).collect();
        self.all.sort_by_key(|process| places.get(&*process.name).copied().unwrap_or(usize::MAX));
        self.index();
    }

    fn index(&mut self) {
        self.places = self.all.iter().map(|process| process.name.clone()).zip(0..).collect();
    }

    /// Returns all processes in their order.
    pub(crate) fn all(&self) -> &[Process] {
        &self.all
    }

    /// Returns the process of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&Process> {
        self.places.get(name).map(|place| &self.all[*place])
    }

    /// Counts the processes of each phase, in the order of the phases.
    pub(crate) fn counts(&self) -> Vec<(Phase, usize)> {
        let mut counts: Vec<(Phase, usize)> = Vec::new();
        for phase in Phase::ALL {
            let count = self.all.iter().filter(|process| process.phase == *phase).count();
            if count > 0 {
                counts.push((phase.clone(), count));
            }
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(name: &str, phase: Phase) -> Process {
        Process { name: name.into(), phase, ..Process::default() }
    }

    fn names(processes: &Processes) -> Vec<&str> {
        processes.all().iter().map(|process| &*process.name).collect()
    }

    #[test]
    fn a_change_replaces_in_place_adds_at_the_end_and_removes() {
        let mut processes = Processes::default();
        processes.replace(["a", "b", "c"].map(|name| process(name, Phase::Running)).to_vec());
        processes
            .change(&["a".to_owned()], vec![process("d", Phase::Waiting), process("b", Phase::Backoff)]);
        assert_eq!(names(&processes), ["b", "c", "d"]);
        assert_eq!(processes.get("b").unwrap().phase, Phase::Backoff);
        assert!(processes.get("a").is_none());
        assert_eq!(
            processes.counts(),
            [(Phase::Waiting, 1), (Phase::Running, 1), (Phase::Backoff, 1)],
            "in the order of the phases"
        );
    }

    #[test]
    fn a_process_that_was_removed_and_added_again_is_the_new_one() {
        let mut processes = Processes::default();
        processes.replace(vec![process("a", Phase::Running), process("b", Phase::Running)]);
        processes.change(&["a".to_owned()], vec![process("a", Phase::Waiting)]);
        assert_eq!(names(&processes), ["b", "a"]);
        processes.arrange(&["a".to_owned(), "b".to_owned()]);
        assert_eq!(names(&processes), ["a", "b"]);
        assert_eq!(processes.get("b").unwrap().phase, Phase::Running);
    }
}
