//! Reading logs: which lines are visible, where the reader is, what is searched and what is filtered.

use crate::model::{Line, Lines};

/// The place of a reader in the lines, and how they are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    /// The targets whose lines are shown.
    pub(crate) targets: Vec<String>,
    /// The number of the last visible line; `None` while new lines are followed.
    pub(crate) bottom: Option<u64>,
    pub(crate) wraps: bool,
    pub(crate) times: bool,
    /// The number of columns that are scrolled away.
    pub(crate) left: usize,
    /// The text that is searched.
    pub(crate) search: String,
    /// The line that was found last.
    pub(crate) found: Option<u64>,
    /// Only lines with this text are shown.
    pub(crate) filter: String,
    /// The lines that are on the screen, for copying. Drawing fills it in.
    pub(crate) visible: Vec<String>,
}

/// Whether a text contains another one, regardless of the case of ASCII letters, and without an allocation.
pub(crate) fn contains(text: &str, wanted: &str) -> bool {
    let (text, wanted) = (text.as_bytes(), wanted.as_bytes());
    wanted.is_empty() || text.windows(wanted.len()).any(|window| window.eq_ignore_ascii_case(wanted))
}

impl Reading {
    /// Whether lines of several processes may come, so that their names are shown.
    pub(crate) fn has_names(&self) -> bool {
        self.targets.len() > 1 || self.targets.iter().any(|target| target == "all" || target.ends_with(":*"))
    }

    /// Whether a line passes the filter. Notes and marks do always.
    pub(crate) fn passes(&self, line: &Line) -> bool {
        match line {
            Line::Output { text, process, .. } => {
                contains(text, &self.filter) || self.has_names() && contains(process, &self.filter)
            }
            Line::Note(_) | Line::Mark(_) => true,
        }
    }

    /// Returns the numbers of the lines that pass, from the last visible one to the oldest.
    pub(crate) fn upwards<'r>(&'r self, lines: &'r Lines) -> impl Iterator<Item = u64> + use<'r> {
        let end = self.bottom.map_or(lines.end(), |bottom| (bottom + 1).clamp(lines.first(), lines.end()));
        (lines.first()..end).rev().filter(|number| lines.get(*number).is_some_and(|line| self.passes(line)))
    }

    /// Returns the numbers of the lines that pass after the last visible one.
    fn downwards<'r>(&'r self, lines: &'r Lines, from: u64) -> impl Iterator<Item = u64> + use<'r> {
        let from = from.max(lines.first());
        (from..lines.end()).filter(|number| lines.get(*number).is_some_and(|line| self.passes(line)))
    }

    /// Returns the number of lines that have come since the reader stopped following.
    pub(crate) fn newer(&self, lines: &Lines) -> usize {
        self.bottom.map_or(0, |bottom| self.downwards(lines, bottom + 1).count())
    }

    /// Goes up by a number of lines, as far as the page stays full.
    pub(crate) fn up(&mut self, lines: &Lines, by: usize, page: usize) {
        let above: Vec<u64> = self.upwards(lines).take(by + page.max(1)).collect();
        let at = by.min(above.len().saturating_sub(page.max(1)));
        if let Some(bottom) = above.get(at) {
            self.bottom = Some(*bottom);
        }
    }

    /// Goes down by a number of lines; at the end new lines are followed again.
    pub(crate) fn down(&mut self, lines: &Lines, by: usize) {
        let Some(bottom) = self.bottom else { return };
        self.bottom = self.downwards(lines, bottom + 1).take(by).last();
        if self.downwards(lines, self.bottom.unwrap_or(bottom) + 1).next().is_none() {
            self.bottom = None;
        }
    }

    /// Stops following at the last line, or follows again.
    pub(crate) fn freeze(&mut self, lines: &Lines) {
        self.bottom = match self.bottom {
            None => Some(self.upwards(lines).next().unwrap_or(lines.first())),
            Some(_) => None,
        };
    }

    /// Goes to the next older line, or the next newer one, with the text that is searched. Returns whether there is one.
    pub(crate) fn find(&mut self, lines: &Lines, older: bool, page: usize) -> bool {
        let has = |number: &u64| match lines.get(*number) {
            Some(Line::Output { text, .. }) => contains(text, &self.search),
            _ => false,
        };
        let found = match (older, self.found) {
            (true, Some(found)) => self.all_before(lines, found).find(has),
            (true, None) => self.upwards(lines).find(has),
            (false, found) => self.downwards(lines, found.map_or(lines.first(), |at| at + 1)).find(has),
        };
        let Some(found) = found.filter(|_| !self.search.is_empty()) else { return false };
        self.found = Some(found);
        let visible: Vec<u64> = self.upwards(lines).take(page.max(1)).collect();
        if !visible.contains(&found) {
            // The found line comes into the middle of the page.
            self.bottom = self.downwards(lines, found).take(page / 2 + 1).last();
        } else if self.bottom.is_none() {
            self.freeze(lines);
        }
        true
    }

    fn all_before<'r>(&'r self, lines: &'r Lines, end: u64) -> impl Iterator<Item = u64> + use<'r> {
        (lines.first()..end.min(lines.end()))
            .rev()
            .filter(|number| lines.get(*number).is_some_and(|line| self.passes(line)))
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

    fn shown(reading: &Reading, lines: &Lines, page: usize) -> Vec<u64> {
        reading.upwards(lines).take(page).collect()
    }

    #[test]
    fn the_reader_goes_up_to_a_full_page_and_down_to_following() {
        let lines = lines(30);
        let mut reading = Reading::default();
        reading.up(&lines, 1, 5);
        assert_eq!((reading.bottom, reading.newer(&lines)), (Some(28), 1));
        reading.up(&lines, 1_000, 5);
        assert_eq!(shown(&reading, &lines, 9), [4, 3, 2, 1, 0]);
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
        assert_eq!((reading.bottom, reading.newer(&lines)), (Some(29), 1));
        lines.clear();
        lines.add(Line::Note("newer".into()));
        assert_eq!(shown(&reading, &lines, 5), [0u64; 0], "what was frozen is gone");
        reading.freeze(&lines);
        assert_eq!(shown(&reading, &lines, 5).len(), 1);
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
        let reading = Reading { filter: "ERR".into(), ..Reading::default() };
        assert_eq!(shown(&reading, &lines, 9), [30, 20, 10, 0]);
    }
}
