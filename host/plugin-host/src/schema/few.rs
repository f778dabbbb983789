//! The first few of many, because a schema may name any number of alternatives and nobody reads more than a few.

/// The largest number of alternatives that are looked at and named.
pub(super) const NAMED_MAX: usize = 32;

/// At most [`NAMED_MAX`] of many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Few<T> {
    /// The first ones.
    pub(super) all: Vec<T>,
    /// Whether there are others.
    pub(super) more: bool,
}

impl<T> Few<T> {
    /// Returns none.
    pub(super) const fn none() -> Self {
        Self { all: Vec::new(), more: false }
    }

    /// Takes the first ones. The others are not looked at.
    pub(super) fn of(many: impl IntoIterator<Item = T>) -> Self {
        let mut many = many.into_iter();
        let all = many.by_ref().take(NAMED_MAX).collect();
        Self { all, more: many.next().is_some() }
    }

    /// Adds others, as far as there is room.
    pub(super) fn add(&mut self, others: Self) {
        let room = NAMED_MAX - self.all.len().min(NAMED_MAX);
        self.more |= others.more || others.all.len() > room;
        self.all.extend(others.all.into_iter().take(room));
    }

    /// Converts each.
    pub(super) fn map<U>(self, convert: impl FnMut(T) -> U) -> Few<U> {
        Few { all: self.all.into_iter().map(convert).collect(), more: self.more }
    }

    /// Converts each that can be converted, and leaves out the others.
    pub(super) fn filter_map<U>(self, convert: impl FnMut(T) -> Option<U>) -> Few<U> {
        Few { all: self.all.into_iter().filter_map(convert).collect(), more: self.more }
    }
}
