//! The host's side of `memory`: a few keys and values of a plugin's own, that survive its calls, its swaps and the host.
//!
//! A call writes into a [`Transaction`] of its own, which takes effect when the call has succeeded. What is published is
//! immutable and replaced whole, so that nobody who reads waits. What was written goes into a file off the path of
//! the call (`memory::file`).

mod file;
mod keeper;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use crate::bindings::memory::{Host, Refusal};
use crate::call::Guest;
use crate::convert;
use crate::lacks::Lacks;
use crate::limits::{Limit, Limits, size};

use file::Kept;
pub(crate) use keeper::Keeper;

/// What is stored.
pub(crate) type Values = BTreeMap<Arc<str>, Arc<[u8]>>;

/// What all keys and values have together, in bytes.
fn bytes(values: &Values) -> usize {
    values.iter().map(|(key, value)| key.len() + value.len()).sum()
}

/// The memory of one plugin, over all of its versions and instances.
#[derive(Debug)]
pub(crate) struct Memory {
    values: ArcSwap<Values>,
    /// Orders those who publish.
    publishing: Mutex<()>,
    kept: Option<Kept>,
    /// Is there something that the file does not say yet?
    dirty: AtomicBool,
}

impl Memory {
    /// As it was left in the file of this plugin, if there is a keeper of files.
    pub(crate) fn open(plugin: &str, keeper: Option<&Keeper>) -> Arc<Self> {
        let kept = keeper.map(|keeper| keeper.of(plugin));
        let values = kept.as_ref().map(Kept::read).unwrap_or_default();
        Arc::new(Self {
            values: ArcSwap::from_pointee(values),
            publishing: Mutex::default(),
            kept,
            dirty: AtomicBool::new(false),
        })
    }

    /// All keys and values together, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        bytes(&self.values.load())
    }

    /// Publishes what a call has written, over what others have published since it began.
    ///
    /// # Errors
    /// Says why it does not fit any more.
    pub(crate) fn commit(self: &Arc<Self>, written: Transaction, limits: &Limits) -> Result<(), String> {
        if written.writes.is_empty() {
            return Ok(());
        }
        let publishing = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut values = Values::clone(&self.values.load());
        let before = bytes(&values);
        for (key, value) in written.writes {
            match value {
                Some(value) => values.insert(key.into(), value.into()),
                None => values.remove(&*key),
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
        drop(publishing);
        if let Some(kept) = &self.kept
            && !self.dirty.swap(true, Ordering::AcqRel)
        {
            kept.write_soon(self.clone());
        }
        Ok(())
    }

    /// Writes the file; returns false if that is not possible now. What is published from here on makes it dirty again.
    fn write(&self) -> bool {
        self.dirty.store(false, Ordering::Release);
        self.kept.as_ref().is_none_or(|kept| kept.write(&self.values.load_full()))
    }

    /// Says that what could not be written is lost.
    fn tell_lost(&self) {
        if let Some(kept) = &self.kept {
            kept.tell_lost();
        }
    }
}

/// Returns true if a memory must not come from `before` to `after` bytes. One that has more than its limit, because the limit was
/// lowered since, may still shrink, by as little as it likes.
fn is_too_much(before: usize, after: usize, limits: &Limits) -> bool {
    after > limits.stored_bytes_max && after > before
}

/// What one call sees of a memory, and has written.
#[derive(Debug, Default)]
pub(crate) struct Transaction {
    /// What was published when the call first looked, and its size.
    seen: Option<(Arc<Values>, usize)>,
    writes: BTreeMap<String, Option<Vec<u8>>>,
    /// The difference that the writes make, in bytes.
    grown: isize,
}

impl Transaction {
    fn seen(&mut self, memory: &Memory) -> (&Values, usize) {
        let (values, bytes) = self.seen.get_or_insert_with(|| {
            let values = memory.values.load_full();
            let bytes = bytes(&values);
            (values, bytes)
        });
        (values, *bytes)
    }

    pub(crate) fn get(&mut self, memory: &Memory, key: &str) -> Option<Vec<u8>> {
        match self.writes.get(key) {
            Some(written) => written.clone(),
            None => self.seen(memory).0.get(key).map(|value| value.to_vec()),
        }
    }

    /// The bytes that a key takes now, itself included.
    fn taken(&mut self, memory: &Memory, key: &str) -> usize {
        let value = match self.writes.get(key) {
            Some(written) => written.as_ref().map(Vec::len),
            None => self.seen(memory).0.get(key).map(|value| value.len()),
        };
        value.map_or(0, |value| value + key.len())
    }

    pub(crate) fn set(
        &mut self,
        memory: &Memory,
        limits: &Limits,
        key: String,
        value: Vec<u8>,
    ) -> Result<(), Refusal> {
        if key.is_empty() || key.len() > limits.key_bytes_max {
            return Err(Refusal::KeyLength(convert::count(limits.key_bytes_max)));
        }
        let grown = self.grown + difference(self.taken(memory, &key), key.len() + value.len());
        let (seen, written) = (self.seen(memory).1, self.grown);
        let (before, after) = (seen.saturating_add_signed(written), seen.saturating_add_signed(grown));
        if is_too_much(before, after, limits) {
            return Err(Refusal::Full(limits.stored_bytes_max as u64));
        }
        self.grown = grown;
        self.writes.insert(key, Some(value));
        Ok(())
    }

    fn delete(&mut self, memory: &Memory, key: String) {
        let taken = self.taken(memory, &key);
        if taken > 0 {
            self.grown += difference(taken, 0);
            self.writes.insert(key, None);
        }
    }

    pub(crate) fn keys(&mut self, memory: &Memory) -> Vec<String> {
        let mut keys: BTreeMap<String, bool> =
            self.seen(memory).0.keys().map(|key| (key.to_string(), true)).collect();
        keys.extend(self.writes.iter().map(|(key, value)| (key.clone(), value.is_some())));
        keys.into_iter().filter_map(|(key, is_there)| is_there.then_some(key)).collect()
    }
}

/// The signed size change; both operands fit in `isize`.
fn difference(from: usize, to: usize) -> isize {
    to.cast_signed() - from.cast_signed()
}

impl Host for Guest {
    fn get(&mut self, key: String) -> Option<Vec<u8>> {
        let (memory, transaction, _) = self.memory();
        transaction.get(memory, &key)
    }

    fn set(&mut self, key: String, value: Vec<u8>) -> Result<(), Refusal> {
        let (memory, transaction, limits) = self.memory();
        transaction.set(memory, limits, key, value)
    }

    fn delete(&mut self, key: String) {
        let (memory, transaction, _) = self.memory();
        transaction.delete(memory, key);
    }

    fn keys(&mut self) -> Vec<String> {
        let (memory, transaction, _) = self.memory();
        transaction.keys(memory)
    }
}

/// The keeper of the files in `dir`, if one is wanted and possible.
pub(crate) fn keeper(dir: Option<&Path>, lacks: &Lacks) -> Option<Keeper> {
    let failed = |error| {
        let reason = format!("what plugins remember is not kept, and ends with the host: {error}");
        lacks.set("the memory of plugins", reason);
    };
    Keeper::new(dir?, lacks).map_err(failed).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits { stored_bytes_max: 10, key_bytes_max: 3, ..Limits::default() }
    }

    #[test]
    fn what_a_call_writes_is_its_own_until_it_is_published() {
        let memory = Memory::open("p", None);
        let mut writer = Transaction::default();
        writer.set(&memory, &limits(), "a".into(), b"12".to_vec()).unwrap();
        assert_eq!(writer.get(&memory, "a"), Some(b"12".to_vec()));
        assert_eq!(Transaction::default().get(&memory, "a"), None);
        memory.commit(writer, &limits()).unwrap();
        assert_eq!(Transaction::default().get(&memory, "a"), Some(b"12".to_vec()));
        assert_eq!(memory.bytes(), 3);
    }

    #[test]
    fn a_deleted_key_is_gone_and_its_bytes_are_free_again() {
        let memory = Memory::open("p", None);
        let mut first = Transaction::default();
        first.set(&memory, &limits(), "a".into(), vec![0; 9]).unwrap();
        assert!(matches!(first.set(&memory, &limits(), "b".into(), vec![]), Err(Refusal::Full(10))));
        memory.commit(first, &limits()).unwrap();
        let mut second = Transaction::default();
        second.delete(&memory, "a".into());
        second.delete(&memory, "nobody".into());
        second.set(&memory, &limits(), "b".into(), vec![0; 9]).unwrap();
        assert_eq!(second.keys(&memory), ["b"]);
        memory.commit(second, &limits()).unwrap();
        assert_eq!(Transaction::default().keys(&memory), ["b"]);
    }

    #[test]
    fn a_memory_beyond_a_lowered_limit_may_shrink_and_not_grow() {
        let memory = Memory::open("p", None);
        let wide = Limits { stored_bytes_max: 100, ..limits() };
        let mut first = Transaction::default();
        for key in ["a", "b", "c"] {
            first.set(&memory, &wide, key.into(), vec![0; 20]).unwrap();
        }
        memory.commit(first, &wide).unwrap();

        let mut second = Transaction::default();
        assert!(matches!(second.set(&memory, &limits(), "d".into(), vec![]), Err(Refusal::Full(10))));
        assert!(matches!(second.set(&memory, &limits(), "a".into(), vec![0; 21]), Err(Refusal::Full(10))));
        second.set(&memory, &limits(), "a".into(), vec![0; 19]).unwrap();
        second.delete(&memory, "b".into());
        memory.commit(second, &limits()).unwrap();
        assert_eq!(memory.bytes(), 41, "still beyond the limit, and less than before");
        let mut third = Transaction::default();
        third.delete(&memory, "a".into());
        third.delete(&memory, "c".into());
        third.set(&memory, &limits(), "d".into(), vec![0; 9]).unwrap();
        memory.commit(third, &limits()).unwrap();
        assert_eq!(memory.bytes(), 10);
    }

    #[test]
    fn a_key_that_is_empty_or_too_long_is_refused_with_the_limit() {
        let memory = Memory::open("p", None);
        for key in ["", "four"] {
            let refused = Transaction::default().set(&memory, &limits(), key.into(), vec![]);
            assert!(matches!(refused, Err(Refusal::KeyLength(3))), "{key:?}");
        }
    }

    #[test]
    fn two_calls_that_fit_alone_and_not_together_do_not_go_beyond_the_limit() {
        let memory = Memory::open("p", None);
        let mut calls = [Transaction::default(), Transaction::default()];
        for (call, key) in calls.iter_mut().zip(["a", "b"]) {
            call.set(&memory, &limits(), key.into(), vec![0; 8]).unwrap();
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
