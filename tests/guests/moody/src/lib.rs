//! A restart policy that misbehaves on purpose, but not always: it judges `bystander`, and panics for all others.

use provost_guest::{Decision, Ended, RestartPolicy, World};

/// Passes a trial call about `bystander`, and fails afterwards.
#[derive(serde::Deserialize)]
pub struct Moody {}

impl RestartPolicy for Moody {
    #[expect(clippy::panic, reason = "it misbehaves on purpose")]
    fn on_exit(&self, ended: &Ended, _world: &dyn World) -> Decision {
        if ended.name != "bystander" {
            panic!("on purpose, over {}", ended.name);
        }
        Decision::restart(0, "a good day")
    }
}

provost_guest::export!(Moody: RestartPolicy);
