//! The JSON of the order of the config, which is rendered again only when processes have come, gone or been rearranged.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use provost_supervisor::Listing;

/// The JSON of the order of the config.
#[derive(Debug, Default)]
pub(super) struct OrderPart(ArcSwapOption<Rendered>);

#[derive(Debug)]
struct Rendered {
    listing: Arc<Listing>,
    bytes: Bytes,
}

impl OrderPart {
    /// Returns the array of the names; `None` if snapshots have that order anyway.
    pub(super) fn rendered(&self, listing: Arc<Listing>) -> Option<Bytes> {
        if listing.is_of_snapshots {
            return None;
        }
        let kept = self.0.load();
        if let Some(kept) = kept.as_ref().filter(|kept| Arc::ptr_eq(&kept.listing, &listing)) {
            return Some(kept.bytes.clone());
        }
        let names: Vec<&str> = listing.names.iter().map(|name| &**name).collect();
        // Writing to memory does not fail.
        let bytes = Bytes::from(serde_json::to_vec(&names).unwrap_or_else(|_| b"[]".to_vec()));
        self.0.store(Some(Arc::new(Rendered { listing, bytes: bytes.clone() })));
        Some(bytes)
    }
}
