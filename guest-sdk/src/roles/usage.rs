//! The trait of a usage policy, and its decisions.

use serde::de::DeserializeOwned;

use crate::{Span, World};

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

/// The trigger of a usage policy: what a process uses now, and what it used before.
///
/// ```
/// use provost_guest::{Sample, UsageDecision, testing};
///
/// /// Restarts a process whose memory has grown at each of ten samples.
/// fn judge(sample: &Sample) -> UsageDecision {
///     let newest_first: Vec<u64> =
///         std::iter::once(&sample.usage).chain(&sample.former).map(|usage| usage.rss_bytes).take(10).collect();
///     match newest_first.is_sorted_by(|newer, older| newer > older) && newest_first.len() == 10 {
///         true => UsageDecision::restart(format!("it has grown ten times, to {} bytes", newest_first[0])),
///         false => UsageDecision::pass("it does not grow all the time"),
///     }
/// }
///
/// let mut sample = testing::sample("web", 10 << 20);
/// sample.former = (1..10).rev().map(|mib| testing::usage(mib << 20)).collect();
/// assert_eq!(judge(&sample).reason, "it has grown ten times, to 10485760 bytes");
/// sample.former[3].rss_bytes = 0;
/// assert_eq!(judge(&sample).reason, "it does not grow all the time");
/// ```
pub use crate::bindings::meterer::exports::provost::plugin::usage_policy::Sample;

/// The answer of a usage policy: an action and its reason.
///
/// ```
/// use provost_guest::{Sample, UsageAction, UsageDecision, testing};
///
/// /// Restarts a process above a bound, and lets it drain for as long as it has lived, at most for a minute.
/// fn judge(sample: &Sample, bytes_max: u64) -> UsageDecision {
///     let bytes = sample.usage.rss_bytes;
///     let action = match bytes > bytes_max {
///         true => UsageAction::Restart(Some(sample.uptime.min(60_000))),
///         false => UsageAction::Pass,
///     };
///     UsageDecision { action, reason: format!("{bytes} of {bytes_max} bytes") }
/// }
///
/// let sample = Sample { uptime: 3_000, ..testing::sample("web", 600) };
/// assert_eq!(judge(&sample, 500).action, UsageAction::Restart(Some(3_000)));
/// assert_eq!(judge(&sample, 700), UsageDecision::pass("600 of 700 bytes"));
/// ```
pub use crate::bindings::meterer::exports::provost::plugin::usage_policy::Decision as UsageDecision;

/// The action of a [`UsageDecision`], which a native test compares.
///
/// ```
/// use provost_guest::{Span, UsageAction, UsageDecision};
///
/// // Without a time to drain, the process has its own grace time.
/// assert_eq!(UsageDecision::restart("600 MiB").action, UsageAction::Restart(None));
/// let drained = UsageDecision::restart_within(Span::from_ms(60_000), "600 MiB");
/// assert_eq!(drained.action, UsageAction::Restart(Some(60_000)));
/// // `keep` ends the chain, and `pass` lets the next policy in it decide.
/// assert_eq!(UsageDecision::keep("it is a cache").action, UsageAction::Keep);
/// assert_eq!(UsageDecision::pass("100 MiB").action, UsageAction::Pass);
/// ```
pub use crate::bindings::meterer::exports::provost::plugin::usage_policy::Action as UsageAction;

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
