//! Changes the policy chains of processes and replica sets at run time. Each change is an atomic read-modify-write, so
//! that neither of two concurrent changes is lost.

use std::collections::HashSet;
use std::sync::Arc;

use provost_state::{Policy, ProcessId, Snapshot};

use super::replicas::Replicas;
use super::roster::{Chain, Roster};

type Policies = Vec<Arc<dyn Policy>>;

/// The chains of all processes and of all replica sets.
pub(crate) struct Chains<'s> {
    roster: &'s Roster,
    sets: Vec<Arc<Replicas>>,
    world: Arc<Snapshot>,
}

impl<'s> Chains<'s> {
    pub(crate) fn new(roster: &'s Roster, sets: Vec<Arc<Replicas>>, world: Arc<Snapshot>) -> Self {
        Self { roster, sets, world }
    }

    /// Puts a policy first in the chains of `ids`, and in those of the sets all of whose replicas are among them.
    pub(crate) fn prepend(&self, ids: &[ProcessId], policy: &Arc<dyn Policy>) {
        for chain in ids.iter().filter_map(|id| self.roster.chain(*id)) {
            prepend(&chain, policy);
        }
        let judged: HashSet<ProcessId> = ids.iter().copied().collect();
        for set in &self.sets {
            if self.replicas(set).all(|id| judged.contains(&id)) {
                prepend(&set.chain, policy);
            }
        }
    }

    /// Removes the policy `name` from all chains, and returns the processes that it judged.
    pub(crate) fn remove(&self, name: &str) -> Vec<ProcessId> {
        self.each_judged(name, |chain| chain.rcu(|policies| without(policies, name)))
    }

    /// Returns the processes whose chain contains the policy, and the replicas of the sets whose size it judges.
    pub(crate) fn judged_by(&self, name: &str) -> Vec<ProcessId> {
        self.each_judged(name, |chain| chain.load_full())
    }

    /// Applies `change`, which returns the policies that were in a chain, to each chain, and returns the processes that
    /// the policy judged, also as replicas of a set.
    fn each_judged(&self, name: &str, change: impl Fn(&Chain) -> Arc<Policies>) -> Vec<ProcessId> {
        let was_in = |chain: &Chain| change(chain).iter().any(|policy| &**policy.name() == name);
        let sets = self.sets.iter().filter(|set| was_in(&set.chain));
        let scaled: HashSet<ProcessId> = sets.flat_map(|set| self.replicas(set)).collect();
        let ids = self.world.iter().map(|state| state.id);
        ids.filter(|id| self.roster.chain(*id).is_some_and(|chain| was_in(&chain)) | scaled.contains(id))
            .collect()
    }

    fn replicas(&self, set: &Replicas) -> impl Iterator<Item = ProcessId> {
        (1..=set.count().highest()).filter_map(|number| self.world.id(&set.name_of(number)))
    }
}

fn prepend(chain: &Chain, policy: &Arc<dyn Policy>) {
    chain.rcu(|others| {
        let first = std::iter::once(policy.clone());
        first.chain(others.iter().cloned()).collect::<Policies>()
    });
}

fn without(policies: &Policies, name: &str) -> Policies {
    policies.iter().filter(|policy| &**policy.name() != name).cloned().collect()
}
