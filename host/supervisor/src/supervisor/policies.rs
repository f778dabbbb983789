//! The policies that judge the processes, which change at run time.

use std::sync::Arc;

use provost_state::{Policy, ProcessId};

use super::handle::Supervisor;
use crate::groups::Chains;

impl Supervisor {
    /// Returns the policies that judge a process now, in the order in which they are asked; none if there is no such
    /// process.
    #[must_use]
    pub fn policies_of(&self, id: ProcessId) -> Vec<Arc<dyn Policy>> {
        self.roster.chain(id).map_or_else(Vec::new, |chain| chain.load().to_vec())
    }

    /// Returns the policies that judge how many replicas of a set there are; none if there is no such set.
    #[must_use]
    pub fn policies_of_set(&self, name: &str) -> Vec<Arc<dyn Policy>> {
        self.sets.find(name).map_or_else(Vec::new, |set| set.chain.load().to_vec())
    }

    /// Puts a policy first in the chains of `ids`, from the next trigger on. A policy that judges all replicas of a set also
    /// judges how many of them there are.
    pub fn prepend_policy(&self, ids: &[ProcessId], policy: &Arc<dyn Policy>) {
        self.chains().prepend(ids, policy);
    }

    /// Removes the policy `name` from all chains, and returns the processes that it judged.
    pub fn remove_policy(&self, name: &str) -> Vec<ProcessId> {
        self.chains().remove(name)
    }

    /// Returns the processes whose chain contains the policy, and the replicas of the sets whose size it judges.
    #[must_use]
    pub fn judged_by(&self, name: &str) -> Vec<ProcessId> {
        self.chains().judged_by(name)
    }

    fn chains(&self) -> Chains<'_> {
        Chains::new(&self.roster, self.sets.all(), self.reader().snapshot())
    }
}
