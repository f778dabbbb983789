//! The trait of a scale policy, and its decisions.

use serde::de::DeserializeOwned;

use crate::World;

/// Judges how many replicas of a process should run.
///
/// A policy *is* its settings: the type is read from what the operator wrote, and every call gets a fresh
/// value. What a policy needs to remember is in the world, or in its [`memory`](crate::memory).
///
/// ```
/// use provost_guest::{Demand, Phase, ScaleDecision, ScalePolicy, World, testing};
///
/// /// Runs one worker for `each` running processes of the group `jobs`.
/// #[derive(serde::Deserialize)]
/// struct PerJob {
///     jobs: String,
///     each: u32,
/// }
///
/// impl ScalePolicy for PerJob {
///     fn replicas(&self, _demand: &Demand, world: &dyn World) -> ScaleDecision {
///         let running = world.group(&self.jobs).iter().filter(|job| job.phase == Phase::Running).count() as u32;
///         ScaleDecision::to(running.div_ceil(self.each), format!("{running} jobs run"))
///     }
/// }
/// provost_guest::export!(PerJob: ScalePolicy);
///
/// let jobs = (0..5).map(|n| provost_guest::ProcessState {
///     group: "jobs".to_owned(),
///     ..testing::process(&format!("job{n}"), Phase::Running)
/// });
/// let policy = PerJob { jobs: "jobs".to_owned(), each: 2 };
/// let decision = policy.replicas(&testing::demand("worker", 1, 1), &testing::MadeUpWorld::of(jobs));
/// assert_eq!(decision, ScaleDecision::to(3, "5 jobs run"));
/// ```
pub trait ScalePolicy: DeserializeOwned {
    /// Checks what serde cannot, such as settings that contradict each other.
    ///
    /// # Errors
    /// Names the field and says what is wrong with it, in words for the operator.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }

    /// Decides how many replicas should run.
    fn replicas(&self, demand: &Demand, world: &dyn World) -> ScaleDecision;
}

/// The trigger of a scale policy: the numbers of replicas that are wanted, running and allowed.
///
/// ```
/// use provost_guest::{Demand, ScaleDecision, testing};
///
/// /// Goes towards a number of replicas one by one, and only when those of the last step run.
/// fn step(demand: &Demand, goal: u32) -> ScaleDecision {
///     match goal.clamp(demand.least, demand.most) {
///         _ if demand.running < demand.wanted => ScaleDecision::pass("the last step has not ended"),
///         goal if goal > demand.wanted => ScaleDecision::to(demand.wanted + 1, format!("one more towards {goal}")),
///         goal if goal < demand.wanted => ScaleDecision::to(demand.wanted - 1, format!("one less towards {goal}")),
///         goal => ScaleDecision::to(goal, "there are enough"),
///     }
/// }
///
/// assert_eq!(step(&testing::demand("worker", 2, 2), 5), ScaleDecision::to(3, "one more towards 5"));
/// assert_eq!(step(&testing::demand("worker", 3, 2), 5).reason, "the last step has not ended");
/// let bounded = Demand { most: 3, ..testing::demand("worker", 3, 3) };
/// assert_eq!(step(&bounded, 5), ScaleDecision::to(3, "there are enough"));
/// ```
pub use crate::bindings::scaler::exports::provost::plugin::scale_policy::Demand;

/// The answer of a scale policy: an action and its reason.
///
/// ```
/// use provost_guest::{Demand, ScaleAction, ScaleDecision, testing};
///
/// /// Runs one replica more from 0:00 to 6:00 in UTC, when most jobs arrive.
/// fn judge(demand: &Demand, usual: u32) -> ScaleDecision {
///     match demand.now / 3_600_000 % 24 {
///         hour @ 0..6 => ScaleDecision::to(usual + 1, format!("it is {hour}:00 or later")),
///         _ => ScaleDecision::to(usual, "it is day"),
///     }
/// }
///
/// let night = Demand { now: 3 * 3_600_000, ..testing::demand("worker", 2, 2) };
/// let by_hand = ScaleDecision { action: ScaleAction::Replicas(3), reason: "it is 3:00 or later".to_owned() };
/// assert_eq!(judge(&night, 2), by_hand);
/// ```
pub use crate::bindings::scaler::exports::provost::plugin::scale_policy::Decision as ScaleDecision;

/// The action of a [`ScaleDecision`].
///
/// ```
/// use provost_guest::{Demand, ScaleAction, ScaleDecision, testing};
///
/// /// Changes the number by a third of it at most, whatever another function has decided.
/// fn gently(demand: &Demand, decision: ScaleDecision) -> ScaleDecision {
///     let ScaleAction::Replicas(replicas) = decision.action else { return decision };
///     let step = demand.wanted.div_ceil(3);
///     let bounded = replicas.clamp(demand.wanted.saturating_sub(step), demand.wanted + step);
///     ScaleDecision { action: ScaleAction::Replicas(bounded), ..decision }
/// }
///
/// let decision = gently(&testing::demand("worker", 6, 6), ScaleDecision::to(20, "the queue is long"));
/// assert_eq!(decision, ScaleDecision::to(8, "the queue is long"));
/// ```
pub use crate::bindings::scaler::exports::provost::plugin::scale_policy::Action as ScaleAction;

impl ScaleDecision {
    fn of(action: ScaleAction, reason: impl Into<String>) -> Self {
        Self { action, reason: reason.into() }
    }

    /// Sets the number of replicas.
    pub fn to(replicas: u32, reason: impl Into<String>) -> Self {
        Self::of(ScaleAction::Replicas(replicas), reason)
    }

    /// Has no opinion: the next policy in the chain decides.
    pub fn pass(reason: impl Into<String>) -> Self {
        Self::of(ScaleAction::Pass, reason)
    }
}

/// Implements the generated interface by a [`ScalePolicy`].
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub struct ScalePolicyExport<P>(core::marker::PhantomData<P>);

#[cfg(target_arch = "wasm32")]
impl<P: ScalePolicy> crate::bindings::scaler::exports::provost::plugin::scale_policy::Guest
    for ScalePolicyExport<P>
{
    fn replicas(demand: Demand, world: &crate::Snapshot) -> ScaleDecision {
        crate::log::panics();
        crate::settings::of_this_plugin::<P>(P::check).replicas(&demand, world)
    }
}
