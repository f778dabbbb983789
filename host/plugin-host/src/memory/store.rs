//! The memory of one plugin: its published values, and the file that keeps them.
//!
//! What a call has written is published when the call succeeds, and settled when nobody holds the [`MemoryChange`] any more.
//! Until then the decision that it belongs to may still be written down together with it. Only what is settled gets into the
//! file, so that a host which is killed in between, and asks again, finds the memory as it was before the question.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use provost_state::{MemoryChange, MemoryWrite, Settled};

use crate::limits::{Limit, Limits};
use crate::text::size;

use super::file::MemoryFile;
use super::keeper::{Job, Keeper, Unwritten, Written};
use super::transaction::Transaction;
use super::values::{Published, Values, Versioned, apply, bytes, is_too_much};

/// The file that keeps a memory, and the jobs of the keeper that writes it.
#[derive(Debug)]
struct Kept {
    file: MemoryFile,
    jobs: Sender<Job>,
}

/// The memory of one plugin, shared by all of its versions and instances.
#[derive(Debug)]
pub(crate) struct Memory {
    plugin: Arc<str>,
    values: Published,
    /// The number of changes, those of former hosts included.
    changes: AtomicU64,
    /// Serializes commits.
    publishing: Mutex<Settling>,
    kept: Option<Kept>,
    /// Whether a write was requested since the last one began.
    dirty: AtomicBool,
}

/// What of a memory is settled.
#[derive(Debug, Default)]
struct Settling {
    /// The values after the last change before which all are settled.
    settled: Versioned,
    /// The later changes, oldest first.
    open: VecDeque<Open>,
}

/// A change that is not settled, or that was settled before an earlier one.
#[derive(Debug)]
struct Open {
    change: Weak<MemoryChange>,
    version: u64,
    writes: Vec<MemoryWrite>,
}

impl Settling {
    /// Moves what is settled by now.
    fn advance(&mut self) {
        while self.open.front().is_some_and(|first| first.change.strong_count() == 0)
            && let Some(Open { version, writes, .. }) = self.open.pop_front()
        {
            apply(Arc::make_mut(&mut self.settled.values), &writes);
            self.settled.version = version;
        }
    }

    /// Returns the values with everything that is settled, also after a change that is not.
    fn all_settled(&self) -> Versioned {
        let mut all = self.settled.clone();
        for open in self.open.iter().filter(|open| open.change.strong_count() == 0) {
            apply(Arc::make_mut(&mut all.values), &open.writes);
        }
        all
    }
}

impl Memory {
    /// Opens the memory of this plugin, with the values from its file if there is a keeper of files. `former` are the changes
    /// that a former host has written down: those that are later than the file are made again.
    pub(crate) fn open(plugin: &str, keeper: Option<&Keeper>, former: &[MemoryChange]) -> Arc<Self> {
        let kept = keeper.map(|keeper| Kept { file: keeper.file(plugin), jobs: keeper.jobs() });
        let mut settled = kept.as_ref().map(|kept| kept.file.read()).unwrap_or_default();
        let in_file = settled.version;
        for change in former.iter().filter(|change| change.version > in_file) {
            apply(Arc::make_mut(&mut settled.values), &change.writes);
            settled.version = settled.version.max(change.version);
        }
        let is_behind = settled.version > in_file;
        let memory = Arc::new(Self {
            plugin: plugin.into(),
            values: Published::new(settled.values.clone()),
            changes: AtomicU64::new(settled.version),
            publishing: Mutex::new(Settling { settled, open: VecDeque::new() }),
            kept,
            dirty: AtomicBool::new(false),
        });
        if is_behind {
            memory.write_soon();
        }
        memory
    }

    /// Has the file written by the thread of the keeper.
    fn write_soon(self: &Arc<Self>) {
        if let Some(kept) = &self.kept
            && !self.dirty.swap(true, Ordering::AcqRel)
        {
            // After the end of the host nothing is written.
            let _ = kept.jobs.send(Job::Write(self.clone()));
        }
    }

    /// Writes these values into the file. `is_all` says whether they are everything that is published.
    fn write_into_file(&self, values: &Versioned, is_all: bool) -> Written {
        match &self.kept {
            Some(kept) if !kept.file.write(values) => Written::Failed,
            Some(_) if !is_all => Written::Settled,
            _ => Written::All,
        }
    }

    /// Returns the size of all keys and values together, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        bytes(&self.values.load())
    }

    /// Returns the version of the values: the number of times that they were changed, by former hosts as well.
    pub(crate) fn version(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// Returns the published values.
    pub(crate) fn published(&self) -> &Published {
        &self.values
    }

    /// Publishes the writes of a call, on top of what others have published since it began, and returns them.
    ///
    /// # Errors
    /// The reason why they no longer fit.
    pub(crate) fn commit(
        self: &Arc<Self>,
        written: Transaction,
        limits: &Limits,
    ) -> Result<Option<Arc<MemoryChange>>, String> {
        let writes: Vec<MemoryWrite> = written.into_writes().into_iter().map(shared).collect();
        if writes.is_empty() {
            return Ok(None);
        }
        let mut publishing = self.publishing.lock();
        let mut values = Values::clone(&self.values.load());
        let before = bytes(&values);
        apply(&mut values, &writes);
        let total = bytes(&values);
        if is_too_much(before, total, limits) {
            return Err(format!(
                "its memory would have {} with what another call has written, and at most {} are allowed (limits.{})",
                size(total),
                size(limits.stored_bytes_max),
                Limit::Store.name()
            ));
        }
        self.values.store(Arc::new(values));
        let version = self.changes.fetch_add(1, Ordering::AcqRel) + 1;
        let memory = self.clone();
        let settled = Settled::then(move || memory.write_soon());
        let written = writes.clone();
        let change = Arc::new(MemoryChange { plugin: self.plugin.clone(), version, writes, settled });
        publishing.open.push_back(Open { change: Arc::downgrade(&change), version, writes: written });
        publishing.advance();
        drop(publishing);
        Ok(Some(change))
    }
}

fn shared((key, value): (String, Option<Vec<u8>>)) -> MemoryWrite {
    (key.into(), value.map(Arc::from))
}

impl Unwritten for Memory {
    fn write(&self) -> Written {
        self.dirty.store(false, Ordering::Release);
        let mut publishing = self.publishing.lock();
        publishing.advance();
        let (settled, is_all) = (publishing.settled.clone(), publishing.open.is_empty());
        drop(publishing);
        self.write_into_file(&settled, is_all)
    }

    fn write_last(&self) -> Written {
        let settled = self.publishing.lock().all_settled();
        self.write_into_file(&settled, true)
    }

    fn tell_lost(&self) {
        if let Some(kept) = &self.kept {
            kept.file.tell_lost();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Refused;

    fn limits() -> Limits {
        Limits { stored_bytes_max: 10, key_bytes_max: 3, ..Limits::default() }
    }

    #[test]
    fn the_writes_of_a_call_are_visible_to_it_alone_until_they_are_published() {
        let memory = Memory::open("p", None, &[]);
        let mut writer = Transaction::default();
        writer.set(memory.published(), &limits(), "a".into(), b"12".to_vec()).unwrap();
        assert_eq!(writer.get(memory.published(), "a"), Some(b"12".to_vec()));
        assert_eq!(Transaction::default().get(memory.published(), "a"), None);
        let change = memory.commit(writer, &limits()).unwrap().unwrap();
        assert_eq!((&*change.plugin, change.version), ("p", 1));
        assert_eq!(change.writes, [("a".into(), Some(b"12"[..].into()))]);
        assert_eq!(memory.commit(Transaction::default(), &limits()), Ok(None), "nothing was written");
        assert_eq!(Transaction::default().get(memory.published(), "a"), Some(b"12".to_vec()));
        assert_eq!(memory.bytes(), 3);
    }

    #[test]
    fn a_deleted_key_is_gone_and_its_bytes_are_free_again() {
        let memory = Memory::open("p", None, &[]);
        let mut first = Transaction::default();
        first.set(memory.published(), &limits(), "a".into(), vec![0; 9]).unwrap();
        assert!(matches!(
            first.set(memory.published(), &limits(), "b".into(), vec![]),
            Err(Refused::Full { bytes_max: 10 })
        ));
        memory.commit(first, &limits()).unwrap();
        let mut second = Transaction::default();
        second.delete(memory.published(), "a".into());
        second.delete(memory.published(), "nobody".into());
        second.set(memory.published(), &limits(), "b".into(), vec![0; 9]).unwrap();
        assert_eq!(second.keys(memory.published()), ["b"]);
        let change = memory.commit(second, &limits()).unwrap().unwrap();
        assert_eq!((change.version, &change.writes[0]), (2, &("a".into(), None)));
        assert_eq!(Transaction::default().keys(memory.published()), ["b"]);
    }

    #[test]
    fn a_memory_beyond_a_lowered_limit_may_shrink_and_not_grow() {
        let memory = Memory::open("p", None, &[]);
        let wide = Limits { stored_bytes_max: 100, ..limits() };
        let mut first = Transaction::default();
        for key in ["a", "b", "c"] {
            first.set(memory.published(), &wide, key.into(), vec![0; 20]).unwrap();
        }
        memory.commit(first, &wide).unwrap();

        let mut second = Transaction::default();
        assert!(matches!(
            second.set(memory.published(), &limits(), "d".into(), vec![]),
            Err(Refused::Full { bytes_max: 10 })
        ));
        assert!(matches!(
            second.set(memory.published(), &limits(), "a".into(), vec![0; 21]),
            Err(Refused::Full { bytes_max: 10 })
        ));
        second.set(memory.published(), &limits(), "a".into(), vec![0; 19]).unwrap();
        second.delete(memory.published(), "b".into());
        memory.commit(second, &limits()).unwrap();
        assert_eq!(memory.bytes(), 41, "still beyond the limit, and less than before");
        let mut third = Transaction::default();
        third.delete(memory.published(), "a".into());
        third.delete(memory.published(), "c".into());
        third.set(memory.published(), &limits(), "d".into(), vec![0; 9]).unwrap();
        memory.commit(third, &limits()).unwrap();
        assert_eq!(memory.bytes(), 10);
    }

    /// Opens the memory with the file in this directory. The thread of the keeper has ended, so that the test alone writes it.
    fn open(dir: &tempfile::TempDir, former: &[MemoryChange]) -> Arc<Memory> {
        let keeper = Keeper::new(dir.path(), &crate::lacks::Lacks::default()).unwrap();
        Memory::open("p", Some(&keeper), former)
    }

    fn set(memory: &Arc<Memory>, key: &str, value: &[u8]) -> Arc<MemoryChange> {
        let mut call = Transaction::default();
        call.set(memory.published(), &limits(), key.into(), value.to_vec()).unwrap();
        memory.commit(call, &limits()).unwrap().unwrap()
    }

    fn get(memory: &Memory, key: &str) -> Option<Vec<u8>> {
        Transaction::default().get(memory.published(), key)
    }

    #[test]
    fn the_file_has_what_is_settled_and_nothing_that_was_published_after_something_that_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let memory = open(&dir, &[]);
        drop(set(&memory, "a", b"1"));
        let undecided = set(&memory, "a", b"2");
        drop(set(&memory, "b", b"3"));
        assert_eq!(memory.write(), Written::Settled);
        let next = open(&dir, &[]);
        assert_eq!((get(&next, "a"), get(&next, "b"), next.version()), (Some(b"1".to_vec()), None, 1));
        assert_eq!(memory.write_last(), Written::All);
        let last = open(&dir, &[]);
        assert_eq!((get(&last, "a"), get(&last, "b")), (Some(b"1".to_vec()), Some(b"3".to_vec())));
        drop(undecided);
        assert_eq!(memory.write(), Written::All);
        let next = open(&dir, &[]);
        assert_eq!((get(&next, "a"), get(&next, "b")), (Some(b"2".to_vec()), Some(b"3".to_vec())));
        assert_eq!(next.version(), 3);
    }

    #[test]
    fn what_a_former_host_has_written_down_is_taken_over_where_it_is_later_than_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let memory = open(&dir, &[]);
        for (key, value) in [("a", b"1"), ("b", b"2"), ("c", b"3")] {
            drop(set(&memory, key, value));
        }
        memory.write();
        let former = |version, key: &str, value: Option<&[u8]>| MemoryChange {
            plugin: "p".into(),
            version,
            writes: vec![(key.into(), value.map(Arc::from))],
            settled: Settled::default(),
        };
        // The first one is in the file already, with a later change of the same key that was made by a consumer.
        let former = [former(2, "b", Some(b"0")), former(4, "a", None), former(5, "c", Some(b"9"))];
        let next = open(&dir, &former);
        let all = ["a", "b", "c"].map(|key| get(&next, key));
        assert_eq!(all, [None, Some(b"2".to_vec()), Some(b"9".to_vec())]);
        assert_eq!(next.version(), 5);
        assert_eq!(set(&next, "a", b"7").version, 6);
        // It is in the file now, and is not made again.
        assert_eq!(next.write(), Written::All);
        assert_eq!(get(&open(&dir, &former), "a"), Some(b"7".to_vec()));
    }

    #[test]
    fn a_key_that_is_empty_or_too_long_is_refused_with_the_limit() {
        let memory = Memory::open("p", None, &[]);
        for key in ["", "four"] {
            let refused = Transaction::default().set(memory.published(), &limits(), key.into(), vec![]);
            assert!(matches!(refused, Err(Refused::KeyLength { bytes_max: 3 })), "{key:?}");
        }
    }

    #[test]
    fn two_calls_that_fit_alone_and_not_together_do_not_go_beyond_the_limit() {
        let memory = Memory::open("p", None, &[]);
        let mut calls = [Transaction::default(), Transaction::default()];
        for (call, key) in calls.iter_mut().zip(["a", "b"]) {
            call.set(memory.published(), &limits(), key.into(), vec![0; 8]).unwrap();
        }
        let [first, second] = calls;
        memory.commit(first, &limits()).unwrap();
        let refused = memory.commit(second, &limits()).unwrap_err();
        assert_eq!(
            refused,
            "its memory would have 18 bytes with what another call has written, and at most 10 bytes are allowed (limits.store)"
        );
        assert_eq!(memory.bytes(), 9);
    }
}
