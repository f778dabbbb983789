//! The number of replicas: a task for each set asks its policies, takes what is set by hand or by a reload, and sends the
//! orders. The replicas with the lowest numbers are the needed ones. A replica that was started or stopped by hand is left
//! as it is until the number changes.
//!
//! A number that was set by hand holds until a reload ends that; the policies are not asked meanwhile.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use provost_state::naming::replica_name;
use provost_state::{Cause, Demand, Handle, Judgement, PhaseKind};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::dispatch::Dispatch;
use super::roster::{Chain, chain};
use crate::clock::Clock;
use crate::decider::{Decider, ScaleCase, Verdict, seed};
use crate::mailbox::{Motive, Refusal, Want};
use crate::spec::ReplicaSet;
use crate::stash::Stash;

/// The capacity of the mailbox of one set.
const MAILBOX: usize = 16;

/// The number of replicas of a process that are wanted now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaCount {
    /// The name in the config, without a number.
    pub name: Arc<str>,
    /// The group of its replicas; empty if they are in none.
    pub group: Arc<str>,
    /// How many are wanted: the replicas from number 1 to this.
    pub wanted: u32,
    /// The fewest that may be wanted, unless the number was set by hand.
    pub least: u32,
    /// The most that may be wanted, unless the number was set by hand.
    pub most: u32,
    /// How often the policies of the set are asked, in milliseconds.
    pub every_ms: u64,
    /// Whether the number was set by hand ([`Supervisor::scale`](crate::Supervisor::scale)).
    pub by_hand: bool,
}

impl ReplicaCount {
    /// Returns the highest number that a replica of the set may have now.
    #[must_use]
    pub fn highest(&self) -> u32 {
        self.most.max(self.wanted)
    }

    /// Describes the number for people.
    fn described(&self) -> String {
        let Self { wanted, most, .. } = self;
        match wanted > most {
            true => format!("{wanted} replicas, more than the {most} of the config"),
            false => format!("{wanted} of at most {most} replicas"),
        }
    }
}

/// A change of a set, and where to send the outcome.
#[derive(Debug)]
pub(crate) struct SetRequest {
    pub(crate) change: SetChange,
    pub(crate) reply: oneshot::Sender<ReplicaCount>,
}

/// A change of a set.
#[derive(Debug)]
pub(crate) enum SetChange {
    /// This number, by hand.
    Scale(u32, Motive),
    /// Another section of the config. It ends a number by hand.
    Reconfigure(ReplicaSet),
}

/// A replica set, shared by its task and its readers.
#[derive(Debug)]
pub(crate) struct Replicas {
    pub(crate) name: Arc<str>,
    pub(crate) chain: Chain,
    sizing: Mutex<Sizing>,
    stash: Option<Stash>,
}

/// The size of a set, and its bounds.
#[derive(Clone, Debug)]
struct Sizing {
    /// Without its policies, which are in the chain.
    set: ReplicaSet,
    wanted: u32,
    by_hand: bool,
}

impl Sizing {
    fn bounded(&self, wanted: u32) -> u32 {
        wanted.clamp(self.set.least, self.set.most.max(self.set.least))
    }
}

/// The task of a set.
struct Scaling<D> {
    replicas: Arc<Replicas>,
    requests: mpsc::Receiver<SetRequest>,
    /// Returns `None` when the host stops.
    decider: D,
    dispatch: Dispatch,
    clock: Clock,
}

/// Returns the replicas that are not needed now, by name, each with the reason. It makes one pass over all sets,
/// because a boot looks up thousands of processes.
pub(crate) fn not_needed(sets: &[Arc<Replicas>]) -> HashMap<String, Arc<str>> {
    let mut spare = HashMap::new();
    for replicas in sets {
        let count = replicas.count();
        let reason: Arc<str> = Arc::from(format!("not needed: {}", count.described()));
        let numbers = count.wanted + 1..=count.most;
        spare.extend(numbers.map(|number| (replica_name(&replicas.name, number), reason.clone())));
    }
    spare
}

impl Replicas {
    /// Creates a set with the number of replicas that it starts with, or goes on with the one of a former host, of which
    /// the second part says whether it was set by hand.
    pub(crate) fn new(mut set: ReplicaSet, count: Option<(u32, bool)>, stash: Option<Stash>) -> Self {
        let policies = std::mem::take(&mut set.policies);
        let (wanted, by_hand) = count.unwrap_or((set.wanted_at_start, false));
        let mut sizing = Sizing { wanted, by_hand, set };
        // A number by hand may be outside of the bounds.
        if !by_hand {
            sizing.wanted = sizing.bounded(sizing.wanted);
        }
        let name = sizing.set.name.clone();
        let replicas = Self { name, chain: chain(policies), sizing: Mutex::new(sizing), stash };
        replicas.write_down();
        replicas
    }

    /// Writes down how many are wanted, for another host. Comes before the orders that follow from it.
    fn write_down(&self) {
        if let Some(stash) = &self.stash {
            let ReplicaCount { wanted, by_hand, .. } = self.count();
            stash.set(&self.name, wanted, by_hand);
        }
    }

    pub(crate) fn count(&self) -> ReplicaCount {
        let sizing = self.sizing.lock();
        let ReplicaSet { name, group, least, most, every_ms, .. } = &sizing.set;
        ReplicaCount {
            name: name.clone(),
            group: group.clone(),
            wanted: sizing.wanted,
            least: *least,
            most: *most,
            every_ms: *every_ms,
            by_hand: sizing.by_hand,
        }
    }

    /// Returns the name of the replica with this number.
    pub(super) fn name_of(&self, number: u32) -> String {
        replica_name(&self.name, number)
    }

    /// Starts the task of the set, which ends when the returned sender is dropped, or when `decider` returns `None`: it
    /// does when the host stops. Must be called within the tokio runtime.
    pub(crate) fn start(
        self: &Arc<Self>,
        decider: impl Fn() -> Option<Arc<Decider>> + Send + Sync + 'static,
        dispatch: Dispatch,
        clock: Clock,
    ) -> mpsc::Sender<SetRequest> {
        let (sender, requests) = mpsc::channel(MAILBOX);
        tokio::spawn(Scaling { replicas: self.clone(), requests, decider, dispatch, clock }.run());
        sender
    }

    /// Returns the period at which the policies are asked.
    fn period(&self) -> Duration {
        Duration::from_millis(self.sizing.lock().set.every_ms.max(1))
    }

    /// Whether the policies are asked at all: the number is not fixed, and not set by hand.
    fn is_judged(&self) -> bool {
        let sizing = self.sizing.lock();
        !sizing.by_hand && sizing.set.least < sizing.set.most
    }

    /// Puts a change into force; returns the count before it, and why there is another one, by whom.
    fn change(&self, change: SetChange) -> (ReplicaCount, Motive) {
        let before = self.count();
        let mut sizing = self.sizing.lock();
        match change {
            SetChange::Scale(wanted, motive) => {
                (sizing.wanted, sizing.by_hand) = (wanted, true);
                (before, motive)
            }
            SetChange::Reconfigure(mut set) => {
                self.chain.store(Arc::new(std::mem::take(&mut set.policies)));
                let wanted = if sizing.by_hand { set.wanted_at_start } else { sizing.wanted };
                (sizing.set, sizing.by_hand) = (set, false);
                sizing.wanted = sizing.bounded(wanted);
                (before, Motive::because(Cause::Reload, "the config was reloaded"))
            }
        }
    }
}

impl<D: Fn() -> Option<Arc<Decider>> + Send> Scaling<D> {
    async fn run(mut self) {
        let mut every = self.ticks();
        loop {
            tokio::select! {
                biased;
                request = self.requests.recv() => match request {
                    Some(request) => every = self.on_request(request).await,
                    None => return,
                },
                _ = every.tick() => {
                    let Some(decider) = (self.decider)() else { return };
                    let chain = self.replicas.chain.load_full();
                    let judges = chain.iter().any(|policy| policy.judges(Judgement::Scale));
                    if !judges || !self.replicas.is_judged() {
                        continue;
                    }
                    // A change meanwhile makes the verdict obsolete.
                    let judged = decider.ask(&chain, self.case());
                    tokio::select! {
                        biased;
                        request = self.requests.recv() => match request {
                            Some(request) => every = self.on_request(request).await,
                            None => return,
                        },
                        verdict = judged => self.follow(&verdict).await,
                    }
                }
            }
        }
    }

    /// Returns a timer whose first tick comes after one period.
    fn ticks(&self) -> Interval {
        let period = self.replicas.period();
        let mut every = interval_at(Instant::now() + period, period);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        every
    }

    async fn on_request(&self, request: SetRequest) -> Interval {
        let (before, motive) = self.replicas.change(request.change);
        self.replicas.write_down();
        let why = motive.described();
        self.apply(&before, motive.cause, &why).await;
        // The caller may be gone.
        let _ = request.reply.send(self.replicas.count());
        self.ticks()
    }

    /// Returns the case that the policies are asked to judge.
    fn case(&self) -> ScaleCase {
        let (now, count) = (self.clock.now(), self.replicas.count());
        let highest = count.highest();
        let ReplicaCount { name, group, wanted, least, most, .. } = count;
        let phases = self.handles(1..=highest).into_iter().map(|replica| replica.status().phase());
        let running = phases.filter(|phase| *phase == PhaseKind::Running).count();
        let running = u32::try_from(running).unwrap_or(most);
        let seed = seed(&name, wanted.into(), now);
        let demand = Demand { name, group, wanted, running, least, most, now, seed };
        ScaleCase { demand, world: self.dispatch.reader.snapshot() }
    }

    fn handles(&self, numbers: impl Iterator<Item = u32>) -> Vec<Handle> {
        numbers.filter_map(|number| self.dispatch.reader.handle(&self.replicas.name_of(number))).collect()
    }

    /// Follows the verdict of the policies.
    async fn follow(&self, verdict: &Verdict<u32>) {
        let before = self.replicas.count();
        self.replicas.sizing.lock().wanted = verdict.action;
        self.replicas.write_down();
        self.apply(&before, Cause::Policy, &verdict.told()).await;
    }

    /// Starts the needed replicas, the lowest numbers first, and stops the others, the highest first, if the number is
    /// another one than before.
    async fn apply(&self, before: &ReplicaCount, cause: Cause, why: &str) {
        let now = self.replicas.count();
        if now.wanted == before.wanted {
            tracing::debug!(replicas = &*now.name, wanted = now.wanted, "{why}");
            return;
        }
        tracing::info!(replicas = &*now.name, before = before.wanted, wanted = now.wanted, "{why}");
        let motive = |word: &str| Motive::because(cause, format!("{word}: {}: {why}", now.described()));
        let (needed, spare) = (motive("needed"), motive("not needed"));
        for replica in self.handles(1..=now.wanted) {
            let _ = self.dispatch.order(replica.id, Want::Needed(needed.clone())).await;
        }
        let highest = before.highest().max(now.highest());
        for replica in self.handles((now.wanted + 1..=highest).rev()) {
            match self.dispatch.order(replica.id, Want::Spare(spare.clone())).await {
                Ok(()) | Err(Refusal::Removed) => {}
                Err(refusal) => {
                    let process = self.dispatch.reader.state(replica.id).map(|state| state.name().clone());
                    tracing::warn!(process = process.as_deref(), %refusal, "the order to stop failed");
                }
            }
        }
    }
}
