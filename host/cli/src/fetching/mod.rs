//! Components from registries and servers. A host reads them from a cache on disk; what is missing there is fetched by a separate
//! process with limits ([`stage`]), because what is at the other end of a network can be slow, endless or hostile. It happens where
//! components are read: at the start, at a reload, at `plugin load` and `swap`, before anything is changed, and never for a
//! decision.

mod child;
mod failed;
mod stage;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use provost_files::Owners;
use provost_plugin_host::{CacheBounds, FetchLease, Fetched, Remote, RemoteError};
use provost_registry::{Kept, Pulled, Reference, Store};

use crate::limited::Semaphore;
pub(crate) use failed::NotFetched;
#[cfg(not(feature = "registry"))]
pub(crate) use failed::lacking;
pub use stage::run_if_fetcher;

/// Whether this build can fetch anything.
pub(crate) const IS_ABLE: bool = cfg!(feature = "registry");

/// The folder of the cache for components that were fetched, in that of compiled code.
const DIR: &str = "pulled";

/// How long a fetch may take, in all.
pub(crate) const TIME: Duration = Duration::from_secs(60);

/// Whether the network may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// What is not in the cache is fetched.
    Network,
    /// Only the cache is read.
    Cache,
}

/// Finds components in the cache, and fetches them.
#[derive(Debug)]
pub(crate) struct Fetcher {
    store: Store,
    reach: Reach,
    permits: Semaphore,
}

/// Returns the components that were fetched, beside compiled code in `cache_dir`. They have the bounds of the latter.
pub(crate) fn store(cache_dir: &Path, owners: Owners, bounds: CacheBounds) -> Store {
    Store::new(cache_dir.join(DIR), owners, bounds)
}

impl Fetcher {
    /// Returns what finds components in `store`, and fetches others within `reach`.
    pub(crate) fn reading(store: Store, reach: Reach) -> Arc<dyn Remote> {
        Arc::new(Self { store, reach, permits: Semaphore::default() })
    }

    fn kept(&self, text: &str) -> Result<Kept, NotFetched> {
        let reference = Reference::pinned(text)
            .map_err(|error| NotFetched { what: error.to_string(), hint: error.hint() })?;
        if let Some(kept) = self.store.find(&reference) {
            return Ok(kept);
        }
        if self.reach == Reach::Cache {
            return Err(not_here(&reference));
        }
        let _permit = self.permits.acquire();
        tracing::info!(%reference, "fetching a component");
        let (pulled, pinned) = pull(&reference, TIME)?;
        keep(&self.store, &pinned, &pulled)
    }
}

impl Remote for Fetcher {
    fn component(&self, reference: &str) -> Result<Fetched, RemoteError> {
        match self.kept(reference) {
            Ok(Kept { path, lease }) => Ok(Fetched { path, lease: FetchLease::new(lease) }),
            Err(NotFetched { what, hint }) => Err(RemoteError { what, hint }),
        }
    }
}

/// Returns why a component is not used that is not in the cache.
pub(crate) fn not_here(reference: &Reference) -> NotFetched {
    NotFetched {
        what: format!("`{reference}` is not in the cache, and the network is not used for it here"),
        hint: format!("`provost plugin pull {reference}` fetches it"),
    }
}

/// Fetches a component within `most`, whether it is in the cache or not. Returns it with the reference that has its digest.
pub(crate) fn pull(reference: &Reference, most: Duration) -> Result<(Pulled, Reference), NotFetched> {
    let failed = |what: String, hint: String| NotFetched {
        what: format!("`{reference}` cannot be fetched: {what}"),
        hint,
    };
    let pulled = child::pull(reference, most).map_err(|error| failed(error.what, error.hint))?;
    let digest =
        pulled.check(reference).map_err(|error| failed(error.to_string(), "try again".to_owned()))?;
    Ok((pulled, reference.with_digest(digest)))
}

/// Keeps a component that was fetched.
pub(crate) fn keep(store: &Store, pinned: &Reference, pulled: &Pulled) -> Result<Kept, NotFetched> {
    store.keep(pinned, pulled).map_err(|error| NotFetched {
        what: format!("`{pinned}` was fetched, but {error}"),
        hint: "`cache_dir` of [host] in the config names another directory".to_owned(),
    })
}
