//! The number of replicas: a task for each set asks its policies and sends the orders. The replicas with the lowest
//! numbers are the needed ones. A replica that was started or stopped by hand is left as it is until the number
//! changes.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use provost_state::naming::replica_name;
use provost_state::{Demand, Handle, Judgement, Moment, PhaseKind};

use super::dispatch::Dispatch;
use super::roster::{Chain, chain};
use crate::clock::Clock;
use crate::decider::{Decider, ScaleCase, Verdict, seed};
use crate::mailbox::Want;
use crate::spec::ReplicaSet;

/// The number of replicas of a process that are wanted now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaCount {
    /// The name in the config, without a number.
    pub name: Arc<str>,
    /// The group of its replicas; empty if they are in none.
    pub group: Arc<str>,
    /// How many are wanted: the replicas from number 1 to this.
    pub wanted: u32,
    /// The fewest that may be wanted.
    pub least: u32,
    /// The most that may be wanted.
    pub most: u32,
}

/// A replica set, shared by its task and its readers.
#[derive(Debug)]
pub(crate) struct Replicas {
    pub(crate) set: ReplicaSet,
    pub(crate) chain: Chain,
    wanted: AtomicU32,
}

/// Returns the replicas that are not needed now, by name, each with the reason. It makes one pass over all sets,
/// because a boot looks up thousands of processes.
pub(crate) fn not_needed(sets: &[Arc<Replicas>]) -> HashMap<String, Arc<str>> {
    let mut spare = HashMap::new();
    for replicas in sets {
        let ReplicaCount { wanted, most, .. } = replicas.count();
        let reason: Arc<str> = Arc::from(format!("not needed: {wanted} of at most {most} replicas"));
        spare.extend((wanted + 1..=most).map(|number| (replicas.name_of(number), reason.clone())));
    }
    spare
}

impl Replicas {
    pub(crate) fn new(mut set: ReplicaSet) -> Self {
        let wanted = set.wanted_at_start.clamp(set.least, set.most.max(set.least));
        let policies = std::mem::take(&mut set.policies);
        Self { chain: chain(policies), wanted: AtomicU32::new(wanted), set }
    }

    pub(crate) fn count(&self) -> ReplicaCount {
        let ReplicaSet { name, group, least, most, .. } = &self.set;
        let wanted = self.wanted.load(Ordering::Acquire);
        ReplicaCount { name: name.clone(), group: group.clone(), wanted, least: *least, most: *most }
    }

    /// Returns the name of the replica with this number.
    pub(super) fn name_of(&self, number: u32) -> String {
        replica_name(&self.set.name, number)
    }

    /// Asks the policies once in each period, until `decider` returns `None`, which it does when the host stops.
    pub(crate) async fn run(
        self: Arc<Self>,
        decider: impl Fn() -> Option<Arc<Decider>> + Send,
        dispatch: Dispatch,
        clock: Clock,
    ) {
        if self.set.least >= self.set.most {
            return;
        }
        let period = Duration::from_millis(self.set.every_ms.max(1));
        let mut every = tokio::time::interval_at(tokio::time::Instant::now() + period, period);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            let Some(decider) = decider() else { return };
            let chain = self.chain.load_full();
            if chain.iter().any(|policy| policy.judges(Judgement::Scale)) {
                let case = self.case(clock.now(), &dispatch);
                let verdict = decider.ask(&chain, case).await;
                self.apply(&verdict, &dispatch).await;
            }
        }
    }

    /// Returns the case that the policies are asked to judge.
    fn case(&self, now: Moment, dispatch: &Dispatch) -> ScaleCase {
        let ReplicaCount { name, group, wanted, least, most } = self.count();
        let phases = self.handles(1..=most, dispatch).into_iter().map(|replica| replica.status().phase());
        let running = phases.filter(|phase| *phase == PhaseKind::Running).count();
        let running = u32::try_from(running).unwrap_or(most);
        let seed = seed(&name, wanted.into(), now);
        let demand = Demand { name, group, wanted, running, least, most, now, seed };
        ScaleCase { demand, world: dispatch.reader.snapshot() }
    }

    fn handles(&self, numbers: impl Iterator<Item = u32>, dispatch: &Dispatch) -> Vec<Handle> {
        numbers.filter_map(|number| dispatch.reader.handle(&self.name_of(number))).collect()
    }

    /// Starts the needed replicas, the lowest numbers first, and stops the others, the highest first.
    async fn apply(&self, verdict: &Verdict<u32>, dispatch: &Dispatch) {
        let (before, most) = (self.wanted.load(Ordering::Acquire), self.set.most);
        let wanted = verdict.action;
        if wanted == before {
            tracing::debug!(replicas = &*self.set.name, wanted, "{}", verdict.told());
            return;
        }
        tracing::info!(replicas = &*self.set.name, before, wanted, "{}", verdict.told());
        self.wanted.store(wanted, Ordering::Release);
        let of = |word: &str| {
            Arc::from(format!("{word}: {wanted} of at most {most} replicas: {}", verdict.told()))
        };
        let (needed, spare): (Arc<str>, Arc<str>) = (of("needed"), of("not needed"));
        for replica in self.handles(1..=wanted, dispatch) {
            let _ = dispatch.order(replica.id, Want::Needed(needed.clone())).await;
        }
        for replica in self.handles((wanted + 1..=most).rev(), dispatch) {
            if let Err(refusal) = dispatch.order(replica.id, Want::Spare(spare.clone())).await {
                let process = dispatch.reader.state(replica.id).map(|state| state.name().clone());
                tracing::warn!(process = process.as_deref(), %refusal, "the order to stop failed");
            }
        }
    }
}
