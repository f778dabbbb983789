//! The samples of one life of a process that its policies are asked about.

use std::collections::VecDeque;
use std::time::Duration;

use provost_state::{Moment, Usage, UsageAction};

use super::kept::Tagged;
use super::news::News;
use crate::decider::Verdict;

/// A finished step.
pub(super) enum Metered {
    /// A sample was taken.
    Sampled(Usage),
    /// It was decided what a sample means.
    Judged(Verdict<UsageAction>),
}

/// The samples of one life that policies are asked about.
pub(super) struct Metering {
    /// The sample that is waited for, or the question to the policies.
    pub(super) next: Tagged<Metered>,
    /// The samples so far, newest first.
    pub(super) samples: VecDeque<Usage>,
    /// What went wrong with the policies, as far as it was logged.
    pub(super) complained: News,
    /// The restarts for this reason, newest first; kept from life to life.
    pub(super) restarted: VecDeque<Moment>,
}

impl Default for Metering {
    fn default() -> Self {
        Self {
            next: None,
            samples: VecDeque::new(),
            complained: News::after(Duration::ZERO),
            restarted: VecDeque::new(),
        }
    }
}

impl Metering {
    /// Ends the samples of this life.
    pub(super) fn end(&mut self) {
        self.next = None;
        self.samples.clear();
    }
}
