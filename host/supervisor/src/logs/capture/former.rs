//! What a former host has left of an output, and where another one goes on: after the lines of the gap that are in the log, and
//! after what was written and not yet consumed.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use provost_files::Identity;
use provost_keeper::GAP_BYTES_MAX;
use rustix::fs::{AtFlags, StatxFlags, statx};

use super::peek::Peeker;
use crate::children::keeper::{HeldGap, KeptStream};
use crate::logs::disk::read_at;
use crate::logs::ledger::{Entry, Origin, Record, repeats};
use crate::logs::process::ProcessLog;
use crate::logs::write::batch::End;
use crate::logs::write::tail::output_before;

/// The most bytes of a gap that are written at once.
const CHUNK_BYTES: usize = 256 << 10;

/// How far back in a log file a repeated text is searched for, in bytes.
const HISTORY_BYTES: u64 = 1 << 20;

/// What a former host has left of an output.
pub(crate) struct Resuming<'a> {
    pub(crate) kept: &'a KeptStream,
    pub(crate) gap: HeldGap,
}

/// A gap that does not grow any more.
#[derive(Debug)]
pub(super) struct Gap {
    pub(super) file: File,
    /// What tells the file from a later one of the same name.
    pub(super) identity: u32,
    /// The bytes from its beginning that are in the log for certain.
    pub(super) framed: u64,
    /// Whether the keeper has the file as well.
    pub(super) is_shared: bool,
}

/// A part of a gap.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) bytes: Vec<u8>,
    pub(super) end: End,
    /// Whether they are the last whole lines of a gap that is as large as one may be.
    pub(super) is_full: bool,
}

/// Where an output goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Start {
    /// The place in the gap.
    pub(super) at: u64,
    /// Whether the log has the beginning of a line whose rest follows.
    pub(super) is_within_line: bool,
}

impl Gap {
    pub(super) fn new(file: File, framed: u64) -> io::Result<Self> {
        // A file of the same inode that is made later has another birth, where the file system tells it.
        let stat = statx(&file, "", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS | StatxFlags::BTIME)?;
        let birth = [stat.stx_btime.tv_sec.cast_unsigned(), u64::from(stat.stx_btime.tv_nsec)];
        let of = [file.metadata()?.dev(), stat.stx_ino].into_iter().chain(birth);
        let bytes: Vec<u8> = of.flat_map(u64::to_le_bytes).collect();
        Ok(Self { file, identity: crc32fast::hash(&bytes), framed, is_shared: true })
    }

    /// Removes the file at this path, unless another file is there by now.
    pub(super) fn remove(&self, path: &Path) -> io::Result<()> {
        let is_it = Identity::at(path)? == Some(Identity::of(&self.file)?);
        if is_it { std::fs::remove_file(path) } else { Ok(()) }
    }

    /// Reads the next whole lines from this place on, or a part of one that is longer or has no end.
    pub(super) fn chunk(&self, at: u64) -> io::Result<Option<Chunk>> {
        let all = self.file.metadata()?.len();
        let mut bytes = read_at(&self.file, at, CHUNK_BYTES)?;
        let is_last = at.saturating_add(bytes.len() as u64) >= all;
        let Some(newline) = memchr::memrchr(b'\n', &bytes) else {
            let end = if is_last { End::Shown } else { End::Long };
            return Ok((!bytes.is_empty()).then_some(Chunk { bytes, end, is_full: false }));
        };
        bytes.truncate(newline + 1);
        Ok(Some(Chunk { bytes, end: End::Whole, is_full: is_last && all >= GAP_BYTES_MAX }))
    }
}

impl ProcessLog {
    /// Finds out where an output goes on that a former host was writing; consumes of the pipe what is in the log already. It
    /// waits for the disk.
    pub(super) fn start(
        &self,
        entry: &Entry,
        pipe: &OwnedFd,
        gap: Option<&Gap>,
        peeker: &Peeker,
    ) -> io::Result<Start> {
        let framed = gap.map_or(0, |gap| gap.framed);
        let Some(record) = self.resume(entry)? else {
            return Ok(Start { at: framed, is_within_line: false });
        };
        let is_within_line = record.after.is_within_line;
        let raw = usize::try_from(record.after.raw).unwrap_or(usize::MAX);
        match (record.origin, gap) {
            (Origin::Gap { identity, offset }, Some(gap)) if identity == gap.identity && offset >= framed => {
                Ok(Start { at: offset.saturating_add(raw as u64), is_within_line })
            }
            (Origin::Pipe, _) if !record.is_taken && raw > 0 => {
                let of_gap = gap.map(|gap| read_at(&gap.file, framed, raw)).transpose()?.unwrap_or_default();
                let from_gap = of_gap.len();
                let mut front = of_gap;
                if front.len() < raw {
                    // An empty pipe has nothing to leave out.
                    let _ = peeker.look(pipe, &mut front);
                }
                if !self.is_written(&record, front.get(..raw))? {
                    return Ok(Start { at: framed, is_within_line });
                }
                let at = framed.saturating_add(from_gap as u64);
                if let Some(gap) = gap {
                    entry.reached(Origin::Gap { identity: gap.identity, offset: at }, is_within_line);
                }
                peeker.take(pipe, raw - from_gap)?;
                entry.taken();
                Ok(Start { at, is_within_line })
            }
            _ => Ok(Start { at: framed, is_within_line }),
        }
    }

    /// Whether this text, which comes next, is what the former host has written last. The same text may follow itself; if its
    /// process is one that repeats it, it is written again, because a line twice is better than none.
    fn is_written(&self, record: &Record, front: Option<&[u8]>) -> io::Result<bool> {
        let Some(front) = front.filter(|front| crc32fast::hash(front) == record.after.crc) else {
            return Ok(false);
        };
        let history = self.output_before(record)?;
        Ok(!repeats(&history, front))
    }

    /// Returns the output that is in the log file before the last write.
    fn output_before(&self, record: &Record) -> io::Result<Vec<u8>> {
        let file = self.stored.files.with_inode(record.inode)?;
        let output = |file| output_before(&file, record.before.bytes, record.stream, HISTORY_BYTES);
        file.map_or_else(|| Ok(Vec::new()), output)
    }
}
