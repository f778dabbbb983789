//! Descriptors that are kept back, so that whoever asks what is wrong can be answered when there are no others.

use std::fs::File;
use std::io;
use std::time::Duration;

use provost_supervisor::Degraded;
use rustix::io::Errno;
use tokio::time::Instant;

/// What the host lacks when no connection can be accepted.
const WHAT: &str = "descriptors";

/// How many are kept back. Another thread may take one in the moment in which it is given up.
const KEPT: usize = 4;

/// The lack is over when there was none for so long.
const OVER_AFTER: Duration = Duration::from_secs(5);

/// Descriptors that are kept back. They are taken as the socket is bound, before there are processes that need some.
#[derive(Debug, Default)]
pub(crate) struct Spare {
    files: Vec<File>,
    /// Where it is told that there are no others.
    degraded: Degraded,
    /// When there was none for the last time, while that is told.
    lacking: Option<Instant>,
}

impl Spare {
    /// Some that are kept back, if they can be had.
    pub(crate) fn taken() -> Self {
        let mut spare = Self::default();
        spare.refill();
        spare
    }

    pub(crate) fn tell(&mut self, degraded: Degraded) {
        self.degraded = degraded;
    }

    /// Takes as many as are missing.
    pub(crate) fn refill(&mut self) {
        while self.files.len() < KEPT {
            let Ok(file) = File::open("/dev/null") else { break };
            self.files.push(file);
        }
        let over = self.lacking.is_some_and(|last| last.elapsed() >= OVER_AFTER);
        if over && self.files.len() == KEPT {
            self.lacking = None;
            self.degraded.clear(WHAT);
        }
    }

    /// Resolves when the lack may be over.
    pub(crate) async fn may_be_over(&self) {
        match self.lacking {
            Some(_) => tokio::time::sleep(OVER_AFTER).await,
            None => std::future::pending().await,
        }
    }

    pub(crate) fn is_needed(&mut self, error: &io::Error) {
        self.lacking = Some(Instant::now());
        self.degraded.set(WHAT, format!("{error}: raise the limit on open files (ulimit -n)"));
    }

    /// For the next connection; false if none is left.
    pub(crate) fn give_up(&mut self) -> bool {
        self.files.pop().is_some()
    }
}

/// Is it that there are no more descriptors?
pub(crate) fn is_out_of_descriptors(error: &io::Error) -> bool {
    let number = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(number, Some(Errno::MFILE | Errno::NFILE))
}
