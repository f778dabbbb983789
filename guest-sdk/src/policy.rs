//! The role of a restart policy: the trait, decisions, and the export.

use serde::de::DeserializeOwned;

use crate::{Action, Decision, Ended, Span, World};

/// Judges what to do when a process has ended without having been asked to.
///
/// A policy *is* its settings: the type is read from what the operator wrote, and every call gets a fresh
/// one. What a policy needs to remember is in the world: see [`World::deaths`].
pub trait RestartPolicy: DeserializeOwned {
    /// Checks what serde cannot, such as settings that contradict each other.
    ///
    /// # Errors
    /// Names the field and says what is wrong with it, in words for the operator.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }

    /// Decides. In `world` the process has just become `exited`, and this end is its newest death.
    fn on_exit(&self, ended: &Ended, world: &dyn World) -> Decision;
}

impl Decision {
    /// Start it again, `delay_ms` after its end. Say in `reason` the figure that decided.
    pub fn restart(delay_ms: u64, reason: impl Into<String>) -> Self {
        Self { action: Action::Restart(delay_ms), reason: reason.into() }
    }

    /// Start it again, this long after its end.
    pub fn restart_after(delay: Span, reason: impl Into<String>) -> Self {
        Self::restart(delay.ms(), reason)
    }

    /// Leave it down: it is done.
    pub fn stay_down(reason: impl Into<String>) -> Self {
        Self { action: Action::StayDown, reason: reason.into() }
    }

    /// Give up on it: `fatal` until somebody starts it.
    pub fn give_up(reason: impl Into<String>) -> Self {
        Self { action: Action::GiveUp, reason: reason.into() }
    }

    /// Have no opinion: the next policy of the chain decides.
    pub fn pass(reason: impl Into<String>) -> Self {
        Self { action: Action::Pass, reason: reason.into() }
    }
}

/// Fills the generated interface with a [`RestartPolicy`].
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

/// Exports a [`RestartPolicy`] as the interface `restart-policy`.
#[macro_export]
macro_rules! export_restart_policy {
    ($policy:ty) => {
        const _: () = {
            const fn exported<P: $crate::RestartPolicy>() {}
            exported::<$policy>()
        };
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Exported = $crate::policy::RestartPolicyExport<$policy>;
    $crate::bindings::judge::export_restart_judge!(Exported with_types_in $crate::bindings::judge);
        };
    };
}
