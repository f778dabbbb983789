//! What a policy is to the rest of the host: the triggers that it is asked about, and the answers that it may give.
//!
//! One trait, because a chain is one list: a policy is asked only what it [judges](Policy::judges), and passes on
//! everything else.

use std::fmt;
use std::sync::Arc;

use super::fault::Fault;
use crate::process::{Cause, Exit, Health, Incarnation, Moment, RulingAction};
use crate::registry::Snapshot;

/// What can be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Judgement {
    /// What to do when a process has ended unasked.
    Restart,
    /// Whether it may be spawned.
    Start,
    /// What its health checks mean.
    Health,
    /// How many replicas there should be.
    Scale,
}

/// The trigger of a restart policy: a life ended and nobody had asked for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// Whose.
    pub name: Arc<str>,
    /// Its group; empty if it is in none.
    pub group: Arc<str>,
    /// Which life.
    pub incarnation: Incarnation,
    /// How it ended.
    pub exit: Exit,
    /// How long it had lived, in milliseconds.
    pub uptime_ms: u64,
    /// Had it become ready?
    pub was_ready: bool,
    /// Consecutive failures, this one included.
    pub failures: u32,
    /// Restarts so far.
    pub restarts: u64,
    /// The time of the trigger, for a judge that has no clock.
    pub now: Moment,
    /// For a judge that has no randomness; the same for the same trigger.
    pub seed: u64,
}

/// The trigger of a start policy: a process is about to be spawned.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Which.
    pub name: Arc<str>,
    /// Its group; empty if it is in none.
    pub group: Arc<str>,
    /// Which life it would be.
    pub incarnation: Incarnation,
    /// Why it is to be started.
    pub cause: Cause,
    /// How long it has waited for its policies already, in milliseconds.
    pub waited_ms: u64,
    /// Consecutive failures before it.
    pub failures: u32,
    /// The time of the trigger.
    pub now: Moment,
    /// For a judge that has no randomness; the same for the same trigger.
    pub seed: u64,
}

/// The trigger of a health policy: a check has come to its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// Of which process.
    pub name: Arc<str>,
    /// Its group; empty if it is in none.
    pub group: Arc<str>,
    /// Which life.
    pub incarnation: Incarnation,
    /// Did the check succeed?
    pub passed: bool,
    /// What it found, in words for people.
    pub detail: Arc<str>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// Checks in a row with the same outcome, this one included.
    pub in_a_row: u32,
    /// What the process was held to be before.
    pub before: Health,
    /// How long this life has lasted, in milliseconds.
    pub uptime_ms: u64,
    /// The time of the trigger.
    pub now: Moment,
    /// For a judge that has no randomness; the same for the same trigger.
    pub seed: u64,
}

/// The trigger of a scale policy: it is time to look at the replicas of a process.
#[derive(Clone, Debug, PartialEq)]
pub struct Demand {
    /// The name in the config: its replicas are `name.1`, `name.2` and so on.
    pub name: Arc<str>,
    /// The group of its replicas; empty if they are in none.
    pub group: Arc<str>,
    /// How many are wanted now.
    pub wanted: u32,
    /// How many are running.
    pub running: u32,
    /// The fewest that the config allows.
    pub least: u32,
    /// The most that the config allows.
    pub most: u32,
    /// The time of the trigger.
    pub now: Moment,
    /// For a judge that has no randomness; the same for the same trigger.
    pub seed: u64,
}

/// What a start policy wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartAction {
    /// Spawn it.
    Allow {
        /// With these variables over those of the config, for this life.
        env: Vec<(String, String)>,
    },
    /// Ask again later.
    Wait {
        /// After so many milliseconds.
        delay_ms: u64,
    },
    /// Do not spawn it: give up on it.
    Refuse,
}

/// What a health policy wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HealthAction {
    /// Hold it to be this.
    Hold(Health),
    /// Hold it to be unhealthy, stop it and start it again.
    Restart,
}

/// A policy's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision<A = RulingAction> {
    /// What it wants done; `None` lets the next policy in the chain decide.
    pub action: Option<A>,
    /// Why, in words for people.
    pub reason: Arc<str>,
}

impl<A> Decision<A> {
    /// Creates an answer; without an action it passes the question on.
    pub fn new(action: impl Into<Option<A>>, reason: impl Into<Arc<str>>) -> Self {
        Self { action: action.into(), reason: reason.into() }
    }

    /// The answer to a trigger that is not judged.
    fn unjudged() -> Self {
        Self::new(None, "it does not judge this")
    }
}

/// Answers triggers with decisions. Called on a thread of the decider, never on one that runs tasks; it
/// may be slow, wrong or stuck, and the decider answers for it then. What it does not judge it passes on.
///
/// # Errors
/// All judgements: [`Fault`] if the policy could not answer.
pub trait Policy: Send + Sync + fmt::Debug {
    /// The name in the config.
    fn name(&self) -> &Arc<str>;

    /// The number of the version that answers now. A swap changes it: what an earlier version did is not held against the
    /// new one.
    fn version(&self) -> u64 {
        0
    }

    /// Is it to be asked this at all? It may change when its component is swapped.
    fn judges(&self, judgement: Judgement) -> bool;

    /// A life ended unasked: what now?
    ///
    /// # Errors
    /// [`Fault`] if the policy could not answer.
    fn on_exit(&self, _ended: &Ended, _world: &Arc<Snapshot>) -> Result<Decision, Fault> {
        Ok(Decision::unjudged())
    }

    /// A process is about to be spawned: may it?
    ///
    /// # Errors
    /// [`Fault`] if the policy could not answer.
    fn before_start(&self, _plan: &Plan, _world: &Arc<Snapshot>) -> Result<Decision<StartAction>, Fault> {
        Ok(Decision::unjudged())
    }

    /// A check of its health has come to its end: what does it mean?
    ///
    /// # Errors
    /// [`Fault`] if the policy could not answer.
    fn on_probe(&self, _seen: &Observation, _world: &Arc<Snapshot>) -> Result<Decision<HealthAction>, Fault> {
        Ok(Decision::unjudged())
    }

    /// How many replicas should there be?
    ///
    /// # Errors
    /// [`Fault`] if the policy could not answer.
    fn replicas(&self, _demand: &Demand, _world: &Arc<Snapshot>) -> Result<Decision<u32>, Fault> {
        Ok(Decision::unjudged())
    }

    /// The same policy for whoever waits no longer than this: a call that takes longer is ended, and is its fault. `None`:
    /// it knows no such bound.
    fn within(&self, _most_ms: u64) -> Option<Arc<dyn Policy>> {
        None
    }

    /// What answered well before the component was swapped, still warm: asked when this one has failed and nobody else in
    /// the chain has an answer.
    fn last_good(&self) -> Option<Arc<dyn Policy>> {
        None
    }

    /// The host did not follow its answer to the letter: for its figures.
    fn clamped(&self) {}
}
