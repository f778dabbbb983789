//! The problems of a config file, shown with the line where each is and with what to do next.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

use provost_state::naming;

/// The largest number of characters of a line that are shown before its problem; lines are cut at twice that.
const LINE_SHOWN: usize = 200;

/// The largest number of problems that are shown; the rest are only counted.
const PROBLEMS_SHOWN: usize = 20;

/// The largest number of characters of a problem that are shown: it quotes the file, which may be long.
const WHAT_CHARS_MAX: usize = 600;

/// The same for a hint.
const HINT_CHARS_MAX: usize = 1_200;

/// The largest number of choices that are listed.
const CHOICES_SHOWN: usize = 40;

/// A config file as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// The file, as it was named.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

/// One problem of a config file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The bytes of the text where the problem is.
    pub span: Range<usize>,
    /// The description of the problem.
    pub what: String,
    /// The next step for the user.
    pub hint: String,
}

/// The problems of one file. Never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Problems {
    /// The file.
    pub source_file: SourceFile,
    /// The first problems, in the order of the file.
    pub list: Vec<Problem>,
    /// The number of further problems, which are not in the list.
    pub more: usize,
}

/// A position in a text, for people: lines and columns count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl SourceFile {
    /// Returns the position of byte `offset`.
    #[must_use]
    pub fn place(&self, offset: usize) -> Place {
        let start = self.line_start(offset);
        Place {
            line: self.text.bytes().take(start).filter(|byte| *byte == b'\n').count() + 1,
            column: self.text.get(start..offset).map_or(0, |before| before.chars().count()) + 1,
        }
    }

    /// Returns a problem as a warning, with the line where it is and what to do next.
    #[must_use]
    pub fn warning(&self, problem: &Problem) -> String {
        let mut text = String::new();
        // Writing into a string does not fail.
        let _ = self.write("warning", problem, &mut text);
        text
    }

    fn line_start(&self, offset: usize) -> usize {
        let before = self.text.as_bytes().get(..offset).unwrap_or(self.text.as_bytes());
        before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1)
    }

    fn line_of(&self, offset: usize) -> &str {
        self.text.get(self.line_start(offset)..).and_then(|rest| rest.lines().next()).unwrap_or_default()
    }

    /// Writes a problem with the line where it is and what to do next; `severity` is its first word.
    fn write(&self, severity: &str, problem: &Problem, f: &mut impl fmt::Write) -> fmt::Result {
        self.write_what(severity, problem, f)?;
        self.write_line(problem, f)?;
        write_hint(problem, f)
    }

    /// Writes where a problem is, and what it is.
    fn write_what(&self, severity: &str, problem: &Problem, f: &mut impl fmt::Write) -> fmt::Result {
        let Place { line, column } = self.place(problem.span.start);
        let what = clipped(&problem.what, WHAT_CHARS_MAX);
        writeln!(f, "{severity}: {}:{line}:{column}: {what}", self.path.display())
    }

    /// Writes the line where a problem is, and marks it.
    fn write_line(&self, problem: &Problem, f: &mut impl fmt::Write) -> fmt::Result {
        let Place { line, column } = self.place(problem.span.start);
        // The shown part of a line that may be very long.
        let first = column.saturating_sub(LINE_SHOWN);
        let text: String =
            self.line_of(problem.span.start).chars().skip(first).take(LINE_SHOWN * 2).collect();
        let before = column - 1 - first;
        // A tab is one column wide in the marker line as well, so that the caret stands below its character.
        let indent: String = text.chars().take(before).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        let marked = self.text.get(problem.span.clone()).and_then(|marked| marked.lines().next());
        let shown = text.chars().count().saturating_sub(before);
        let carets = "^".repeat(marked.map_or(1, |marked| marked.chars().take(shown).count().max(1)));
        let number = line.to_string();
        let gutter = " ".repeat(number.len());
        writeln!(f, " {number} | {text}")?;
        writeln!(f, " {gutter} | {indent}{carets}")
    }
}

/// Writes what to do about a problem.
fn write_hint(problem: &Problem, f: &mut impl fmt::Write) -> fmt::Result {
    write!(f, "hint: {}", clipped(&problem.hint, HINT_CHARS_MAX))
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, |problem, f| self.source_file.write("error", problem, f))
    }
}

impl Problems {
    /// Returns the report without the lines of the file, for readers who may not read it.
    #[must_use]
    pub fn without_lines(&self) -> String {
        let mut text = String::new();
        // Writing into a string does not fail.
        let _ = self.write(&mut text, |problem, f| {
            self.source_file.write_what("error", problem, f)?;
            write_hint(problem, f)
        });
        text
    }

    fn write<W: fmt::Write>(&self, f: &mut W, each: impl Fn(&Problem, &mut W) -> fmt::Result) -> fmt::Result {
        for (at, problem) in self.list.iter().take(PROBLEMS_SHOWN).enumerate() {
            if at > 0 {
                f.write_str("\n\n")?;
            }
            each(problem, f)?;
        }
        match self.more + self.list.len().saturating_sub(PROBLEMS_SHOWN) {
            0 => Ok(()),
            1 => f.write_str("\n\nand 1 more problem"),
            more => write!(f, "\n\nand {more} more problems"),
        }
    }
}

/// Cuts the middle out of a long text: its subject is at the beginning, the problem at the end.
fn clipped(text: &str, chars_max: usize) -> Cow<'_, str> {
    let count = text.chars().count();
    if count <= chars_max {
        return Cow::Borrowed(text);
    }
    let (head, tail) = (chars_max * 2 / 3, chars_max / 3);
    let head: String = text.chars().take(head).collect();
    let tail: String = text.chars().skip(count - tail).collect();
    Cow::Owned(format!("{head} … {tail}"))
}

/// Collects problems while a file is read, so that all of them are reported together. Keeps only those that will be shown.
#[derive(Debug, Default)]
pub(crate) struct Collector(RefCell<Found>);

#[derive(Debug, Default)]
struct Found {
    /// The problems, by their position in the file and then by the order in which they were found.
    kept: BTreeMap<(usize, usize), Problem>,
    count: usize,
}

impl Collector {
    pub(crate) fn add(&self, span: Range<usize>, what: impl Into<String>, hint: impl Into<String>) {
        self.add_with(span, || (what.into(), hint.into()));
    }

    /// Adds a problem whose text is only built if it will be shown.
    pub(crate) fn add_with(&self, span: Range<usize>, words: impl FnOnce() -> (String, String)) {
        let mut found = self.0.borrow_mut();
        found.count += 1;
        let place = (span.start, found.count);
        if found.kept.len() == PROBLEMS_SHOWN {
            if found.kept.last_key_value().is_none_or(|(last, _)| *last < place) {
                return;
            }
            found.kept.pop_last();
        }
        let (what, hint) = words();
        found.kept.insert(place, Problem { span, what, hint });
    }

    /// Returns the problems of `source`, if there are any.
    pub(crate) fn problems_of(self, source: &SourceFile) -> Option<Problems> {
        let Found { kept, count } = self.0.into_inner();
        let more = count - kept.len();
        let list: Vec<Problem> = kept.into_values().collect();
        (!list.is_empty()).then(|| Problems { source_file: source.clone(), list, more })
    }
}

/// Returns "did you mean `web`? " if a candidate is near, followed by the list of all candidates.
pub(crate) fn choices<'c>(
    word: &str,
    kind: &str,
    all: impl IntoIterator<Item = &'c str, IntoIter: ExactSizeIterator> + Clone,
) -> String {
    let near = naming::nearest(word, all.clone());
    let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
    let all = all.into_iter();
    let more = all.len().saturating_sub(CHOICES_SHOWN);
    let list: Vec<String> = all.take(CHOICES_SHOWN).map(|one| format!("`{one}`")).collect();
    match (list.is_empty(), more) {
        (true, _) => format!("there are no {kind}"),
        (_, 0) => format!("{near}{kind}: {}", list.join(", ")),
        (_, more) => format!("{near}{kind}: {} and {more} more", list.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_lines_and_characters_from_one() {
        let source = SourceFile { path: "x".into(), text: "ä = 1\nbö = 2\n".into() };
        assert_eq!(source.place(0), Place { line: 1, column: 1 });
        let two = source.text.find('2').unwrap();
        assert_eq!(source.place(two), Place { line: 2, column: 6 });
        assert_eq!(source.place(source.text.len()), Place { line: 3, column: 1 });
        assert_eq!(source.place(10_000), Place { line: 3, column: 1 });
    }

    #[test]
    fn of_a_very_long_line_the_part_with_the_problem_is_shown() {
        let text = format!("{}here{}", "x".repeat(5_000), "y".repeat(10_000_000));
        let source_file = SourceFile { path: "x".into(), text };
        let problem = |span| Problem { span, what: "odd".into(), hint: "mend it".into() };
        for (span, indent, carets) in
            [(5_000..5_004, 199, 4), (0..9_000, 0, 400), (5_004..9_000_000, 199, 201)]
        {
            let told =
                Problems { source_file: source_file.clone(), list: vec![problem(span)], more: 0 }.to_string();
            let marks = told.lines().nth(2).unwrap().trim_start_matches("   | ");
            assert_eq!(marks, format!("{}{}", " ".repeat(indent), "^".repeat(carets)));
            assert!(told.len() < 1_000);
        }
        let source_file = SourceFile { path: "x".into(), text: "password = 1\n".into() };
        let both = Problems { source_file, list: vec![problem(0..8), problem(11..12)], more: 1 };
        insta::assert_snapshot!(both.without_lines(), @r"
        error: x:1:1: odd
        hint: mend it

        error: x:1:12: odd
        hint: mend it

        and 1 more problem
        ");
    }
}
