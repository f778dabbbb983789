//! The trait of a restart policy, and its decisions.

use serde::de::DeserializeOwned;

use crate::{Action, Decision, Ended, Escalation, Restarting, Scope, Span, World};

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
