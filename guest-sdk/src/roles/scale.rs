//! The trait of a scale policy, and its decisions.

use serde::de::DeserializeOwned;

use crate::{Demand, ScaleAction, ScaleDecision, World};

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
