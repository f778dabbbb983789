//! The parts that messages share: ids, how a process is ended, how it has ended, what is held of it.

use super::bytes::{Malformed, Reader, Writer, numbered};
use super::states::SlotState;

/// Names one life of one process between the host and the keeper. The host chooses it; the keeper only compares it. Each
/// life gets another one, so that a stale message names a dead life, finds nothing, and is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub u32);

numbered! {
    /// Whom a signal is sent to.
    Scope, "scope", {
        /// The main process alone.
        Main = 0,
        /// The group; if the main process has left its own group, that process.
        Group = 1,
    }
}

numbered! {
    /// An output of a process.
    Stream, "stream", {
        /// Standard output, or the terminal.
        Output = 0,
        /// Standard error, where it has its own pipe.
        Error = 1,
    }
}

numbered! {
    /// The step at which a child could not become its program.
    Stage, "stage", {
        /// Its session, its limits, its score for the OOM killer.
        Process = 0,
        /// Its standard input, output or error.
        Descriptors = 1,
        /// Its working directory.
        Directory = 2,
        /// The exec itself.
        Exec = 3,
    }
}

/// How a process is ended when the keeper ends it: without a host, or after [`Leave::Finish`](super::Leave::Finish).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Processes with a higher rank are ended first; those of one rank together.
    pub rank: u32,
    /// The signal that asks it to end. SIGCONT follows it, so that a suspended one can obey.
    pub signal: i32,
    /// Whom this signal is sent to. SIGKILL always goes to the group.
    pub scope: Scope,
    /// The time until SIGKILL, in milliseconds.
    pub grace_ms: u64,
}

impl Ending {
    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.u32(self.rank);
        writer.i32(self.signal);
        self.scope.write(writer);
        writer.u64(self.grace_ms);
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            rank: reader.u32()?,
            signal: reader.i32()?,
            scope: Scope::read(reader)?,
            grace_ms: reader.u64()?,
        })
    }
}

/// What a process has used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// The time in its own code, in microseconds.
    pub user_us: u64,
    /// The time in the kernel, in microseconds.
    pub system_us: u64,
    /// The largest resident set, in KiB.
    pub memory_kib_max: u64,
    /// The number of page faults that waited for a disk.
    pub faults: u64,
}

/// How and when a main process has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// The status as `wait` gives it: the code times 256, or a signal, plus 128 with a core file; `None` if this keeper
    /// was not its parent, so that the kernel did not tell.
    pub status: Option<i32>,
    /// When the keeper saw it end, in nanoseconds of `CLOCK_BOOTTIME`.
    pub ended_at: u64,
    /// What it and its descendants that were waited for have used.
    pub usage: Usage,
}

impl End {
    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.u8(u8::from(self.status.is_some()));
        writer.i32(self.status.unwrap_or(0));
        writer.u64(self.ended_at);
        let Usage { user_us, system_us, memory_kib_max, faults } = self.usage;
        for number in [user_us, system_us, memory_kib_max, faults] {
            writer.u64(number);
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let is_known = reader.flag("status")?;
        let status = reader.i32()?;
        Ok(Self {
            status: is_known.then_some(status),
            ended_at: reader.u64()?,
            usage: Usage {
                user_us: reader.u64()?,
                system_us: reader.u64()?,
                memory_kib_max: reader.u64()?,
                faults: reader.u64()?,
            },
        })
    }
}

/// Why a program could not be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The step that failed.
    pub stage: Stage,
    /// The error number.
    pub errno: i32,
}

impl Refusal {
    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        self.stage.write(writer);
        writer.i32(self.errno);
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self { stage: Stage::read(reader)?, errno: reader.i32()? })
    }
}

/// What the keeper has moved from a pipe into a gap file while no host was attached. The rest is still in the pipe, and
/// comes after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gap {
    /// The bytes in the file.
    pub bytes: u64,
    /// Those of them, from the start of the file, that a host has [written into the log](super::Order::Framed).
    pub framed: u64,
}

/// The descriptors beside a message about a slot, one bit each, in the order of the bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Descriptors(pub u8);

impl Descriptors {
    /// A pidfd of the main process.
    pub const PIDFD: Self = Self(1);
    /// Where standard output is read: a pipe, or the other side of the terminal.
    pub const OUTPUT: Self = Self(2);
    /// Where standard error is read.
    pub const ERROR: Self = Self(4);
    /// The gap file of standard output, open for reading and writing.
    pub const OUTPUT_GAP: Self = Self(8);
    /// The gap file of standard error.
    pub const ERROR_GAP: Self = Self(16);
    /// The end that keeps standard input open.
    pub const INPUT: Self = Self(32);

    /// All of them, in their order.
    pub const ALL: [Self; 6] =
        [Self::PIDFD, Self::OUTPUT, Self::ERROR, Self::OUTPUT_GAP, Self::ERROR_GAP, Self::INPUT];

    /// Whether this one is there.
    #[must_use]
    pub const fn has(self, one: Self) -> bool {
        self.0 & one.0 != 0
    }

    /// Returns these and that one.
    #[must_use]
    pub const fn with(self, one: Self) -> Self {
        Self(self.0 | one.0)
    }

    /// Tells the descriptors beside a message apart: returns each in its place of [`ALL`](Self::ALL).
    pub fn placed<T>(self, mut beside: impl Iterator<Item = T>) -> [Option<T>; 6] {
        Self::ALL.map(|one| if self.has(one) { beside.next() } else { None })
    }

    /// Returns how many descriptors there are.
    #[must_use]
    pub const fn count(self) -> usize {
        self.0.count_ones() as usize
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let bits = reader.u8()?;
        if bits < 64 { Ok(Self(bits)) } else { Err(Malformed::Value("descriptors", u32::from(bits))) }
    }
}

/// All that the keeper knows of a slot that is not free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// What has become of it.
    pub state: SlotState,
    /// The main process. Its number is its own until the state is [`SlotState::Reaped`].
    pub pid: u32,
    /// When it was started, in nanoseconds of `CLOCK_BOOTTIME`.
    pub started_at: u64,
    /// How it has ended, if it has.
    pub end: Option<End>,
    /// Why its program could not be run, if so.
    pub refusal: Option<Refusal>,
    /// How it is to be ended without a host.
    pub ending: Ending,
    /// When SIGKILL is due after a stop, in nanoseconds of `CLOCK_BOOTTIME`; 0 if no stop is in progress.
    pub kill_at: u64,
    /// The gaps of standard output and standard error.
    pub gaps: [Gap; 2],
    /// The descriptors beside the message.
    pub descriptors: Descriptors,
}

impl Held {
    pub(crate) fn write(&self, writer: &mut Writer<'_>) {
        self.state.write(writer);
        writer.u8(self.descriptors.0);
        writer.u32(self.pid);
        writer.u64(self.started_at);
        writer.u64(self.kill_at);
        self.ending.write(writer);
        for gap in self.gaps {
            writer.u64(gap.bytes);
            writer.u64(gap.framed);
        }
        writer.u8(u8::from(self.end.is_some()));
        if let Some(end) = self.end {
            end.write(writer);
        }
        writer.u8(u8::from(self.refusal.is_some()));
        if let Some(refusal) = self.refusal {
            refusal.write(writer);
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let gap = |reader: &mut Reader<'_>| Ok(Gap { bytes: reader.u64()?, framed: reader.u64()? });
        Ok(Self {
            state: SlotState::read(reader)?,
            descriptors: Descriptors::read(reader)?,
            pid: reader.u32()?,
            started_at: reader.u64()?,
            kill_at: reader.u64()?,
            ending: Ending::read(reader)?,
            gaps: [gap(reader)?, gap(reader)?],
            end: reader.flag("end")?.then(|| End::read(reader)).transpose()?,
            refusal: reader.flag("refusal")?.then(|| Refusal::read(reader)).transpose()?,
        })
    }
}
