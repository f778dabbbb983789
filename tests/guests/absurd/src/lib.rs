//! A restart policy that misbehaves on purpose: it asks for a delay of 10^18 ms, thirty million years.

use provost_guest::{Decision, Ended, RestartPolicy, World};

/// Asks for an absurd delay.
#[derive(serde::Deserialize)]
pub struct Absurd {}

impl RestartPolicy for Absurd {
    fn on_exit(&self, _ended: &Ended, _world: &dyn World) -> Decision {
        Decision::restart(1_000_000_000_000_000_000, "patience")
    }
}

provost_guest::export!(Absurd: RestartPolicy);
