//! Why the schema of a plugin's settings cannot be used.

use super::words;

/// The largest schema, in bytes.
pub(super) const BYTES_MAX: usize = 256 << 10;

/// Why the schema of a plugin's settings cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// It is too large to be read.
    #[error("it has {bytes} bytes, and at most {BYTES_MAX} are allowed")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// It is not JSON.
    #[error("line {line}, column {column}: it is not JSON: {message}")]
    Json {
        /// The line, counted from 1.
        line: usize,
        /// The column, counted from 1.
        column: usize,
        /// What the parser says.
        message: String,
    },
    /// It is not a schema of an object.
    #[error("{}: {what}", place(at))]
    Wrong {
        /// The place in it, such as `/properties/tries/type`; empty for the whole.
        at: String,
        /// What is wrong there.
        what: String,
    },
    /// Reading it, or checking settings against it, takes too many steps.
    #[error("it is too large to be checked: that takes more than {0} steps")]
    TooComplex(usize),
    /// Its references lead through too many schemas.
    #[error("it is too deep to be checked: its references lead through more than {0} schemas")]
    TooDeep(u32),
    /// A component has it more than once.
    #[error("the component has {0} of them")]
    Several(usize),
}

impl SchemaError {
    /// Returns an error about the schema that is looked at.
    pub(super) fn wrong(what: &str) -> Self {
        Self::Wrong { at: String::new(), what: words::cut(what, words::TEXT_CHARS_MAX).into_owned() }
    }

    /// Returns the same error, at a place within the part with this name. The place is put together only if there is an error: the names may
    /// be long.
    pub(super) fn within(self, part: &str) -> Self {
        // A key, as it is written in a JSON pointer.
        let part = words::name(part).replace('~', "~0").replace('/', "~1");
        self.below(&format!("/{part}"))
    }

    /// Returns the same error, at a place below that of a JSON pointer.
    pub(super) fn below(self, pointer: &str) -> Self {
        match self {
            Self::Wrong { at, what } => Self::Wrong { at: format!("{}{at}", words::name(pointer)), what },
            other => other,
        }
    }
}

/// Returns a place as it is shown.
fn place(at: &str) -> std::borrow::Cow<'_, str> {
    words::cut(if at.is_empty() { "/" } else { at }, words::TEXT_CHARS_MAX)
}
