//! Where a search goes on: which part of the processes it is in, and which lines of it were returned.

use serde::{Deserialize, Serialize};

use super::lines::LogLine;
use crate::fault::Fault;
use crate::page;
use crate::time;

/// The most lines of one millisecond that pages can divide.
const SAME_TIME_MAX: usize = 100_000;

/// A place in a search. As the text of a cursor it is JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Place {
    /// Processes up to this name were searched, and all lines found there were returned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) after: Option<String>,
    /// The last process of the part that was searched, of which there are more lines; `None` at the beginning of a part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) to: Option<String>,
    /// The end of the last page of this part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) end: Option<End>,
}

/// The end of a page: the time of its last line, and how many lines of that time were on this and former pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct End {
    at: String,
    pub(super) lines: usize,
}

impl Place {
    /// Reads a cursor; without one, a search begins.
    ///
    /// # Errors
    /// [`Fault`] if no page ended with it.
    pub(super) fn of(cursor: Option<&str>) -> Result<Self, Fault> {
        let Some(cursor) = cursor else { return Ok(Self::default()) };
        let place: Option<Self> = serde_json::from_str(cursor).ok();
        place.filter(Self::is_one).ok_or_else(|| page::bad_cursor(cursor))
    }

    fn is_one(&self) -> bool {
        let is_somewhere = self.after.is_some() || self.to.is_some();
        is_somewhere && self.end.is_some() == self.to.is_some() && self.end.as_ref().is_none_or(End::is_one)
    }

    /// Returns the cursor of the page that begins here.
    pub(super) fn cursor(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }
}

impl End {
    fn is_one(&self) -> bool {
        (1..=SAME_TIME_MAX).contains(&self.lines) && self.just_after().is_some()
    }

    /// Returns the time before which the lines of the next pages are, together with those of this time that were returned.
    pub(super) fn just_after(&self) -> Option<String> {
        time::just_after(&self.at)
    }

    /// Returns the end of a page with these lines, newest first, after a page that ended at `end`.
    pub(super) fn after(lines: &[LogLine], end: Option<&Self>) -> Option<Self> {
        let at = &lines.last()?.at;
        let here = lines.iter().rev().take_while(|line| line.at == *at).count();
        // If the whole page is of the time at which the former one ended, its lines count as well.
        let before = end.filter(|end| end.at == *at && here == lines.len()).map_or(0, |end| end.lines);
        Some(Self { at: at.clone(), lines: here + before })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(at: &str) -> LogLine {
        LogLine {
            at: at.to_owned(),
            process: "web".to_owned(),
            stream: "stdout".to_owned(),
            text: "x".to_owned(),
            base64: None,
        }
    }

    #[test]
    fn the_end_of_a_page_counts_all_lines_of_its_time() {
        let (early, late) = ("2026-11-25T14:00:00.000Z", "2026-11-25T14:00:01.000Z");
        let first = End::after(&[line(late), line(early), line(early)], None);
        assert_eq!(first, Some(End { at: early.to_owned(), lines: 2 }));
        let second = End::after(&[line(early), line(early)], first.as_ref());
        assert_eq!(second, Some(End { at: early.to_owned(), lines: 4 }));
        assert_eq!(End::after(&[], None), None);
    }

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        let end = End { at: "2026-11-25T14:00:00.000Z".to_owned(), lines: 2 };
        let (after, to) = (Some("a\"/b".to_owned()), Some("web".to_owned()));
        for place in [Place { after: after.clone(), ..Place::default() }, Place { after, to, end: Some(end) }]
        {
            assert_eq!(Place::of(place.cursor().as_deref()).unwrap(), place);
        }
        for bad in [
            "",
            "x",
            "[]",
            "{}",
            r#"{"more":1}"#,
            r#"{"to":"a"}"#,
            r#"{"to":"a","end":{"at":"2026-11-25T14:00:00Z","lines":0}}"#,
            r#"{"to":"a","end":{"at":"x","lines":1}}"#,
            r#"{"after":"a","end":{"at":"2026-11-25T14:00:00Z","lines":1}}"#,
        ] {
            assert!(Place::of(Some(bad)).is_err(), "{bad}");
        }
    }
}
