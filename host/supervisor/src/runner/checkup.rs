//! The health checks of one life of a process: what the last ones found, and what was committed about it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use provost_state::{Health, HealthAction, Moment};

use super::kept::Tagged;
use super::news::News;
use crate::decider::Verdict;

/// A finished step of the checkup.
pub(super) enum Finding {
    /// A check ended.
    Checked { outcome: Result<Arc<str>, Arc<str>>, took_ms: u64 },
    /// It was decided what a check means.
    Diagnosed { failed: Option<Arc<str>>, verdict: Verdict<HealthAction> },
}

/// The health checks of one life.
pub(super) struct Checkup {
    /// The check, or the question to the policies, that is in progress.
    pub(super) next: Tagged<Finding>,
    /// Whether the last check passed, and how many checks in a row had this outcome.
    pub(super) last: Option<(bool, u32)>,
    /// When the checks began to fail, if they have failed since.
    pub(super) failing_since: Option<Moment>,
    /// The health that was committed last. Another health is committed at once, anything else only if it is news.
    pub(super) told: Option<Health>,
    pub(super) news: News,
    /// The restarts for health reasons, newest first; kept from life to life.
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
    /// Ends the checks of this life.
    pub(super) fn end(&mut self) {
        self.next = None;
        self.last = None;
        self.failing_since = None;
        self.told = None;
    }
}
