//! Writing the table and reading it.

use std::ffi::CStr;
use std::os::fd::RawFd;

use super::{BYTES_MAX, HostEntry, KNOWN, KeeperEntry, Orphans, OutletEntry, SlotEntry, Table, VERSION};
use crate::protocol::bytes::{Malformed, Reader, Writer};
use crate::protocol::{Held, HostEnd, Id, TooLong};

/// What a table begins with.
const MAGIC: &[u8; 8] = b"provostK";

/// The space for a table at first, in bytes.
const BYTES_FIRST: usize = 1 << 20;

impl Table {
    /// Writes the table in this version, which is one of those that are known here.
    ///
    /// # Errors
    /// It is too long, or there is no memory for it.
    pub(crate) fn encode_as(&self, version: u8) -> Result<Vec<u8>, TooLong> {
        let mut room = BYTES_FIRST;
        loop {
            let mut bytes = Vec::new();
            bytes.try_reserve_exact(room).map_err(|_| TooLong)?;
            bytes.resize(room, 0);
            let mut writer = Writer::new(&mut bytes);
            self.write(version, &mut writer);
            if let Ok(written) = writer.finish().map(<[u8]>::len) {
                bytes.truncate(written);
                return Ok(bytes);
            }
            room = room.saturating_mul(2);
            if room > BYTES_MAX {
                return Err(TooLong);
            }
        }
    }

    /// Reads what [`encode_as`](Self::encode_as) has written.
    ///
    /// # Errors
    /// The bytes are not a table of a version that is read here.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let reader = &mut Reader::new(bytes);
        if reader.bytes(MAGIC.len())? != MAGIC {
            return Err(Malformed::Kind(0));
        }
        let version = reader.u8()?;
        if !KNOWN.includes(version) {
            return Err(Malformed::Value("table version", u32::from(version)));
        }
        let table = Self::read(version, reader)?;
        reader.clone().finish()?;
        Ok(table)
    }

    fn write(&self, version: u8, writer: &mut Writer<'_>) {
        writer.bytes(MAGIC);
        writer.u8(version);
        if version > VERSION {
            writer.u8(self.protocol);
        }
        self.host.write(writer);
        writer.list(self.answers.iter(), |writer, (seq, id, errno, pid)| {
            writer.u32(*seq);
            writer.u32(*id);
            writer.i32(*errno);
            writer.u32(*pid);
        });
        writer.u64(self.signals);
        let Orphans { count, pid, status, is_due } = self.orphans;
        writer.u64(count);
        writer.u32(pid);
        writer.i32(status);
        writer.u8(u8::from(is_due));
        writer.u8(u8::from(self.is_asked_to_end));
        writer.list(self.slots.iter(), |writer, slot| slot.write(writer));
        self.keeper.write(writer);
    }

    fn read(version: u8, reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            protocol: if version > VERSION { reader.u8()? } else { 1 },
            host: HostEntry::read(reader)?,
            answers: reader
                .list(|reader| Ok((reader.u32()?, reader.u32()?, reader.i32()?, reader.u32()?)))?,
            signals: reader.u64()?,
            orphans: Orphans {
                count: reader.u64()?,
                pid: reader.u32()?,
                status: reader.i32()?,
                is_due: reader.flag("orphans")?,
            },
            is_asked_to_end: reader.flag("asked to end")?,
            slots: reader.list(SlotEntry::read)?,
            keeper: KeeperEntry::read(reader)?,
        })
    }
}

impl HostEntry {
    fn write(&self, writer: &mut Writer<'_>) {
        writer.u8(u8::from(self.is_stubborn));
        self.last.write(writer);
        writer.u32(self.started);
        for death in self.deaths {
            writer.u64(death);
        }
        writer.u64(self.due_at);
        for number in [self.missed, self.ping, self.pid] {
            writer.u32(number);
        }
        writer.i32(self.pidfd);
        writer.i32(self.socket);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            is_stubborn: reader.flag("stubborn")?,
            last: HostEnd::read(reader)?,
            started: reader.u32()?,
            deaths: [reader.u64()?, reader.u64()?, reader.u64()?, reader.u64()?, reader.u64()?],
            due_at: reader.u64()?,
            missed: reader.u32()?,
            ping: reader.u32()?,
            pid: reader.u32()?,
            pidfd: reader.i32()?,
            socket: reader.i32()?,
        })
    }
}

/// The number that stands for no descriptor.
const NONE: RawFd = -1;

fn write_fd(writer: &mut Writer<'_>, descriptor: Option<RawFd>) {
    writer.i32(descriptor.unwrap_or(NONE));
}

fn read_fd(reader: &mut Reader<'_>) -> Result<Option<RawFd>, Malformed> {
    Ok(Some(reader.i32()?).filter(|descriptor| *descriptor != NONE))
}

impl SlotEntry {
    fn write(&self, writer: &mut Writer<'_>) {
        writer.u32(self.place);
        writer.u32(self.id.0);
        self.held.write(writer);
        writer.u8(self.stop);
        writer.u64(self.stop_until);
        writer.u8(self.due);
        writer.u8(u8::from(self.is_child));
        writer.u8(u8::from(self.failure.is_some()));
        if let Some((step, errno)) = self.failure {
            writer.u8(step);
            writer.i32(errno);
        }
        writer.i32(self.pidfd);
        write_fd(writer, self.report);
        write_fd(writer, self.input);
        for outlet in &self.outlets {
            write_fd(writer, outlet.as_ref().map(|outlet| outlet.from));
            if let Some(outlet) = outlet {
                writer.u8(u8::from(outlet.is_terminal));
                writer.optional_text(outlet.path.as_deref());
                write_fd(writer, outlet.file);
            }
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let outlet = |reader: &mut Reader<'_>| {
            let Some(from) = read_fd(reader)? else { return Ok(None) };
            let is_terminal = reader.flag("terminal")?;
            let path = reader.optional_text()?.map(CStr::to_owned);
            Ok(Some(OutletEntry { from, is_terminal, path, file: read_fd(reader)? }))
        };
        Ok(Self {
            place: reader.u32()?,
            id: Id(reader.u32()?),
            held: Held::read(reader)?,
            stop: reader.u8()?,
            stop_until: reader.u64()?,
            due: reader.u8()?,
            is_child: reader.flag("child")?,
            failure: match reader.flag("failure")? {
                true => Some((reader.u8()?, reader.i32()?)),
                false => None,
            },
            pidfd: reader.i32()?,
            report: read_fd(reader)?,
            input: read_fd(reader)?,
            outlets: [outlet(reader)?, outlet(reader)?],
        })
    }
}

impl KeeperEntry {
    fn write(&self, writer: &mut Writer<'_>) {
        write_fd(writer, self.listener);
        writer.u8(u8::from(self.is_detached));
        writer.i32(self.program);
        writer.list(self.arguments.iter(), |writer, text| writer.text(text));
        writer.list(self.environment.iter(), |writer, text| writer.text(text));
        writer.u8(u8::from(self.open_files.is_some()));
        if let Some((soft, hard)) = self.open_files {
            writer.u64(soft);
            writer.u64(hard);
        }
        writer.optional_text(self.oom_score.as_deref());
        writer.list(self.stashes.iter(), |writer, (key, number, descriptor)| {
            writer.u32(*key);
            writer.u64(*number);
            writer.i32(*descriptor);
        });
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let text = |reader: &mut Reader<'_>| reader.text().map(CStr::to_owned);
        Ok(Self {
            listener: read_fd(reader)?,
            is_detached: reader.flag("detached")?,
            program: reader.i32()?,
            arguments: reader.list(text)?,
            environment: reader.list(text)?,
            open_files: match reader.flag("open files")? {
                true => Some((reader.u64()?, reader.u64()?)),
                false => None,
            },
            oom_score: reader.optional_text()?.map(CStr::to_owned),
            stashes: reader.list(|reader| Ok((reader.u32()?, reader.u64()?, reader.i32()?)))?,
        })
    }
}
