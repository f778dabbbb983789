//! What is asked of the task that owns a process: the messages in its mailbox, and why one may be refused.

use std::sync::Arc;

use provost_state::{Cause, Signal};
use tokio::sync::oneshot;

/// What others want of a process.
#[derive(Clone, Debug)]
pub(crate) enum Want {
    Start(Cause),
    Stop(Cause),
    /// Down, for a reason that is not who asked.
    StopFor(Cause, Arc<str>),
    Restart(Cause),
    Signal(Signal),
    /// SIGKILL, without waiting for the grace time.
    Kill,
    /// Its group is restarted: stopped if it is up, and not spawned before it is released; why.
    Hold(Arc<str>),
    /// Its group has been stopped: what is held may be spawned.
    Release,
    /// Its group is given up: stopped if it is up, and fatal then; why.
    GiveUp(Arc<str>),
    /// Its set needs this replica (again); why.
    Needed(Arc<str>),
    /// Its set does not need this replica; why.
    Spare(Arc<str>),
}

/// A want, and where to send whether it was granted.
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
    /// The task that owns the process ended unexpectedly as it was given the order; another has taken over.
    #[error("the order was lost, because the task that owns the process ended unexpectedly; give it again")]
    Lost,
    /// The kernel refused.
    #[error("{0}")]
    SignalFailed(Arc<str>),
}
