//! Where the picture has its boxes and curves: layers from left to right, each process to the right of everything that it waits
//! for, and in each layer an order with few crossings. The same graph always gets the same picture.

use provost_api::Condition;

use super::model::Graph;
use crate::pictures::svg::number;

/// The number of times that the order within the layers is improved.
const SWEEPS: usize = 6;

/// The largest number of bends of long curves. A graph that would have more gets curves without bends.
const BENDS_MAX: usize = 20_000;

/// Something in a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// The process at this place in the graph.
    Process(usize),
    /// A curve on its way through the layer.
    Bend,
}

/// A dependency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    /// The place of the process that is waited for.
    pub(super) from: usize,
    /// The place of the process that waits.
    pub(super) to: usize,
    pub(super) condition: Condition,
    /// The items that it leads through, from the first process to the last.
    pub(super) way: Vec<usize>,
}

/// The layers of a graph.
#[derive(Debug)]
pub(super) struct Layers {
    /// All items; the first ones are the processes, in their order in the graph.
    pub(super) items: Vec<Item>,
    /// The items of each layer, from the top to the bottom.
    pub(super) layers: Vec<Vec<usize>>,
    pub(super) edges: Vec<Edge>,
}

impl Layers {
    pub(super) fn of(graph: &Graph) -> Self {
        let depth = depths(graph);
        let mut items: Vec<Item> = (0..depth.len()).map(Item::Process).collect();
        let count = depth.iter().max().map_or(0, |deepest| deepest + 1);
        let mut layers = vec![Vec::new(); count];
        for (at, depth) in depth.iter().enumerate() {
            layers[*depth].push(at);
        }
        let between = |from: usize, to: usize| depth[to].saturating_sub(depth[from] + 1);
        let all = || (0..depth.len()).flat_map(|to| graph.needs(to).iter().map(move |need| (to, need)));
        let bends: usize = all().map(|(to, (from, _))| between(*from, to)).sum();
        let mut edges = Vec::new();
        for (to, (from, condition)) in all() {
            let mut way = vec![*from];
            if bends <= BENDS_MAX {
                for layer in layers.iter_mut().skip(depth[*from] + 1).take(between(*from, to)) {
                    layer.push(items.len());
                    way.push(items.len());
                    items.push(Item::Bend);
                }
            }
            way.push(to);
            edges.push(Edge { from: *from, to, condition: condition.clone(), way });
        }
        let mut all = Self { items, layers, edges };
        all.untangle();
        all
    }

    /// Moves each item to the mean place of its neighbours in the layer before it, and then of those in the layer after it,
    /// several times.
    fn untangle(&mut self) {
        let mut before = vec![Vec::new(); self.items.len()];
        let mut after = vec![Vec::new(); self.items.len()];
        for edge in &self.edges {
            for pair in edge.way.windows(2) {
                if let [left, right] = *pair {
                    after[left].push(right);
                    before[right].push(left);
                }
            }
        }
        let mut places = vec![0.0; self.items.len()];
        self.layers.iter().for_each(|layer| settle(layer, &mut places));
        for sweep in 0..SWEEPS {
            let forward = sweep % 2 == 0;
            let neighbours = if forward { &before } else { &after };
            for step in 0..self.layers.len() {
                let at = if forward { step } else { self.layers.len() - 1 - step };
                sort(&mut self.layers[at], neighbours, &places);
                settle(&self.layers[at], &mut places);
            }
        }
    }
}

/// Enters the places of the items of a layer, from 0 to 1.
fn settle(layer: &[usize], places: &mut [f64]) {
    let size = number(layer.len().max(1));
    for (at, item) in layer.iter().enumerate() {
        places[*item] = (number(at) + 0.5) / size;
    }
}

/// Sorts a layer by the mean places of the neighbours of its items.
fn sort(layer: &mut Vec<usize>, neighbours: &[Vec<usize>], places: &[f64]) {
    let mean = |item: usize| match neighbours[item].as_slice() {
        [] => places[item],
        all => all.iter().map(|other| places[*other]).sum::<f64>() / number(all.len()),
    };
    let mut order: Vec<(f64, usize)> = layer.iter().map(|item| (mean(*item), *item)).collect();
    // Stable, so that equals keep their order.
    order.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    *layer = order.into_iter().map(|(_, item)| item).collect();
}

/// Returns the layer of each process: 0 without dependencies, else one more than the largest of its dependencies. Processes that
/// wait for each other, which the config refuses, are in layer 0.
fn depths(graph: &Graph) -> Vec<usize> {
    let count = graph.nodes().len();
    let mut depth = vec![0; count];
    let mut waits: Vec<usize> = (0..count).map(|at| graph.needs(at).len()).collect();
    let mut dependents = vec![Vec::new(); count];
    for at in 0..count {
        for (need, _) in graph.needs(at) {
            dependents[*need].push(at);
        }
    }
    let mut free: Vec<usize> = (0..count).filter(|at| waits[*at] == 0).collect();
    while let Some(at) = free.pop() {
        for dependent in &dependents[at] {
            depth[*dependent] = depth[*dependent].max(depth[at] + 1);
            waits[*dependent] -= 1;
            if waits[*dependent] == 0 {
                free.push(*dependent);
            }
        }
    }
    for (depth, waits) in depth.iter_mut().zip(&waits) {
        if *waits > 0 {
            *depth = 0;
        }
    }
    depth
}

#[cfg(test)]
mod tests {
    use super::super::model::tests::{node, shop};
    use super::*;

    #[test]
    fn every_process_is_to_the_right_of_what_it_waits_for() {
        let layers = Layers::of(&shop());
        let layer_of = |item: usize| layers.layers.iter().position(|layer| layer.contains(&item)).unwrap();
        for edge in &layers.edges {
            let way: Vec<usize> = edge.way.iter().map(|item| layer_of(*item)).collect();
            assert!(way.windows(2).all(|pair| pair[1] == pair[0] + 1), "{edge:?}: {way:?}");
        }
        assert_eq!(layers.layers.len(), 5);
        let bends = layers.items.iter().filter(|item| **item == Item::Bend).count();
        assert_eq!(bends, 2, "web.1 and web.2 wait for db, which is two layers before them");
    }

    #[test]
    fn curves_that_need_not_cross_do_not_cross() {
        let ready = |name| [(name, Condition::Ready)];
        let graph = Graph::of(vec![
            node("a", "", None, &[]),
            node("b", "", None, &[]),
            node("c", "", None, &[]),
            node("of-c", "", None, &ready("c")),
            node("of-b", "", None, &ready("b")),
            node("of-a", "", None, &ready("a")),
        ]);
        let layers = Layers::of(&graph);
        assert_eq!(layers.layers, [vec![0, 1, 2], vec![5, 4, 3]]);
    }

    #[test]
    fn processes_that_wait_for_each_other_end_the_layout_too() {
        let graph = Graph::of(vec![
            node("a", "", None, &[("b", Condition::Ready)]),
            node("b", "", None, &[("a", Condition::Ready)]),
            node("c", "", None, &[("a", Condition::Ready)]),
        ]);
        let mut layers = Layers::of(&graph).layers;
        layers.iter_mut().for_each(|layer| layer.sort_unstable());
        assert_eq!(layers, [vec![0, 1, 2]]);
    }
}
