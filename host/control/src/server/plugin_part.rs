//! The JSON of all plugins, which is rendered again only when a report has changed.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use provost_state::{Generation, PluginReport};

use crate::convert;

/// The JSON of all plugins.
#[derive(Debug, Default)]
pub(super) struct PluginPart(ArcSwapOption<Rendered>);

#[derive(Debug)]
struct Rendered {
    reports: Vec<PluginReport>,
    /// The generation that determines the number of queued changes, if a plugin gets any.
    now: Option<Generation>,
    bytes: Bytes,
}

impl PluginPart {
    /// Returns the array of these reports; `now` is the current generation.
    pub(super) fn rendered(&self, reports: Vec<PluginReport>, now: Generation) -> Bytes {
        let counts = reports.iter().any(|report| report.told_until.is_some());
        let key = counts.then_some(now);
        let kept = self.0.load();
        if let Some(kept) = &*kept
            && kept.now == key
            && kept.reports == reports
        {
            return kept.bytes.clone();
        }
        let all: Vec<_> = reports.iter().map(|report| convert::plugin(report, now)).collect();
        // No type of the API has a map key that JSON cannot represent.
        let bytes = Bytes::from(serde_json::to_vec(&all).unwrap_or_else(|_| b"[]".to_vec()));
        self.0.store(Some(Arc::new(Rendered { reports, now: key, bytes: bytes.clone() })));
        bytes
    }
}
