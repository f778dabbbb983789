//! The persistent table behind a snapshot: states by slot, in a tree of 32-way nodes.
//!
//! A table is changed by rolling it forward: a clone, which shares everything, receives a batch of states. The first
//! state that changes a node copies the node (32 pointers); the others of the batch find it unshared and change it in
//! place. So a batch costs about as much for a hundred thousand processes as for a thousand, and a snapshot that is held
//! forever costs only the nodes that have changed since. A flat two-level table of 64 was measured first; it degrades at
//! 100,000 because its whole root is copied.
//!
//! Each node stores the newest generation below it, so that the states that changed after a generation are found
//! without reading the others; and the number of states below it, because slots without a process leave holes.

use std::sync::Arc;

use crate::process::{Generation, ProcessState};

const BITS: u32 = 5;
const WIDTH: usize = 1 << BITS;
const MASK: usize = WIDTH - 1;

type Place = Option<Arc<ProcessState>>;

#[derive(Clone, Debug, Default)]
struct Node {
    /// The newest generation below, or a newer one if its state was removed.
    newest: Generation,
    /// The number of states below.
    count: usize,
    below: Below,
}

#[derive(Clone, Debug, Default)]
enum Below {
    #[default]
    Nothing,
    States(Arc<[Place; WIDTH]>),
    Nodes(Arc<[Node; WIDTH]>),
}

impl Node {
    fn branch(nodes: [Self; WIDTH]) -> Self {
        let newest = nodes.iter().map(|node| node.newest).max().unwrap_or_default();
        let count = nodes.iter().map(|node| node.count).sum();
        Self { newest, count, below: Below::Nodes(Arc::new(nodes)) }
    }

    /// Puts `state` at `slot` below this node, which is `level` levels above the leaves; returns what was there.
    fn put(&mut self, level: u32, slot: usize, state: Place) -> Place {
        let at = (slot >> (level * BITS)) & MASK;
        self.newest = state.as_ref().map_or(self.newest, |state| self.newest.max(state.generation));
        let is_some = state.is_some();
        if matches!(self.below, Below::Nothing) {
            self.below = match level {
                0 => Below::States(Arc::default()),
                _ => Below::Nodes(Arc::default()),
            };
        }
        let before = match &mut self.below {
            Below::States(states) => {
                Arc::make_mut(states).get_mut(at).and_then(|place| std::mem::replace(place, state))
            }
            Below::Nodes(nodes) => Arc::make_mut(nodes)
                .get_mut(at)
                .and_then(|node| node.put(level.saturating_sub(1), slot, state)),
            Below::Nothing => None,
        };
        self.count = self.count + usize::from(is_some) - usize::from(before.is_some());
        before
    }
}

/// A persistent vector of states with holes. Cloning it is cheap.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    root: Node,
    /// The number of levels of branches above the leaves.
    height: u32,
}

impl Table {
    /// Returns the number of states.
    pub(crate) fn len(&self) -> usize {
        self.root.count
    }

    /// Returns the number of slots that a tree of this height has.
    fn slots(&self) -> usize {
        WIDTH << (self.height * BITS)
    }

    pub(crate) fn get(&self, slot: usize) -> Option<&Arc<ProcessState>> {
        self.leaf(slot)?.get(slot & MASK)?.as_ref()
    }

    /// Returns the leaf that holds `slot`, if there is one.
    fn leaf(&self, slot: usize) -> Option<&[Place; WIDTH]> {
        if slot >= self.slots() {
            return None;
        }
        let mut node = &self.root;
        let mut level = self.height;
        loop {
            match &node.below {
                Below::Nothing => return None,
                Below::States(leaf) => return Some(leaf),
                Below::Nodes(nodes) => {
                    node = nodes.get((slot >> (level * BITS)) & MASK)?;
                    level = level.saturating_sub(1);
                }
            }
        }
    }

    /// Puts a state at a slot, or removes the one that is there. Nodes that other tables share are copied first.
    pub(crate) fn put(&mut self, slot: usize, state: Option<Arc<ProcessState>>) {
        while slot >= self.slots() {
            let mut nodes: [Node; WIDTH] = Default::default();
            nodes[0] = std::mem::take(&mut self.root);
            self.root = Node::branch(nodes);
            self.height += 1;
        }
        self.root.put(self.height, slot, state);
    }

    /// Returns all states in slot order.
    pub(crate) fn iter(&self) -> Walk<'_> {
        Walk::new(&self.root, 0, None)
    }

    /// Returns the states in slot order, from the one at position `offset` on. Nodes before it are skipped.
    pub(crate) fn skipping(&self, offset: usize) -> Walk<'_> {
        Walk::new(&self.root, offset, None)
    }

    /// Returns the states that were committed after `generation`, in slot order. Nodes without such a state are
    /// skipped.
    pub(crate) fn changed_since(&self, generation: Generation) -> Walk<'_> {
        Walk::new(&self.root, 0, Some(generation))
    }
}

/// The most levels of branches that a table can have: slots have 32 bits.
const LEVELS: usize = u32::BITS.div_ceil(BITS) as usize;

/// Walks over states in slot order, without recursion and without allocations.
pub(crate) struct Walk<'a> {
    /// The nodes still to be visited on each level.
    path: [std::slice::Iter<'a, Node>; LEVELS],
    depth: usize,
    leaf: std::slice::Iter<'a, Place>,
    /// The number of states to skip before the first that is returned.
    skip: usize,
    /// The generation after which a state must have been committed.
    after: Option<Generation>,
}

impl<'a> Walk<'a> {
    fn new(root: &'a Node, skip: usize, after: Option<Generation>) -> Self {
        let mut walk =
            Self { path: std::array::from_fn(|_| [].iter()), depth: 0, leaf: [].iter(), skip, after };
        walk.enter(root);
        walk
    }

    fn enter(&mut self, node: &'a Node) {
        if self.after.is_some_and(|after| node.newest <= after) {
            return;
        }
        if self.skip >= node.count {
            self.skip -= node.count;
            return;
        }
        match &node.below {
            Below::Nothing => {}
            Below::States(leaf) => {
                self.leaf = leaf.iter();
                while self.skip > 0
                    && let Some(place) = self.leaf.next()
                {
                    self.skip -= usize::from(place.is_some());
                }
            }
            Below::Nodes(nodes) => {
                if let Some(level) = self.path.get_mut(self.depth) {
                    *level = nodes.iter();
                    self.depth += 1;
                }
            }
        }
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = &'a Arc<ProcessState>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            for state in self.leaf.by_ref().flatten() {
                if self.after.is_none_or(|after| state.generation > after) {
                    return Some(state);
                }
            }
            match self.path.get_mut(self.depth.checked_sub(1)?).and_then(Iterator::next) {
                Some(node) => self.enter(node),
                None => self.depth -= 1,
            }
        }
    }
}

impl FromIterator<Arc<ProcessState>> for Table {
    fn from_iter<I: IntoIterator<Item = Arc<ProcessState>>>(states: I) -> Self {
        let mut table = Self::default();
        for state in states {
            table.put(state.id.index(), Some(state));
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{Epoch, Identity, Moment, ProcessId};

    fn state(slot: usize, generation: u64, name: &str) -> Arc<ProcessState> {
        let id = ProcessId::new(u32::try_from(slot).unwrap(), Epoch::of(Generation(1)));
        let new = ProcessState::new(id, Arc::new(Identity::new(name, "")), Moment::default());
        Arc::new(ProcessState { generation: Generation(generation), ..new })
    }

    fn with(table: &Table, slot: usize, state: Option<Arc<ProcessState>>) -> Table {
        let mut next = table.clone();
        next.put(slot, state);
        next
    }

    fn slots<'a>(states: impl Iterator<Item = &'a Arc<ProcessState>>) -> Vec<usize> {
        states.map(|state| state.id.index()).collect()
    }

    #[test]
    fn a_table_of_any_size_returns_the_states_that_were_put_in() {
        let mut table = Table::default();
        for slot in 0..(WIDTH * WIDTH + 5) {
            table = with(&table, slot, Some(state(slot, 1, "a")));
            assert_eq!(table.len(), slot + 1);
            assert!(table.get(slot + 1).is_none());
        }
        assert_eq!(slots(table.iter()), (0..table.len()).collect::<Vec<_>>());
        for offset in [0, 1, 31, 32, 33, 1000, table.len() - 1, table.len(), table.len() + 9] {
            assert_eq!(slots(table.skipping(offset)), (offset..table.len()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_table_with_holes_equals_a_map_with_the_same_history() {
        use std::collections::BTreeMap;
        let mut random = 0x2545_f491_4f6c_dd1d_u64;
        let mut next = move |below: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random % below
        };
        let (mut table, mut model) = (Table::default(), BTreeMap::new());
        let mut kept = Vec::new();
        for generation in 1..6_000 {
            let slot = next(2_500) as usize;
            if next(3) == 0 {
                table.put(slot, None);
                model.remove(&slot);
            } else {
                table.put(slot, Some(state(slot, generation, "a")));
                model.insert(slot, generation);
            }
            if next(200) == 0 {
                kept.push((table.clone(), model.clone()));
            }
        }
        kept.push((table, model));
        for (table, model) in &kept {
            assert_eq!(table.len(), model.len());
            let all: Vec<usize> = model.keys().copied().collect();
            assert_eq!(slots(table.iter()), all);
            for offset in [0, 1, 7, 31, 32, 100, all.len() / 2, all.len(), all.len() + 1] {
                assert_eq!(slots(table.skipping(offset)), all.get(offset..).unwrap_or_default());
            }
            for since in [0, 1, 100, 3_000, 5_990, 9_999] {
                let newer = model.iter().filter(|(_, generation)| **generation > since);
                let found = slots(table.changed_since(Generation(since)));
                assert_eq!(found, newer.map(|(slot, _)| *slot).collect::<Vec<_>>(), "since {since}");
            }
            for slot in 0..2_600 {
                let found = table.get(slot).map(|state| state.generation.0);
                assert_eq!(found, model.get(&slot).copied());
            }
        }
    }

    #[test]
    fn an_older_table_keeps_what_it_held_and_shares_what_did_not_change() {
        let old: Table = (0..100).map(|slot| state(slot, 1, "old")).collect();
        let new = with(&old, 42, Some(state(42, 2, "new")));
        let without = with(&new, 42, None);
        assert_eq!(&**old.get(42).unwrap().name(), "old");
        assert_eq!(&**new.get(42).unwrap().name(), "new");
        assert_eq!((without.get(42), without.len(), new.len()), (None, 99, 100));
        assert!(Arc::ptr_eq(old.get(41).unwrap(), new.get(41).unwrap()), "neighbours are shared");
        let leaf = |table: &Table, slot| table.leaf(slot).map(|leaf| leaf.as_ptr());
        assert_eq!(leaf(&old, 70), leaf(&new, 70), "other leaves are shared");
        assert_ne!(leaf(&old, 42), leaf(&new, 42));
    }
}
