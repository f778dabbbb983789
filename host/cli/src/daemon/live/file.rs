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
    /// Whether a look is in progress, which a hanging disk keeps from ending: no other one begins meanwhile.
    looking: bool,
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
            looking: false,
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
        if let Some(look) = self.due() {
            let look = jobs.reading.run(move || {
                let now = config::digest_of_file(&look.path);
                look.seen(now);
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
    fn due(&self) -> Option<Look> {
        let now = self.clock.now().mono_ns;
        let mut known = self.known.lock();
        let is_recent = known.looked_ns.is_some_and(|looked| now.saturating_sub(looked) < LOOK_NS);
        if is_recent || known.looking {
            return None;
        }
        (known.looked_ns, known.looking) = (Some(now), true);
        Some(Look { known: self.known.clone(), path: known.path.clone(), number: known.number })
    }
}

/// A look in progress, which ends when this is dropped.
struct Look {
    known: Arc<Mutex<Known>>,
    path: PathBuf,
    number: u64,
}

impl Look {
    /// Records what was found: the digest of the text, or nothing if there is none.
    fn seen(&self, digest: Option<[u8; 32]>) {
        let mut known = self.known.lock();
        if known.number == self.number {
            known.changed = Some(digest != Some(known.loaded));
        }
    }
}

impl Drop for Look {
    fn drop(&mut self) {
        self.known.lock().looking = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_that_hangs_is_the_only_one_and_what_it_finds_about_an_earlier_text_is_discarded() {
        let watch = FileWatch::new("/srv/provost.toml".into(), "a");
        let long_ago = || watch.known.lock().looked_ns = None;
        let look = watch.due().unwrap();
        long_ago();
        assert!(watch.due().is_none(), "one is in progress");
        look.seen(Some(config::digest("b")));
        drop(look);
        assert_eq!(watch.known.lock().changed, Some(true));
        let look = watch.due().unwrap();
        assert!(watch.due().is_none(), "the last one is not long ago");
        watch.loaded("/srv/other.toml".into(), "b");
        look.seen(Some(config::digest("a")));
        assert_eq!(watch.known.lock().changed, Some(false), "it is about an earlier text");
        drop(look);
        assert_eq!(watch.due().unwrap().path, PathBuf::from("/srv/other.toml"));
    }
}
