//! Who judges whom, changed while processes run. A chain is changed in one step from what it is at that moment, so that two
//! changes at once never lose one.

use std::collections::HashSet;
use std::sync::Arc;

use provost_state::{Policy, ProcessId, Snapshot};

use crate::replicas::Replicas;
use crate::roster::Chain;
use crate::supervisor::Supervisor;

type Policies = Vec<Arc<dyn Policy>>;

impl Supervisor {
    /// Puts a policy first in the chains of `ids`, from the next trigger on. Who judges all replicas of a set also judges
    /// how many there are to be.
    pub fn prepend_policy(&self, ids: &[ProcessId], policy: &Arc<dyn Policy>) {
        for chain in ids.iter().filter_map(|id| self.roster.chain(*id)) {
            prepend(&chain, policy);
        }
        let judged: HashSet<ProcessId> = ids.iter().copied().collect();
        let world = self.reader().snapshot();
        for set in &*self.replicas {
            if replicas(set, &world).all(|id| judged.contains(&id)) {
                prepend(&set.chain, policy);
            }
        }
    }

    /// Takes the policy of that name out of all chains; the processes that it judged.
    pub fn remove_policy(&self, name: &str) -> Vec<ProcessId> {
        self.each_judged(name, |chain| chain.rcu(|policies| without(policies, name)))
    }

    /// The processes in whose chain it is, and the replicas of which it judges how many there are to be.
    #[must_use]
    pub fn judged_by(&self, name: &str) -> Vec<ProcessId> {
        self.each_judged(name, |chain| chain.load_full())
    }

    /// Looks at each chain before and as `change` makes it; the processes in whose chain the policy was.
    fn each_judged(&self, name: &str, change: impl Fn(&Chain) -> Arc<Policies>) -> Vec<ProcessId> {
        let was_in = |chain: &Chain| change(chain).iter().any(|policy| &**policy.name() == name);
        let world = self.reader().snapshot();
        let sets = self.replicas.iter().filter(|set| was_in(&set.chain));
        let scaled: HashSet<ProcessId> = sets.flat_map(|set| replicas(set, &world)).collect();
        let ids = world.iter().map(|state| state.id);
        ids.filter(|id| self.roster.chain(*id).is_some_and(|chain| was_in(&chain)) | scaled.contains(id))
            .collect()
    }
}

fn replicas<'a>(set: &'a Replicas, world: &'a Snapshot) -> impl Iterator<Item = ProcessId> + 'a {
    (1..=set.set.most).filter_map(|number| world.id(&format!("{}.{number}", set.set.name)))
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
