//! A decision after the host has bounded it, and how it is told.

use std::sync::Arc;

use provost_state::failsafe;

/// A decision after the host has bounded it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict<D> {
    /// What will be done.
    pub(crate) action: D,
    /// The policy that decided, or `failsafe`.
    pub(crate) by: Arc<str>,
    /// Why, in words for people.
    pub(crate) reason: Arc<str>,
    /// What went wrong on the way to it, in words for people.
    pub(crate) overruled: Option<Arc<str>>,
}

impl<D> Verdict<D> {
    /// The reason with who gave it, and with what went wrong before: for the state of a process.
    pub(crate) fn told(&self) -> String {
        let by = if *self.by == *failsafe::NAME { String::new() } else { format!(" (policy {})", self.by) };
        match &self.overruled {
            Some(overruled) => format!("{overruled}; {}{by}", self.reason),
            None => format!("{}{by}", self.reason),
        }
    }
}
