//! The places of the ledger in its file.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;

use parking_lot::Mutex;

use super::record::RECORD_BYTES;

/// The file, and its places without an entry.
#[derive(Debug)]
pub(super) struct Pages {
    file: File,
    free: Mutex<Free>,
}

#[derive(Debug, Default)]
struct Free {
    places: Vec<u64>,
    /// The number of places of the file.
    end: u64,
}

impl Pages {
    /// Takes a file with this number of places, all of which are taken.
    pub(super) fn new(file: File, end: u64) -> Self {
        Self { file, free: Mutex::new(Free { places: Vec::new(), end }) }
    }

    /// Returns another descriptor of the file.
    pub(super) fn file(&self) -> io::Result<OwnedFd> {
        self.file.try_clone().map(OwnedFd::from)
    }

    /// Returns how many places there are, and how many of them are free.
    #[cfg(test)]
    pub(super) fn count(&self) -> (u64, usize) {
        let free = self.free.lock();
        (free.end, free.places.len())
    }

    pub(super) fn write(&self, place: u64, record: &[u8; RECORD_BYTES]) -> io::Result<()> {
        self.file.write_all_at(record, place * RECORD_BYTES as u64)
    }

    /// Takes a free place.
    pub(super) fn take(&self) -> u64 {
        let mut free = self.free.lock();
        free.places.pop().unwrap_or_else(|| {
            free.end += 1;
            free.end - 1
        })
    }

    /// Frees a place, and removes what it says.
    pub(super) fn free(&self, place: u64) {
        // What is left in it is about a life that is over.
        let _ = self.write(place, &[0; RECORD_BYTES]);
        self.free.lock().places.push(place);
    }
}
