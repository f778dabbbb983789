//! The trait of a usage policy, and its decisions.

use serde::de::DeserializeOwned;

use crate::{Sample, Span, UsageAction, UsageDecision, World};

/// Judges the resources that a running process uses, each time that they were read.
///
/// A policy *is* its settings: the type is read from what the operator wrote, and every call gets a fresh
/// value. The former samples are in the trigger, so that a policy rarely needs its [`memory`](crate::memory).
///
/// ```
/// use provost_guest::{Sample, UsageDecision, UsagePolicy, World, testing};
///
/// /// Restarts a process that has too many threads.
/// #[derive(serde::Deserialize)]
/// struct Threads {
///     most: u32,
/// }
///
/// impl UsagePolicy for Threads {
///     fn on_sample(&self, sample: &Sample, _world: &dyn World) -> UsageDecision {
///         match sample.usage.threads {
///             threads if threads > self.most => UsageDecision::restart(format!("{threads} threads")),
///             threads => UsageDecision::pass(format!("only {threads} threads")),
///         }
///     }
/// }
/// provost_guest::export!(Threads: UsagePolicy);
///
/// let mut sample = testing::sample("web", 1 << 20);
/// sample.usage.threads = 500;
/// let decision = Threads { most: 100 }.on_sample(&sample, &testing::MadeUpWorld::default());
/// assert_eq!(decision, UsageDecision::restart("500 threads"));
/// ```
pub trait UsagePolicy: DeserializeOwned {
    /// Checks what serde cannot, such as settings that contradict each other.
    ///
    /// # Errors
    /// Names the field and says what is wrong with it, in words for the operator.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }

    /// Decides what a sample means. In `world` the process is `running`.
    fn on_sample(&self, sample: &Sample, world: &dyn World) -> UsageDecision;
}

impl UsageDecision {
    fn of(action: UsageAction, reason: impl Into<String>) -> Self {
        Self { action, reason: reason.into() }
    }

    /// Lets the process run, whatever the other policies in the chain would say.
    ///
    /// ```
    /// use provost_guest::{UsageAction, UsageDecision};
    ///
    /// assert_eq!(UsageDecision::keep("it may use all").action, UsageAction::Keep);
    /// ```
    pub fn keep(reason: impl Into<String>) -> Self {
        Self::of(UsageAction::Keep, reason)
    }

    /// Stops the process, within its own grace time, and starts it again.
    pub fn restart(reason: impl Into<String>) -> Self {
        Self::of(UsageAction::Restart(None), reason)
    }

    /// Stops the process, which may take `drain` to end before it is killed, and starts it again.
    ///
    /// ```
    /// use provost_guest::{Span, UsageAction, UsageDecision};
    ///
    /// let decision = UsageDecision::restart_within(Span::from_ms(5_000), "600 MiB");
    /// assert_eq!(decision.action, UsageAction::Restart(Some(5_000)));
    /// ```
    pub fn restart_within(drain: Span, reason: impl Into<String>) -> Self {
        Self::of(UsageAction::Restart(Some(drain.ms())), reason)
    }

    /// Has no opinion: the next policy in the chain decides.
    pub fn pass(reason: impl Into<String>) -> Self {
        Self::of(UsageAction::Pass, reason)
    }
}

/// Implements the generated interface by a [`UsagePolicy`].
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub struct UsagePolicyExport<P>(core::marker::PhantomData<P>);

#[cfg(target_arch = "wasm32")]
impl<P: UsagePolicy> crate::bindings::meterer::exports::provost::plugin::usage_policy::Guest
    for UsagePolicyExport<P>
{
    fn on_sample(sample: Sample, world: &crate::Snapshot) -> UsageDecision {
        crate::log::panics();
        crate::settings::of_this_plugin::<P>(P::check).on_sample(&sample, world)
    }
}
