//! What is wrong with a config file, and where: shown with the line it is about, and with what to do next.

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

/// So many characters of a line are shown before its problem at most, and twice as many in all.
const LINE_SHOWN: usize = 200;

/// A config file as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The file, as it was named.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The bytes of the text it is about.
    pub span: Range<usize>,
    /// What is wrong.
    pub what: String,
    /// What to do next.
    pub hint: String,
}

/// Everything that is wrong with one file. Never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Problems {
    /// The file.
    pub source_file: Source,
    /// In the order of the file.
    pub list: Vec<Problem>,
}

/// A place in a text, for people: both count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl Source {
    /// Where byte `offset` is.
    #[must_use]
    pub fn place(&self, offset: usize) -> Place {
        let start = self.line_start(offset);
        Place {
            line: self.text.bytes().take(start).filter(|byte| *byte == b'\n').count() + 1,
            column: self.text.get(start..offset).map_or(0, |before| before.chars().count()) + 1,
        }
    }

    fn line_start(&self, offset: usize) -> usize {
        let before = self.text.as_bytes().get(..offset).unwrap_or(self.text.as_bytes());
        before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1)
    }

    fn line_of(&self, offset: usize) -> &str {
        self.text.get(self.line_start(offset)..).and_then(|rest| rest.lines().next()).unwrap_or_default()
    }

    fn write(&self, problem: &Problem, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { line, column } = self.place(problem.span.start);
        // What people look at: a part of a line that has no end.
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
        writeln!(f, "error: {}:{line}:{column}: {}", self.path.display(), problem.what)?;
        writeln!(f, " {number} | {text}")?;
        writeln!(f, " {gutter} | {indent}{carets}")?;
        write!(f, "hint: {}", problem.hint)
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.list.iter().enumerate() {
            if at > 0 {
                f.write_str("\n\n")?;
            }
            self.source_file.write(problem, f)?;
        }
        Ok(())
    }
}

/// Collects problems while a file is read, so that all of them are told at once.
#[derive(Debug, Default)]
pub(super) struct Collector(RefCell<Vec<Problem>>);

impl Collector {
    pub(super) fn add(&self, span: Range<usize>, what: impl Into<String>, hint: impl Into<String>) {
        self.0.borrow_mut().push(Problem { span, what: what.into(), hint: hint.into() });
    }

    pub(super) fn into_problems(self) -> Vec<Problem> {
        let mut list = self.0.into_inner();
        list.sort_by_key(|problem| problem.span.start);
        list
    }
}

/// The candidate nearest to `word`, if any is near enough to be what was meant.
pub(super) fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.chars().count().max(3) / 3 + 1)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// "did you mean `web`? " if there is something near, and then the list of what there is.
pub(super) fn choices<'c>(word: &str, kind: &str, all: impl IntoIterator<Item = &'c str> + Clone) -> String {
    let near = nearest(word, all.clone()).map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
    let list: Vec<String> = all.into_iter().map(|one| format!("`{one}`")).collect();
    if list.is_empty() {
        format!("there are no {kind}")
    } else {
        format!("{near}{kind}: {}", list.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_lines_and_characters_from_one() {
        let source = Source { path: "x".into(), text: "ä = 1\nbö = 2\n".into() };
        assert_eq!(source.place(0), Place { line: 1, column: 1 });
        let two = source.text.find('2').unwrap();
        assert_eq!(source.place(two), Place { line: 2, column: 6 });
        assert_eq!(source.place(source.text.len()), Place { line: 3, column: 1 });
        assert_eq!(source.place(10_000), Place { line: 3, column: 1 });
    }

    #[test]
    fn of_a_line_without_end_the_part_with_the_problem_is_shown() {
        let text = format!("{}here{}", "x".repeat(5_000), "y".repeat(10_000_000));
        let source_file = Source { path: "x".into(), text };
        let problem = |span| Problem { span, what: "odd".into(), hint: "mend it".into() };
        for (span, indent, carets) in
            [(5_000..5_004, 199, 4), (0..9_000, 0, 400), (5_004..9_000_000, 199, 201)]
        {
            let told = Problems { source_file: source_file.clone(), list: vec![problem(span)] }.to_string();
            let marks = told.lines().nth(2).unwrap().trim_start_matches("   | ");
            assert_eq!(marks, format!("{}{}", " ".repeat(indent), "^".repeat(carets)));
            assert!(told.len() < 1_000);
        }
    }

    #[test]
    fn only_what_is_near_is_proposed() {
        assert_eq!(nearest("commnd", ["command", "cwd"]), Some("command"));
        assert_eq!(nearest("polices", ["policies", "ready"]), Some("policies"));
        assert_eq!(nearest("zzzzzz", ["command", "cwd"]), None);
    }
}
