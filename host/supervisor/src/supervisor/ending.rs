//! The end of the host: everything stopped in order, or killed at once.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use provost_state::{Cause, ProcessState};

use super::handle::Supervisor;
use crate::groups::Named;
use crate::mailbox::Want;
use crate::runner::OUTPUT_GRACE;

impl Supervisor {
    /// Stops everything, each process after those that depend on it, and returns when no child is left and their output
    /// is in the log files. Nothing is started any more from the call on.
    ///
    /// It takes at most the grace times along the dependencies plus a few seconds; [`Supervisor::left`] names what is
    /// still there after that.
    pub async fn shutdown(&self, cause: Cause) {
        self.shared.closing.store(true, Ordering::Release);
        let world = self.reader().snapshot();
        let named = |state: &Arc<ProcessState>| {
            Some(Named { name: state.name().clone(), handle: self.reader().handle_of(state.id)? })
        };
        let all = world.iter().filter_map(named).collect();
        drop(world);
        let stop = Want::Stop(cause.into());
        let stuck = self.dispatch.stop_in_order(all, stop, Some(self.shared.publisher.clock.clone())).await;
        for process in stuck {
            let state = self.reader().state(process.handle.id);
            if let Some(pid) = state.and_then(|state| state.pid()) {
                self.shared.leftovers.add_stuck(process.name, pid);
            }
        }
        self.shared.spawner.look_for_leftovers().await;
        self.shared.logs.finish(OUTPUT_GRACE).await;
    }

    /// Sends SIGKILL to every process group and to what has left one at once, without the grace time, and waits for nothing.
    pub async fn kill_all(&self) {
        let world = self.reader().snapshot();
        for state in world.iter().filter(|state| state.phase.kind().is_live()) {
            if let Some(pid) = state.pid() {
                // What has ended meanwhile needs no signal.
                let _ = self.shared.spawner.kill(pid);
            }
            self.roster.tell(state.id, Want::Kill);
        }
        self.shared.spawner.kill_escaped();
    }
}
