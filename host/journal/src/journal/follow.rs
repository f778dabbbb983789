//! What a journal follows, where it writes, and what it reports.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use provost_state::{Moment, Reader};

use crate::write::{Bounds, Life};

/// What is wrong with a journal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Records are lost, for this reason.
    #[error("records are lost, and counted: {0}")]
    Lost(String),
    /// Everything is written, but there is less room on the disk than a segment needs.
    #[error("{}: less than {mib} MiB are free on its disk; when it is full, records are lost, and counted", .dir.display())]
    NearlyFull {
        /// The directory of the journal.
        dir: PathBuf,
        /// The free room, rounded up.
        mib: u64,
    },
}

/// Is called with what is wrong when something goes wrong, and with `None` when it is over.
pub type OnTrouble = Box<dyn Fn(Option<&Trouble>) + Send>;

/// What a journal follows, and where it writes.
pub struct Follow {
    /// The directory; created if it does not exist.
    pub dir: PathBuf,
    /// How much is kept, and when it is synced.
    pub bounds: Bounds,
    /// The host that writes.
    pub life: Life,
    /// The registry.
    pub reader: Reader,
    /// The clocks of the published states.
    pub clock: Arc<dyn Fn() -> Moment + Send + Sync>,
    /// Called with what is wrong when something goes wrong, and with `None` when it is over.
    pub on_trouble: OnTrouble,
}

impl fmt::Debug for Follow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follow").field("dir", &self.dir).field("bounds", &self.bounds).finish_non_exhaustive()
    }
}
