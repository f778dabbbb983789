//! The file of the config, and whether it has changed since it was loaded. It is looked at on request, at most once in a second,
//! on a thread for blocking work; a request waits for that only for a moment, so that a hanging disk delays nobody.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use provost_control::ConfigFile;
use provost_supervisor::{Clock, Jobs, rfc3339};
use tokio::time::timeout;

use crate::config;

/// The shortest time between two looks, in nanoseconds.
const LOOK_NS: u64 = 1_000_000_000;

/// How long a request waits for a look.
const PATIENCE: Duration = Duration::from_millis(50);

/// What is known of the file.
#[derive(Debug)]
struct Known {
    path: PathBuf,
    loaded_ms: u64,
    /// The digest of the text that is in force.
    loaded: [u8; 32],
    /// Whether the text was another one at the last look.
    changed: Option<bool>,
    /// When the last look began, by the monotonic clock; `None` before the first one.
    looked_ns: Option<u64>,
    /// The number of the text in force, so that a look at an earlier one is discarded.
    number: u64,
}

/// The file of the config.
#[derive(Clone, Debug)]
pub(super) struct FileWatch {
    known: Arc<Mutex<Known>>,
    clock: Clock,
}

impl FileWatch {
    /// Creates a watch of a file whose text was put in force just now.
    pub(super) fn new(path: PathBuf, text: &str) -> Self {
        let clock = Clock::new();
        let known = Known {
            path,
            loaded_ms: clock.now().wall_ms,
            loaded: config::digest(text),
            changed: Some(false),
            looked_ns: None,
            number: 0,
        };
        Self { known: Arc::new(Mutex::new(known)), clock }
    }

    /// Records that this text of the file at `path` was put in force.
    pub(super) fn loaded(&self, path: PathBuf, text: &str) {
        let mut known = self.known.lock();
        known.path = path;
        known.loaded_ms = self.clock.now().wall_ms;
        known.loaded = config::digest(text);
        known.changed = Some(false);
        known.looked_ns = None;
        known.number += 1;
    }

    /// Returns the path of the file.
    pub(super) fn path(&self) -> PathBuf {
        self.known.lock().path.clone()
    }

    /// Returns what is known, after a look if the last one is long ago.
    pub(super) async fn look(&self, jobs: &Jobs) -> ConfigFile {
        if let Some((path, number)) = self.due() {
            let watch = self.clone();
            let look = jobs.reading.run(move || {
                let now = config::digest_of_file(&path);
                watch.seen(number, now);
            });
            // The job ends even if nobody waits for it any more.
            if timeout(PATIENCE, look).await.is_err() {
                self.known.lock().changed = None;
            }
        }
        let known = self.known.lock();
        ConfigFile {
            path: known.path.display().to_string(),
            loaded_at: rfc3339(known.loaded_ms),
            changed: known.changed,
        }
    }

    /// Returns what to look at, if the last look is long ago.
    fn due(&self) -> Option<(PathBuf, u64)> {
        let now = self.clock.now().mono_ns;
        let mut known = self.known.lock();
        if known.looked_ns.is_some_and(|looked| now.saturating_sub(looked) < LOOK_NS) {
            return None;
        }
        known.looked_ns = Some(now);
        Some((known.path.clone(), known.number))
    }

    /// Records what a look has found: the digest of the text, or nothing if there is none.
    fn seen(&self, number: u64, digest: Option<[u8; 32]>) {
        let mut known = self.known.lock();
        if known.number == number {
            known.changed = Some(digest != Some(known.loaded));
        }
    }
}
