//! A restart policy that misbehaves on purpose: it never answers.

use provost_guest::{Decision, Ended, RestartPolicy, World};

/// Loops forever.
#[derive(serde::Deserialize)]
pub struct Loops {}

impl RestartPolicy for Loops {
    fn on_exit(&self, _ended: &Ended, _world: &dyn World) -> Decision {
        loop {
            std::hint::spin_loop();
        }
    }
}

provost_guest::export!(Loops: RestartPolicy);
