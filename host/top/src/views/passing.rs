//! The lines that pass the filter of the logs. Each line is compared once, however often a frame is drawn.

use std::collections::VecDeque;

use crate::model::{Line, Lines};

/// The numbers of the lines that pass a filter, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Passing {
    filter: Filter,
    numbers: VecDeque<u64>,
    /// The number after that of the last line that was compared.
    seen: u64,
}

/// What lines have to contain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Filter {
    text: String,
    /// Whether the name of the process counts, too.
    names: bool,
}

/// Whether a text contains another one, regardless of the case of ASCII letters, and without an allocation.
pub(super) fn contains(text: &str, wanted: &str) -> bool {
    let (text, wanted) = (text.as_bytes(), wanted.as_bytes());
    wanted.is_empty() || text.windows(wanted.len()).any(|window| window.eq_ignore_ascii_case(wanted))
}

impl Filter {
    /// Whether a line passes. Notes and marks do always.
    fn passes(&self, line: &Line) -> bool {
        match line {
            Line::Output { text, process, .. } => {
                contains(text, &self.text) || self.names && contains(process, &self.text)
            }
            Line::Note(_) | Line::Mark(_) => true,
        }
    }
}

impl Passing {
    /// Compares the lines that are new since the last call; all of them after a change of the filter.
    pub(super) fn look(&mut self, lines: &Lines, text: &str, names: bool) {
        if self.filter.text != text || self.filter.names != names {
            *self = Self { filter: Filter { text: text.to_owned(), names }, ..Self::default() };
        }
        while self.numbers.front().is_some_and(|number| *number < lines.first()) {
            self.numbers.pop_front();
        }
        let filter = &self.filter;
        let passes = |number: &u64| lines.get(*number).is_some_and(|line| filter.passes(line));
        self.numbers.extend((self.seen.max(lines.first())..lines.end()).filter(passes));
        self.seen = lines.end();
    }

    /// Returns the numbers before this one, the newest first.
    pub(super) fn before(&self, number: u64) -> impl Iterator<Item = u64> {
        self.numbers.range(..self.place(number)).rev().copied()
    }

    /// Returns this number and those after it, the oldest first.
    pub(super) fn since(&self, number: u64) -> impl ExactSizeIterator<Item = u64> {
        self.numbers.range(self.place(number)..).copied()
    }

    fn place(&self, number: u64) -> usize {
        self.numbers.partition_point(|known| *known < number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_compared_as_they_come_and_again_with_another_filter() {
        let mut lines = Lines::default();
        let output = |text: &str| Line::Output {
            process: "web".into(),
            is_error: false,
            at: String::new(),
            text: text.into(),
        };
        let mut passing = Passing::default();
        let mut shown = |lines: &Lines, text: &str, names| -> Vec<u64> {
            passing.look(lines, text, names);
            passing.since(0).collect()
        };
        lines.add(output("an Error"));
        lines.add(output("fine"));
        assert_eq!(shown(&lines, "error", false), [0]);
        lines.add(output("another error"));
        lines.add(Line::Mark(7));
        assert_eq!(shown(&lines, "error", false), [0, 2, 3]);
        assert_eq!(shown(&lines, "WEB", false), [3]);
        assert_eq!(shown(&lines, "WEB", true), [0, 1, 2, 3]);
        lines.clear();
        lines.add(output("error"));
        assert_eq!(shown(&lines, "WEB", true), [4]);
        assert_eq!((passing.before(4).count(), passing.before(9).count()), (0, 1));
    }
}
