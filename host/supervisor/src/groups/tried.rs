//! The last results of the checks of a process, for those who ask. They are no commits: a check that finds the same as before
//! changes no state.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use provost_state::Moment;

/// The result of one try of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Whether it passed.
    pub passed: bool,
    /// What it found.
    pub found: Arc<str>,
    /// When it ended.
    pub at: Moment,
}

/// The last results of the two checks of a process.
#[derive(Debug, Default)]
pub(crate) struct LastTried {
    /// That of the readiness check.
    pub(crate) readiness: Last,
    /// That of the health check.
    pub(crate) health: Last,
}

impl LastTried {
    /// Forgets both, when another life begins.
    pub(crate) fn forget(&self) {
        self.readiness.forget();
        self.health.forget();
    }
}

/// The last result of one check; only that one is kept.
#[derive(Debug, Default)]
pub(crate) struct Last(ArcSwapOption<Tried>);

impl Last {
    pub(crate) fn keep(&self, tried: Tried) {
        self.0.store(Some(Arc::new(tried)));
    }

    pub(crate) fn forget(&self) {
        self.0.store(None);
    }

    pub(crate) fn get(&self) -> Option<Arc<Tried>> {
        self.0.load_full()
    }
}
