//! The messages in the mailbox of the task that owns a process, and why one may be refused.

use std::sync::Arc;

use provost_state::{Cause, Signal};
use tokio::sync::oneshot;

use crate::spec::ProcessSpec;

/// Why an order is given: who asks, and, if that does not say it all, the reason in words for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Motive {
    /// Who asks.
    pub cause: Cause,
    /// The reason; `None` for one that only says who asks.
    pub reason: Option<Arc<str>>,
}

impl Motive {
    /// Returns a motive with this reason, which `status`, `events` and `explain` show as it is.
    #[must_use]
    pub fn because(cause: Cause, reason: impl Into<Arc<str>>) -> Self {
        Self { cause, reason: Some(reason.into()) }
    }

    /// Returns the reason of an order `what`, for the state of the process.
    pub(crate) fn of(&self, what: &str) -> Arc<str> {
        match &self.reason {
            Some(reason) => reason.clone(),
            None => Arc::from(format!("{what} {}", self.described())),
        }
    }

    /// Returns the reason, or who asks.
    pub(crate) fn described(&self) -> Arc<str> {
        let by = match (&self.reason, self.cause) {
            (Some(reason), _) => return reason.clone(),
            (None, Cause::Boot) => "the start of the host",
            (None, Cause::User) => "a user",
            (None, Cause::Api) => "the API",
            (None, Cause::Shutdown) => "the shutdown of the host",
            (None, Cause::Reload) => "a reload of the config",
            (None, other) => other.as_str(),
        };
        Arc::from(format!("asked for by {by}"))
    }
}

impl From<Cause> for Motive {
    fn from(cause: Cause) -> Self {
        Self { cause, reason: None }
    }
}

/// An order to a process.
#[derive(Clone, Debug)]
pub(crate) enum Want {
    Start(Motive),
    Stop(Motive),
    Restart(Motive),
    /// A restart if its child is to run on, and nothing otherwise.
    Renew(Motive),
    /// To put another spec into force, with its policies.
    Reconfigure(Box<ProcessSpec>),
    /// To stop, for this reason, and to be removed then. The answer comes when it is gone.
    Leave(Arc<str>),
    Signal(Signal),
    /// To go on where a former host was, or not at all if there was none.
    Resume,
    /// SIGKILL, without waiting for the grace time.
    Kill,
    /// Its group is restarted, for this reason: stop if up, and do not spawn before the release.
    Hold(Arc<str>),
    /// Its group has been stopped: a held process may be spawned.
    Release,
    /// Its group is given up, for this reason: stop if up, then become fatal.
    GiveUp(Arc<str>),
    /// Its set needs this replica (again), for this reason.
    Needed(Motive),
    /// Its set does not need this replica, for this reason.
    Spare(Motive),
}

impl Want {
    /// Returns the order as a word, and who gives it or why, to be recorded; `None` for what the host itself arranges, between
    /// the processes of a group or a set or when it goes on after a former host, which the commits show.
    pub(crate) fn ordered(&self) -> Option<(&'static str, Arc<str>)> {
        match self {
            Self::Start(motive) => Some(("start", motive.described())),
            Self::Stop(motive) => Some(("stop", motive.described())),
            Self::Restart(motive) => Some(("restart", motive.described())),
            Self::Renew(motive) => Some(("renew", motive.described())),
            Self::Reconfigure(_) => Some(("reconfigure", Arc::from("its configuration was changed"))),
            Self::Leave(reason) => Some(("remove", reason.clone())),
            Self::Signal(signal) => Some(("signal", Arc::from(signal.to_string()))),
            Self::Kill => Some(("kill", Arc::from("SIGKILL at once"))),
            Self::Hold(_)
            | Self::Release
            | Self::GiveUp(_)
            | Self::Needed(_)
            | Self::Spare(_)
            | Self::Resume => None,
        }
    }
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
    /// The process has been removed, or is being removed.
    #[error("it is not supervised any more: it was removed from the configuration")]
    Removed,
    /// Its child has not ended some seconds after its SIGKILL.
    #[error("its child has not ended, although it was sent SIGKILL")]
    Stuck,
    /// Another name, group or type, which a process keeps for as long as it exists.
    #[error("its name, its group and its type cannot be changed in place: remove it and add it anew")]
    OtherIdentity,
}
