//! How a host leaves so that the keeper starts the next one, which goes on with all processes.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use provost_supervisor::Keeper;
use tokio::sync::{Mutex, mpsc};

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

/// How far the end of the host has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Serving,
    /// The keeper starts the next host when this one has ended.
    Left,
    /// Everything is being stopped.
    Stopping,
}

/// By which a host leaves. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Leaving {
    keeper: Keeper,
    stage: Arc<Mutex<Stage>>,
    left: mpsc::Sender<()>,
}

impl Leaving {
    /// Returns it with the receiver of the message that the host has left and is to end.
    pub(crate) fn of(keeper: Keeper) -> (Self, mpsc::Receiver<()>) {
        let (left, has_left) = mpsc::channel(1);
        (Self { keeper, stage: Arc::new(Mutex::new(Stage::Serving)), left }, has_left)
    }

    /// Leaves: the next host is this program, which is started at once and replaced by the present one again if it is not in
    /// service within the deadline; without one, it is the present program.
    ///
    /// # Errors
    /// [`NotLeft`]; the host goes on.
    pub(crate) async fn leave(&self, program: Option<OwnedFd>, deadline: Duration) -> Result<(), NotLeft> {
        let mut stage = self.stage.lock().await;
        if *stage != Stage::Serving {
            return Err(NotLeft::Ending);
        }
        self.keeper.replace(program, deadline).await?;
        *stage = Stage::Left;
        // The channel has room for the one message that there is.
        let _ = self.left.try_send(());
        Ok(())
    }

    /// Has this program take the place of the keeper, in the same process. Returns the process id of the keeper.
    ///
    /// # Errors
    /// The keeper goes on as it is.
    pub(crate) async fn upgrade_keeper(&self, program: OwnedFd) -> io::Result<u32> {
        self.keeper.upgrade(program).await.map(|()| self.keeper.pid())
    }

    /// Whether the keeper is there.
    pub(crate) fn has_keeper(&self) -> bool {
        !self.keeper.is_gone()
    }

    /// Begins to stop everything, after which the host cannot leave any more. Returns false if it has left.
    pub(crate) async fn stop(&self) -> bool {
        let mut stage = self.stage.lock().await;
        if *stage == Stage::Left {
            return false;
        }
        *stage = Stage::Stopping;
        true
    }
}
