//! Reserves descriptors, so that a client can still ask what is wrong when no others are left.

use std::fs::File;
use std::io;
use std::time::Duration;

use provost_supervisor::Degraded;
use rustix::io::Errno;
use tokio::time::Instant;

/// The resource that is reported as short when no connection can be accepted.
const WHAT: &str = "descriptors";

/// The number of reserved descriptors. There are several because another thread may take one the moment it is freed.
const KEPT: usize = 4;

/// The shortage is over when it has not occurred for this long.
const OVER_AFTER: Duration = Duration::from_secs(5);

/// Reserved descriptors. They are opened when the socket is bound, before processes need any.
#[derive(Debug, Default)]
pub(crate) struct Spare {
    files: Vec<File>,
    /// Where the shortage is reported.
    degraded: Degraded,
    /// When the shortage last occurred, while it is reported.
    lacking: Option<Instant>,
}

impl Spare {
    /// Reserves as many descriptors as are available.
    pub(crate) fn taken() -> Self {
        let mut spare = Self::default();
        spare.refill();
        spare
    }

    /// Sets where a shortage is reported.
    pub(crate) fn report_to(&mut self, degraded: Degraded) {
        self.degraded = degraded;
    }

    /// Opens the missing descriptors again, and clears the report once the shortage is over.
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

    /// Resolves when a reported shortage may be over.
    pub(crate) async fn may_be_over(&self) {
        match self.lacking {
            Some(_) => tokio::time::sleep(OVER_AFTER).await,
            None => std::future::pending().await,
        }
    }

    /// Reports a shortage.
    pub(crate) fn report(&mut self, error: &io::Error) {
        self.lacking = Some(Instant::now());
        self.degraded.set(WHAT, format!("{error}: raise the limit on open files (ulimit -n)"));
    }

    /// Closes one descriptor for the next connection; returns false if none is left.
    pub(crate) fn give_up(&mut self) -> bool {
        self.files.pop().is_some()
    }
}

/// Whether the error means that no descriptors are left, in the process or in the system.
pub(crate) fn is_out_of_descriptors(error: &io::Error) -> bool {
    let number = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(number, Some(Errno::MFILE | Errno::NFILE))
}
