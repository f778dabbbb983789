//! One segment that is being written.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use provost_files::{Access, Cursor, create_new, open_or_create, own_dir, sync_name};

use crate::format::{Footer, GapSlot, HEAD_BYTES, Head, SLOT_AT, State, file_name};

/// Fails with the error of the kernel whose number a test injects.
macro_rules! inject {
    ($name:literal) => {
        fail::fail_point!($name, |errno: Option<String>| {
            let number = errno.and_then(|number| number.parse().ok()).unwrap_or(5);
            Err(io::Error::from_raw_os_error(number))
        })
    };
}

/// One segment that is being written.
#[derive(Debug)]
pub(super) struct Segment {
    file: File,
    path: PathBuf,
    first_seq: u64,
    /// Where the next block begins.
    length: u64,
    pub(super) footer: Footer,
    /// When it was begun, on the monotonic clock.
    pub(super) begun_ns: u64,
}

impl Segment {
    /// Creates a segment, and its directory if that is missing.
    pub(super) fn create(dir: &Path, head: &Head) -> io::Result<Self> {
        inject!("journal.create");
        own_dir(dir)?;
        let path = dir.join(file_name(head.first_seq, State::Open));
        create_new(&path, Access::Private, &[&head.bytes()])?;
        let file = Self::opened(&path).inspect_err(|_| {
            // The next attempt has the same first record, and so the same name.
            let _ = std::fs::remove_file(&path);
        })?;
        let (first_seq, length) = (head.first_seq, HEAD_BYTES as u64);
        Ok(Self { file, path, first_seq, length, footer: Footer::default(), begun_ns: head.mono_ns })
    }

    /// Opens a segment that was created, and has its name on the disk.
    fn opened(path: &Path) -> io::Result<File> {
        inject!("journal.opened");
        let file = open_or_create(path, Cursor::Start)?;
        sync_name(path)?;
        Ok(file)
    }

    /// Continues a segment that has these records and this many intact bytes; what follows them is cut.
    pub(super) fn recovered(path: PathBuf, first_seq: u64, length: u64, footer: Footer) -> io::Result<Self> {
        let file = open_or_create(&path, Cursor::Start)?;
        file.set_len(length)?;
        Ok(Self { file, path, first_seq, length, footer, begun_ns: 0 })
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Whether it has no record.
    pub(super) fn is_empty(&self) -> bool {
        self.footer.count == 0
    }

    /// Appends a block. If that fails, the segment is as before, as far as the disk allows that; what it does not is not an
    /// intact block.
    pub(super) fn append(&mut self, block: &[u8]) -> io::Result<()> {
        let written = self.write_at(block, self.length);
        if written.is_err() {
            // Otherwise the next block overwrites it.
            let _ = self.file.set_len(self.length);
        }
        written?;
        self.length += block.len() as u64;
        Ok(())
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        inject!("journal.write");
        self.file.write_all_at(bytes, at)
    }

    /// Writes a gap into the reserved place, which needs no room on the disk.
    pub(super) fn set_slot(&self, slot: &GapSlot) -> io::Result<()> {
        inject!("journal.slot");
        self.file.write_all_at(&slot.bytes(), SLOT_AT)
    }

    /// Waits until everything is on the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        inject!("journal.sync");
        self.file.sync_data()
    }

    /// Returns how many bytes are free on its disk; `None` if the file system does not say that.
    pub(super) fn room(&self) -> Option<u64> {
        fail::fail_point!("journal.room", |bytes: Option<String>| bytes.and_then(|bytes| bytes.parse().ok()));
        let found = rustix::fs::fstatvfs(&self.file).ok().filter(|found| found.f_blocks > 0)?;
        Some(found.f_bavail.saturating_mul(found.f_frsize))
    }

    /// Whether its file was removed: what is written to it is lost.
    pub(super) fn is_removed(&self) -> bool {
        self.file.metadata().is_ok_and(|found| found.nlink() == 0)
    }

    /// Appends the footer, and gives the segment its final name. A segment without records is removed. If there is no room for
    /// the footer, the segment keeps its name: it can be read all the same, and the next host completes it.
    ///
    /// # Errors
    /// If what was written is not known to be on the disk.
    pub(super) fn seal(mut self) -> io::Result<()> {
        if self.is_empty() {
            self.abandon();
            return Ok(());
        }
        let footer = self.footer.bytes(self.length);
        let is_complete = self.append(&footer).is_ok();
        self.sync()?;
        let sealed = self.path.with_file_name(file_name(self.first_seq, State::Sealed));
        if is_complete && std::fs::rename(&self.path, &sealed).is_ok() {
            // The records are safe under either name.
            let _ = sync_name(&sealed);
        }
        Ok(())
    }

    /// Gives the segment up without touching the disk again, except that one without records is removed, so that its name is
    /// free.
    pub(super) fn abandon(self) {
        if self.is_empty() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
