//! Writing numbers and strings into a message, and reading them. Nothing here allocates, and no input makes it panic.

use std::ffi::CStr;
use std::fmt;

/// A message does not fit into the buffer. A spec that is too long for a message travels in a memfd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

impl fmt::Display for TooLong {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the message is longer than its buffer")
    }
}

impl std::error::Error for TooLong {}

/// Why bytes are not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// The message ends too early.
    Short,
    /// Bytes follow the message.
    Long,
    /// There is no message of this kind.
    Kind(u8),
    /// This field has no such value.
    Value(&'static str, u32),
    /// A string does not end with the zero that its length promises, or contains another one.
    Text,
}

impl fmt::Display for Malformed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short => formatter.write_str("the message ends too early"),
            Self::Long => formatter.write_str("bytes follow the message"),
            Self::Kind(kind) => write!(formatter, "unknown kind of message {kind}"),
            Self::Value(field, value) => write!(formatter, "`{field}` has no value {value}"),
            Self::Text => formatter.write_str("a string does not end with its only zero"),
        }
    }
}

impl std::error::Error for Malformed {}

/// Writes into a buffer. What does not fit is noticed at the end.
pub(crate) struct Writer<'a> {
    bytes: &'a mut [u8],
    length: usize,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(bytes: &'a mut [u8]) -> Self {
        Self { bytes, length: 0 }
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        let end = self.length.saturating_add(bytes.len());
        if let Some(place) = self.bytes.get_mut(self.length..end) {
            place.copy_from_slice(bytes);
        }
        self.length = end;
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.bytes(&[value]);
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.bytes(&value.to_le_bytes());
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.bytes(&value.to_le_bytes());
    }

    pub(crate) fn i32(&mut self, value: i32) {
        self.bytes(&value.to_le_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.bytes(&value.to_le_bytes());
    }

    /// Writes a string: its length with its zero, and its bytes with the zero, so that the reader can use it in place.
    pub(crate) fn text(&mut self, text: &CStr) {
        let bytes = text.to_bytes_with_nul();
        // A longer one cannot be written anyway.
        self.u32(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        self.bytes(bytes);
    }

    /// Writes a string, or that there is none: an empty string is none.
    pub(crate) fn optional_text(&mut self, text: Option<&CStr>) {
        self.text(text.unwrap_or_default());
    }

    /// Writes how many there are, and each.
    pub(crate) fn list<T>(
        &mut self,
        all: impl ExactSizeIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) {
        self.u32(u32::try_from(all.len()).unwrap_or(u32::MAX));
        for one in all {
            write(self, one);
        }
    }

    pub(crate) fn finish(self) -> Result<&'a [u8], TooLong> {
        let Self { bytes, length } = self;
        bytes.get(..length).ok_or(TooLong)
    }
}

/// Reads what a [`Writer`] has written.
#[derive(Clone)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(Malformed::Short)?;
        self.rest = rest;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(Malformed::Short)?;
        self.rest = rest;
        Ok(*bytes)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Malformed> {
        self.array().map(u8::from_le_bytes)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Malformed> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn i32(&mut self) -> Result<i32, Malformed> {
        self.array().map(i32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Malformed> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn text(&mut self) -> Result<&'a CStr, Malformed> {
        let length = usize::try_from(self.u32()?).map_err(|_| Malformed::Short)?;
        CStr::from_bytes_with_nul(self.bytes(length)?).map_err(|_| Malformed::Text)
    }

    /// Reads what [`Writer::optional_text`] has written.
    pub(crate) fn optional_text(&mut self) -> Result<Option<&'a CStr>, Malformed> {
        Ok(Some(self.text()?).filter(|text| !text.is_empty()))
    }

    /// Reads a byte that is 0 or 1.
    pub(crate) fn flag(&mut self, field: &'static str) -> Result<bool, Malformed> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(Malformed::Value(field, u32::from(other))),
        }
    }

    /// Reads what [`Writer::list`] has written. No more memory is taken than there are bytes.
    pub(crate) fn list<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        let count = self.u32()?;
        let mut all = Vec::new();
        for _ in 0..count {
            all.push(read(self)?);
        }
        Ok(all)
    }

    /// Returns all that is left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    pub(crate) fn finish(self) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed::Long) }
    }
}

/// Declares an enum whose values are written as one byte.
macro_rules! numbered {
    ($(#[$doc:meta])* $name:ident, $field:literal, { $($(#[$inner:meta])* $value:ident = $number:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$inner])* $value = $number,)+
        }

        impl $name {
            /// All values.
            pub const ALL: &[Self] = &[$(Self::$value),+];

            pub(crate) fn write(self, writer: &mut Writer<'_>) {
                writer.u8(self as u8);
            }

            pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
                match reader.u8()? {
                    $($number => Ok(Self::$value),)+
                    other => Err(Malformed::Value($field, u32::from(other))),
                }
            }
        }
    };
}
pub(super) use numbered;
