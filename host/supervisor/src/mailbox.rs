//! The messages in the mailbox of the task that owns a process, and why one may be refused.

use std::sync::Arc;

use provost_state::{Cause, Signal};
use tokio::sync::oneshot;

/// An order to a process.
#[derive(Clone, Debug)]
pub(crate) enum Want {
    Start(Cause),
    Stop(Cause),
    /// A stop with its own reason, which does not say who asked.
    StopFor(Cause, Arc<str>),
    Restart(Cause),
    Signal(Signal),
    /// SIGKILL, without waiting for the grace time.
    Kill,
    /// Its group is restarted, for this reason: stop if up, and do not spawn before the release.
    Hold(Arc<str>),
    /// Its group has been stopped: a held process may be spawned.
    Release,
    /// Its group is given up, for this reason: stop if up, then become fatal.
    GiveUp(Arc<str>),
    /// Its set needs this replica (again), for this reason.
    Needed(Arc<str>),
    /// Its set does not need this replica, for this reason.
    Spare(Arc<str>),
}

/// An order, and where to send whether it was granted.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) want: Want,
    pub(crate) reply: oneshot::Sender<Result<(), Refusal>>,
}

/// Why an order was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no child to send a signal to.
    #[error("it is not running")]
    NotRunning,
    /// The host is stopping; nothing is started any more.
    #[error("the host is shutting down")]
    ShuttingDown,
    /// The task that owns the process ended unexpectedly before it answered; another has taken over.
    #[error("the order was lost, because the task that owns the process ended unexpectedly; give it again")]
    Lost,
    /// The kernel refused the signal.
    #[error("{0}")]
    SignalFailed(Arc<str>),
}
