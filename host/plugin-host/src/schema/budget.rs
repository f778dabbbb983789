//! The budget of steps for reading a schema, or for checking settings against one. A foreign schema may ask for as much work as it likes:
//! everything that is done because of it is counted here, and nothing is done after the budget is spent.

use super::error::SchemaError;

/// The largest number of steps. A step is a schema, a keyword or a value that is looked at; larger things are several steps.
pub(super) const STEPS_MAX: usize = 100_000;

/// The number of bytes of a text that are read in a step.
pub(super) const TEXT_BYTES: usize = 64;

/// The steps that have been made.
#[derive(Debug, Default)]
pub(super) struct Budget {
    used: usize,
}

/// All steps of a budget have been made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spent;

impl Budget {
    /// Counts steps, before they are made.
    ///
    /// # Errors
    /// [`Spent`] if there are not as many left.
    pub(super) fn count(&mut self, steps: usize) -> Result<(), Spent> {
        self.used = self.used.saturating_add(steps);
        if self.used > STEPS_MAX { Err(Spent) } else { Ok(()) }
    }

    /// Counts the steps for a text of this size: one, and more for a long one.
    ///
    /// # Errors
    /// [`Spent`] if there are not as many left.
    pub(super) fn count_text(&mut self, bytes: usize) -> Result<(), Spent> {
        self.count(1 + bytes / TEXT_BYTES)
    }

    /// Returns the number of steps that have been counted.
    #[cfg(test)]
    pub(super) fn used(&self) -> usize {
        self.used
    }
}

impl From<Spent> for SchemaError {
    fn from(_: Spent) -> Self {
        Self::TooComplex(STEPS_MAX)
    }
}
