//! A log file that is open: a record that cannot be written whole is taken back, or ended by the next one.

use std::fs::File;
use std::io::{self, Write};

use provost_files::Identity;

use super::tail;
use crate::logs::disk::faulty;

/// The open file.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) file: File,
    pub(super) identity: Identity,
    pub(super) bytes: u64,
    /// The label of the file, once it has a line.
    pub(super) label: Option<u64>,
    /// The bytes that end an incomplete record at the end of the file.
    pub(super) torn: Option<&'static [u8]>,
    /// Whether the file uses a descriptor of the reserve, which is returned after each write.
    pub(super) borrowed: bool,
}

impl Open {
    /// Writes all of `records`. On failure, the error comes with the number of bytes, in whole records, that are in the
    /// file.
    pub(super) fn write(&mut self, records: &[u8]) -> Result<(), (usize, io::Error)> {
        if let Some(end) = self.torn {
            let ended = write_some(&mut self.file, end).map_err(|error| (0, error))?;
            self.bytes += ended as u64;
            self.torn = Some(&end[ended..]).filter(|rest| !rest.is_empty());
            if self.torn.is_some() {
                return Err((0, io::ErrorKind::StorageFull.into()));
            }
        }
        let mut done = 0;
        while done < records.len() {
            match write_some(&mut self.file, &records[done..]) {
                Ok(more) => done += more,
                Err(error) => {
                    let kept = memchr::memrchr(b'\n', &records[..done]).map_or(0, |at| at + 1);
                    self.take_back(&records[..done], kept);
                    return Err((kept, error));
                }
            }
        }
        self.bytes += done as u64;
        Ok(())
    }

    /// Keeps only the first `kept` of the bytes just written.
    pub(super) fn take_back(&mut self, written: &[u8], kept: usize) {
        self.bytes += written.len() as u64;
        let torn = &written[kept..];
        if torn.is_empty() {
            return;
        }
        // Somebody may have truncated the file, so its present length counts.
        let whole = self.file.metadata().map(|meta| meta.len().saturating_sub(torn.len() as u64));
        match whole.and_then(|whole| self.file.set_len(whole).map(|()| whole)) {
            Ok(whole) => self.bytes = whole,
            Err(_) => self.torn = Some(tail::end_of(torn)),
        }
    }
}

/// Writes as much as one call takes, at least one byte.
fn write_some(file: &mut File, bytes: &[u8]) -> io::Result<usize> {
    faulty!("log.write");
    loop {
        match file.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}
