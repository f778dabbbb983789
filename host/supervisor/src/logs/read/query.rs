//! The selection of lines of a log.

use regex::bytes::{Regex, RegexBuilder};

use crate::logs::escapes::plain;
use crate::logs::item::LogLine;

/// The most bytes of a pattern.
const PATTERN_BYTES_MAX: usize = 4 << 10;

/// The most bytes of a compiled pattern, which also bounds the time of a match.
const COMPILED_BYTES_MAX: usize = 1 << 20;

/// The number of bytes of a line that are matched against the pattern.
const LOOKED_AT_MAX: usize = 64 << 10;

/// The selection of lines: the last ones of those that match.
#[derive(Clone, Debug, Default)]
pub struct LogQuery {
    /// The number of last lines of each process; 0 selects none of the past.
    pub lines: usize,
    /// Only lines that were read at this time or later, in milliseconds since the Unix epoch.
    pub since_ms: Option<u64>,
    /// Only lines that were read before this time.
    pub until_ms: Option<u64>,
    /// Only lines that match it.
    pub pattern: Option<LogPattern>,
    /// Of the host's own log, only lines of this plugin.
    pub plugin: Option<String>,
}

/// A regular expression in the syntax of the crate `regex`. It is matched against the first 64 KiB of a line without
/// its escape sequences.
#[derive(Clone, Debug)]
pub struct LogPattern(Regex);

/// The reason that a pattern is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPattern {
    /// The pattern is too long.
    #[error("the pattern has {0} bytes, and at most {PATTERN_BYTES_MAX} are allowed")]
    TooLong(usize),
    /// The compiled pattern would take too much memory and time.
    #[error("the pattern is too large: with its repetitions it would take over 1 MiB")]
    TooLarge,
    /// The pattern is not a regular expression; with the reason.
    #[error("the pattern is not a regular expression: {0}")]
    Syntax(String),
}

impl LogPattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// [`BadPattern`].
    pub fn new(pattern: &str) -> Result<Self, BadPattern> {
        if pattern.len() > PATTERN_BYTES_MAX {
            return Err(BadPattern::TooLong(pattern.len()));
        }
        let mut builder = RegexBuilder::new(pattern);
        builder.size_limit(COMPILED_BYTES_MAX).dfa_size_limit(COMPILED_BYTES_MAX);
        builder.build().map(Self).map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => BadPattern::TooLarge,
            // The last line of the error names the problem; the others show its place.
            error => {
                let text = error.to_string();
                let why = text.lines().last().unwrap_or_default();
                BadPattern::Syntax(why.trim_start_matches("error: ").to_owned())
            }
        })
    }

    fn is_in(&self, text: &[u8]) -> bool {
        self.0.is_match(&plain(&text[..text.len().min(LOOKED_AT_MAX)]))
    }
}

impl From<usize> for LogQuery {
    fn from(lines: usize) -> Self {
        Self::last(lines)
    }
}

impl LogQuery {
    /// Selects the last `lines` lines, without a filter.
    #[must_use]
    pub fn last(lines: usize) -> Self {
        Self { lines, ..Self::default() }
    }

    /// Returns true if every line matches.
    pub(crate) fn takes_all(&self) -> bool {
        let Self { since_ms, until_ms, pattern, plugin, .. } = self;
        since_ms.is_none() && until_ms.is_none() && pattern.is_none() && plugin.is_none()
    }

    /// Returns true if this line matches.
    pub(crate) fn takes(&self, line: &LogLine) -> bool {
        let Self { since_ms, until_ms, pattern, plugin, .. } = self;
        since_ms.is_none_or(|since| line.at_ms >= since)
            && until_ms.is_none_or(|until| line.at_ms < until)
            && plugin.as_ref().is_none_or(|plugin| **plugin == *line.process)
            && pattern.as_ref().is_none_or(|pattern| pattern.is_in(&line.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_that_cannot_be_used_says_why() {
        let said = |pattern: &str| LogPattern::new(pattern).unwrap_err().to_string();
        assert_eq!(said("a(b"), "the pattern is not a regular expression: unclosed group");
        assert_eq!(said(&"a".repeat(5_000)), "the pattern has 5000 bytes, and at most 4096 are allowed");
        assert!(said("(?:\\w{1000}){1000}").starts_with("the pattern is too large"));
    }

    #[test]
    fn a_pattern_looks_past_colours_and_at_any_bytes() {
        let pattern = LogPattern::new("^error [0-9]+$").unwrap();
        assert!(pattern.is_in(b"\x1b[31merr\x1b[1mor\x1b[0m 42"));
        assert!(!pattern.is_in(b"\xff error 42"));
        assert!(LogPattern::new("(?i)ERROR").unwrap().is_in(b"\xff\xfe error"));
    }
}
