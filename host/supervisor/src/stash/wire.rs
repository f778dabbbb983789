//! How numbers, texts and lists are written into a record, and read back. Numbers have seven bits in each byte, the lowest
//! first; the highest bit says that another byte follows. Texts and lists are preceded by their length.

use std::sync::Arc;

/// Why bytes are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    /// The bytes end too early.
    #[error("it ends too early")]
    Short,
    /// There are more bytes than its fields have.
    #[error("it has more bytes than its fields")]
    Long,
    /// A number does not fit into 64 bits, or into the type of its field.
    #[error("a number in it is too large")]
    Number,
    /// A text is not UTF-8.
    #[error("a text in it is not UTF-8")]
    Text,
    /// A word that stands for one of several variants is none of them.
    #[error("a field in it has a value without a meaning")]
    Variant,
}

/// The bytes of a record that is being written.
#[derive(Debug, Default)]
pub(crate) struct Put(pub(crate) Vec<u8>);

impl Put {
    pub(crate) fn byte(&mut self, byte: u8) -> &mut Self {
        self.0.push(byte);
        self
    }

    pub(crate) fn number(&mut self, number: impl Into<u64>) -> &mut Self {
        let mut left = number.into();
        while left >= 0x80 {
            self.0.push((left & 0x7f) as u8 | 0x80);
            left >>= 7;
        }
        self.0.push((left & 0x7f) as u8);
        self
    }

    /// Writes a number that may be negative: the small ones of both signs are short.
    pub(crate) fn signed(&mut self, number: i32) -> &mut Self {
        self.number(((number << 1) ^ (number >> 31)).cast_unsigned())
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.number(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    /// Writes whether there is a value, and the value if there is one.
    pub(crate) fn option<T>(&mut self, value: Option<T>, put: impl FnOnce(&mut Self, T)) -> &mut Self {
        self.byte(value.is_some().into());
        if let Some(value) = value {
            put(self, value);
        }
        self
    }

    /// Writes a list, each item by `put`.
    pub(crate) fn list<T>(
        &mut self,
        items: impl ExactSizeIterator<Item = T>,
        mut put: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        self.number(items.len() as u64);
        for item in items {
            put(self, item);
        }
        self
    }
}

/// The bytes of a record that is being read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Take<'a>(pub(crate) &'a [u8]);

impl<'a> Take<'a> {
    pub(crate) fn byte(&mut self) -> Result<u8, Unreadable> {
        let (first, rest) = self.0.split_first().ok_or(Unreadable::Short)?;
        self.0 = rest;
        Ok(*first)
    }

    pub(crate) fn number(&mut self) -> Result<u64, Unreadable> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return Err(Unreadable::Number);
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Unreadable::Number)
    }

    /// Reads a number of a smaller type.
    pub(crate) fn small<T: TryFrom<u64>>(&mut self) -> Result<T, Unreadable> {
        T::try_from(self.number()?).map_err(|_| Unreadable::Number)
    }

    pub(crate) fn signed(&mut self) -> Result<i32, Unreadable> {
        let number: u32 = self.small()?;
        Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    pub(crate) fn flag(&mut self) -> Result<bool, Unreadable> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Unreadable::Variant),
        }
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Unreadable> {
        let length: usize = self.small()?;
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(Unreadable::Short)?;
        self.0 = rest;
        Ok(bytes)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, Unreadable> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Unreadable::Text)
    }

    pub(crate) fn shared(&mut self) -> Result<Arc<str>, Unreadable> {
        self.text().map(Arc::from)
    }

    pub(crate) fn option<T>(
        &mut self,
        take: impl FnOnce(&mut Self) -> Result<T, Unreadable>,
    ) -> Result<Option<T>, Unreadable> {
        if self.flag()? { take(self).map(Some) } else { Ok(None) }
    }

    /// Reads a list. Each item has at least one byte, so that a list takes no more memory than its bytes warrant.
    pub(crate) fn list<T>(
        &mut self,
        mut take: impl FnMut(&mut Self) -> Result<T, Unreadable>,
    ) -> Result<Vec<T>, Unreadable> {
        let length: usize = self.small()?;
        if length > self.0.len() {
            return Err(Unreadable::Short);
        }
        (0..length).map(|_| take(self)).collect()
    }

    /// Says that all fields were read.
    pub(crate) fn end(self) -> Result<(), Unreadable> {
        if self.0.is_empty() { Ok(()) } else { Err(Unreadable::Long) }
    }
}
