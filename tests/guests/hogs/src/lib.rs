//! A restart policy that misbehaves on purpose: it allocates without end.

use provost_guest::{Decision, Ended, RestartPolicy, World};

/// Takes all the memory that it gets.
#[derive(serde::Deserialize)]
pub struct Hogs {}

impl RestartPolicy for Hogs {
    fn on_exit(&self, _ended: &Ended, _world: &dyn World) -> Decision {
        let mut hoard = Vec::new();
        loop {
            // Written to, so that no compiler and no lazy page spares the memory.
            hoard.push(std::hint::black_box(vec![1_u8; 64 * 1024]));
        }
    }
}

provost_guest::export!(Hogs: RestartPolicy);
