//! The trait of a health policy, and its decisions.

use serde::de::DeserializeOwned;

use crate::World;

/// Judges the results of the health checks of a running process.
///
/// A policy *is* its settings: the type is read from what the operator wrote, and every call gets a fresh
/// value. What a policy needs to remember is in the world, or in its [`memory`](crate::memory).
///
/// ```
/// use provost_guest::{HealthDecision, HealthPolicy, Observation, World, testing};
///
/// /// Tolerates failed checks, but not too many in a row.
/// #[derive(serde::Deserialize)]
/// struct Lenient {
///     restart_after: u32,
/// }
///
/// impl HealthPolicy for Lenient {
///     fn on_probe(&self, seen: &Observation, _world: &dyn World) -> HealthDecision {
///         match (seen.passed, seen.in_a_row) {
///             (true, _) => HealthDecision::healthy("it answers"),
///             (false, n) if n >= self.restart_after => HealthDecision::restart(format!("{n} checks failed")),
///             (false, n) => HealthDecision::degraded(format!("{n} checks failed")),
///         }
///     }
/// }
/// provost_guest::export!(Lenient: HealthPolicy);
///
/// let third = testing::observation("web", false, 3);
/// let decision = Lenient { restart_after: 3 }.on_probe(&third, &testing::MadeUpWorld::default());
/// assert_eq!(decision, HealthDecision::restart("3 checks failed"));
/// ```
pub trait HealthPolicy: DeserializeOwned {
    /// Checks what serde cannot, such as settings that contradict each other.
    ///
    /// # Errors
    /// Names the field and says what is wrong with it, in words for the operator.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }

    /// Decides what a check means. In `world` the process is `running`.
    fn on_probe(&self, seen: &Observation, world: &dyn World) -> HealthDecision;
}

/// The trigger of a health policy: the result of a check.
///
/// ```
/// use provost_guest::{HealthDecision, Observation, testing};
///
/// /// Takes an answer that was slow as a bad sign.
/// fn judge(seen: &Observation) -> HealthDecision {
///     match seen {
///         Observation { passed: false, detail, .. } => HealthDecision::pass(detail.as_str()),
///         Observation { took: 500.., .. } => HealthDecision::degraded(format!("it took {} ms", seen.took)),
///         _ => HealthDecision::healthy("it answers"),
///     }
/// }
///
/// let slow = Observation { took: 750, ..testing::observation("web", true, 1) };
/// assert_eq!(judge(&slow), HealthDecision::degraded("it took 750 ms"));
/// assert_eq!(judge(&testing::observation("web", true, 2)), HealthDecision::healthy("it answers"));
/// ```
pub use crate::bindings::prober::exports::provost::plugin::health_policy::Observation;

/// The answer of a health policy: an action and its reason.
///
/// ```
/// use provost_guest::{HealthAction, HealthDecision, Observation, testing};
///
/// /// Takes the action of the settings after a failure.
/// fn judge(seen: &Observation, on_failure: HealthAction) -> HealthDecision {
///     let action = if seen.passed { HealthAction::Healthy } else { on_failure };
///     HealthDecision { action, reason: format!("{} in a row", seen.in_a_row) }
/// }
///
/// let failed = testing::observation("web", false, 2);
/// assert_eq!(judge(&failed, HealthAction::Restart), HealthDecision::restart("2 in a row"));
/// ```
pub use crate::bindings::prober::exports::provost::plugin::health_policy::Decision as HealthDecision;

/// The action of a [`HealthDecision`].
///
/// ```
/// use provost_guest::{HealthAction, Observation, testing};
///
/// /// Needs two results in a row to change the health, and restarts nothing.
/// fn judge(seen: &Observation) -> HealthAction {
///     match (seen.in_a_row, seen.passed) {
///         (..2, _) => HealthAction::Pass,
///         (_, true) => HealthAction::Healthy,
///         (_, false) => HealthAction::Unhealthy,
///     }
/// }
///
/// assert_eq!(judge(&testing::observation("web", false, 1)), HealthAction::Pass);
/// assert_eq!(judge(&testing::observation("web", false, 2)), HealthAction::Unhealthy);
/// ```
pub use crate::bindings::prober::exports::provost::plugin::health_policy::Action as HealthAction;

impl HealthDecision {
    fn of(action: HealthAction, reason: impl Into<String>) -> Self {
        Self { action, reason: reason.into() }
    }

    /// The process is healthy.
    pub fn healthy(reason: impl Into<String>) -> Self {
        Self::of(HealthAction::Healthy, reason)
    }

    /// The process works, but not as it should.
    pub fn degraded(reason: impl Into<String>) -> Self {
        Self::of(HealthAction::Degraded, reason)
    }

    /// The process does not work. Nothing is done about it.
    ///
    /// ```
    /// use provost_guest::{HealthAction, HealthDecision};
    ///
    /// let decision = HealthDecision::unhealthy("the third check has failed");
    /// assert_eq!(decision.action, HealthAction::Unhealthy);
    /// ```
    pub fn unhealthy(reason: impl Into<String>) -> Self {
        Self::of(HealthAction::Unhealthy, reason)
    }

    /// The process does not work: it is stopped and started again.
    pub fn restart(reason: impl Into<String>) -> Self {
        Self::of(HealthAction::Restart, reason)
    }

    /// Has no opinion: the next policy in the chain decides.
    pub fn pass(reason: impl Into<String>) -> Self {
        Self::of(HealthAction::Pass, reason)
    }
}

/// Implements the generated interface by a [`HealthPolicy`].
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub struct HealthPolicyExport<P>(core::marker::PhantomData<P>);

#[cfg(target_arch = "wasm32")]
impl<P: HealthPolicy> crate::bindings::prober::exports::provost::plugin::health_policy::Guest
    for HealthPolicyExport<P>
{
    fn on_probe(seen: Observation, world: &crate::Snapshot) -> HealthDecision {
        crate::log::panics();
        crate::settings::of_this_plugin::<P>(P::check).on_probe(&seen, world)
    }
}
