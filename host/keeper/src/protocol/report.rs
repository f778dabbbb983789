//! Reports: what the keeper sends to the host.

use super::bytes::{Malformed, Reader, TooLong, Writer, numbered};
use super::head::{Head, Kind, VERSION, Versions};
use super::states::HostState;
use super::values::{Descriptors, End, Held, Id, Refusal};

numbered! {
    /// Why the last host is gone.
    HostEnding, "host ending", {
        /// There was none.
        None = 0,
        /// It ended, without having said so.
        Died = 1,
        /// It did not answer a [`Report::Ping`] in time, and was killed.
        Silent = 2,
        /// It did not attach, or did not end after `LEAVE`, in time, and was killed.
        Late = 3,
        /// It broke the protocol, and was killed.
        Faulty = 4,
        /// It left, on purpose.
        Left = 5,
        /// It was the new program of an upgrade, and did not settle: this host is the former program again.
        RolledBack = 6,
        /// The former keeper had it, and this keeper was started to take its place.
        Handed = 7,
    }
}

/// How the last host has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostEnd {
    /// Why.
    pub why: HostEnding,
    /// The status as `wait` gives it.
    pub status: i32,
    /// When, in nanoseconds of `CLOCK_BOOTTIME`; 0 if there was none.
    pub ended_at: u64,
}

impl HostEnd {
    pub(crate) fn write(self, writer: &mut Writer<'_>) {
        self.why.write(writer);
        writer.i32(self.status);
        writer.u64(self.ended_at);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self { why: HostEnding::read(reader)?, status: reader.i32()?, ended_at: reader.u64()? })
    }
}

/// The answer to `HELLO`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Welcome {
    /// The keeper.
    pub keeper_pid: u32,
    /// The time of the keeper now, in nanoseconds of `CLOCK_BOOTTIME`, by which all its times can be converted.
    pub now: u64,
    /// The number of [`Report::Held`] that follow.
    pub held: u32,
    /// The number of [`Report::Stashed`] that follow.
    pub stashed: u32,
    /// The number of hosts that this keeper has started, with this one.
    pub hosts: u32,
    /// How many of them have died within the last minute.
    pub deaths: u32,
    /// How the last host has ended.
    pub last: HostEnd,
    /// What the host is at this time; a reader of the [socket](crate::protocol) sees others than `Attached`.
    pub state: HostState,
    /// Whether output is still being moved into a gap file, because a disk does not answer: the gaps may grow.
    pub is_draining: bool,
    /// The versions that the keeper speaks, in the flags of the head; older keepers do not say.
    pub speaks: Option<Versions>,
}

/// What the keeper sends to the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// The host is attached.
    Welcome(Welcome),
    /// The host and the keeper have no version in common: the host ends.
    Unsupported {
        /// The versions that the keeper speaks.
        versions: Versions,
    },
    /// A slot that is not free, after `WELCOME`.
    Held {
        /// The slot.
        id: Id,
        /// All that is known of it.
        held: Held,
    },
    /// A memfd that was kept for the host, after `WELCOME`.
    Stashed {
        /// The key.
        key: u32,
        /// The number that was given with it.
        generation: u64,
    },
    /// The answer to the order with the sequence number in the head.
    Done {
        /// The slot or key of the order.
        id: u32,
        /// 0, or the error number: `ESRCH` if nothing is held under the id or the process is gone, `EEXIST` if something
        /// is, `EBUSY` if it cannot be done now (for `FRAMED`: output is still being moved into the gap file), `EINVAL` if the order is malformed, `ENOSPC` if there are too many keys, and what the kernel says.
        errno: i32,
        /// The process id of a child that was started, otherwise 0.
        pid: u32,
    },
    /// The program of a process runs.
    Spawned {
        /// The slot.
        id: Id,
        /// Its process id, which is also that of its group and of its session.
        pid: u32,
        /// When it was started, in nanoseconds of `CLOCK_BOOTTIME`.
        started_at: u64,
        /// The descriptors beside the message.
        descriptors: Descriptors,
    },
    /// The program of a process could not be run.
    Refused {
        /// The slot.
        id: Id,
        /// Why.
        refusal: Refusal,
    },
    /// The main process has ended.
    Ended {
        /// The slot.
        id: Id,
        /// How and when.
        end: End,
    },
    /// Orphans were reaped.
    Orphans {
        /// How many since the keeper was started.
        count: u64,
        /// The last of them.
        pid: u32,
        /// How it has ended.
        status: i32,
    },
    /// Asks whether the host lives; answered by [`Order::Pong`](super::Order::Pong).
    Ping,
    /// The keeper was sent a signal that is meant for the host. Signals that were sent before the host attached are
    /// reported then; the same one several times may be reported once.
    Signalled {
        /// The number of the signal.
        number: i32,
    },
}

impl Report {
    /// Returns the kind of the message.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Welcome(_) => Kind::Welcome,
            Self::Unsupported { .. } => Kind::Unsupported,
            Self::Held { .. } => Kind::Held,
            Self::Stashed { .. } => Kind::Stashed,
            Self::Done { .. } => Kind::Done,
            Self::Spawned { .. } => Kind::Spawned,
            Self::Refused { .. } => Kind::Refused,
            Self::Ended { .. } => Kind::Ended,
            Self::Orphans { .. } => Kind::Orphans,
            Self::Ping => Kind::Ping,
            Self::Signalled { .. } => Kind::Signalled,
        }
    }

    fn id(&self) -> u32 {
        match self {
            Self::Held { id, .. }
            | Self::Spawned { id, .. }
            | Self::Refused { id, .. }
            | Self::Ended { id, .. } => id.0,
            Self::Stashed { key, .. } => *key,
            Self::Done { id, .. } => *id,
            Self::Welcome(_)
            | Self::Unsupported { .. }
            | Self::Orphans { .. }
            | Self::Ping
            | Self::Signalled { .. } => 0,
        }
    }

    /// Writes the message in the lowest version, which everybody understands.
    ///
    /// # Errors
    /// As [`encode_as`](Self::encode_as).
    pub fn encode<'b>(&self, seq: u32, buffer: &'b mut [u8]) -> Result<&'b [u8], TooLong> {
        self.encode_as(VERSION, seq, buffer)
    }

    /// Writes the message in the version that was agreed on.
    ///
    /// # Errors
    /// It does not fit into the buffer; each fits into one of 256 bytes.
    pub fn encode_as<'b>(&self, version: u8, seq: u32, buffer: &'b mut [u8]) -> Result<&'b [u8], TooLong> {
        let mut writer = Writer::new(buffer);
        let flags = match self {
            Self::Welcome(Welcome { speaks: Some(Versions { lowest, highest }), .. }) => {
                u16::from_le_bytes([*lowest, *highest])
            }
            _ => 0,
        };
        let head = Head { kind: self.kind(), version, flags, id: self.id(), seq };
        head.write(&mut writer);
        match self {
            Self::Welcome(welcome) => welcome.write(&mut writer),
            Self::Unsupported { versions } => versions.write(&mut writer),
            Self::Held { held, .. } => held.write(&mut writer),
            Self::Stashed { generation, .. } => writer.u64(*generation),
            Self::Done { errno, pid, .. } => {
                writer.i32(*errno);
                writer.u32(*pid);
            }
            Self::Spawned { pid, started_at, descriptors, .. } => {
                writer.u32(*pid);
                writer.u64(*started_at);
                writer.u8(descriptors.0);
            }
            Self::Refused { refusal, .. } => refusal.write(&mut writer),
            Self::Ended { end, .. } => end.write(&mut writer),
            Self::Orphans { count, pid, status } => {
                writer.u64(*count);
                writer.u32(*pid);
                writer.i32(*status);
            }
            Self::Ping => {}
            Self::Signalled { number } => writer.i32(*number),
        }
        head.write_more(&mut writer);
        writer.finish()
    }

    /// Reads a message.
    ///
    /// # Errors
    /// The bytes are not a report of a version that is spoken here.
    pub fn decode(message: &[u8]) -> Result<(Head, Self), Malformed> {
        let (head, body) = Head::read(message)?;
        if head.kind != Kind::Unsupported {
            head.check_version()?;
        }
        let reader = &mut Reader::new(body);
        let id = Id(head.id);
        let report = match head.kind {
            Kind::Welcome => Self::Welcome(Welcome::read(reader, head.flags)?),
            Kind::Unsupported => Self::Unsupported { versions: Versions::read(reader)? },
            Kind::Held => Self::Held { id, held: Held::read(reader)? },
            Kind::Stashed => Self::Stashed { key: head.id, generation: reader.u64()? },
            Kind::Done => Self::Done { id: head.id, errno: reader.i32()?, pid: reader.u32()? },
            Kind::Spawned => {
                let (pid, started_at) = (reader.u32()?, reader.u64()?);
                Self::Spawned { id, pid, started_at, descriptors: Descriptors::read(reader)? }
            }
            Kind::Refused => Self::Refused { id, refusal: Refusal::read(reader)? },
            Kind::Ended => Self::Ended { id, end: End::read(reader)? },
            Kind::Orphans => {
                Self::Orphans { count: reader.u64()?, pid: reader.u32()?, status: reader.i32()? }
            }
            Kind::Ping => Self::Ping,
            Kind::Signalled => Self::Signalled { number: reader.i32()? },
            other => return Err(Malformed::Kind(other.number())),
        };
        head.read_more(reader)?;
        reader.clone().finish()?;
        Ok((head, report))
    }
}

impl Welcome {
    fn write(&self, writer: &mut Writer<'_>) {
        writer.u32(self.keeper_pid);
        writer.u64(self.now);
        for number in [self.held, self.stashed, self.hosts, self.deaths] {
            writer.u32(number);
        }
        self.last.write(writer);
        self.state.write(writer);
        writer.u8(u8::from(self.is_draining));
    }

    fn read(reader: &mut Reader<'_>, flags: u16) -> Result<Self, Malformed> {
        let [lowest, highest] = flags.to_le_bytes();
        Ok(Self {
            keeper_pid: reader.u32()?,
            now: reader.u64()?,
            held: reader.u32()?,
            stashed: reader.u32()?,
            hosts: reader.u32()?,
            deaths: reader.u32()?,
            last: HostEnd::read(reader)?,
            state: HostState::read(reader)?,
            is_draining: reader.flag("draining")?,
            speaks: Some(Versions { lowest, highest }).filter(|_| flags != 0),
        })
    }
}
