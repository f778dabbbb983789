//! What a runner receives of what its process has said.

use tokio::sync::{mpsc, oneshot};

use super::message::Said;

/// What one message says. The message stays with the kernel until the notice is dropped, so that another host reads it again
/// if this one ends before it has acted on it.
#[derive(Debug)]
pub(crate) struct Notice {
    pub(crate) said: Vec<Said>,
    /// Dropped with the notice, which the reader waits for.
    _handled: oneshot::Sender<()>,
}

/// The notices of one life, one at a time.
pub(crate) type Notices = mpsc::Receiver<Notice>;

/// The reader's end.
#[derive(Clone, Debug)]
pub(in crate::children) struct Announcer(mpsc::Sender<Notice>);

/// The life is over, and nobody waits for its notices any more.
#[derive(Debug)]
pub(in crate::children) struct Over;

impl Announcer {
    /// Returns an end for the reader, and the one for the runner.
    pub(in crate::children) fn new() -> (Self, Notices) {
        let (sender, notices) = mpsc::channel(1);
        (Self(sender), notices)
    }

    /// Passes on what was said, and waits until it was acted on.
    pub(in crate::children) async fn announce(&self, said: Vec<Said>) -> Result<(), Over> {
        let (handled, is_handled) = oneshot::channel();
        self.0.send(Notice { said, _handled: handled }).await.map_err(|_| Over)?;
        // An error is what is waited for: the notice was dropped.
        let _ = is_handled.await;
        if self.0.is_closed() { Err(Over) } else { Ok(()) }
    }

    /// Resolves when the life is over.
    pub(in crate::children) async fn over(&self) {
        self.0.closed().await;
    }
}
