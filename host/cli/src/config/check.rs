//! What the sections mean together: every name that is referred to exists, and nothing waits for itself.

use std::collections::HashMap;

use super::file::{ConfigFile, ProcessSection};
use super::report::{Collector, choices};

/// Adds a problem for everything that does not fit together.
pub(super) fn check(file: &ConfigFile, problems: &Collector) {
    names(file, problems);
    replicas(&file.processes, problems);
    cycles(&file.processes, problems);
}

fn names(file: &ConfigFile, problems: &Collector) {
    let plugins = || file.plugins.iter().map(|plugin| plugin.name.get_ref().as_str());
    let processes = || file.processes.iter().map(|process| process.name.get_ref().as_str());
    for process in &file.processes {
        for policy in &process.policies {
            let word = policy.get_ref();
            if !plugins().any(|name| name == word) {
                let what =
                    format!("there is no plugin `{word}`, which is to judge `{}`", process.name.get_ref());
                problems.add(
                    policy.span(),
                    what,
                    choices(word, "plugins of this file", plugins().collect::<Vec<_>>()),
                );
            }
        }
        for (name, _) in &process.depends_on {
            let word = name.get_ref();
            if !processes().any(|known| known == word) {
                let what = format!("`{}` depends on `{word}`, which does not exist", process.name.get_ref());
                let others = processes().filter(|other| other != process.name.get_ref()).collect::<Vec<_>>();
                problems.add(name.span(), what, choices(word, "other processes of this file", others));
            }
        }
    }
}

/// No process is called what a replica of another one is called.
fn replicas(processes: &[ProcessSection], problems: &Collector) {
    let most: HashMap<&str, u32> =
        processes.iter().filter_map(|one| Some((one.name.get_ref().as_str(), one.replicas?.most))).collect();
    for process in processes {
        let name = process.name.get_ref();
        let Some((base, number)) = name.rsplit_once('.') else { continue };
        let number = number.parse::<u32>().ok().filter(|number| *number > 0);
        if let (Some(most), Some(number)) = (most.get(base), number)
            && number <= *most
        {
            let what = format!("`{name}` is what replica {number} of `{base}` is called");
            problems.add(process.name.span(), what, "give this process another name");
        }
    }
}

/// How far the search has come with a process.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Unseen,
    OnPath,
    Done,
}

struct Search<'f> {
    processes: &'f [ProcessSection],
    slots: HashMap<&'f str, usize>,
    marks: Vec<Mark>,
    path: Vec<usize>,
    problems: &'f Collector,
}

fn cycles(processes: &[ProcessSection], problems: &Collector) {
    let slots = processes.iter().enumerate().map(|(slot, one)| (one.name.get_ref().as_str(), slot)).collect();
    let mut search =
        Search { processes, slots, marks: vec![Mark::Unseen; processes.len()], path: Vec::new(), problems };
    for slot in 0..processes.len() {
        search.visit(slot);
    }
}

impl Search<'_> {
    /// Depth first: an edge back onto the path closes a cycle. Its depth is the length of the longest chain
    /// of dependencies, so the walk keeps its own stack.
    fn visit(&mut self, start: usize) {
        if self.marks[start] != Mark::Unseen {
            return;
        }
        let mut edges = vec![0];
        self.enter(start);
        while let (Some(&slot), Some(edge)) = (self.path.last(), edges.last_mut()) {
            let Some((name, _)) = self.processes[slot].depends_on.get(*edge) else {
                self.marks[slot] = Mark::Done;
                self.path.pop();
                edges.pop();
                continue;
            };
            *edge += 1;
            let Some(&next) = self.slots.get(name.get_ref().as_str()) else { continue };
            match self.marks[next] {
                Mark::Unseen => {
                    self.enter(next);
                    edges.push(0);
                }
                Mark::OnPath => self.report(next, name.span()),
                Mark::Done => {}
            }
        }
    }

    fn enter(&mut self, slot: usize) {
        self.marks[slot] = Mark::OnPath;
        self.path.push(slot);
    }

    fn report(&self, first: usize, span: std::ops::Range<usize>) {
        let round = self.path.iter().skip_while(|slot| **slot != first).chain(std::iter::once(&first));
        let names: Vec<&str> = round.map(|slot| self.processes[*slot].name.get_ref().as_str()).collect();
        let what = format!("these processes wait for each other: {}", names.join(" → "));
        self.problems.add(span, what, "remove one of these dependencies, or none of them could ever start");
    }
}
