//! The head of a message, the kinds of messages, and which version two ends speak.

use super::HEAD_LEN;
use super::bytes::{Malformed, Reader, Writer};

/// The lowest version of the protocol that this code speaks. What is sent before two ends have agreed is written in it, and so is
/// everything at the socket of the keeper.
pub const VERSION: u8 = 1;

/// The versions that are read here: those that are spoken, and in tests another one, which shows that a connection stays in the
/// version that was agreed on.
const READ: Versions = Versions { lowest: VERSION, highest: if cfg!(test) { 2 } else { VERSION } };

/// What the version of tests has behind each body, so that a message in any other version cannot be read in it, nor the other way
/// round.
#[cfg(test)]
pub(crate) const MORE: u32 = 0x6d6f_7265;

/// The versions that one end speaks, from the lowest to the highest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    /// The lowest.
    pub lowest: u8,
    /// The highest.
    pub highest: u8,
}

impl Versions {
    /// Those that this code speaks.
    pub const OURS: Self = Self { lowest: VERSION, highest: VERSION };

    pub(super) fn write(self, writer: &mut Writer<'_>) {
        writer.bytes(&[self.lowest, self.highest]);
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self { lowest: reader.u8()?, highest: reader.u8()? })
    }

    /// Whether this version is one of them.
    pub(crate) fn includes(self, version: u8) -> bool {
        (self.lowest..=self.highest).contains(&version)
    }

    /// Returns the highest version that both ends speak.
    #[must_use]
    pub fn common(self, other: Self) -> Option<u8> {
        let highest = self.highest.min(other.highest);
        (highest >= self.lowest.max(other.lowest)).then_some(highest)
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)+) => {
        /// The kind of a message. Numbers below 64 are of the host, the others of the keeper.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Kind {
            $($(#[$doc])* $name = $number,)+
        }

        impl Kind {
            /// All kinds.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// Returns the kind of this number.
            #[must_use]
            pub const fn from_number(number: u8) -> Option<Self> {
                match number {
                    $($number => Some(Self::$name),)+
                    _ => None,
                }
            }

            /// Returns its number.
            #[must_use]
            pub const fn number(self) -> u8 {
                self as u8
            }
        }
    };
}

kinds! {
    /// The host attaches.
    Hello = 1,
    /// Starts a process.
    Spawn = 2,
    /// Sends a signal.
    Signal = 3,
    /// The group is done: its leader may be reaped.
    Reap = 4,
    /// The host has recorded the end: the slot is free.
    Forget = 5,
    /// Changes how a process is ended without a host.
    Amend = 6,
    /// Keeps a memfd for the next host.
    Stash = 7,
    /// The host has written this much of a gap file into the log.
    Framed = 8,
    /// The host lives.
    Pong = 9,
    /// Asks for nothing but the answer.
    Sync = 10,
    /// The host is about to end, on purpose.
    Leave = 11,
    /// Hands a process to a new keeper.
    Adopt = 12,
    /// Replaces the program of the keeper.
    Upgrade = 13,
    /// The host is in service.
    Settled = 14,
    /// The host is attached.
    Welcome = 64,
    /// The host and the keeper have no version in common.
    Unsupported = 65,
    /// A slot that is not free.
    Held = 66,
    /// A memfd that was kept.
    Stashed = 67,
    /// The answer to an order.
    Done = 68,
    /// The program of a process runs.
    Spawned = 69,
    /// The program of a process could not be run.
    Refused = 70,
    /// The main process has ended.
    Ended = 71,
    /// Orphans were reaped.
    Orphans = 72,
    /// Asks whether the host lives.
    Ping = 73,
    /// The keeper was sent a signal that is meant for the host.
    Signalled = 74,
}

/// The head of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The kind of the message.
    pub kind: Kind,
    /// The version in which the body is written.
    pub version: u8,
    /// Bits whose meaning the kind defines; 0 if it defines none.
    pub flags: u16,
    /// The slot or the key that the message is about, or 0.
    pub id: u32,
    /// The sequence number of an order, and of its answer; 0 in other reports.
    pub seq: u32,
}

impl Head {
    /// Refuses a body of a version that is not spoken here.
    pub(super) fn check_version(&self) -> Result<(), Malformed> {
        if READ.includes(self.version) {
            Ok(())
        } else {
            Err(Malformed::Value("version", u32::from(self.version)))
        }
    }

    /// Whether the message is the same in all versions, so that it can be read before two ends have agreed on one.
    #[cfg(test)]
    fn is_greeting(&self) -> bool {
        matches!(self.kind, Kind::Hello | Kind::Welcome | Kind::Unsupported)
    }

    /// Writes what the version adds to a body of version 1. There is no other version except in tests.
    pub(super) fn write_more(&self, writer: &mut Writer<'_>) {
        #[cfg(test)]
        if self.version > VERSION && !self.is_greeting() {
            writer.u32(MORE);
        }
        let _ = (self, writer);
    }

    /// Reads what the version adds to a body of version 1.
    pub(super) fn read_more(&self, reader: &mut Reader<'_>) -> Result<(), Malformed> {
        #[cfg(test)]
        if self.version > VERSION && !self.is_greeting() && reader.u32()? != MORE {
            return Err(Malformed::Value("more", 0));
        }
        let _ = (self, reader);
        Ok(())
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.u8(self.kind.number());
        writer.u8(self.version);
        writer.u16(self.flags);
        writer.u32(self.id);
        writer.u32(self.seq);
    }

    /// Writes another sequence number into a message.
    pub fn renumber(message: &mut [u8], seq: u32) {
        if let Some(place) = message.get_mut(HEAD_LEN - size_of::<u32>()..HEAD_LEN) {
            place.copy_from_slice(&seq.to_le_bytes());
        }
    }

    /// Reads the head of a message, and returns the body, too.
    ///
    /// # Errors
    /// The message is shorter than a head, or of an unknown kind.
    pub fn read(message: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (head, body) = message.split_at_checked(HEAD_LEN).ok_or(Malformed::Short)?;
        let mut reader = Reader::new(head);
        let number = reader.u8()?;
        let head = Self {
            kind: Kind::from_number(number).ok_or(Malformed::Kind(number))?,
            version: reader.u8()?,
            flags: reader.u16()?,
            id: reader.u32()?,
            seq: reader.u32()?,
        };
        Ok((head, body))
    }
}
