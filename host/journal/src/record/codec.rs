//! The frame of a record: its kind, its version, the length of its body as a varint, and its body. A reader that does not
//! know a kind or a version passes over the record.

use super::entry::{Kind, Record};
use super::v1;

/// The only version of all kinds so far.
const VERSION: u16 = 1;

/// Appends the frame of a record, with `scratch` for its body.
pub(crate) fn encode(record: &Record, scratch: &mut Vec<u8>, into: &mut Vec<u8>) {
    scratch.clear();
    v1::encode(record, scratch);
    into.extend_from_slice(&record.kind().number().to_le_bytes());
    into.extend_from_slice(&VERSION.to_le_bytes());
    v1::put(&u32::try_from(scratch.len()).unwrap_or(u32::MAX), into);
    into.extend_from_slice(scratch);
}

/// One frame in a block.
pub(crate) struct Frame<'a> {
    kind: u16,
    version: u16,
    body: &'a [u8],
}

/// Why a frame has no record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Undecoded {
    /// A later version of this program has written it.
    #[error("kind {kind} of version {version} is not known to this program")]
    Unknown {
        /// The number of its kind.
        kind: u16,
        /// The version of its bytes.
        version: u16,
    },
    /// Its bytes have another form than its kind and version say.
    #[error("a {} has a malformed body", .0.as_str())]
    Malformed(Kind),
}

impl Frame<'_> {
    /// Returns the record.
    pub(crate) fn decode(&self) -> Result<Record, Undecoded> {
        let unknown = Undecoded::Unknown { kind: self.kind, version: self.version };
        let kind = Kind::of(self.kind).filter(|_| self.version == VERSION).ok_or(unknown)?;
        v1::decode(kind, self.body).ok_or(Undecoded::Malformed(kind))
    }
}

/// The frames of a block.
pub(crate) struct Frames<'a>(pub(crate) &'a [u8]);

impl<'a> Iterator for Frames<'a> {
    type Item = Frame<'a>;

    /// Returns the next frame; `None` at the end, and if the rest is not a frame, which no intact block has.
    fn next(&mut self) -> Option<Frame<'a>> {
        let (head, rest) = self.0.split_at_checked(4)?;
        let (kind, version) = head.split_at_checked(2)?;
        let number = |bytes: &[u8]| bytes.try_into().map(u16::from_le_bytes).ok();
        let (length, rest) = postcard::take_from_bytes::<u32>(rest).ok()?;
        let (body, after) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = after;
        Some(Frame { kind: number(kind)?, version: number(version)?, body })
    }
}
