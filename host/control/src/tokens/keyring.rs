//! The tokens that a running host accepts. The directory is looked at when a request comes, and while an answer lasts, at most once
//! a second, so that a new token works and a revoked one is refused without a restart. Blocking work is done by the threads of the
//! host, and a disk that hangs leaves the tokens as they are.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use provost_supervisor::{Clock, Jobs};
use tokio::time::{Instant, timeout};

use super::file::Token;
use super::leases::{Lease, Leases};
use super::secret::Digest;
use super::store::{TokenError, Tokens};

/// The directory is not looked at again for this long after a look.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The same for a token that is not known, which may be new: its request waits for that look.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// How often a request tries to look.
const LOOKS_MAX: usize = 8;

/// The longest that a request waits for a look.
const LOOK_TIME: Duration = Duration::from_secs(2);

/// Two changes within this time may leave the same time of the last change.
const SAME_TICK: Duration = Duration::from_secs(2);

/// The tokens of a host.
#[derive(Debug)]
pub(crate) struct Keyring {
    dir: PathBuf,
    held: Mutex<Held>,
    /// Whether a look is in progress.
    is_looking: AtomicBool,
    leases: Leases,
}

/// What was found at the last look.
#[derive(Clone, Debug)]
struct Held {
    tokens: Arc<[Token]>,
    looked_at: Instant,
    /// When the directory and its files were changed; `None` if they have to be read again in any case.
    stamp: Option<Stamp>,
    /// What could not be read, which was logged.
    unreadable: Vec<String>,
}

/// When a directory and its files were changed, also in their modes and owners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    newest: SystemTime,
    /// The sum of all times, in nanoseconds.
    sum: u128,
}

/// Why a token is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unaccepted {
    /// There is no such token, or it was revoked.
    Unknown,
    /// It has expired.
    Expired {
        /// Its name.
        name: Arc<str>,
    },
}

impl Keyring {
    /// Reads the tokens in `dir` for the first time.
    pub(crate) fn open(dir: &Path) -> Result<Self, TokenError> {
        let stamp = stamp(dir);
        let Tokens { list, unreadable } = Tokens::read(dir)?;
        warn_of(&unreadable);
        let held = Held { tokens: list.into(), looked_at: Instant::now(), stamp, unreadable };
        let (held, is_looking) = (Mutex::new(held), AtomicBool::new(false));
        Ok(Self { dir: dir.to_owned(), held, is_looking, leases: Leases::default() })
    }

    /// Returns the token with this secret. The directory is looked at by a thread of `jobs`.
    pub(crate) async fn find(self: &Arc<Self>, secret: &[u8], jobs: &Jobs) -> Result<Token, Unaccepted> {
        let digest = Digest::of(secret);
        self.look_if_due(jobs).await;
        let found = match self.matching(&digest) {
            Some(found) => Some(found),
            None => {
                // If the disk hangs, the tokens stay as they are.
                let _ = timeout(LOOK_TIME, self.look_since(Instant::now(), jobs)).await;
                self.matching(&digest)
            }
        };
        match found {
            Some(token) if token.has_expired(Clock::new().now().wall_ms) => {
                Err(Unaccepted::Expired { name: token.name })
            }
            found => found.ok_or(Unaccepted::Unknown),
        }
    }

    /// Leases a token for an answer that lasts. [`Keyring::watch`] ends the lease.
    pub(crate) fn lease(&self, token: &Token) -> Lease {
        self.leases.lease(token.digest)
    }

    /// Ends the leases of tokens that have expired or were revoked, for ever. It must not be run by a thread that writes the answers
    /// which it ends, because that one may be busy with them.
    pub(crate) async fn watch(self: Arc<Self>, jobs: Jobs) {
        loop {
            self.leases.are_held().await;
            let now_ms = Clock::new().now().wall_ms;
            let expires = self.leases.end(|digest| self.matching(digest), now_ms);
            let expiry = expires.map(|at| Duration::from_millis(at.saturating_sub(now_ms)));
            let look = async {
                tokio::time::sleep(LOOK_EVERY).await;
                self.look_if_due(&jobs).await;
            };
            // A disk that hangs delays no expiry.
            tokio::select! {
                () = look => {}
                () = self.leases.added() => {}
                () = tokio::time::sleep(expiry.unwrap_or_default()), if expiry.is_some() => {}
            }
        }
    }

    /// Compares with every token, so that the time does not tell which one it is.
    fn matching(&self, digest: &Digest) -> Option<Token> {
        let tokens = self.held.lock().tokens.clone();
        tokens
            .iter()
            .fold(None, |found, token| if token.digest.equals(digest) { Some(token) } else { found })
            .cloned()
    }

    fn looked_at(&self) -> Instant {
        self.held.lock().looked_at
    }

    /// Returns when a look has begun at `since` or later, and has ended; also if that takes too many attempts.
    async fn look_since(self: &Arc<Self>, since: Instant, jobs: &Jobs) {
        for _ in 0..LOOKS_MAX {
            if self.looked_at() >= since {
                return;
            }
            tokio::time::sleep_until(self.looked_at() + LOOK_AGAIN).await;
            self.look_now(jobs).await;
        }
    }

    /// Looks at the directory, unless the last look was a moment ago.
    async fn look_if_due(self: &Arc<Self>, jobs: &Jobs) {
        if self.looked_at().elapsed() >= LOOK_EVERY {
            self.look_now(jobs).await;
        }
    }

    /// Looks at the directory, unless another request does so.
    async fn look_now(self: &Arc<Self>, jobs: &Jobs) {
        if self.is_looking.swap(true, Ordering::AcqRel) {
            // The turn of the other request ends soon.
            return tokio::time::sleep(LOOK_AGAIN).await;
        }
        let (keyring, jobs) = (self.clone(), jobs.clone());
        let look = async move {
            let job = keyring.clone();
            // The host is ending if this fails.
            let _ = jobs.reading.run(move || job.look()).await;
            keyring.is_looking.store(false, Ordering::Release);
        };
        // It goes on if the client goes away or the disk hangs.
        let _ = timeout(LOOK_TIME, tokio::spawn(look)).await;
    }

    /// Reads the directory if it has changed. Waits for the disk.
    fn look(&self) {
        let looked_at = Instant::now();
        let stamp = stamp(&self.dir);
        let before = self.held.lock().clone();
        if stamp.is_some() && stamp == before.stamp {
            self.held.lock().looked_at = looked_at;
            return;
        }
        let (tokens, unreadable) = match Tokens::read(&self.dir) {
            Ok(Tokens { list, unreadable }) => (list.into(), unreadable),
            // Without its directory no token is accepted: it may have been removed to revoke all of them.
            Err(error) => (Arc::from([]), vec![error.to_string()]),
        };
        if unreadable != before.unreadable {
            warn_of(&unreadable);
        }
        *self.held.lock() = Held { tokens, looked_at, stamp, unreadable };
    }
}

/// Returns when the directory and its files were changed; `None` if that is too recent to tell it from a change at the same time.
fn stamp(dir: &Path) -> Option<Stamp> {
    let (mut newest, mut sum) = (Duration::ZERO, 0);
    let mut add = |found: Metadata| {
        let seconds = u64::try_from(found.ctime()).unwrap_or(0);
        let at = Duration::new(seconds, u32::try_from(found.ctime_nsec()).unwrap_or(0));
        newest = newest.max(at);
        sum += at.as_nanos();
    };
    add(std::fs::metadata(dir).ok()?);
    for entry in std::fs::read_dir(dir).ok()? {
        add(entry.and_then(|entry| entry.metadata()).ok()?);
    }
    let newest = SystemTime::UNIX_EPOCH + newest;
    let now = SystemTime::UNIX_EPOCH + Duration::from_millis(Clock::new().now().wall_ms);
    let age = now.duration_since(newest).ok()?;
    (age > SAME_TICK).then_some(Stamp { newest, sum })
}

fn warn_of(unreadable: &[String]) {
    for why in unreadable {
        tracing::warn!("a token is not accepted: {why}");
    }
}
