//! The memory of one plugin: its published values, and the file that keeps them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::Sender;

use parking_lot::Mutex;
use provost_state::{MemoryChange, MemoryWrite};

use crate::limits::{Limit, Limits};
use crate::text::size;

use super::file::MemoryFile;
use super::keeper::{Job, Keeper, Unwritten};
use super::transaction::Transaction;
use super::values::{Published, Values, bytes, is_too_much};

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
    /// The number of changes since the host started.
    changes: AtomicU64,
    /// Serializes commits.
    publishing: Mutex<()>,
    kept: Option<Kept>,
    /// Whether a write was requested since the last one began.
    dirty: AtomicBool,
}

impl Memory {
    /// Opens the memory of this plugin, with the values from its file if there is a keeper of files.
    pub(crate) fn open(plugin: &str, keeper: Option<&Keeper>) -> Arc<Self> {
        let kept = keeper.map(|keeper| Kept { file: keeper.file(plugin), jobs: keeper.jobs() });
        let values = kept.as_ref().map(|kept| kept.file.read()).unwrap_or_default();
        Arc::new(Self {
            plugin: plugin.into(),
            values: Published::from_pointee(values),
            changes: AtomicU64::new(0),
            publishing: Mutex::default(),
            kept,
            dirty: AtomicBool::new(false),
        })
    }

    /// Returns the size of all keys and values together, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        bytes(&self.values.load())
    }

    /// Returns the version of the values: the number of times that they were changed since the host started.
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
        let publishing = self.publishing.lock();
        let mut values = Values::clone(&self.values.load());
        let before = bytes(&values);
        for (key, value) in &writes {
            match value {
                Some(value) => values.insert(key.clone(), value.clone()),
                None => values.remove(key),
            };
        }
        let total = bytes(&values);
        if is_too_much(before, total, limits) {
            return Err(format!(
                "its memory would have {} with what another call has written, and may have {} (limits.{})",
                size(total),
                size(limits.stored_bytes_max),
                Limit::Store.name()
            ));
        }
        self.values.store(Arc::new(values));
        let version = self.changes.fetch_add(1, Ordering::AcqRel) + 1;
        drop(publishing);
        if let Some(kept) = &self.kept
            && !self.dirty.swap(true, Ordering::AcqRel)
        {
            // After the end of the host nothing is written.
            let _ = kept.jobs.send(Job::Write(self.clone()));
        }
        Ok(Some(Arc::new(MemoryChange { plugin: self.plugin.clone(), version, writes })))
    }
}

fn shared((key, value): (String, Option<Vec<u8>>)) -> MemoryWrite {
    (key.into(), value.map(Arc::from))
}

impl Unwritten for Memory {
    fn write(&self) -> bool {
        self.dirty.store(false, Ordering::Release);
        self.kept.as_ref().is_none_or(|kept| kept.file.write(&self.values.load_full()))
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
        let memory = Memory::open("p", None);
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
        let memory = Memory::open("p", None);
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
        let memory = Memory::open("p", None);
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

    #[test]
    fn a_key_that_is_empty_or_too_long_is_refused_with_the_limit() {
        let memory = Memory::open("p", None);
        for key in ["", "four"] {
            let refused = Transaction::default().set(memory.published(), &limits(), key.into(), vec![]);
            assert!(matches!(refused, Err(Refused::KeyLength { bytes_max: 3 })), "{key:?}");
        }
    }

    #[test]
    fn two_calls_that_fit_alone_and_not_together_do_not_go_beyond_the_limit() {
        let memory = Memory::open("p", None);
        let mut calls = [Transaction::default(), Transaction::default()];
        for (call, key) in calls.iter_mut().zip(["a", "b"]) {
            call.set(memory.published(), &limits(), key.into(), vec![0; 8]).unwrap();
        }
        let [first, second] = calls;
        memory.commit(first, &limits()).unwrap();
        let refused = memory.commit(second, &limits()).unwrap_err();
        assert_eq!(
            refused,
            "its memory would have 18 bytes with what another call has written, and may have 10 bytes (limits.store)"
        );
        assert_eq!(memory.bytes(), 9);
    }
}
