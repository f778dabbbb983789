//! A number that stands for a value and is the same in every host, so that another host can tell whether the value has changed.

use provost_state::hash;

/// A hash that grows with each part that it is given.
#[derive(Debug)]
pub(crate) struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Self(hash::EMPTY)
    }
}

impl Digest {
    /// Returns the number that stands for all that was entered.
    pub(crate) fn number_of_all(&self) -> u64 {
        self.0
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as i64);
        self.raw(bytes);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    pub(crate) fn number(&mut self, number: i64) {
        self.raw(&number.to_le_bytes());
    }

    /// Enters a number, or that there is none.
    pub(crate) fn maybe(&mut self, number: Option<i64>) {
        self.number(number.is_some().into());
        self.number(number.unwrap_or_default());
    }

    pub(crate) fn all<T>(
        &mut self,
        items: impl ExactSizeIterator<Item = T>,
        mut each: impl FnMut(&mut Self, T),
    ) {
        self.number(items.len() as i64);
        items.for_each(|item| each(self, item));
    }

    fn raw(&mut self, bytes: &[u8]) {
        self.0 = hash::fnv(self.0, bytes.iter().copied());
    }
}
