//! Where it is entered what the plugin host lacks at the moment. Whoever starts it shows that; by default it is only logged.

use std::fmt;
use std::sync::Arc;

/// What is called with what is lacking and why, and with `None` when it is lacking no longer.
type Entry = dyn Fn(&str, Option<String>) + Send + Sync;

/// A list of what is lacking, such as space for what plugins remember. Clones share it.
#[derive(Clone, Default)]
pub struct Lacks(Option<Arc<Entry>>);

impl Lacks {
    /// A list that is kept by `entry`: it is called with what is lacking and why, and with `None` when it is lacking no longer.
    /// It must not wait.
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
