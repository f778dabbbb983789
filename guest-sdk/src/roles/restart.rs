//! The trait of a restart policy, and its decisions.

use serde::de::DeserializeOwned;

use crate::{Span, World};

/// Judges what to do when a process has ended without having been asked to.
///
/// A policy *is* its settings: the type is read from what the operator wrote, and every call gets a fresh
/// value. What a policy needs to remember is in the world (see [`World::deaths`]), or in its
/// [`memory`](crate::memory).
///
/// ```
/// use provost_guest::{Decision, Ended, Escalation, RestartPolicy, Scope, Span, World, testing};
///
/// /// Restarts the whole group at the first failure, and gives up everything at the second.
/// #[derive(serde::Deserialize)]
/// struct Strict {
///     pause: Span,
/// }
///
/// impl RestartPolicy for Strict {
///     fn on_exit(&self, ended: &Ended, _world: &dyn World) -> Decision {
///         match ended.failures {
///             0 => Decision::pass("it has not failed"),
///             1 => Decision::restart_after(self.pause, ended.exit.to_string()).of_scope(Scope::Group),
///             _ => Decision::give_up("it fails again").and_then(Escalation::ShutDown(1)),
///         }
///     }
/// }
/// provost_guest::export!(Strict: RestartPolicy);
///
/// let ended = testing::ended("web", provost_guest::Exit::Code(3), 10);
/// let decision = Strict { pause: Span::from_ms(500) }.on_exit(&ended, &testing::MadeUpWorld::default());
/// assert_eq!((decision.action.delay_ms(), decision.reason.as_str()), (Some(500), "exited with code 3"));
/// ```
pub trait RestartPolicy: DeserializeOwned {
    /// Checks what serde cannot, such as settings that contradict each other.
    ///
    /// # Errors
    /// Names the field and says what is wrong with it, in words for the operator.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }

    /// Decides what follows an end. In `world` the process has just become `exited`, and this end is its newest death.
    fn on_exit(&self, ended: &Ended, world: &dyn World) -> Decision;
}

/// The trigger of a restart policy: all that is known about an end without looking at the world.
///
/// ```
/// use provost_guest::{Ended, Exit, testing};
///
/// /// Waits one second after a failure, and up to half a second more, so that processes that fail together do not start together.
/// fn delay_ms(ended: &Ended) -> u64 {
///     match ended {
///         Ended { was_ready: true, uptime: 60_000.., .. } => 0,
///         ended => 1_000 + ended.seed % 500,
///     }
/// }
///
/// let ended = Ended { seed: 1_234, ..testing::ended("web", Exit::Code(1), 10) };
/// assert_eq!(delay_ms(&ended), 1_234);
/// assert_eq!(delay_ms(&Ended { uptime: 3_600_000, ..ended }), 0);
/// ```
pub use crate::bindings::judge::exports::provost::plugin::restart_policy::Ended;

/// The answer of a restart policy: an action and its reason. Its functions make the usual ones; any other can be made by hand.
///
/// ```
/// use provost_guest::{Action, Decision, Restarting, Scope};
///
/// let by_hand = Decision {
///     action: Action::Restart(Restarting { delay: 500, scope: Scope::Group }),
///     reason: "failure 1 of 3".to_owned(),
/// };
/// assert_eq!(by_hand, Decision::restart(500, "failure 1 of 3").of_scope(Scope::Group));
/// ```
pub use crate::bindings::judge::exports::provost::plugin::restart_policy::Decision;

/// The action of a [`Decision`], which a native test compares.
///
/// ```
/// use provost_guest::{Action, Decision, Ended, Escalation, Exit, testing};
///
/// /// Restarts three times, and then gives up.
/// fn judge(ended: &Ended) -> Decision {
///     match ended.failures {
///         0..=3 => Decision::restart(500, format!("failure {} of 3", ended.failures)),
///         n => Decision::give_up(format!("{n} failures in a row")),
///     }
/// }
///
/// let third = Ended { failures: 3, ..testing::ended("web", Exit::Code(1), 10) };
/// assert_eq!(judge(&third).action, Action::restart(500));
/// let fourth = Ended { failures: 4, ..third };
/// assert_eq!(judge(&fourth).action, Action::GiveUp(Escalation::Nothing));
/// ```
pub use crate::bindings::judge::exports::provost::plugin::restart_policy::Action;

/// The delay and the scope of a restart.
///
/// ```
/// use provost_guest::{Action, Decision, Restarting, Scope};
///
/// /// Doubles the delay of a decision, and leaves the rest of it as it is.
/// fn slower(mut decision: Decision) -> Decision {
///     if let Action::Restart(Restarting { delay, .. }) = &mut decision.action {
///         *delay *= 2;
///     }
///     decision
/// }
///
/// let decision = slower(Decision::restart(500, "failure 1").of_scope(Scope::Rest));
/// assert_eq!(decision.action, Action::Restart(Restarting { delay: 1_000, scope: Scope::Rest }));
/// assert_eq!(slower(Decision::stay_down("done")), Decision::stay_down("done"));
/// ```
pub use crate::bindings::judge::exports::provost::plugin::restart_policy::Restarting;

/// The processes that a restart includes.
///
/// ```
/// use provost_guest::{Decision, Ended, Exit, Scope, testing};
///
/// /// Restarts what depends on the process with it, unless it had never worked: then the others have not used it.
/// fn judge(ended: &Ended) -> Decision {
///     let scope = if ended.was_ready { Scope::Rest } else { Scope::Itself };
///     Decision::restart(500, ended.exit.to_string()).of_scope(scope)
/// }
///
/// let ended = testing::ended("db", Exit::Signal(9), 5_000);
/// assert_eq!(judge(&ended), Decision::restart(500, "killed by SIGKILL").of_scope(Scope::Rest));
/// let early = Ended { was_ready: false, ..ended };
/// assert_eq!(judge(&early), Decision::restart(500, "killed by SIGKILL").of_scope(Scope::Itself));
/// ```
pub use crate::bindings::judge::exports::provost::plugin::restart_policy::Scope;

/// The consequence for other processes when one is given up.
///
/// ```
/// use provost_guest::{Action, Decision, Ended, Escalation, Exit, testing};
///
/// /// Gives up on the whole group, and on a process without a group alone.
/// fn give_up(ended: &Ended) -> Decision {
///     let escalation = if ended.group.is_empty() { Escalation::Nothing } else { Escalation::GiveUpGroup };
///     Decision::give_up("it does not come up").and_then(escalation)
/// }
///
/// let ended = Ended { group: "site".to_owned(), ..testing::ended("web", Exit::Code(1), 10) };
/// assert_eq!(give_up(&ended).action, Action::GiveUp(Escalation::GiveUpGroup));
/// ```
pub use crate::bindings::judge::exports::provost::plugin::restart_policy::Escalation;

impl Action {
    /// Restarts only the process itself, `delay_ms` after its end.
    #[must_use]
    pub const fn restart(delay_ms: u64) -> Self {
        Self::Restart(Restarting { delay: delay_ms, scope: Scope::Itself })
    }
}

impl Decision {
    fn of(action: Action, reason: impl Into<String>) -> Self {
        Self { action, reason: reason.into() }
    }

    /// Restarts the process `delay_ms` after its end. `reason` should name the figure that decided.
    pub fn restart(delay_ms: u64, reason: impl Into<String>) -> Self {
        Self::of(Action::restart(delay_ms), reason)
    }

    /// Restarts the process `delay` after its end.
    pub fn restart_after(delay: Span, reason: impl Into<String>) -> Self {
        Self::restart(delay.ms(), reason)
    }

    /// Leaves the process down: its work is done.
    pub fn stay_down(reason: impl Into<String>) -> Self {
        Self::of(Action::StayDown, reason)
    }

    /// Gives up on the process: it is `fatal` until somebody starts it.
    pub fn give_up(reason: impl Into<String>) -> Self {
        Self::of(Action::GiveUp(Escalation::Nothing), reason)
    }

    /// Has no opinion: the next policy in the chain decides.
    pub fn pass(reason: impl Into<String>) -> Self {
        Self::of(Action::Pass, reason)
    }

    /// Sets which processes are restarted together. Has no effect on a decision other than a restart.
    #[must_use]
    pub fn of_scope(mut self, scope: Scope) -> Self {
        if let Action::Restart(restarting) = &mut self.action {
            restarting.scope = scope;
        }
        self
    }

    /// Sets what else happens when the process is given up. Has no effect on any other decision.
    #[must_use]
    pub fn and_then(mut self, escalation: Escalation) -> Self {
        if let Action::GiveUp(follows) = &mut self.action {
            *follows = escalation;
        }
        self
    }
}

/// Implements the generated interface by a [`RestartPolicy`].
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub struct RestartPolicyExport<P>(core::marker::PhantomData<P>);

#[cfg(target_arch = "wasm32")]
impl<P: RestartPolicy> crate::bindings::judge::exports::provost::plugin::restart_policy::Guest
    for RestartPolicyExport<P>
{
    fn on_exit(ended: Ended, world: &crate::Snapshot) -> Decision {
        crate::log::panics();
        crate::settings::of_this_plugin::<P>(P::check).on_exit(&ended, world)
    }
}
