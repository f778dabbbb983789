//! The parent of the processes: a keeper that has started this host, or the host itself.

use std::io;
use std::os::fd::OwnedFd;

use provost_supervisor::{Degraded, Farewell, Greeting, Keeper, Served};

use super::becoming::Without;
use crate::daemon::errors::{DEFECT_HINT, SHORTAGE_HINT};
use crate::failure::Failure;

/// The entry in [`Degraded`] while there is no keeper.
pub(super) const LACK: &str = "the keeper";

/// What follows from that.
pub(super) const UNSAFE: &str = "if the host is killed, its processes go on and are not supervised any more";

/// The parent of the processes.
#[derive(Debug)]
pub(crate) enum Parent {
    /// A keeper, which has started this host and is attached.
    Keeper(Box<Greeting>),
    /// This process, because there is no keeper.
    None(Without),
}

impl Parent {
    /// Attaches to the keeper at the other end of this connection.
    pub(crate) fn attach(connection: io::Result<OwnedFd>) -> Result<Self, Failure> {
        let connection = connection.map_err(|error| {
            let what = format!("this host was not started by a keeper: {error}");
            Failure::failed(what, "`provost up` starts one")
        })?;
        let greeting = Greeting::exchange(connection, env!("CARGO_PKG_VERSION"))
            .map_err(|error| Failure::failed(error, DEFECT_HINT))?;
        Ok(Self::Keeper(Box::new(greeting)))
    }

    /// Returns that by which the keeper is told how this host ends.
    pub(crate) fn farewell(&self) -> Option<Farewell> {
        match self {
            Self::Keeper(greeting) => Some(greeting.farewell()),
            Self::None(_) => None,
        }
    }

    /// Begins to serve the connection, if there is one. Must be called within the runtime.
    pub(crate) fn serve(self, degraded: &Degraded) -> Result<Option<Served>, Failure> {
        match self {
            Self::Keeper(greeting) => {
                let short =
                    |error| Failure::failed(format!("cannot serve the keeper: {error}"), SHORTAGE_HINT);
                Keeper::serve(*greeting).map(Some).map_err(short)
            }
            Self::None(Without::Configured) => Ok(None),
            Self::None(why) => {
                degraded.set(LACK, format!("there is none ({why}): {UNSAFE}"));
                Ok(None)
            }
        }
    }
}
