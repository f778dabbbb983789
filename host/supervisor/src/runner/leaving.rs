//! The removal of the process. Only its own task removes it, so nothing is committed or spawned between its end and its
//! removal: it stops, waits for its output, takes the process out of everything that knows it, and ends.

use std::sync::Arc;
use std::time::Duration;

use provost_state::{Cause, NotRemoved};
use tokio::sync::oneshot;

use super::departure::Leaving;
use super::kept::Kept;
use super::task::Runner;
use crate::mailbox::{Refusal, Request, Want};

/// How long the remaining output may take to be read and written before the process is removed all the same. Its log is
/// written on meanwhile.
pub(crate) const OUTPUT_GRACE: Duration = Duration::from_secs(3);

impl Runner {
    /// Begins to stop for good. `reply` is answered when the process is gone.
    pub(super) fn begin_to_leave(&mut self, reason: Arc<str>, reply: oneshot::Sender<Result<(), Refusal>>) {
        self.record.leave();
        let leaving = self.leaving.get_or_insert_with(|| Leaving { replies: Vec::new(), drained: None });
        leaving.replies.retain(|reply| !reply.is_closed());
        leaving.replies.push(reply);
        if let Err(refusal) = self.stop(Cause::Reload, reason) {
            tracing::warn!(process = &*self.spec.name, %refusal, "cannot send the stop signal");
        }
    }

    /// Begins to wait for the output if the process is leaving and has nothing left to wait for before.
    pub(super) fn go_on_leaving(&mut self) {
        let is_at_rest = self.state.is_at_rest();
        let has_child = self.child.is_some() || self.launching.is_some() || self.late.is_some();
        let Some(leaving) = &mut self.leaving else { return };
        if !is_at_rest || has_child || leaving.drained.is_some() {
            return;
        }
        let (logs, id) = (self.shared.logs.clone(), self.state.id);
        logs.stopped(id);
        let (spawner, spec, reading) =
            (self.shared.spawner.clone(), self.spec.clone(), self.shared.jobs.reading.clone());
        leaving.drained = Some(Kept::new(Box::pin(async move {
            logs.drained(id, OUTPUT_GRACE).await;
            // Before its name is free for another one. It may wait for disks.
            let released = reading.run(move || spawner.release(&spec)).await;
            if let Err(lost) = released {
                tracing::error!(%lost, "the sockets of a process that was removed were not closed");
            }
        })));
    }

    /// Whether the process is not in the registry any more.
    pub(super) fn is_gone(&self) -> bool {
        self.leaving.is_some() && self.shared.publisher.reader().state(self.state.id).is_none()
    }

    /// Takes the process out of everything that knows it, and answers all who wait. It can be repeated.
    pub(super) fn leave(&mut self) {
        let id = self.state.id;
        match self.shared.publisher.remove(id) {
            Ok(_) | Err(NotRemoved::Unknown(_)) => {}
            Err(error) => {
                tracing::error!(process = &*self.spec.name, %error, "a removal was refused, which is a defect of the host");
            }
        }
        fail::fail_point!("runner.leave", self.spec.name.starts_with("panics"), |_| {});
        self.shared.lineup.remove(id);
        self.shared.groups.leave(&self.spec.group, id);
        self.shared.logs.remove(id);
        if let Some(roster) = self.shared.roster.upgrade() {
            roster.remove(id);
        }
        self.mailbox.close();
        let replies = self.leaving.take().map_or_else(Vec::new, |leaving| leaving.replies);
        for reply in replies {
            // The caller may be gone.
            let _ = reply.send(Ok(()));
        }
        while let Ok(Request { want, reply }) = self.mailbox.try_recv() {
            let _ = reply.send(if matches!(want, Want::Leave(_)) { Ok(()) } else { Err(Refusal::Removed) });
        }
    }
}
