//! Why a JSON text is not what it should be, and where.

use core::fmt::{self, Display, Write};

use serde::de::{Error, Expected, Unexpected};

/// An error, with the path of the field: `steps[1].pause`, or nothing for the whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    path: String,
    message: String,
}

impl Fault {
    /// Creates an error of a value that is not what was expected.
    #[inline(never)]
    pub(super) fn instead_of(found: &dyn Display, expected: &dyn Expected) -> Self {
        Self::of(format_args!("invalid type: {found}, expected {expected}"))
    }

    /// Says that the error is within the field `key`.
    #[inline(never)]
    pub(super) fn within(mut self, key: &str) -> Self {
        if !self.path.is_empty() && !self.path.starts_with('[') {
            self.path.insert(0, '.');
        }
        self.path.insert_str(0, key);
        self
    }

    #[inline(never)]
    pub(super) fn of(message: fmt::Arguments<'_>) -> Self {
        Self { path: String::new(), message: std::fmt::format(message) }
    }
}

impl Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(out, "{}: ", self.path)?;
        }
        out.write_str(&self.message)
    }
}

impl core::error::Error for Fault {}

impl Error for Fault {
    fn custom<T: Display>(message: T) -> Self {
        Self::of(format_args!("{message}"))
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::instead_of(&Shown(found), expected)
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::of(format_args!("invalid value: {}, expected {expected}", Shown(found)))
    }
}

/// What was found, in the words of JSON. Serde's own words would bring the code that writes floating point numbers into every
/// component, and the tables of Unicode for what is not printable.
struct Shown<'a>(Unexpected<'a>);

impl Display for Shown<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.0 {
            Unexpected::Bool(value) => return write!(out, "boolean `{value}`"),
            Unexpected::Unsigned(value) => return write!(out, "integer `{value}`"),
            Unexpected::Signed(value) => return write!(out, "integer `{value}`"),
            Unexpected::Str(value) => return quoted(value, out),
            Unexpected::Char(value) => return quoted(value.encode_utf8(&mut [0; 4]), out),
            Unexpected::Other(what) => what,
            Unexpected::Float(_) => "floating point number",
            Unexpected::Unit => "null",
            Unexpected::Seq => "sequence",
            Unexpected::Map => "map",
            Unexpected::UnitVariant => "unit variant",
            _ => "value of another type",
        };
        out.write_str(word)
    }
}

/// Writes a text in quotes, on one line.
fn quoted(text: &str, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    out.write_str("string \"")?;
    for character in text.chars() {
        match character {
            '"' | '\\' => write!(out, "\\{character}")?,
            _ if character.is_control() => write!(out, "{}", character.escape_unicode())?,
            _ => out.write_char(character)?,
        }
    }
    out.write_char('"')
}
