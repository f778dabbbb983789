//! The trait of a start policy, and its decisions.

use serde::de::DeserializeOwned;

use crate::{Plan, Span, StartAction, StartDecision, Variable, World};

/// Judges whether a process may be spawned, each time that it is about to be.
///
/// A policy *is* its settings: the type is read from what the operator wrote, and every call gets a fresh
/// value. What a policy needs to remember is in the world, or in its [`memory`](crate::memory).
///
/// ```
/// use provost_guest::{Phase, Plan, Span, StartDecision, StartPolicy, World, testing};
///
/// /// Starts a process once the process `with` is down.
/// #[derive(serde::Deserialize)]
/// struct TakeTurns {
///     with: String,
/// }
///
/// impl StartPolicy for TakeTurns {
///     fn before_start(&self, plan: &Plan, world: &dyn World) -> StartDecision {
///         match world.get(&self.with) {
///             Some(other) if other.phase == Phase::Running => {
///                 StartDecision::wait(Span::from_ms(500), format!("{} runs", self.with))
///             }
///             _ => StartDecision::allow("it is its turn").with_env("TURN_OF", &plan.name),
///         }
///     }
/// }
/// provost_guest::export!(TakeTurns: StartPolicy);
///
/// let policy = TakeTurns { with: "blue".to_owned() };
/// let world = testing::MadeUpWorld::of([testing::process("blue", Phase::Running)]);
/// assert_eq!(policy.before_start(&testing::plan("green"), &world).reason, "blue runs");
/// ```
pub trait StartPolicy: DeserializeOwned {
    /// Checks what serde cannot, such as settings that contradict each other.
    ///
    /// # Errors
    /// Names the field and says what is wrong with it, in words for the operator.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }

    /// Decides whether the process starts. In `world` it is `waiting` or in `backoff`.
    fn before_start(&self, plan: &Plan, world: &dyn World) -> StartDecision;
}

impl StartDecision {
    fn of(action: StartAction, reason: impl Into<String>) -> Self {
        Self { action, reason: reason.into() }
    }

    /// Allows the start.
    pub fn allow(reason: impl Into<String>) -> Self {
        Self::of(StartAction::Allow(Vec::new()), reason)
    }

    /// Adds a variable to the environment of this incarnation. The operator has to grant it (`set-env:NAME`);
    /// otherwise the host drops it and says so. Has no effect on a decision other than `allow`.
    #[must_use]
    pub fn with_env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        if let StartAction::Allow(variables) = &mut self.action {
            variables.push(Variable { name: name.into(), value: value.into() });
        }
        self
    }

    /// Delays the start: the host asks again after `delay`.
    pub fn wait(delay: Span, reason: impl Into<String>) -> Self {
        Self::of(StartAction::Wait(delay.ms()), reason)
    }

    /// Refuses the start: the process is `fatal` until somebody starts it.
    ///
    /// ```
    /// use provost_guest::{StartAction, StartDecision};
    ///
    /// assert_eq!(StartDecision::refuse("it is Sunday").action, StartAction::Refuse);
    /// ```
    pub fn refuse(reason: impl Into<String>) -> Self {
        Self::of(StartAction::Refuse, reason)
    }

    /// Has no opinion: the next policy in the chain decides.
    pub fn pass(reason: impl Into<String>) -> Self {
        Self::of(StartAction::Pass, reason)
    }
}

/// Implements the generated interface by a [`StartPolicy`].
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub struct StartPolicyExport<P>(core::marker::PhantomData<P>);

#[cfg(target_arch = "wasm32")]
impl<P: StartPolicy> crate::bindings::starter::exports::provost::plugin::start_policy::Guest
    for StartPolicyExport<P>
{
    fn before_start(plan: Plan, world: &crate::Snapshot) -> StartDecision {
        crate::log::panics();
        crate::settings::of_this_plugin::<P>(P::check).before_start(&plan, world)
    }
}
