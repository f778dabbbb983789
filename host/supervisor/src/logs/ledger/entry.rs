//! The place of one output in the ledger.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::pages::Pages;
use super::record::{Origin, Progress, Record};
use crate::logs::item::LogStream;

/// The place of one output. It is free again when the output is [over](Entry::end) and nobody has it any more. Dropped earlier, it says
/// to the next host what it says now: this host ends.
#[derive(Debug)]
pub(crate) struct Entry {
    pages: Arc<Pages>,
    place: u64,
    id: u32,
    stream: LogStream,
    /// What the place says.
    last: Mutex<Option<Record>>,
    /// Whether nothing more is read of the output.
    is_over: AtomicBool,
}

/// Bytes of an output that are about to be written.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) entry: Arc<Entry>,
    pub(crate) origin: Origin,
}

impl Entry {
    pub(super) fn new(
        pages: Arc<Pages>,
        place: u64,
        (id, stream): (u32, LogStream),
        last: Option<Record>,
    ) -> Self {
        Self { pages, place, id, stream, last: Mutex::new(last), is_over: AtomicBool::new(false) }
    }

    /// Returns what the place says; `None` before the first write.
    pub(crate) fn last(&self) -> Option<Record> {
        *self.last.lock()
    }

    pub(crate) fn stream(&self) -> LogStream {
        self.stream
    }

    /// Says what is about to be written: bytes from `origin` into the log file of this inode.
    pub(crate) fn intend(&self, origin: Origin, inode: u64, before: Progress, after: Progress) {
        let (id, stream) = (self.id, self.stream);
        self.say(Record { id, stream, origin, is_taken: false, inode, before, after });
    }

    /// Says that nothing more is read of the output.
    pub(crate) fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    /// Says that what was written is consumed.
    pub(crate) fn taken(&self) {
        let last = self.last();
        if let Some(record) = last.filter(|record| !record.is_taken) {
            self.say(Record { is_taken: true, ..record });
        }
    }

    /// Says that everything before this place of the origin is in the log.
    pub(crate) fn reached(&self, origin: Origin, is_within_line: bool) {
        let (id, stream) = (self.id, self.stream);
        let at = Progress { is_within_line, ..Progress::default() };
        self.say(Record { id, stream, origin, is_taken: true, inode: 0, before: at, after: at });
    }

    /// Says that the last write is not in the log. Otherwise, a third host could take what this one writes for it.
    pub(crate) fn not_written(&self) {
        if let Some(record) = self.last() {
            self.say(Record { after: record.before, ..record });
        }
    }

    fn say(&self, record: Record) {
        let mut last = self.last.lock();
        *last = Some(record);
        // There is no memory if this fails. A line may be in the log twice then, if the host ends before the next write.
        let _ = self.pages.write(self.place, &record.to_bytes());
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if *self.is_over.get_mut() {
            self.pages.free(self.place);
        }
    }
}
