//! Finds processes that wait for each other. Each set of them, direct or indirect, is one problem, which shows the shortest
//! cycle of the set. The work is linear in the number of dependencies.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;

use super::report::Collector;
use super::sections::ProcessSection;

/// The largest number of names of a cycle that are shown.
const NAMES_SHOWN: usize = 10;

/// How many edges are followed in search of a shorter cycle, in addition to one search through all of them.
const EXTRA_STEPS: usize = 100_000;

/// The dependencies of the processes, which are identified by their index in the file.
struct Graph {
    edges: Vec<Vec<usize>>,
}

/// Adds a problem for each set of processes that wait for each other.
pub(super) fn check(processes: &[ProcessSection], problems: &Collector) {
    let names: Vec<&str> = processes.iter().map(|one| one.name.get_ref().as_str()).collect();
    let slots: HashMap<&str, usize> = names.iter().enumerate().map(|(slot, name)| (*name, slot)).collect();
    let edges_of = |process: &ProcessSection| {
        process
            .depends_on
            .iter()
            .filter_map(|(name, _)| slots.get(name.get_ref().as_str()).copied())
            .collect()
    };
    let graph = Graph { edges: processes.iter().map(edges_of).collect() };
    for knot in graph.knots() {
        let cycle = graph.short_cycle(&knot);
        let (Some(first), Some(last)) = (cycle.first(), cycle.last()) else { continue };
        let hint = "remove one of these dependencies, or none of them could ever start";
        problems.add(
            closing_span(&processes[*last], names[*first]),
            describe(&cycle, knot.len(), &names),
            hint,
        );
    }
}

/// Returns where `process` says that it depends on `name`.
fn closing_span(process: &ProcessSection, name: &str) -> Range<usize> {
    let dependency = process.depends_on.iter().find(|(other, _)| other.get_ref() == name);
    dependency.map_or_else(|| process.name.span(), |(other, _)| other.span())
}

fn describe(cycle: &[usize], all: usize, names: &[&str]) -> String {
    let mut shown: Vec<&str> = cycle.iter().map(|slot| names[*slot]).collect();
    let count = shown.len();
    if count > NAMES_SHOWN {
        shown.splice(NAMES_SHOWN - 1..count - 1, ["…"]);
    }
    shown.extend(cycle.first().map(|slot| names[*slot]));
    let length = if count > NAMES_SHOWN { format!(" ({count} processes)") } else { String::new() };
    let others = match all - count {
        0 => String::new(),
        1 => "; 1 other is in a cycle with them".to_owned(),
        others => format!("; {others} others are in cycles with them"),
    };
    format!("these processes wait for each other: {}{length}{others}", shown.join(" → "))
}

impl Graph {
    /// Returns the sets of processes that wait for each other (strongly connected components with a cycle), each in the
    /// order of the file. Uses Tarjan's algorithm with an explicit stack, because a chain may be as long as the file.
    fn knots(&self) -> Vec<Vec<usize>> {
        let mut search = Tarjan::new(self.edges.len());
        for start in 0..self.edges.len() {
            if search.order[start] == 0 {
                search.visit(self, start);
            }
        }
        let mut knots = search.knots;
        knots.retain(|knot| knot.len() > 1 || knot.iter().any(|one| self.edges[*one].contains(one)));
        knots.iter_mut().for_each(|knot| knot.sort_unstable());
        knots
    }

    /// Returns the shortest cycle of a knot that a bounded number of steps finds. It is never empty, because the first search
    /// always completes. Its last process depends on its first.
    fn short_cycle(&self, knot: &[usize]) -> Vec<usize> {
        if let Some(own) = knot.iter().find(|one| self.edges[**one].contains(one)) {
            return vec![*own];
        }
        let all: usize = knot.iter().map(|one| 1 + self.edges[*one].len()).sum();
        let mut steps = all + EXTRA_STEPS;
        let mut inside: HashMap<usize, usize> = knot.iter().map(|one| (*one, usize::MAX)).collect();
        let mut shortest: Vec<usize> = Vec::new();
        for start in knot {
            if shortest.len() == 2 || steps == 0 {
                break;
            }
            let found = self.cycle_through(*start, &mut inside, &mut steps);
            if !found.is_empty() && (shortest.is_empty() || found.len() < shortest.len()) {
                shortest = found;
            }
        }
        shortest
    }

    /// Returns the shortest cycle through `start` by a breadth-first search within `inside`, whose values hold the
    /// predecessor of each process. Every process and every edge visited is a step. Empty if there is no cycle.
    fn cycle_through(
        &self,
        start: usize,
        inside: &mut HashMap<usize, usize>,
        steps: &mut usize,
    ) -> Vec<usize> {
        inside.values_mut().for_each(|from| *from = usize::MAX);
        *steps = steps.saturating_sub(inside.len());
        let mut queue = VecDeque::from([start]);
        while let Some(at) = queue.pop_front() {
            for next in &self.edges[at] {
                *steps = steps.saturating_sub(1);
                if *next == start {
                    return way_back(at, start, inside);
                }
                if let Some(from) = inside.get_mut(next).filter(|from| **from == usize::MAX) {
                    *from = at;
                    queue.push_back(*next);
                }
            }
        }
        Vec::new()
    }
}

/// Returns the path from `start` to `end`.
fn way_back(end: usize, start: usize, from: &HashMap<usize, usize>) -> Vec<usize> {
    let before = |at: &usize| (*at != start).then(|| from.get(at).copied()).flatten();
    let mut way: Vec<usize> = std::iter::successors(Some(end), before).collect();
    way.reverse();
    way
}

/// The state of Tarjan's search.
struct Tarjan {
    /// The order in which each process was reached, from 1; 0 if it has not been reached.
    order: Vec<usize>,
    /// The earliest unsettled process that each can reach, by its order.
    low: Vec<usize>,
    /// The processes that are reached and not settled.
    open: Vec<usize>,
    is_open: Vec<bool>,
    reached: usize,
    knots: Vec<Vec<usize>>,
}

impl Tarjan {
    fn new(processes: usize) -> Self {
        let zeros = vec![0; processes];
        Self {
            order: zeros.clone(),
            low: zeros,
            open: Vec::new(),
            is_open: vec![false; processes],
            reached: 0,
            knots: Vec::new(),
        }
    }

    fn enter(&mut self, slot: usize) {
        self.reached += 1;
        self.order[slot] = self.reached;
        self.low[slot] = self.reached;
        self.open.push(slot);
        self.is_open[slot] = true;
    }

    fn visit(&mut self, graph: &Graph, start: usize) {
        self.enter(start);
        // The path to the current process; each entry has the number of its edges that have been followed.
        let mut path = vec![(start, 0)];
        while let Some((slot, edge)) = path.last_mut() {
            let slot = *slot;
            let Some(next) = graph.edges[slot].get(*edge).copied() else {
                path.pop();
                if let Some((before, _)) = path.last() {
                    self.low[*before] = self.low[*before].min(self.low[slot]);
                }
                self.settle(slot);
                continue;
            };
            *edge += 1;
            if self.order[next] == 0 {
                self.enter(next);
                path.push((next, 0));
            } else if self.is_open[next] {
                self.low[slot] = self.low[slot].min(self.order[next]);
            }
        }
    }

    /// Closes the knot of `slot` if `slot` reaches no earlier process: it and all processes opened since form the knot.
    fn settle(&mut self, slot: usize) {
        if self.low[slot] == self.order[slot]
            && let Some(at) = self.open.iter().rposition(|open| *open == slot)
        {
            let knot = self.open.split_off(at);
            for one in &knot {
                self.is_open[*one] = false;
            }
            self.knots.push(knot);
        }
    }
}
