//! A rendered object, and where each of its fields is.

use bytes::Bytes;
use provost_state::{Generation, ProcessId, Version};
use serde::Serialize;

use super::fields::{FIELDS, Fields};
use crate::convert::Wall;

/// What a fragment was rendered from. A generation belongs to one commit, so equal keys mean equal bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) id: ProcessId,
    pub(super) version: Version,
    pub(super) generation: Generation,
    pub(super) wall: Wall,
}

/// The JSON of one process.
#[derive(Debug)]
pub(crate) struct Fragment {
    pub(super) key: Key,
    bytes: Bytes,
    /// The offset of the key of each field, and that of the closing brace plus one.
    starts: [u32; FIELDS.len() + 1],
}

impl Fragment {
    /// Returns the whole object.
    pub(crate) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Appends an object with the chosen fields.
    pub(super) fn push_fields(&self, fields: &Fields, to: &mut Vec<u8>) {
        to.push(b'{');
        for (number, (first, end)) in fields.runs().enumerate() {
            if number > 0 {
                to.push(b',');
            }
            // Before the next field there is a comma, and after the last one the closing brace.
            to.extend_from_slice(&self.bytes[self.starts[first] as usize..self.starts[end] as usize - 1]);
        }
        to.push(b'}');
    }
}

/// Writes the fields of an object in the order of [`FIELDS`].
pub(super) struct Object {
    bytes: Vec<u8>,
    starts: [u32; FIELDS.len() + 1],
    fields: usize,
}

impl Object {
    pub(super) fn new() -> Self {
        let mut bytes = Vec::with_capacity(512);
        bytes.push(b'{');
        Self { bytes, starts: [0; FIELDS.len() + 1], fields: 0 }
    }

    /// Adds the next field.
    pub(super) fn field(&mut self, value: &(impl Serialize + ?Sized)) -> &mut Self {
        if self.fields > 0 {
            self.bytes.push(b',');
        }
        // An object of 4 GiB cannot be: the texts of a state are bounded.
        self.starts[self.fields] = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        self.bytes.push(b'"');
        self.bytes.extend_from_slice(FIELDS[self.fields].as_bytes());
        self.bytes.extend_from_slice(b"\":");
        self.fields += 1;
        let begun = self.bytes.len();
        if serde_json::to_writer(&mut self.bytes, value).is_err() {
            // No field has a map key that JSON cannot represent.
            self.bytes.truncate(begun);
            self.bytes.extend_from_slice(b"null");
        }
        self
    }

    pub(super) fn end(mut self, key: Key) -> Fragment {
        self.bytes.push(b'}');
        self.starts[FIELDS.len()] = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        self.bytes.shrink_to_fit();
        Fragment { key, bytes: self.bytes.into(), starts: self.starts }
    }
}
