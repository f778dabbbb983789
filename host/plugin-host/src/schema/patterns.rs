//! The regular expressions of a schema, each of which is compiled once. Both compiling and matching are counted: a pattern of a few bytes
//! may be a program of several hundred kilobytes.

use std::collections::BTreeMap;

use regex_automata::meta::{BuildError, Config, Regex};

use super::budget::{Budget, Spent};
use super::error::SchemaError;
use super::words;

/// The longest pattern, in bytes.
const PATTERN_BYTES_MAX: usize = 1_000;

/// The largest compiled pattern, and the largest cache for matching it, in bytes.
const COMPILED_BYTES_MAX: usize = 256 << 10;

/// The steps for each byte of a pattern that is compiled: a class such as `\pL` is hundreds of ranges of characters.
const STEPS_PER_BYTE: usize = 25;

/// The number of bytes of a program that are compiled in a step.
const COMPILED_BYTES: usize = 32;

/// The bytes of a program, times the bytes of a text, that are matched in a step. In the worst case each byte of the text is compared with
/// the whole program.
const MATCHED_BYTES: usize = 8 << 10;

/// The compiled patterns of a schema.
#[derive(Clone, Debug, Default)]
pub(super) struct Patterns {
    compiled: BTreeMap<String, Regex>,
}

impl Patterns {
    /// Compiles a pattern, unless that has been done.
    ///
    /// # Errors
    /// [`SchemaError`] if it cannot be used, or if compiling all patterns takes too many steps.
    pub(super) fn compile(&mut self, pattern: &str, budget: &mut Budget) -> Result<(), SchemaError> {
        budget.count_text(pattern.len())?;
        if self.compiled.contains_key(pattern) {
            return Ok(());
        }
        if pattern.len() > PATTERN_BYTES_MAX {
            let what = format!(
                "the pattern has {} bytes, and at most {PATTERN_BYTES_MAX} are allowed",
                pattern.len()
            );
            return Err(SchemaError::wrong(&what));
        }
        budget.count(pattern.len() * STEPS_PER_BYTE)?;
        let limits = Config::new()
            .nfa_size_limit(Some(COMPILED_BYTES_MAX))
            .onepass_size_limit(Some(COMPILED_BYTES_MAX))
            .hybrid_cache_capacity(COMPILED_BYTES_MAX);
        let built = Regex::builder().configure(limits).build(pattern);
        let regex = built.map_err(|error| SchemaError::wrong(&fault(&error)))?;
        budget.count(regex.memory_usage() / COMPILED_BYTES)?;
        self.compiled.insert(pattern.to_owned(), regex);
        Ok(())
    }

    /// Whether a text matches a pattern.
    ///
    /// # Errors
    /// [`Spent`] if that may take too many steps.
    pub(super) fn matches(&self, pattern: &str, text: &str, budget: &mut Budget) -> Result<bool, Spent> {
        budget.count_text(pattern.len())?;
        // All patterns of a schema were compiled when it was read.
        let Some(regex) = self.compiled.get(pattern) else { return Ok(false) };
        budget.count_text(text.len())?;
        budget.count(regex.memory_usage().saturating_mul(text.len()) / MATCHED_BYTES)?;
        Ok(regex.is_match(text))
    }
}

/// Returns why a pattern cannot be compiled.
fn fault(error: &BuildError) -> String {
    if let Some(bytes) = error.size_limit() {
        return format!("this pattern cannot be used: compiled it has more than {bytes} bytes");
    }
    // The message of the parser draws the pattern over several lines; its last one says what is wrong.
    let told = error.syntax_error().map_or_else(|| error.to_string(), ToString::to_string);
    let last = told.lines().last().unwrap_or_default().trim_start_matches("error: ");
    format!("this pattern cannot be used: {}", words::cut(last, words::TEXT_CHARS_MAX))
}
