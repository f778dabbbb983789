//! The port of policies: the triggers that a policy is asked about, and the answers that it may give.
//!
//! There is one trait, because a chain is one list: a policy is asked only about what it [judges](Policy::judges), and
//! passes on everything else.

use std::fmt;
use std::sync::Arc;

use super::fault::Fault;
use crate::process::{Cause, Exit, Health, Incarnation, Moment, RulingAction, Usage};
use crate::registry::Snapshot;

/// The kinds of decisions that a policy can make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Judgement {
    /// What to do when a process has ended unasked.
    Restart,
    /// Whether a process may be spawned.
    Start,
    /// What the result of a health check means.
    Health,
    /// How many replicas of a process there should be.
    Scale,
    /// What the resources that a process uses mean.
    Usage,
}

/// The trigger of a restart policy: a life ended and nobody had asked for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// The name of the process.
    pub name: Arc<str>,
    /// The group of the process; empty if it is in none.
    pub group: Arc<str>,
    /// The number of the life that ended.
    pub incarnation: Incarnation,
    /// How it ended.
    pub exit: Exit,
    /// How long it had lived, in milliseconds.
    pub uptime_ms: u64,
    /// Whether it had become ready.
    pub was_ready: bool,
    /// The number of consecutive failures, including this one.
    pub failures: u32,
    /// The number of restarts so far.
    pub restarts: u64,
    /// The time of the trigger, for a policy without a clock.
    pub now: Moment,
    /// A seed for a policy without a source of randomness; the same for the same trigger.
    pub seed: u64,
}

/// The trigger of a start policy: a process is about to be spawned.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The name of the process.
    pub name: Arc<str>,
    /// The group of the process; empty if it is in none.
    pub group: Arc<str>,
    /// The number that the new life would have.
    pub incarnation: Incarnation,
    /// Why the process is to be started.
    pub cause: Cause,
    /// How long the start has already waited for its policies, in milliseconds.
    pub waited_ms: u64,
    /// The number of consecutive failures before this start.
    pub failures: u32,
    /// The time of the trigger, for a policy without a clock.
    pub now: Moment,
    /// A seed for a policy without a source of randomness; the same for the same trigger.
    pub seed: u64,
}

/// The trigger of a health policy: a check has finished.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// The name of the process.
    pub name: Arc<str>,
    /// The group of the process; empty if it is in none.
    pub group: Arc<str>,
    /// The number of the life that was checked.
    pub incarnation: Incarnation,
    /// Whether the check succeeded.
    pub passed: bool,
    /// What the check found, in words for people.
    pub detail: Arc<str>,
    /// How long the check took, in milliseconds.
    pub took_ms: u64,
    /// The number of consecutive checks with the same outcome, including this one.
    pub in_a_row: u32,
    /// The health of the process before this check.
    pub before: Health,
    /// How long this life has lasted, in milliseconds.
    pub uptime_ms: u64,
    /// The time of the trigger, for a policy without a clock.
    pub now: Moment,
    /// A seed for a policy without a source of randomness; the same for the same trigger.
    pub seed: u64,
}

/// The trigger of a scale policy: the number of replicas of a process is due for review.
#[derive(Clone, Debug, PartialEq)]
pub struct Demand {
    /// The name in the config: its replicas are `name.1`, `name.2` and so on.
    pub name: Arc<str>,
    /// The group of its replicas; empty if they are in none.
    pub group: Arc<str>,
    /// The number of replicas that are requested now.
    pub wanted: u32,
    /// The number of replicas that are running.
    pub running: u32,
    /// The smallest number that the config allows.
    pub least: u32,
    /// The largest number that the config allows.
    pub most: u32,
    /// The time of the trigger, for a policy without a clock.
    pub now: Moment,
    /// A seed for a policy without a source of randomness; the same for the same trigger.
    pub seed: u64,
}

/// The trigger of a usage policy: the resources that a process uses were read.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The name of the process.
    pub name: Arc<str>,
    /// The group of the process; empty if it is in none.
    pub group: Arc<str>,
    /// The number of the life that was read.
    pub incarnation: Incarnation,
    /// What it uses now.
    pub usage: Usage,
    /// The usage at the triggers before this one, of the same life, newest first; at most [`Sample::FORMER_MAX`].
    pub former: Arc<[Usage]>,
    /// How long this life has lasted, in milliseconds.
    pub uptime_ms: u64,
    /// The time of the trigger, for a policy without a clock.
    pub now: Moment,
    /// A seed for a policy without a source of randomness; the same for the same trigger.
    pub seed: u64,
}

impl Sample {
    /// The most former samples that a trigger carries.
    pub const FORMER_MAX: usize = 60;
}

/// The action that a start policy requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartAction {
    /// Spawn the process.
    Allow {
        /// Environment variables for this life, which override those of the config.
        env: Vec<(String, String)>,
    },
    /// Ask again later.
    Wait {
        /// The delay, in milliseconds.
        delay_ms: u64,
    },
    /// Do not spawn the process: give it up.
    Refuse,
}

/// The action that a health policy requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HealthAction {
    /// Set the health of the process to this.
    Hold(Health),
    /// Set the health of the process to unhealthy, stop it and start it again.
    Restart,
}

/// The action that a usage policy requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageAction {
    /// Let the process run.
    Keep,
    /// Stop the process and start it again.
    Restart {
        /// How long it may take to end before it is killed, in milliseconds; `None` for its own grace time.
        drain_ms: Option<u64>,
    },
}

/// A policy's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision<A = RulingAction> {
    /// The requested action; `None` lets the next policy in the chain decide.
    pub action: Option<A>,
    /// Why, in words for people.
    pub reason: Arc<str>,
    /// What the answer was computed from, beside the trigger and the snapshot; `None` if the policy is not a component.
    pub basis: Option<Basis>,
    /// What the policy has written into its memory while it decided, if it has written anything. It is in force; a caller
    /// that writes the decision down writes both or none.
    pub written: Option<Arc<MemoryChange>>,
}

/// What the answer of a component was computed from, beside the trigger and the snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Basis {
    /// The component and its settings.
    pub source: Arc<PolicySource>,
    /// The version of the memory of the plugin that the call was given.
    pub memory_version: u64,
    /// The fuel that the call used. It can be compared with that of calls on the same engine only.
    pub fuel: u64,
}

/// A component with its settings, on an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicySource {
    /// The SHA-256 of the component.
    pub component: [u8; 32],
    /// The SHA-256 of its settings as JSON.
    pub settings: [u8; 32],
    /// A number that differs between engines whose code differs.
    pub engine: u64,
}

/// What one call of a plugin has written into its memory. It is settled when nobody holds it any more: until then, the
/// decision that it belongs to may still be written down together with it.
#[derive(Debug, PartialEq, Eq)]
pub struct MemoryChange {
    /// The name of the plugin.
    pub plugin: Arc<str>,
    /// The number of changes of this memory, this one included; a later change has a higher number.
    pub version: u64,
    /// The keys that were written.
    pub writes: Vec<MemoryWrite>,
    /// Tells the memory that the change is settled.
    pub settled: Settled,
}

/// Makes a call when it is dropped. Two of them never differ.
#[derive(Default)]
pub struct Settled(Option<Box<dyn Fn() + Send + Sync>>);

impl Settled {
    /// Returns a value that makes this call when it is dropped.
    #[must_use]
    pub fn then(call: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(call)))
    }
}

impl Drop for Settled {
    fn drop(&mut self) {
        if let Some(call) = &self.0 {
            call();
        }
    }
}

impl PartialEq for Settled {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Settled {}

impl fmt::Debug for Settled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Settled")
    }
}

/// A key that was written, with its value; `None` if it was deleted.
pub type MemoryWrite = (Arc<str>, Option<Arc<[u8]>>);

impl<A> Decision<A> {
    /// Creates an answer; without an action, the question is passed on. Nothing was written into a memory.
    pub fn new(action: impl Into<Option<A>>, reason: impl Into<Arc<str>>) -> Self {
        Self { action: action.into(), reason: reason.into(), basis: None, written: None }
    }

    /// Returns the answer to a trigger that the policy does not judge.
    fn unjudged() -> Self {
        Self::new(None, "it does not judge this")
    }
}

/// A policy, which answers triggers with decisions. It is called on a thread of the decider, never on one that runs
/// tasks. It may be slow, wrong or stuck; the decider then answers in its place. It passes on what it does not judge.
///
/// # Errors
/// All judgements: [`Fault`] if the policy could not answer.
pub trait Policy: Send + Sync + fmt::Debug {
    /// Returns the name in the config.
    fn name(&self) -> &Arc<str>;

    /// Returns the number of the version that answers now. A swap changes it, so that faults of an earlier version do
    /// not count against the new one.
    fn version(&self) -> u64 {
        0
    }

    /// Whether the policy makes this kind of decision. The answer may change when its component is swapped.
    fn judges(&self, judgement: Judgement) -> bool;

    /// Decides what to do after a life has ended unasked.
    ///
    /// # Errors
    /// [`Fault`] if the policy could not answer.
    fn on_exit(&self, _ended: &Ended, _world: &Arc<Snapshot>) -> Result<Decision, Fault> {
        Ok(Decision::unjudged())
    }

    /// Decides whether a process may be spawned.
    ///
    /// # Errors
    /// [`Fault`] if the policy could not answer.
    fn before_start(&self, _plan: &Plan, _world: &Arc<Snapshot>) -> Result<Decision<StartAction>, Fault> {
        Ok(Decision::unjudged())
    }

    /// Decides what the result of a health check means.
    ///
    /// # Errors
    /// [`Fault`] if the policy could not answer.
    fn on_probe(&self, _seen: &Observation, _world: &Arc<Snapshot>) -> Result<Decision<HealthAction>, Fault> {
        Ok(Decision::unjudged())
    }

    /// Decides how many replicas there should be.
    ///
    /// # Errors
    /// [`Fault`] if the policy could not answer.
    fn replicas(&self, _demand: &Demand, _world: &Arc<Snapshot>) -> Result<Decision<u32>, Fault> {
        Ok(Decision::unjudged())
    }

    /// Decides what the resources that a process uses mean.
    ///
    /// # Errors
    /// [`Fault`] if the policy could not answer.
    fn on_sample(&self, _sample: &Sample, _world: &Arc<Snapshot>) -> Result<Decision<UsageAction>, Fault> {
        Ok(Decision::unjudged())
    }

    /// Returns this policy with a deadline of `most_ms` for each call: a call that takes longer is interrupted, which is
    /// a fault of the policy. `None` if the policy does not support deadlines.
    fn within(&self, _most_ms: u64) -> Option<Arc<dyn Policy>> {
        None
    }

    /// Returns the version from before the last swap, still warm, if it answered well. It is asked when this one has
    /// failed and no other policy of the chain has an answer.
    fn last_good(&self) -> Option<Arc<dyn Policy>> {
        None
    }

    /// Records for the figures that the host clamped an answer.
    fn clamped(&self) {}
}
