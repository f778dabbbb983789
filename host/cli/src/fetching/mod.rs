//! Components from registries and servers. A host reads them from a cache on disk; what is missing there is fetched by a separate
//! process with limits ([`stage`]), because what is at the other end of a network can be slow, endless or hostile. It happens where
//! components are read: at the start, at a reload, at `plugin load` and `swap`, before anything is changed, and never for a
//! decision.

mod child;
mod failed;
mod stage;

use std::fmt::Display;
use std::io::PipeReader;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use provost_files::Owners;
use provost_plugin_host::{CacheBounds, FetchLease, Fetched, Fetching, Remote, RemoteError, recognise};
use provost_registry::{Kept, Pulled, Reference, Store};
use provost_supervisor::Clock;

use crate::limited::Semaphore;
pub(crate) use failed::NotFetched;
#[cfg(not(feature = "registry"))]
pub(crate) use failed::lacking;
pub use stage::run_if_fetcher;

/// Whether this build can fetch anything.
pub(crate) const IS_ABLE: bool = cfg!(feature = "registry");

/// The folder of the cache for components that were fetched, in that of compiled code.
const DIR: &str = "pulled";

/// How long a fetch may take, in all, with the time that it waits for others.
pub(crate) const TIME: Duration = Duration::from_secs(60);

/// Whether the network may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// What is not in the cache is fetched.
    Network,
    /// Only the cache is read.
    Cache,
}

/// Finds components in the cache, and fetches them. Clones share the permits.
#[derive(Clone, Debug)]
pub(crate) struct Fetcher {
    store: Store,
    reach: Reach,
    permits: Arc<Semaphore>,
    clock: Clock,
}

/// Returns the components that were fetched, beside compiled code in `cache_dir`. They have the bounds of the latter.
pub(crate) fn store(cache_dir: &Path, owners: Owners, bounds: CacheBounds) -> Store {
    Store::new(cache_dir.join(DIR), owners, bounds)
}

impl Fetcher {
    /// Returns what finds components in `store`, and fetches others within `reach`.
    pub(crate) fn reading(store: Store, reach: Reach) -> Arc<dyn Remote> {
        Arc::new(Self { store, reach, permits: Arc::default(), clock: Clock::new() })
    }

    /// Fetches a component until the clock has `until`, and only as long as the pipe `wanted` is open, and keeps it.
    fn fetched(&self, text: &str, until: u64, wanted: &PipeReader) -> Result<Kept, NotFetched> {
        let reference = Reference::pinned(text)
            .map_err(|error| NotFetched { what: error.to_string(), hint: error.hint() })?;
        if self.reach == Reach::Cache {
            return Err(not_here(&reference, self.store.has_remains(&reference)));
        }
        let left = || Duration::from_nanos(until.saturating_sub(self.clock.now().mono_ns));
        let permit = self.permits.acquire_within(left());
        let Some(_permit) = permit.filter(|_| !left().is_zero()) else { return Err(overtaken(&reference)) };
        if let Some(kept) = self.store.find(&reference) {
            // Another fetch of the same was before this one.
            return Ok(kept);
        }
        tracing::info!(%reference, "fetching a component");
        let pulled = child::pull(&reference, rounded_up(left()), Some(wanted.as_fd()));
        let (pulled, pinned) = checked(&reference, pulled)?;
        keep(&self.store, &pinned, &pulled)
    }
}

impl Remote for Fetcher {
    fn at_hand(&self, reference: &str) -> Option<Fetched> {
        self.store.find(&Reference::pinned(reference).ok()?).map(leased)
    }

    fn begin(&self, reference: &str) -> Fetching {
        let until =
            self.clock.now().mono_ns.saturating_add(u64::try_from(time().as_nanos()).unwrap_or(u64::MAX));
        let (fetcher, reference) = (self.clone(), reference.to_owned());
        let (is_wanted, wanted) = match std::io::pipe() {
            Ok(pipe) => pipe,
            Err(error) => {
                let what = format!("`{reference}` cannot be fetched: {error}");
                let error = RemoteError { what, hint: "close other files, or raise the limit".to_owned() };
                return Fetching::new((), move || Err(error));
            }
        };
        Fetching::new(wanted, move || match fetcher.fetched(&reference, until, &is_wanted) {
            Ok(kept) => Ok(leased(kept)),
            Err(NotFetched { what, hint }) => Err(RemoteError { what, hint }),
        })
    }
}

fn leased(Kept { path, lease }: Kept) -> Fetched {
    Fetched { path, lease: FetchLease::new(lease) }
}

/// Returns how long a fetch may take, which a test makes shorter.
fn time() -> Duration {
    fail::fail_point!("fetch.time", |ms| {
        ms.and_then(|ms| ms.parse().ok()).map_or(TIME, Duration::from_millis)
    });
    TIME
}

/// Returns a time in whole tenths of a second, as the message about it shows it.
fn rounded_up(time: Duration) -> Duration {
    const STEP_MS: u64 = 100;
    let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(ms.div_ceil(STEP_MS).saturating_mul(STEP_MS))
}

/// Returns why a component is not fetched for which there was no time.
fn overtaken(reference: &Reference) -> NotFetched {
    NotFetched {
        what: format!(
            "`{reference}` cannot be fetched: other fetches took all of the {} s that there are for it",
            time().as_secs_f64()
        ),
        hint: format!(
            "try again when they have ended; `provost plugin pull {reference}` fetches it meanwhile"
        ),
    }
}

/// Returns why a component is not used that is not in the cache, or is damaged there.
pub(crate) fn not_here(reference: &Reference, is_damaged: bool) -> NotFetched {
    let what = match is_damaged {
        true => format!("`{reference}` is damaged in the cache, and the network is not used for it here"),
        false => format!("`{reference}` is not in the cache, and the network is not used for it here"),
    };
    NotFetched { what, hint: format!("`provost plugin pull {reference}` fetches it") }
}

/// Fetches a component within `most`, whether it is in the cache or not. Returns it with the reference that has its digest.
pub(crate) fn pull(reference: &Reference, most: Duration) -> Result<(Pulled, Reference), NotFetched> {
    checked(reference, child::pull(reference, most, None))
}

/// Checks that what was fetched is what the reference means, and a component.
fn checked(
    reference: &Reference,
    pulled: Result<Pulled, NotFetched>,
) -> Result<(Pulled, Reference), NotFetched> {
    let failed = |what: &dyn Display, hint: String| NotFetched {
        what: format!("`{reference}` cannot be fetched: {what}"),
        hint,
    };
    let pulled = pulled.map_err(|error| failed(&error.what, error.hint))?;
    let digest = pulled.check(reference).map_err(|error| failed(&error, "try again".to_owned()))?;
    recognise(&pulled.component).map_err(|error| {
        let what = format!("what is there {error}");
        failed(&what, "check the name: only components are fetched".to_owned())
    })?;
    Ok((pulled, reference.with_digest(digest)))
}

/// Pushes a component within `most`, and returns the reference that has the digest of its manifest.
#[cfg(feature = "registry")]
pub(crate) fn push(
    reference: &Reference,
    component: &[u8],
    signature: Option<String>,
    about: provost_registry::About,
    most: Duration,
) -> Result<Reference, NotFetched> {
    let order =
        stage::Order::Push { reference: reference.to_string(), signature, about, bytes: component.len() };
    let pushed = child::push(&order, component, most).map_err(|NotFetched { what, hint }| NotFetched {
        what: format!("`{reference}` was not pushed: {what}"),
        hint,
    });
    Ok(reference.with_digest(pushed?))
}

/// Keeps a component that was fetched.
pub(crate) fn keep(store: &Store, pinned: &Reference, pulled: &Pulled) -> Result<Kept, NotFetched> {
    store.keep(pinned, pulled).map_err(|error| NotFetched {
        what: format!("`{pinned}` was fetched, but {error}"),
        hint: "`cache_dir` of [host] in the config names another directory".to_owned(),
    })
}
