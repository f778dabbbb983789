//! Notifies the application that starts the host when a plugin is quarantined.

use std::fmt;
use std::sync::Arc;

/// A call that is made whenever a plugin is quarantined. Clones share it.
#[derive(Clone, Default)]
pub struct Notice(Option<Arc<dyn Fn() + Send + Sync>>);

impl Notice {
    /// Creates a notice that makes this call, which must not block.
    #[must_use]
    pub fn new(call: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(call)))
    }

    pub(crate) fn give(&self) {
        if let Some(call) = &self.0 {
            call();
        }
    }
}

impl fmt::Debug for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notice").field("is_given", &self.0.is_some()).finish()
    }
}
