//! What the host is still to be sent. Nothing here grows with the time that the host does not read: answers are bounded by
//! the credit, and everything else is a mark at what it is about.

use std::collections::VecDeque;

use crate::protocol::{CREDIT, Report};
use crate::table::Orphans;

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
            signals: 0,
            orphans: Orphans::default(),
        }
    }

    /// Whether the answer to one more order has room. If not, none is read.
    pub(super) fn has_credit(&self) -> bool {
        self.answers.len() < CREDIT
    }

    pub(super) fn answer(&mut self, seq: u32, report: Report) {
        self.answers.push_back((seq, report));
    }

    pub(super) fn next_answer(&self) -> Option<(u32, Report)> {
        self.answers.front().copied()
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
