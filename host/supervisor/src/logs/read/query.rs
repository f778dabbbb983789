//! Which lines of a log are asked for.

use regex::bytes::{Regex, RegexBuilder};

use crate::logs::escapes::plain;
use crate::logs::item::LogLine;

/// A longer pattern is refused.
const PATTERN_BYTES_MAX: usize = 4 << 10;

/// What a pattern may take when it is compiled. It also bounds how long a line is looked at.
const COMPILED_BYTES_MAX: usize = 1 << 20;

/// Only so much of a line is looked at.
const LOOKED_AT_MAX: usize = 64 << 10;

/// Which lines are asked for: the last ones of those that pass.
#[derive(Clone, Debug, Default)]
pub struct LogQuery {
    /// How many of the last lines of each process; none means none of the past.
    pub lines: usize,
    /// Only lines that were read at this time or later, in milliseconds since the Unix epoch.
    pub since_ms: Option<u64>,
    /// Only lines that were read before this time.
    pub until_ms: Option<u64>,
    /// Only lines in which it is found.
    pub pattern: Option<LogPattern>,
    /// Of the host's own log, only what this plugin said.
    pub plugin: Option<String>,
}

/// A regular expression that is sought in lines, with the syntax of the crate `regex`. It is matched with the text of a line
/// as a terminal would show it, without escape sequences, in its first 64 KiB.
#[derive(Clone, Debug)]
pub struct LogPattern(Regex);

/// A pattern that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPattern {
    /// It is too long.
    #[error("the pattern has {0} bytes, and may have {PATTERN_BYTES_MAX}")]
    TooLong(usize),
    /// It would take too much memory and time.
    #[error("the pattern is too large: with its repetitions it would take over 1 MiB")]
    TooLarge,
    /// It is no regular expression; with why.
    #[error("the pattern is no regular expression: {0}")]
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
            // Its last line says what is wrong, the others draw where.
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
    /// The last `lines` lines, whatever they are.
    #[must_use]
    pub fn last(lines: usize) -> Self {
        Self { lines, ..Self::default() }
    }

    /// Does every line pass?
    pub(crate) fn takes_all(&self) -> bool {
        let Self { since_ms, until_ms, pattern, plugin, .. } = self;
        since_ms.is_none() && until_ms.is_none() && pattern.is_none() && plugin.is_none()
    }

    /// Does this line pass?
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
        assert_eq!(said("a(b"), "the pattern is no regular expression: unclosed group");
        assert_eq!(said(&"a".repeat(5_000)), "the pattern has 5000 bytes, and may have 4096");
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
