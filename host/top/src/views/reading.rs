//! Reading logs: which lines are visible, where the reader is, what is searched and what is filtered.

use super::passing::{Passing, contains};
use crate::model::{Line, Lines};

/// The place of a reader in the lines, and how they are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    /// The targets whose lines are shown.
    pub(crate) targets: Vec<String>,
    /// The number of the last visible line; `None` while new lines are followed.
    pub(crate) bottom: Option<u64>,
    pub(crate) wraps: bool,
    pub(crate) times: bool,
    /// The text that is searched.
    pub(crate) search: String,
    /// The line that was found last.
    pub(crate) found: Option<u64>,
    /// Only lines with this text are shown.
    pub(crate) filter: String,
    /// The lines that pass the filter.
    passing: Passing,
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            targets: Vec::new(),
            bottom: None,
            wraps: true,
            times: false,
            search: String::new(),
            found: None,
            filter: String::new(),
            passing: Passing::default(),
        }
    }
}

impl Reading {
    /// Returns the reading of the lines of other targets, which are shown as these are.
    pub(crate) fn of_others(&self, targets: Vec<String>) -> Self {
        Self { targets, wraps: self.wraps, times: self.times, ..Self::default() }
    }

    /// Whether lines of several processes may come, so that their names are shown.
    pub(crate) fn has_names(&self) -> bool {
        self.targets.len() > 1 || self.targets.iter().any(|target| target == "all" || target.ends_with(":*"))
    }

    /// Looks at new lines, or at all lines after a change of the filter. The other functions know the lines of the last look.
    pub(crate) fn look(&mut self, lines: &Lines) {
        let names = self.has_names();
        self.passing.look(lines, &self.filter, names);
    }

    /// Returns the numbers of the lines that pass the filter, from the last visible one to the oldest.
    pub(crate) fn upwards(&self) -> impl Iterator<Item = u64> {
        self.passing.before(self.bottom.map_or(u64::MAX, |bottom| bottom + 1))
    }

    /// Returns the number of lines that have come since the reader stopped following.
    pub(crate) fn newer(&self) -> usize {
        self.bottom.map_or(0, |bottom| self.passing.since(bottom + 1).len())
    }

    /// Goes up by a number of lines, as far as the page stays full.
    pub(crate) fn up(&mut self, lines: &Lines, by: usize, page: usize) {
        self.look(lines);
        let above: Vec<u64> = self.upwards().take(by.saturating_add(page.max(1))).collect();
        let at = by.min(above.len().saturating_sub(page.max(1)));
        if let Some(bottom) = above.get(at) {
            self.bottom = Some(*bottom);
        }
    }

    /// Goes down by a number of lines; at the end new lines are followed again.
    pub(crate) fn down(&mut self, lines: &Lines, by: usize) {
        self.look(lines);
        let Some(bottom) = self.bottom else { return };
        let mut below = self.passing.since(bottom + 1);
        let bottom = below.by_ref().take(by).last();
        self.bottom = bottom.filter(|_| below.len() > 0);
    }

    /// Stops following at the last line, or follows again.
    pub(crate) fn freeze(&mut self, lines: &Lines) {
        self.look(lines);
        self.bottom = match self.bottom {
            None => Some(self.upwards().next().unwrap_or(lines.first())),
            Some(_) => None,
        };
    }

    /// Goes to the next older line, or the next newer one, with the text that is searched. Returns whether there is one.
    pub(crate) fn find(&mut self, lines: &Lines, older: bool, page: usize) -> bool {
        self.look(lines);
        let has = |number: &u64| match lines.get(*number) {
            Some(Line::Output { text, .. }) => contains(text, &self.search),
            _ => false,
        };
        let found = match (older, self.found) {
            (true, Some(found)) => self.passing.before(found).find(has),
            (true, None) => self.upwards().find(has),
            (false, found) => self.passing.since(found.map_or(0, |found| found + 1)).find(has),
        };
        let Some(found) = found.filter(|_| !self.search.is_empty()) else { return false };
        self.found = Some(found);
        if !self.upwards().take(page.max(1)).any(|visible| visible == found) {
            // The found line comes into the middle of the page.
            self.bottom = self.passing.since(found).take(page / 2 + 1).last();
        } else if self.bottom.is_none() {
            self.freeze(lines);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use provost_api::{LogItem, LogStream};

    use super::*;

    fn lines(count: u64) -> Lines {
        let mut lines = Lines::default();
        for number in 0..count {
            lines.push(LogItem::Text {
                process: "web".into(),
                stream: LogStream::Stdout,
                at: String::new(),
                text: format!("line {number}{}", if number % 10 == 0 { " Error" } else { "" }),
                partial: false,
            });
        }
        lines
    }

    fn shown(reading: &mut Reading, lines: &Lines, page: usize) -> Vec<u64> {
        reading.look(lines);
        reading.upwards().take(page).collect()
    }

    #[test]
    fn the_reader_goes_up_to_a_full_page_and_down_to_following() {
        let lines = lines(30);
        let mut reading = Reading::default();
        reading.up(&lines, 1, 5);
        assert_eq!((reading.bottom, reading.newer()), (Some(28), 1));
        reading.up(&lines, 1_000, 5);
        assert_eq!(shown(&mut reading, &lines, 9), [4, 3, 2, 1, 0]);
        reading.down(&lines, 3);
        assert_eq!(reading.bottom, Some(7));
        reading.down(&lines, 1_000);
        assert_eq!(reading.bottom, None, "it follows again");
    }

    #[test]
    fn frozen_lines_stay_while_new_ones_come_and_old_ones_go() {
        let mut lines = lines(30);
        let mut reading = Reading::default();
        reading.freeze(&lines);
        lines.add(Line::Note("new".into()));
        reading.look(&lines);
        assert_eq!((reading.bottom, reading.newer()), (Some(29), 1));
        lines.clear();
        lines.add(Line::Note("newer".into()));
        assert_eq!(shown(&mut reading, &lines, 5), [0u64; 0], "what was frozen is gone");
        reading.freeze(&lines);
        assert_eq!(shown(&mut reading, &lines, 5).len(), 1);
    }

    #[test]
    fn a_search_goes_to_older_and_newer_lines_and_ignores_case() {
        let lines = lines(30);
        let mut reading = Reading { search: "error".into(), ..Reading::default() };
        assert!(reading.find(&lines, true, 5));
        assert_eq!((reading.found, reading.bottom), (Some(20), Some(22)));
        assert!(reading.find(&lines, true, 5) && reading.find(&lines, true, 5));
        assert_eq!(reading.found, Some(0));
        assert!(!reading.find(&lines, true, 5));
        assert!(reading.find(&lines, false, 5));
        assert_eq!(reading.found, Some(10));
        reading.search = "nothing".into();
        assert!(!reading.find(&lines, false, 5));
    }

    #[test]
    fn a_filter_leaves_only_lines_with_the_text_and_the_notes() {
        let mut lines = lines(30);
        lines.add(Line::Mark(7));
        let mut reading = Reading { filter: "ERR".into(), ..Reading::default() };
        assert_eq!(shown(&mut reading, &lines, 9), [30, 20, 10, 0]);
    }
}
