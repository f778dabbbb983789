//! What the host is still to be sent. Nothing here grows with the time that the host does not read: answers are bounded by
//! the credit, and everything else is a mark at what it is about.

use std::collections::VecDeque;

use super::Now;
use crate::protocol::{CREDIT, Report};
use crate::table::Orphans;

/// How long an answer that nobody waits for may wait for another message, in nanoseconds: each message wakes the host, and what a
/// start has to report follows at once as a rule.
pub(super) const PATIENCE: u64 = 5_000_000;

/// The number of answers none of which waits any more: half of what a host may have unanswered.
pub(super) const WAITING_MAX: usize = CREDIT / 2;

/// How far the welcome of a host has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Greeting {
    /// No host has sent `HELLO`.
    Unasked,
    /// A host that speaks no version of ours is to be told so.
    Unsupported,
    /// A host waits until output is not being moved into gap files any more; at this steady time at the latest.
    Draining(u64),
    /// `WELCOME` is next.
    Welcome,
    /// The slot at this place, or the first one after it, is next.
    Held(usize),
    /// The stash at this index is next.
    Stashed(usize),
    /// All was sent.
    Over,
}

/// What is to be sent, without what the slots know themselves.
#[derive(Debug)]
pub(super) struct Outbox {
    pub(super) greeting: Greeting,
    /// The sequence number of `HELLO`.
    pub(super) hello: u32,
    /// The answers to orders, with their sequence numbers. Its memory is there from the start.
    answers: VecDeque<(u32, Report)>,
    /// The steady time at which the answers are due; `None` if they are due already.
    due_at: Option<u64>,
    /// The signals to be passed on, as bits by their numbers: 1 is the lowest bit.
    signals: u64,
    pub(super) orphans: Orphans,
}

impl Outbox {
    pub(super) fn new() -> Self {
        Self {
            greeting: Greeting::Unasked,
            hello: 0,
            answers: VecDeque::with_capacity(CREDIT),
            due_at: None,
            signals: 0,
            orphans: Orphans::default(),
        }
    }

    /// Whether the answer to one more order has room. If not, none is read.
    pub(super) fn has_credit(&self) -> bool {
        self.answers.len() < CREDIT
    }

    /// Adds an answer that somebody waits for. All answers before it are due as well.
    pub(super) fn answer(&mut self, seq: u32, report: Report) {
        self.due_at = None;
        self.answers.push_back((seq, report));
    }

    /// Adds an answer that may wait for another message.
    pub(super) fn answer_later(&mut self, seq: u32, report: Report, now: Now) {
        if self.answers.is_empty() {
            self.due_at = Some(now.steady.saturating_add(PATIENCE));
        }
        self.answers.push_back((seq, report));
        if self.answers.len() >= WAITING_MAX {
            self.due_at = None;
        }
    }

    pub(super) fn next_answer(&self) -> Option<(u32, Report)> {
        self.answers.front().copied()
    }

    /// Whether the answers do not wait for another message any more.
    pub(super) fn is_due(&self, now: Now) -> bool {
        self.due_at.is_none_or(|at| now.steady >= at)
    }

    /// Returns the steady time at which answers will be due, if there are some that are not.
    pub(super) fn due_at(&self, now: Now) -> Option<u64> {
        self.due_at.filter(|_| !self.answers.is_empty() && !self.is_due(now))
    }

    pub(super) fn answered(&mut self) {
        self.answers.pop_front();
    }

    /// Returns the answers that are to be sent.
    pub(super) fn answers(&self) -> impl Iterator<Item = &(u32, Report)> {
        self.answers.iter()
    }

    /// Returns the signals that are to be passed on, as bits.
    pub(super) fn signals(&self) -> u64 {
        self.signals
    }

    /// Takes over the signals that are to be passed on.
    pub(super) fn resume_signals(&mut self, signals: u64) {
        self.signals = signals;
    }

    pub(super) fn signal(&mut self, number: i32) {
        self.signals |= Self::bit(number);
    }

    pub(super) fn next_signal(&self) -> Option<i32> {
        (self.signals != 0).then(|| self.signals.trailing_zeros().cast_signed() + 1)
    }

    pub(super) fn signalled(&mut self, number: i32) {
        self.signals &= !Self::bit(number);
    }

    fn bit(number: i32) -> u64 {
        1_u64.rotate_left(number.cast_unsigned().wrapping_sub(1))
    }

    pub(super) fn forget_answers(&mut self) {
        self.answers.clear();
    }

    /// Forgets what was meant for a host that is gone. What the slots have to report, signals and orphans are for the next.
    pub(super) fn forget_host(&mut self) {
        self.greeting = Greeting::Unasked;
        self.forget_answers();
    }
}
