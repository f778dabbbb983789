//! Waiting for a change in folders, by inotify. What has changed is not said: the caller looks again, so that a lost or a late
//! message of the kernel does no harm.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::time::{Instant, timeout, timeout_at};

/// How long nothing has to change before a burst of changes is over, such as those of an editor that writes several files.
const QUIET: Duration = Duration::from_millis(40);

/// The longest wait for that.
const QUIET_MAX: Duration = Duration::from_secs(2);

/// The bytes of messages that are read at once.
const BATCH_BYTES: usize = 16 << 10;

/// Rings when something changes in one of its folders.
#[derive(Debug)]
pub(super) struct Bell {
    watch: Arc<OwnedFd>,
    rings: Receiver<()>,
    /// The thread that listens to the kernel ends when this is closed.
    _listening: OwnedFd,
}

impl Bell {
    /// Makes a bell without folders.
    ///
    /// # Errors
    /// The kernel has no instance of inotify left for this user, or no thread.
    pub(super) fn new() -> io::Result<Self> {
        let watch = Arc::new(inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?);
        let (over, listening) = pipe_with(PipeFlags::CLOEXEC)?;
        // A ring that was not heard yet stands for all that follow.
        let (ring, rings) = mpsc::channel(1);
        let heard = watch.clone();
        std::thread::Builder::new().name("provost-sources".into()).spawn(move || {
            // The receiver learns of a failure by the end of the sender.
            let _ = listen(&heard, &over, &ring);
        })?;
        Ok(Self { watch, rings, _listening: listening })
    }

    /// Adds a folder, without the folders in it. One that is there already stays.
    ///
    /// # Errors
    /// There is no such folder, or the kernel has no watch left for this user.
    pub(super) fn add(&self, folder: &Path) -> io::Result<()> {
        let changes = WatchFlags::ATTRIB
            | WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MODIFY
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO;
        inotify::add_watch(&self.watch, folder, changes | WatchFlags::ONLYDIR)?;
        Ok(())
    }

    /// Waits for a change since the last call.
    ///
    /// # Errors
    /// The kernel cannot be asked any more.
    pub(super) async fn rung(&mut self) -> io::Result<()> {
        self.rings.recv().await.ok_or_else(|| io::Error::other("the kernel does not report changes any more"))
    }

    /// Waits until a burst of changes is over.
    ///
    /// # Errors
    /// As of [`Bell::rung`].
    pub(super) async fn quiet(&mut self) -> io::Result<()> {
        let end = Instant::now() + QUIET_MAX;
        while let Ok(Ok(rung)) = timeout_at(end, timeout(QUIET, self.rung())).await {
            rung?;
        }
        Ok(())
    }
}

/// Rings at each change until the other end of `over` is closed.
fn listen(watch: &OwnedFd, over: &OwnedFd, ring: &Sender<()>) -> io::Result<()> {
    let mut batch = vec![0; BATCH_BYTES];
    loop {
        let mut fds = [watch, over].map(|fd| PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN));
        match poll(&mut fds, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        if fds.last().is_some_and(|over| !over.revents().is_empty()) {
            return Ok(());
        }
        match rustix::io::read(watch, &mut batch) {
            Ok(_) => {
                let _ = ring.try_send(());
            }
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_rings_for_a_change_in_its_folders() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("below")).unwrap();
        let mut bell = Bell::new().unwrap();
        bell.add(dir.path()).unwrap();
        std::fs::write(dir.path().join("file"), "").unwrap();
        bell.rung().await.unwrap();
        bell.quiet().await.unwrap();
        bell.add(&dir.path().join("below")).unwrap();
        std::fs::write(dir.path().join("below/file"), "").unwrap();
        bell.rung().await.unwrap();
        assert!(bell.add(&dir.path().join("nothing")).is_err());
    }
}
