//! One file of a stash: memory without a name, to which records are appended, each with one write.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rustix::fs::{MemfdFlags, OFlags, fcntl_setfl, memfd_create};
use tokio::sync::oneshot;

/// A file of a stash. Who appends holds it until what the record says is published.
#[derive(Debug)]
pub(super) struct StashFile {
    file: File,
    pub(super) number: u64,
    bytes: AtomicU64,
    /// Whether everything is in it that was published when it was begun.
    complete: AtomicBool,
    /// A write has failed, or only a part of it was made: what is behind that is not read.
    torn: AtomicBool,
    #[cfg(any(test, feature = "scripted"))]
    gate: super::gate::Gate,
    /// Dropped with the file, when nobody appends to it any more.
    _unused: oneshot::Sender<()>,
}

impl StashFile {
    /// Creates an empty file. The receiver resolves when the file is dropped.
    pub(super) fn create(number: u64) -> io::Result<(Self, oneshot::Receiver<()>)> {
        fail::fail_point!("stash.create", |_| Err(io::Error::from_raw_os_error(libc::EMFILE)));
        let file = memfd_create("provost-stash", MemfdFlags::CLOEXEC)?;
        // Several tasks append at the same time, and the kernel puts one write behind the other.
        fcntl_setfl(&file, OFlags::APPEND)?;
        let (unused, drained) = oneshot::channel();
        let file = Self {
            file: file.into(),
            number,
            bytes: AtomicU64::new(0),
            complete: AtomicBool::new(false),
            torn: AtomicBool::new(false),
            #[cfg(any(test, feature = "scripted"))]
            gate: super::gate::Gate::default(),
            _unused: unused,
        };
        Ok((file, drained))
    }

    /// Counts the writes, for tests.
    #[cfg(any(test, feature = "scripted"))]
    pub(super) fn behind(self, gate: super::gate::Gate) -> Self {
        Self { gate, ..self }
    }

    /// Returns another descriptor of the same open file.
    pub(super) fn again(&self) -> io::Result<OwnedFd> {
        self.file.try_clone().map(OwnedFd::from)
    }

    /// Appends records with one write. If only a part of them was written, what follows is not read any more, and the file
    /// has to be replaced.
    pub(super) fn append(&self, records: &[u8]) -> io::Result<()> {
        #[cfg(any(test, feature = "scripted"))]
        if !self.gate.pass() {
            return Ok(());
        }
        let written = write_once(&self.file, records);
        let lost = match written {
            Ok(count) if count == records.len() => {
                self.bytes.fetch_add(count as u64, Ordering::Relaxed);
                return Ok(());
            }
            Ok(_) => io::Error::other("only a part of a record was written"),
            Err(error) => error,
        };
        self.torn.store(true, Ordering::Relaxed);
        Err(lost)
    }

    /// Says that everything is in it that was published when it was begun.
    pub(super) fn completed(&self) {
        self.complete.store(true, Ordering::Release);
    }

    pub(super) fn is_complete(&self) -> bool {
        self.complete.load(Ordering::Acquire)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(super) fn is_torn(&self) -> bool {
        self.torn.load(Ordering::Relaxed)
    }
}

fn write_once(file: &File, records: &[u8]) -> io::Result<usize> {
    fail::fail_point!("stash.write", |_| Err(io::Error::from_raw_os_error(libc::ENOSPC)));
    loop {
        match rustix::io::write(file, records) {
            Err(rustix::io::Errno::INTR) => {}
            written => return Ok(written?),
        }
    }
}
