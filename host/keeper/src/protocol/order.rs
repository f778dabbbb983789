//! Orders: what the host sends to the keeper.

use std::ffi::CStr;

use super::bytes::{Malformed, Reader, TooLong, Writer};
use super::head::{Head, Kind, VERSION, Versions};
use super::spec::Spec;
use super::values::{Ending, Held, Id, Scope, Stream};

/// The flag of a `SPAWN` whose spec is in a memfd.
const IN_MEMFD: u16 = 1;

/// How the host is about to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// Everything ends: the keeper ends with this exit code when the host has ended. Processes that are left are ended in
    /// order first.
    Finish {
        /// The exit code of the keeper.
        code: u8,
    },
    /// The next host is started at once, and this end is not counted as a death. If a program is beside the message, it
    /// is executed; if it has not sent [`Order::Settled`] in time, it is killed and the former program is started again.
    /// So it is if the program ends before that, also if it fails with [`Finish`](Self::Finish). A program on such a trial
    /// cannot be replaced (`EBUSY`).
    Replace {
        /// The time for that, in milliseconds.
        deadline_ms: u64,
    },
}

/// What the host sends to the keeper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order<'a> {
    /// Attaches. The first order, and sent once.
    Hello {
        /// The versions that the host speaks.
        versions: Versions,
        /// Which build of the host it is, for messages to people.
        build: &'a [u8],
    },
    /// Starts a process.
    Spawn {
        /// The id of the new life. Nothing may be held under it.
        id: Id,
        /// What is started.
        spec: Spec<'a>,
    },
    /// Starts a process whose spec is in a memfd, the first descriptor beside the message.
    SpawnLarge {
        /// The id of the new life.
        id: Id,
        /// The length of the spec in bytes, at most [`SPEC_MAX`](super::SPEC_MAX).
        length: u32,
    },
    /// Sends a signal. It never hits a process that only has the number of this one.
    Signal {
        /// The slot.
        id: Id,
        /// The number of the signal.
        number: i32,
        /// Whom it is sent to.
        scope: Scope,
        /// When SIGKILL is due, in nanoseconds of `CLOCK_BOOTTIME`, if this begins a stop; otherwise 0. It is the host
        /// that sends SIGKILL; the keeper does so if no host is attached at that time.
        kill_at: u64,
    },
    /// The group is done: the zombie of its leader is reaped.
    Reap {
        /// The slot.
        id: Id,
    },
    /// The host has recorded what became of this life: the slot is free.
    Forget {
        /// The slot.
        id: Id,
    },
    /// Changes how a process is ended without a host.
    Amend {
        /// The slot.
        id: Id,
        /// How it is ended from now on.
        ending: Ending,
    },
    /// Keeps a memfd for the next host, in the place of the former one of this key; without a descriptor, drops it.
    Stash {
        /// The key.
        key: u32,
        /// A number of the host's.
        generation: u64,
    },
    /// The first bytes of a gap file are in the log, or were dropped. With all of them, the keeper closes the file, and
    /// the next gap begins a new one: the host removes the file before it says so. The answer is `EBUSY` while a last step
    /// that the former gap began is still in progress, because the disk does not answer; once it is not, the file does not
    /// grow any more while this host is attached.
    Framed {
        /// The slot.
        id: Id,
        /// Which output.
        stream: Stream,
        /// How many bytes from the start of the file.
        bytes: u64,
    },
    /// The host lives: the answer to [`Report::Ping`](super::Report::Ping) of the same sequence number.
    Pong,
    /// Asks for nothing but its answer: all spawns that the keeper has read before it have been answered.
    Sync,
    /// The host has taken over all that was held and is in service. Before it, the end of a new program leads back to
    /// the former one.
    Settled,
    /// The host is about to end, on purpose.
    Leave(Leave),
    /// Hands a process to this keeper after the former one has died. This keeper is not its parent: it sees that it ends,
    /// and not how.
    Adopt {
        /// The id under which it is held.
        id: Id,
        /// What was known of it.
        held: Held,
        /// Its [gap files](Spec::gap_files).
        gap_files: [Option<&'a CStr>; 2],
        /// Whether its output is the other side of a terminal.
        is_terminal: bool,
    },
    /// Replaces the program of the keeper by the one beside the message. Pid, children and descriptors stay, and the answer
    /// comes from the new program. If it cannot be, the keeper goes on as it is: `EBUSY` while output is being moved, or the
    /// host is on trial; `EPROTONOSUPPORT` if the program reads no table that this keeper writes.
    Upgrade {
        /// The versions of the [table](crate::TABLE_VERSIONS) that the program reads; none if that is not known.
        tables: Option<Versions>,
    },
}

impl<'a> Order<'a> {
    /// Returns the kind of the message.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Hello { .. } => Kind::Hello,
            Self::Spawn { .. } | Self::SpawnLarge { .. } => Kind::Spawn,
            Self::Signal { .. } => Kind::Signal,
            Self::Reap { .. } => Kind::Reap,
            Self::Forget { .. } => Kind::Forget,
            Self::Amend { .. } => Kind::Amend,
            Self::Stash { .. } => Kind::Stash,
            Self::Framed { .. } => Kind::Framed,
            Self::Pong => Kind::Pong,
            Self::Sync => Kind::Sync,
            Self::Settled => Kind::Settled,
            Self::Leave(_) => Kind::Leave,
            Self::Adopt { .. } => Kind::Adopt,
            Self::Upgrade { .. } => Kind::Upgrade,
        }
    }

    /// Returns the slot or the key that the order is about, or 0.
    pub(crate) fn id(&self) -> u32 {
        match self {
            Self::Spawn { id, .. }
            | Self::SpawnLarge { id, .. }
            | Self::Signal { id, .. }
            | Self::Reap { id }
            | Self::Forget { id }
            | Self::Amend { id, .. }
            | Self::Framed { id, .. }
            | Self::Adopt { id, .. } => id.0,
            Self::Stash { key, .. } => *key,
            Self::Hello { .. }
            | Self::Pong
            | Self::Sync
            | Self::Settled
            | Self::Leave(_)
            | Self::Upgrade { .. } => 0,
        }
    }

    /// Writes the message in the lowest version, which every keeper understands.
    ///
    /// # Errors
    /// As [`encode_as`](Self::encode_as).
    pub fn encode<'b>(&self, seq: u32, buffer: &'b mut [u8]) -> Result<&'b [u8], TooLong> {
        self.encode_as(VERSION, seq, buffer)
    }

    /// Writes the message in the version that was agreed on.
    ///
    /// # Errors
    /// It does not fit into the buffer: a spec that is too long for one of [`MESSAGE_MAX`](super::MESSAGE_MAX) bytes is
    /// sent by [`SpawnLarge`](Self::SpawnLarge).
    pub fn encode_as<'b>(&self, version: u8, seq: u32, buffer: &'b mut [u8]) -> Result<&'b [u8], TooLong> {
        let mut writer = Writer::new(buffer);
        let flags = match self {
            Self::SpawnLarge { .. } => IN_MEMFD,
            Self::Upgrade { tables: Some(Versions { lowest, highest }) } => {
                u16::from_le_bytes([*lowest, *highest])
            }
            _ => 0,
        };
        let head = Head { kind: self.kind(), version, flags, id: self.id(), seq };
        head.write(&mut writer);
        match self {
            Self::Hello { versions, build } => {
                versions.write(&mut writer);
                writer.bytes(build);
            }
            Self::Spawn { spec, .. } => spec.write(&mut writer),
            Self::SpawnLarge { length, .. } => writer.u32(*length),
            Self::Signal { number, scope, kill_at, .. } => {
                writer.i32(*number);
                scope.write(&mut writer);
                writer.u64(*kill_at);
            }
            Self::Amend { ending, .. } => ending.write(&mut writer),
            Self::Stash { generation, .. } => writer.u64(*generation),
            Self::Framed { stream, bytes, .. } => {
                stream.write(&mut writer);
                writer.u64(*bytes);
            }
            Self::Leave(Leave::Finish { code }) => writer.bytes(&[0, *code]),
            Self::Leave(Leave::Replace { deadline_ms }) => {
                writer.u8(1);
                writer.u64(*deadline_ms);
            }
            Self::Adopt { held, gap_files, is_terminal, .. } => {
                held.write(&mut writer);
                writer.u8(u8::from(*is_terminal));
                for path in gap_files {
                    writer.optional_text(*path);
                }
            }
            Self::Reap { .. }
            | Self::Forget { .. }
            | Self::Pong
            | Self::Sync
            | Self::Settled
            | Self::Upgrade { .. } => {}
        }
        head.write_more(&mut writer);
        writer.finish()
    }

    /// Reads a message.
    ///
    /// # Errors
    /// The bytes are not an order of a version that is spoken here.
    pub fn decode(message: &'a [u8]) -> Result<(Head, Self), Malformed> {
        let (head, body) = Head::read(message)?;
        let reader = &mut Reader::new(body);
        if head.kind != Kind::Hello {
            head.check_version()?;
        }
        let id = Id(head.id);
        let order = match head.kind {
            Kind::Hello => Self::Hello { versions: Versions::read(reader)?, build: reader.rest() },
            Kind::Spawn if head.flags & IN_MEMFD != 0 => Self::SpawnLarge { id, length: reader.u32()? },
            Kind::Spawn => Self::Spawn { id, spec: Spec::read(reader)? },
            Kind::Signal => {
                let (number, scope) = (reader.i32()?, Scope::read(reader)?);
                Self::Signal { id, number, scope, kill_at: reader.u64()? }
            }
            Kind::Reap => Self::Reap { id },
            Kind::Forget => Self::Forget { id },
            Kind::Amend => Self::Amend { id, ending: Ending::read(reader)? },
            Kind::Stash => Self::Stash { key: head.id, generation: reader.u64()? },
            Kind::Framed => Self::Framed { id, stream: Stream::read(reader)?, bytes: reader.u64()? },
            Kind::Pong => Self::Pong,
            Kind::Sync => Self::Sync,
            Kind::Settled => Self::Settled,
            Kind::Leave => Self::Leave(match reader.u8()? {
                0 => Leave::Finish { code: reader.u8()? },
                1 => Leave::Replace { deadline_ms: reader.u64()? },
                other => return Err(Malformed::Value("leave", u32::from(other))),
            }),
            Kind::Adopt => Self::Adopt {
                id,
                held: Held::read(reader)?,
                is_terminal: reader.flag("terminal")?,
                gap_files: [reader.optional_text()?, reader.optional_text()?],
            },
            Kind::Upgrade => {
                let [lowest, highest] = head.flags.to_le_bytes();
                let tables = Some(Versions { lowest, highest });
                Self::Upgrade { tables: tables.filter(|_| head.flags != 0) }
            }
            other => return Err(Malformed::Kind(other.number())),
        };
        head.read_more(reader)?;
        reader.clone().finish()?;
        Ok((head, order))
    }
}
