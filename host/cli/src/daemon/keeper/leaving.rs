//! How a host leaves so that the keeper starts the next one, which goes on with all processes.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use provost_supervisor::Keeper;
use tokio::sync::mpsc;

use super::course::{Course, Next};
use crate::successor::{CarriedKeeper, Spoken};

/// Why a host does not leave.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotLeft {
    /// The host stops all its processes, or leaves already.
    #[error("the host is ending already")]
    Ending,
    /// The keeper is gone, or the host is itself a new program that is not in service yet.
    #[error("the keeper does not let the host leave: {0}")]
    Refused(#[from] io::Error),
}

/// By which a host leaves. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Leaving {
    keeper: Keeper,
    course: Course,
    left: mpsc::Sender<()>,
}

impl Leaving {
    /// Returns it with the receiver of the message that the host has left and is to end.
    pub(crate) fn of(keeper: Keeper, course: Course) -> (Self, mpsc::Receiver<()>) {
        let (left, has_left) = mpsc::channel(1);
        (Self { keeper, course, left }, has_left)
    }

    /// Leaves: the next host is this program, which is started at once and replaced by the present one again if it is not in
    /// service within the deadline; without one, it is the present program.
    ///
    /// # Errors
    /// [`NotLeft`]; the host goes on.
    pub(crate) async fn leave(&self, program: Option<OwnedFd>, deadline: Duration) -> Result<(), NotLeft> {
        let again = program.as_ref().map(OwnedFd::try_clone).transpose()?;
        let next = again.map(|program| Next { program: Arc::new(program), deadline });
        self.course.leave(next, self.keeper.replace(program, deadline)).await.ok_or(NotLeft::Ending)??;
        // The channel has room for the one message that there is.
        let _ = self.left.try_send(());
        Ok(())
    }

    /// Has this program take the place of the keeper, in the same process. Returns the process id of the keeper.
    ///
    /// # Errors
    /// The keeper goes on as it is.
    pub(crate) async fn upgrade_keeper(
        &self,
        CarriedKeeper { program, about }: CarriedKeeper,
    ) -> io::Result<u32> {
        let (speaks, tables) = (about.protocol.into(), about.tables.into());
        self.keeper.upgrade(program, speaks, tables).await.map(|()| self.keeper.pid())
    }

    /// Returns what the keeper that runs speaks.
    pub(crate) fn spoken(&self) -> Spoken {
        Spoken { keeper: self.keeper.speaks().into(), agreed: self.keeper.version() }
    }

    /// Whether the keeper is there.
    pub(crate) fn has_keeper(&self) -> bool {
        !self.keeper.is_gone()
    }
}
