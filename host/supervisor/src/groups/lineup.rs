//! The specs in force, in the order of the config, and the order of starting that follows from them. It changes while the
//! host runs.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use parking_lot::Mutex;
use provost_state::ProcessId;

use super::start_order::StartOrder;
use crate::spec::ProcessSpec;

/// All specs in force.
#[derive(Debug, Default)]
pub(crate) struct Lineup {
    members: Mutex<Vec<Member>>,
    /// What follows from them; `None` from a change until somebody needs it.
    order: ArcSwapOption<StartOrder>,
    /// Their names; `None` from a change until somebody needs them.
    listing: ArcSwapOption<Listing>,
}

/// The names of all processes in the order of the config, replicas by their numbers.
#[derive(Debug, PartialEq, Eq)]
pub struct Listing {
    /// The names.
    pub names: Vec<Arc<str>>,
    /// Whether snapshots have the processes in the same order. A process that was added while the host runs may have the
    /// slot of one that was removed, and then they have not.
    pub is_of_snapshots: bool,
}

#[derive(Debug)]
struct Member {
    id: ProcessId,
    spec: Arc<ProcessSpec>,
}

impl Lineup {
    /// Returns the order of starting of all processes of this moment.
    pub(crate) fn order(&self) -> Arc<StartOrder> {
        if let Some(order) = self.order.load_full() {
            return order;
        }
        // Built under the lock, so that a change meanwhile is not lost.
        let members = self.members.lock();
        let order = Arc::new(StartOrder::new(members.iter().map(|member| member.spec.clone()).collect()));
        self.order.store(Some(order.clone()));
        order
    }

    /// Returns the names of all processes of this moment. The result is the same one until something changes.
    pub(crate) fn listing(&self) -> Arc<Listing> {
        if let Some(listing) = self.listing.load_full() {
            return listing;
        }
        // Built under the lock, so that a change meanwhile is not lost.
        let members = self.members.lock();
        let listing = Arc::new(Listing {
            names: members.iter().map(|member| member.spec.name.clone()).collect(),
            is_of_snapshots: members.is_sorted_by_key(|member| member.id),
        });
        self.listing.store(Some(listing.clone()));
        listing
    }

    fn change<T>(&self, change: impl FnOnce(&mut Vec<Member>) -> T) -> T {
        let mut members = self.members.lock();
        let changed = change(&mut members);
        self.order.store(None);
        self.listing.store(None);
        changed
    }

    /// Adds a process: a replica beside the others of its set, by its number, and any other process after all others.
    pub(crate) fn add(&self, id: ProcessId, spec: Arc<ProcessSpec>) {
        self.change(|members| {
            let at = place(members, &spec).unwrap_or(members.len());
            members.insert(at, Member { id, spec });
        });
    }

    /// Puts another spec of a process into force.
    pub(crate) fn replace(&self, id: ProcessId, spec: &Arc<ProcessSpec>) {
        self.change(|members| {
            if let Some(member) = members.iter_mut().find(|member| member.id == id) {
                member.spec = spec.clone();
            }
        });
    }

    /// Takes a process out.
    pub(crate) fn remove(&self, id: ProcessId) {
        self.change(|members| members.retain(|member| member.id != id));
    }

    /// Sorts the processes by the place of their names in `names`. Those that are not among them come last, in their
    /// former order.
    pub(crate) fn arrange(&self, names: &[Arc<str>]) {
        let places: HashMap<&str, usize> = names.iter().map(|name| &**name).zip(0..).collect();
        let place = |member: &Member| places.get(&*member.spec.name).copied().unwrap_or(usize::MAX);
        self.change(|members| members.sort_by_key(place));
    }

    /// Returns the number of processes.
    #[cfg(any(test, feature = "scripted"))]
    pub(crate) fn len(&self) -> usize {
        self.members.lock().len()
    }
}

/// Returns the place of a replica among the others of its set, if there are any.
fn place(members: &[Member], spec: &ProcessSpec) -> Option<usize> {
    let set = spec.set_name()?;
    let is_sibling = |member: &Member| member.spec.set_name() == Some(set);
    let before = members.iter().rposition(|member| member.spec.replica < spec.replica && is_sibling(member));
    before.map(|at| at + 1).or_else(|| members.iter().position(is_sibling))
}
