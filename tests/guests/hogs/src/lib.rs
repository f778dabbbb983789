//! A restart policy that misbehaves on purpose: it allocates endlessly.

use provost_guest::{Decision, Ended, RestartPolicy, World};

/// Allocates all the memory that it can get.
#[derive(serde::Deserialize)]
pub struct Hogs {}

impl RestartPolicy for Hogs {
    fn on_exit(&self, _ended: &Ended, _world: &dyn World) -> Decision {
        let mut hoard = Vec::new();
        loop {
            // The memory is written to, so that neither the compiler nor lazy paging can save it.
            hoard.push(std::hint::black_box(vec![1_u8; 64 * 1024]));
        }
    }
}

provost_guest::export!(Hogs: RestartPolicy);
