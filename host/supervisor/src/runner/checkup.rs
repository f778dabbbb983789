//! The health checks of one life of a process: what the last ones found, and what was committed about it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use provost_state::{Health, HealthAction, Incarnation, Moment};

use super::kept::Tagged;
use super::news::News;
use crate::decider::Verdict;
use crate::stash::Counted;

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
    /// Goes on with what the checks of a former host have counted, which are those of this life or of one before.
    pub(super) fn go_on(&mut self, counted: &Counted, incarnation: Incarnation) {
        self.restarted = counted.restarted.iter().copied().collect();
        if let Some((in_a_row, since)) = counted.failing.filter(|_| counted.incarnation == incarnation) {
            self.last = Some((false, in_a_row));
            self.failing_since = Some(since);
        }
    }

    /// Returns what another host has to know of this.
    pub(super) fn counted(&self, incarnation: Incarnation) -> Counted {
        let failing = match self.last {
            Some((false, in_a_row)) => self.failing_since.map(|since| (in_a_row, since)),
            _ => None,
        };
        Counted { incarnation, failing, restarted: self.restarted.iter().copied().collect() }
    }

    /// Ends the checks of this life.
    pub(super) fn end(&mut self) {
        self.next = None;
        self.last = None;
        self.failing_since = None;
        self.told = None;
    }
}
