//! The journal as the host sees it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use provost_state::{Note, Recorder};

use super::follow::Follow;
use super::shared::{Figures, Shared};
use super::thread::Thread;

/// The journal of a running host. Clones share it. It takes notes at once, and writes them when it [follows](Journal::follow)
/// the registry.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    shared: Arc<Shared>,
}

impl Recorder for Journal {
    fn record(&self, note: Note) {
        self.shared.push(note);
    }
}

impl Journal {
    /// Creates a journal that only takes notes so far.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts the thread, which writes all commits from the first one on, and the notes. Whatever the disk does, this returns
    /// at once.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub fn follow(&self, follow: Follow) -> io::Result<()> {
        let thread = Thread::new(follow, self.shared.clone());
        std::thread::Builder::new().name("provost-journal".to_owned()).spawn(move || thread.run())?;
        Ok(())
    }

    /// Wakes the thread after a commit. Several commits may share one call.
    pub fn nudge(&self) {
        self.shared.ring();
    }

    /// Returns what the journal has done.
    #[must_use]
    pub fn figures(&self) -> Figures {
        self.shared.figures()
    }

    /// Writes everything that has happened until now, completes the segment, and ends the thread. Waits for that at most this
    /// long, and returns whether it is done. It is called from a thread that may wait.
    #[must_use]
    pub fn end(&self, most: Duration) -> bool {
        self.shared.end();
        self.shared.wait_for_end(most)
    }
}
