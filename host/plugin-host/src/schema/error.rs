//! Why the schema of a plugin's settings cannot be used.

/// The largest schema, in bytes.
pub(super) const BYTES_MAX: usize = 256 << 10;

/// Why the schema of a plugin's settings cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// It is too large to be read.
    #[error("it has {bytes} bytes, and may have {BYTES_MAX}")]
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
    #[error("{at}: {what}")]
    Wrong {
        /// The place in it, such as `/properties/tries/type`; `/` is the whole.
        at: String,
        /// What is wrong there.
        what: String,
    },
    /// Checking settings takes too many steps.
    #[error("checking settings takes more than {0} steps")]
    TooComplex(u32),
    /// A component has it more than once.
    #[error("the component has {0} of them")]
    Several(usize),
}
