//! The file of the ledger: one place for each output that is read, and the entries that a former host has left.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use parking_lot::Mutex;
use rustix::fs::{MemfdFlags, memfd_create};

use super::entry::Entry;
use super::pages::Pages;
use super::record::{RECORD_BYTES, Record};
use crate::logs::disk::read_at;
use crate::logs::item::LogStream;

/// The most places that are read of a former host: two outputs of each of half a million lives.
const PLACES_MAX: u64 = 1 << 20;

/// The ledger. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Ledger(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    pages: Arc<Pages>,
    /// The entries of a former host, until their outputs are read again.
    former: Mutex<HashMap<(u32, LogStream), Arc<Entry>>>,
    /// The numbers of the lives of a former host, by the names of their processes.
    lives: HashMap<Arc<str>, Vec<u32>>,
}

impl Ledger {
    /// Goes on with the file of a former host, or begins one. `lives` are those that are held; what the file says of others is
    /// dropped.
    ///
    /// # Errors
    /// The file cannot be made or read.
    pub(crate) fn new(
        former: Option<OwnedFd>,
        lives: impl Iterator<Item = (u32, Arc<str>)>,
    ) -> io::Result<Self> {
        let file = match former {
            Some(file) => file,
            None => memfd_create("provost-ledger", MemfdFlags::CLOEXEC)?,
        };
        let file = File::from(file);
        let end = file.metadata()?.len().div_ceil(RECORD_BYTES as u64).min(PLACES_MAX);
        let bytes = read_at(&file, 0, usize::try_from(end).unwrap_or(0) * RECORD_BYTES)?;
        let (mut names, mut by_name) = (HashMap::new(), HashMap::<Arc<str>, Vec<u32>>::new());
        for (id, name) in lives {
            by_name.entry(name.clone()).or_default().push(id);
            names.insert(id, name);
        }
        let pages = Arc::new(Pages::new(file, end));
        let mut entries = HashMap::new();
        for place in 0..end {
            let at = usize::try_from(place).unwrap_or(0) * RECORD_BYTES;
            let record = bytes.get(at..).and_then(|bytes| bytes.first_chunk()).and_then(Record::from_bytes);
            match record.filter(|record| names.contains_key(&record.id)) {
                Some(record) => {
                    let key = (record.id, record.stream);
                    entries.insert(key, Arc::new(Entry::new(pages.clone(), place, key, Some(record))));
                }
                None => pages.free(place),
            }
        }
        Ok(Self(Arc::new(Inner { pages, former: Mutex::new(entries), lives: by_name })))
    }

    /// Returns another descriptor of the file, for the keeper.
    ///
    /// # Errors
    /// There is no descriptor.
    pub(crate) fn file(&self) -> io::Result<OwnedFd> {
        self.0.pages.file()
    }

    /// Returns the entries that a former host has left about this process.
    pub(crate) fn left_about(&self, process: &str) -> Vec<Arc<Entry>> {
        let former = self.0.former.lock();
        let ids = self.0.lives.get(process).into_iter().flatten();
        let both = ids.flat_map(|id| [(*id, LogStream::Out), (*id, LogStream::Err)]);
        both.filter_map(|key| former.get(&key).cloned()).collect()
    }

    /// Returns the entry of an output: that of a former host, or a new one.
    pub(crate) fn entry(&self, id: u32, stream: LogStream) -> Arc<Entry> {
        let key = (id, stream);
        let left = self.0.former.lock().remove(&key);
        let begin = || Arc::new(Entry::new(self.0.pages.clone(), self.0.pages.take(), key, None));
        left.unwrap_or_else(begin)
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::{Origin, Progress};
    use super::*;

    fn lives(ids: &[u32]) -> impl Iterator<Item = (u32, Arc<str>)> {
        ids.iter().map(|id| (*id, Arc::from("web")))
    }

    #[test]
    fn another_host_reads_what_is_left_about_the_lives_that_are_held() {
        let ledger = Ledger::new(None, lives(&[])).unwrap();
        let entries: Vec<_> = [1, 2, 3].map(|id| ledger.entry(id, LogStream::Out)).into();
        let write = |raw| Progress { raw, ..Progress::default() };
        for (number, entry) in (10..).zip(&entries) {
            entry.intend(Origin::Pipe, 5, write(0), write(number));
        }
        entries[1].taken();
        let next = Ledger::new(Some(ledger.file().unwrap()), lives(&[2, 3])).unwrap();
        let left = next.left_about("web");
        assert_eq!(left.iter().map(|entry| entry.last().unwrap().after.raw).collect::<Vec<_>>(), [11, 12]);
        assert_eq!(
            left.iter().map(|entry| entry.last().unwrap().is_taken).collect::<Vec<_>>(),
            [true, false]
        );
        left[1].not_written();
        drop(left);
        let third = next.entry(3, LogStream::Out);
        assert_eq!(third.last().unwrap().after, write(0));
        third.end();
        drop(third);
        // Its place is free, and is used again.
        assert_eq!(next.entry(4, LogStream::Err).last(), None);
        assert_eq!(next.0.pages.count().0, 3);
    }

    #[test]
    fn what_is_not_a_record_is_a_free_place() {
        let file = memfd_create("test", MemfdFlags::CLOEXEC).unwrap();
        rustix::io::write(&file, &[7; 100]).unwrap();
        let ledger = Ledger::new(Some(file), lives(&[1])).unwrap();
        assert!(ledger.left_about("web").is_empty());
        assert_eq!(ledger.0.pages.count(), (2, 2));
    }
}
