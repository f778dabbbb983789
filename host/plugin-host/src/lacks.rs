//! Reports what the plugin host lacks at the moment. The application that starts the host shows it; by default it is
//! only logged.

use std::fmt;
use std::sync::Arc;

/// Receives what is lacking and the reason, or `None` when it is no longer lacking.
type Entry = dyn Fn(&str, Option<String>) + Send + Sync;

/// A list of what is lacking, such as disk space for the memory of plugins. Clones share it.
#[derive(Clone, Default)]
pub struct Lacks(Option<Arc<Entry>>);

impl Lacks {
    /// Creates a list that is kept by `entry`, which is called with what is lacking and the reason, or `None` when it
    /// is no longer lacking. It must not block.
    #[must_use]
    pub fn new(entry: impl Fn(&str, Option<String>) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(entry)))
    }

    pub(crate) fn set(&self, what: &str, reason: String) {
        match &self.0 {
            Some(entry) => entry(what, Some(reason)),
            None => tracing::warn!("{what}: {reason}"),
        }
    }

    pub(crate) fn clear(&self, what: &str) {
        if let Some(entry) = &self.0 {
            entry(what, None);
        }
    }
}

impl fmt::Debug for Lacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lacks").field("is_kept", &self.0.is_some()).finish()
    }
}
