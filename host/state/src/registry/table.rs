//! The persistent table behind a snapshot: states by slot, in a tree of 32-way nodes.
//!
//! Replacing one state copies one node per level (at most 32 pointers each) and shares all others, so a
//! commit costs about the same for ten processes and for a hundred thousand, and a snapshot that is held
//! forever costs only the nodes that have changed since. A flat two-level table of 64 was measured
//! first; it degrades at 100,000 because its whole root is copied.
//!
//! Each node stores the newest generation below it, so that the states that changed after a generation are found
//! without reading the others.

use std::sync::Arc;

use crate::process::{Generation, ProcessState};

const BITS: u32 = 5;
const WIDTH: usize = 1 << BITS;
const MASK: usize = WIDTH - 1;

type Leaf = Arc<[Arc<ProcessState>]>;

#[derive(Clone, Debug)]
struct Node {
    /// The newest generation of the states below.
    newest: Generation,
    below: Below,
}

#[derive(Clone, Debug)]
enum Below {
    States(Leaf),
    Nodes(Arc<[Node]>),
}

impl Node {
    fn leaf(states: Leaf) -> Self {
        let newest = states.iter().map(|state| state.generation).max().unwrap_or_default();
        Self { newest, below: Below::States(states) }
    }

    fn branch(nodes: Arc<[Self]>) -> Self {
        let newest = nodes.iter().map(|node| node.newest).max().unwrap_or_default();
        Self { newest, below: Below::Nodes(nodes) }
    }

    /// Creates a path of single-child nodes down to a leaf that holds `state`.
    fn path_to(level: u32, state: Arc<ProcessState>) -> Self {
        match level {
            0 => Self::leaf(Arc::from([state])),
            _ => Self::branch(Arc::from([Self::path_to(level - 1, state)])),
        }
    }

    /// Returns a copy of this node, which is `level` levels above the leaves, with `state` at `slot`.
    fn with(&self, level: u32, slot: usize, state: Arc<ProcessState>) -> Self {
        let at = (slot >> (level * BITS)) & MASK;
        let newest = self.newest.max(state.generation);
        let below = match &self.below {
            Below::States(states) => Below::States(spliced(states, at, state)),
            Below::Nodes(nodes) => {
                let node = match nodes.get(at) {
                    Some(node) => node.with(level - 1, slot, state),
                    None => Self::path_to(level - 1, state),
                };
                Below::Nodes(spliced(nodes, at, node))
            }
        };
        Self { newest, below }
    }
}

/// A persistent vector of states. Cloning it is cheap.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    root: Node,
    /// The number of levels of branches above the leaves.
    height: u32,
    len: usize,
}

impl Default for Table {
    fn default() -> Self {
        Self { root: Node::leaf(Arc::default()), height: 0, len: 0 }
    }
}

impl Table {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn get(&self, slot: usize) -> Option<&Arc<ProcessState>> {
        let leaf = self.leaf(slot)?;
        leaf.get(slot & MASK)
    }

    /// Returns the leaf that holds `slot`, if it lies within the table.
    fn leaf(&self, slot: usize) -> Option<&Leaf> {
        if slot >= self.len {
            return None;
        }
        let mut node = &self.root;
        let mut level = self.height;
        loop {
            match &node.below {
                Below::States(leaf) => return Some(leaf),
                Below::Nodes(nodes) => {
                    node = nodes.get((slot >> (level * BITS)) & MASK)?;
                    level -= 1;
                }
            }
        }
    }

    /// Returns a table with `state` at `slot`, which may be the first free one.
    pub(crate) fn with(&self, slot: usize, state: Arc<ProcessState>) -> Self {
        debug_assert!(slot <= self.len, "slots are handed out in order");
        let mut next = self.clone();
        if slot == WIDTH << (self.height * BITS) {
            next.root = Node::branch(Arc::from([next.root]));
            next.height += 1;
        }
        next.root = next.root.with(next.height, slot, state);
        next.len = next.len.max(slot + 1);
        next
    }

    /// Returns all states in slot order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<ProcessState>> {
        (0..self.len).step_by(WIDTH).filter_map(|slot| self.leaf(slot)).flat_map(|leaf| leaf.iter())
    }

    /// Returns at most `limit` states from slot `offset` on, one slice for each leaf.
    pub(crate) fn runs(&self, offset: usize, limit: usize) -> impl Iterator<Item = &[Arc<ProcessState>]> {
        let end = offset.saturating_add(limit).min(self.len);
        ((offset & !MASK)..end).step_by(WIDTH).filter_map(move |first| {
            let leaf = self.leaf(first)?;
            leaf.get(offset.saturating_sub(first)..leaf.len().min(end - first))
        })
    }

    /// Returns the states that were committed after `generation`, in slot order. Nodes without such a state are
    /// skipped.
    pub(crate) fn changed_since(&self, generation: Generation) -> ChangedSince<'_> {
        ChangedSince { generation, path: vec![std::slice::from_ref(&self.root).iter()], leaf: [].iter() }
    }
}

/// The iterator of [`Table::changed_since`], with its path from the root to the current leaf.
pub(crate) struct ChangedSince<'a> {
    generation: Generation,
    path: Vec<std::slice::Iter<'a, Node>>,
    leaf: std::slice::Iter<'a, Arc<ProcessState>>,
}

impl<'a> Iterator for ChangedSince<'a> {
    type Item = &'a Arc<ProcessState>;

    fn next(&mut self) -> Option<Self::Item> {
        let since = self.generation;
        loop {
            if let Some(state) = self.leaf.find(|state| state.generation > since) {
                return Some(state);
            }
            match self.path.last_mut()?.find(|node| node.newest > since).map(|node| &node.below) {
                Some(Below::States(leaf)) => self.leaf = leaf.iter(),
                Some(Below::Nodes(nodes)) => self.path.push(nodes.iter()),
                None => {
                    self.path.pop();
                }
            }
        }
    }
}

impl FromIterator<Arc<ProcessState>> for Table {
    /// Builds the tree level by level and creates each node once.
    fn from_iter<I: IntoIterator<Item = Arc<ProcessState>>>(states: I) -> Self {
        let states: Vec<_> = states.into_iter().collect();
        let len = states.len();
        let mut level: Vec<Node> = states.chunks(WIDTH).map(|leaf| Node::leaf(Arc::from(leaf))).collect();
        let mut height = 0;
        while level.len() > 1 {
            level = level.chunks(WIDTH).map(|nodes| Node::branch(Arc::from(nodes))).collect();
            height += 1;
        }
        match level.pop() {
            Some(root) => Self { root, height, len },
            None => Self::default(),
        }
    }
}

/// Returns a copy of `items` with `item` at `at`, which may be one past the end.
fn spliced<T: Clone>(items: &[T], at: usize, item: T) -> Arc<[T]> {
    if at == items.len() {
        let mut grown = Vec::with_capacity(at + 1);
        grown.extend_from_slice(items);
        grown.push(item);
        return Arc::from(grown);
    }
    let mut copy: Arc<[T]> = Arc::from(items);
    if let Some(place) = Arc::get_mut(&mut copy).and_then(|slots| slots.get_mut(at)) {
        *place = item;
    }
    copy
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{Identity, Moment, ProcessId};

    fn state(slot: usize, name: &str) -> Arc<ProcessState> {
        let identity = Arc::new(Identity::new(name, ""));
        Arc::new(ProcessState::new(ProcessId(u32::try_from(slot).unwrap()), identity, Moment::default()))
    }

    fn of_generation(slot: usize, generation: u64) -> Arc<ProcessState> {
        Arc::new(ProcessState { generation: Generation(generation), ..(*state(slot, "a")).clone() })
    }

    #[test]
    fn a_table_of_any_size_returns_the_states_that_were_put_in() {
        let mut table = Table::default();
        for slot in 0..(WIDTH * WIDTH + 5) {
            table = table.with(slot, state(slot, "a"));
            assert_eq!(table.len(), slot + 1);
            assert!(table.get(slot + 1).is_none());
        }
        for (slot, found) in table.iter().enumerate() {
            assert_eq!(found.id.index(), slot);
        }
        assert_eq!(table.iter().count(), table.len());
        for offset in [0, 1, 31, 32, 33, 1000, table.len() - 1, table.len(), table.len() + 9] {
            for limit in [0, 1, 31, 40, usize::MAX] {
                let found: Vec<usize> =
                    table.runs(offset, limit).flatten().map(|state| state.id.index()).collect();
                let expected: Vec<usize> = (offset..table.len()).take(limit).collect();
                assert_eq!(found, expected, "{limit} from {offset}");
            }
        }
    }

    #[test]
    fn a_table_built_at_once_equals_one_built_step_by_step() {
        for len in [0, 1, 31, 32, 33, 1023, 1024, 1025, 2000] {
            let states: Vec<_> = (0..len).map(|slot| state(slot, "a")).collect();
            let built: Table = states.iter().cloned().collect();
            let grown =
                states.iter().cloned().enumerate().fold(Table::default(), |t, (slot, it)| t.with(slot, it));
            assert_eq!((built.len(), built.height), (grown.len(), grown.height), "{len}");
            assert!(built.iter().zip(grown.iter()).all(|(a, b)| Arc::ptr_eq(a, b)), "{len}");
            let more = built.with(len, state(len, "b"));
            assert_eq!(&**more.get(len).unwrap().name(), "b");
        }
    }

    #[test]
    fn exactly_the_states_that_changed_after_a_generation_are_found() {
        let mut table = Table::default();
        for slot in 0..2_100 {
            table = table.with(slot, of_generation(slot, slot as u64 + 1));
        }
        let changed = [2_099, 5, 1_024, 31, 32, 5];
        for (turn, slot) in changed.into_iter().enumerate() {
            table = table.with(slot, of_generation(slot, 2_101 + turn as u64));
        }
        let rebuilt: Table = table.iter().cloned().collect();
        for table in [&table, &rebuilt] {
            for since in [0, 1, 1_000, 2_098, 2_099, 2_100, 2_101, 2_104, 2_106, 9_999] {
                let since = Generation(since);
                let found: Vec<usize> = table.changed_since(since).map(|state| state.id.index()).collect();
                let all = table.iter().filter(|state| state.generation > since);
                assert_eq!(found, all.map(|state| state.id.index()).collect::<Vec<_>>(), "since {since}");
            }
        }
        assert_eq!(Table::default().changed_since(Generation(0)).count(), 0);
    }

    #[test]
    fn an_older_table_keeps_what_it_held() {
        let old = (0..100).fold(Table::default(), |table, slot| table.with(slot, state(slot, "old")));
        let new = old.with(42, state(42, "new"));
        assert_eq!(&**old.get(42).unwrap().name(), "old");
        assert_eq!(&**new.get(42).unwrap().name(), "new");
        assert!(Arc::ptr_eq(old.get(41).unwrap(), new.get(41).unwrap()), "neighbours are shared");
    }
}
