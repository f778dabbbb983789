//! The checks of one life of a process: what the last ones found, and what was told of it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use provost_state::{Health, HealthAction, Moment};

use super::kept::Tagged;
use super::news::News;
use crate::decider::Verdict;

/// A step of the checkup that came to its end.
pub(super) enum Finding {
    /// A check.
    Checked { outcome: Result<Arc<str>, Arc<str>>, took_ms: u64 },
    /// What it means.
    Diagnosed { failed: Option<Arc<str>>, verdict: Verdict<HealthAction> },
}

/// The checks of one life.
pub(super) struct Checkup {
    /// The check or the opinion under way.
    pub(super) next: Tagged<Finding>,
    /// The outcome of the last check, and how often in a row it was that.
    pub(super) last: Option<(bool, u32)>,
    /// Since when checks have failed without a success.
    pub(super) failing_since: Option<Moment>,
    /// What was committed last: what it is held to be, and what says so beside that. Another health is committed at
    /// once, anything else if it is news.
    pub(super) told: Option<Health>,
    pub(super) news: News,
    /// When it was restarted by this, newest first; outlives the life.
    pub(super) restarted: VecDeque<Moment>,
}

impl Default for Checkup {
    fn default() -> Self {
        Self {
            next: None,
            last: None,
            failing_since: None,
            told: None,
            news: News::after(Duration::ZERO),
            restarted: VecDeque::new(),
        }
    }
}

impl Checkup {
    /// This life is not checked any more.
    pub(super) fn end(&mut self) {
        self.next = None;
        self.last = None;
        self.failing_since = None;
        self.told = None;
    }
}
