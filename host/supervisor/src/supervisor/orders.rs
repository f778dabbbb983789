//! The orders to a process, which its task carries out.

use provost_state::{Noted, Ordered, ProcessId, Signal};

use super::handle::Supervisor;
use crate::mailbox::{Motive, Refusal, Want};

impl Supervisor {
    /// Requests that a process be up, and forgets its failures. Returns when that is committed, not when the process
    /// runs. A process that is already up is left alone.
    ///
    /// # Errors
    /// [`Refusal::ShuttingDown`].
    pub async fn start(&self, id: ProcessId, motive: impl Into<Motive>) -> Result<(), Refusal> {
        self.order_to(id, Want::Start(motive.into())).await
    }

    /// Requests that a process be down. Returns when the stop signal has been sent, not when the process has ended.
    ///
    /// # Errors
    /// [`Refusal::SignalFailed`] if the signal could not be sent; SIGKILL still follows after the grace time.
    pub async fn stop(&self, id: ProcessId, motive: impl Into<Motive>) -> Result<(), Refusal> {
        self.order_to(id, Want::Stop(motive.into())).await
    }

    /// Stops a process if it is up, and starts it again.
    ///
    /// # Errors
    /// As [`Supervisor::start`] and [`Supervisor::stop`].
    pub async fn restart(&self, id: ProcessId, motive: impl Into<Motive>) -> Result<(), Refusal> {
        self.order_to(id, Want::Restart(motive.into())).await
    }

    /// Sends a signal to the group of a process.
    ///
    /// # Errors
    /// [`Refusal::NotRunning`], [`Refusal::SignalFailed`].
    pub async fn signal(&self, id: ProcessId, signal: Signal) -> Result<(), Refusal> {
        self.order_to(id, Want::Signal(signal)).await
    }

    /// Restarts a process whose child is to run on: stops it and starts it again. A process that is not up is left
    /// alone, because its next spawn uses the spec in force anyway. It is decided by the task that owns the process, so
    /// a process that ends just now is not started against its policies or against a stop by hand.
    ///
    /// # Errors
    /// [`Refusal::NotRunning`] if it was left alone; [`Refusal::SignalFailed`], [`Refusal::Removed`],
    /// [`Refusal::ShuttingDown`].
    pub async fn renew(&self, id: ProcessId, motive: impl Into<Motive>) -> Result<(), Refusal> {
        self.order_to(id, Want::Renew(motive.into())).await
    }

    pub(super) async fn order_to(&self, id: ProcessId, want: Want) -> Result<(), Refusal> {
        // Between its entry in the registry and that of its task. A process that leaves is taken out of the registry first.
        if self.roster.record(id).is_none() && self.reader().state(id).is_some() {
            return Err(Refusal::Lost);
        }
        self.record_order(id, &want);
        self.roster.order(id, want).await
    }

    /// Records an order before it is carried out.
    fn record_order(&self, id: ProcessId, want: &Want) {
        let Some((order, detail)) = want.ordered() else { return };
        let Some(state) = self.reader().state(id) else { return };
        self.note(|| Noted::Order(Ordered { order: order.into(), name: state.name().clone(), detail }));
    }
}
