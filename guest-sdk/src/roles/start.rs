//! The trait of a start policy, and its decisions.

use serde::de::DeserializeOwned;

use crate::{Span, World};

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

/// The trigger of a start policy: the incarnation that is about to be spawned.
///
/// ```
/// use provost_guest::{Plan, Span, StartDecision, testing};
///
/// /// Delays each start by half a minute, asked again every second, so that the reason shows the progress.
/// fn judge(plan: &Plan) -> StartDecision {
///     match plan.waited {
///         waited @ ..30_000 => StartDecision::wait(Span::from_ms(1_000), format!("{waited} of 30000 ms")),
///         _ => StartDecision::allow("it has waited for 30 s"),
///     }
/// }
///
/// assert_eq!(judge(&testing::plan("web")).reason, "0 of 30000 ms");
/// let late = Plan { waited: 30_000, ..testing::plan("web") };
/// assert_eq!(judge(&late), StartDecision::allow("it has waited for 30 s"));
/// ```
pub use crate::bindings::starter::exports::provost::plugin::start_policy::Plan;

/// The answer of a start policy: an action and its reason.
///
/// ```
/// use provost_guest::{Plan, Span, StartAction, StartDecision, testing};
///
/// /// Starts nothing while the backup runs, from 3:00 to 4:00 in UTC.
/// fn judge(plan: &Plan) -> StartDecision {
///     const HOUR_MS: u64 = 3_600_000;
///     match plan.now % (24 * HOUR_MS) {
///         at if at / HOUR_MS == 3 => StartDecision::wait(Span::from_ms(4 * HOUR_MS - at), "the backup runs until 4:00"),
///         _ => StartDecision::allow("no backup runs"),
///     }
/// }
///
/// let plan = Plan { now: 3 * 3_600_000 + 3_000_000, ..testing::plan("web") };
/// let by_hand = StartDecision { action: StartAction::Wait(600_000), reason: "the backup runs until 4:00".to_owned() };
/// assert_eq!(judge(&plan), by_hand);
/// ```
pub use crate::bindings::starter::exports::provost::plugin::start_policy::Decision as StartDecision;

/// The action of a [`StartDecision`], which a native test takes apart.
///
/// ```
/// use provost_guest::{StartAction, StartDecision, Variable, testing};
///
/// let plan = testing::plan("web");
/// let decision = StartDecision::allow("it is its turn").with_env("INSTANCE", plan.incarnation.to_string());
/// let instance = Variable { name: "INSTANCE".to_owned(), value: "1".to_owned() };
/// assert_eq!(decision.action, StartAction::Allow(vec![instance]));
/// ```
pub use crate::bindings::starter::exports::provost::plugin::start_policy::Action as StartAction;

/// An environment variable that a start policy adds.
///
/// ```
/// use std::collections::BTreeMap;
///
/// use provost_guest::{StartAction, StartDecision, Variable};
///
/// /// Allows a start with all variables of the settings.
/// fn allow(settings: &BTreeMap<String, String>) -> StartDecision {
///     let variable = |(name, value): (&String, &String)| Variable { name: name.clone(), value: value.clone() };
///     let variables = settings.iter().map(variable).collect();
///     StartDecision { action: StartAction::Allow(variables), reason: "with the variables of its colour".to_owned() }
/// }
///
/// let settings = BTreeMap::from([("COLOUR".to_owned(), "blue".to_owned())]);
/// let StartAction::Allow(variables) = allow(&settings).action else { panic!("it is allowed") };
/// assert_eq!(variables[0].value, "blue");
/// ```
pub use crate::bindings::starter::exports::provost::plugin::start_policy::Variable;

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
