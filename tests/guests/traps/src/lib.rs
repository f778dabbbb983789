//! A restart policy that misbehaves on purpose: it panics.

use provost_guest::{Decision, Ended, RestartPolicy, World};

/// Panics.
#[derive(serde::Deserialize)]
pub struct Traps {}

impl RestartPolicy for Traps {
    #[expect(clippy::panic, reason = "it misbehaves on purpose")]
    fn on_exit(&self, ended: &Ended, _world: &dyn World) -> Decision {
        panic!("on purpose, over {}", ended.name);
    }
}

provost_guest::export!(Traps: RestartPolicy);
