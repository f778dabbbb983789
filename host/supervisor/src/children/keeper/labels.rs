//! What each descriptor on the shelf is, by a label. It is written down for the next host in a file in memory that the keeper
//! keeps, before the keeper is given the descriptor.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{MemfdFlags, memfd_create};

use super::names::contents;

/// The file is written anew when it has more bytes than this, and than four times what it began with.
const BYTES_MIN: u64 = 64 << 10;

/// The longest file that is read.
const BYTES_MAX: u64 = 64 << 20;

/// The labels with their keys, and the file.
#[derive(Debug)]
pub(super) struct Labels {
    keys: BTreeMap<Arc<str>, u32>,
    next: u32,
    file: File,
    bytes: u64,
    bytes_first: u64,
}

/// A label that was entered.
pub(super) struct Entered {
    pub(super) key: u32,
    /// The new file, if there is one; the keeper has to be given it first.
    pub(super) file: Option<OwnedFd>,
}

impl Labels {
    /// Reads the file of a former host; labels of keys that are not kept are left out. New keys begin at `first`.
    pub(super) fn read(
        former: Option<OwnedFd>,
        first: u32,
        is_kept: impl Fn(u32) -> bool,
    ) -> io::Result<Self> {
        let bytes = former.map(|former| contents(former, BYTES_MAX)).transpose()?.unwrap_or_default();
        let mut keys = BTreeMap::new();
        let mut next = first;
        for (key, label) in entries(&bytes) {
            next = next.max(key.saturating_add(1));
            // A key is used once, and the last entry about it counts.
            keys.retain(|_, other| *other != key);
            if !label.is_empty() && is_kept(key) {
                keys.insert(label, key);
            }
        }
        let (file, bytes) = written(&keys)?;
        Ok(Self { keys, next, file, bytes, bytes_first: bytes })
    }

    /// Returns another descriptor of the file, for the keeper.
    pub(super) fn file(&self) -> io::Result<OwnedFd> {
        self.file.try_clone().map(OwnedFd::from)
    }

    /// Returns all labels with their keys.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Arc<str>, u32)> {
        self.keys.iter().map(|(label, key)| (label, *key))
    }

    /// Returns the number of labels.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Enters a label, which gets a new key.
    ///
    /// # Errors
    /// It could not be written down, and is not entered.
    pub(super) fn enter(&mut self, label: &Arc<str>) -> io::Result<Entered> {
        let key = self.next;
        let file = self.write(key, label)?;
        self.next = key.saturating_add(1);
        self.keys.insert(label.clone(), key);
        Ok(Entered { key, file })
    }

    /// Gives what is under one label another one, under which there is nothing. Returns `None` if there is nothing to give it to.
    ///
    /// # Errors
    /// It could not be written down, and nothing has changed.
    pub(super) fn rename(&mut self, from: &str, to: &Arc<str>) -> io::Result<Option<Entered>> {
        let Some(key) = self.keys.get(from).copied() else { return Ok(None) };
        let file = self.write(key, to)?;
        self.keys.remove(from);
        self.keys.insert(to.clone(), key);
        Ok(Some(Entered { key, file }))
    }

    /// Removes a label; returns its key.
    pub(super) fn remove(&mut self, label: &str) -> Option<u32> {
        let key = self.keys.remove(label)?;
        // If it cannot be written down, the label means a key that is not kept.
        let _ = self.file.write_all(&entry(key, ""));
        Some(key)
    }

    fn write(&mut self, key: u32, label: &Arc<str>) -> io::Result<Option<OwnedFd>> {
        if self.bytes > BYTES_MIN.max(self.bytes_first.saturating_mul(4)) {
            let mut keys = self.keys.clone();
            keys.retain(|_, other| *other != key);
            keys.insert(label.clone(), key);
            (self.file, self.bytes_first) = written(&keys)?;
            self.bytes = self.bytes_first;
            return self.file().map(Some);
        }
        let entry = entry(key, label);
        self.file.write_all(&entry)?;
        self.bytes += entry.len() as u64;
        Ok(None)
    }
}

/// Writes these labels into a new file; returns its length, too.
fn written(keys: &BTreeMap<Arc<str>, u32>) -> io::Result<(File, u64)> {
    let bytes: Vec<u8> = keys.iter().flat_map(|(label, key)| entry(*key, label)).collect();
    let mut file = File::from(memfd_create("provost-shelf", MemfdFlags::CLOEXEC)?);
    file.write_all(&bytes)?;
    Ok((file, bytes.len() as u64))
}

/// Returns an entry: the key, the length of the label, the label, which is empty if it was removed.
fn entry(key: u32, label: &str) -> Vec<u8> {
    let length = u32::try_from(label.len()).unwrap_or(u32::MAX);
    let parts: [&[u8]; 3] = [&key.to_le_bytes(), &length.to_le_bytes(), label.as_bytes()];
    parts.concat()
}

/// Reads entries up to the first that is not whole.
fn entries(mut bytes: &[u8]) -> impl Iterator<Item = (u32, Arc<str>)> {
    std::iter::from_fn(move || {
        let (key, rest) = bytes.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (label, rest) = rest.split_at_checked(u32::from_le_bytes(*length).try_into().ok()?)?;
        bytes = rest;
        Some((u32::from_le_bytes(*key), Arc::from(String::from_utf8_lossy(label))))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(of: &Labels) -> Vec<(String, u32)> {
        of.all().map(|(label, key)| (label.to_string(), key)).collect()
    }

    #[test]
    fn the_next_host_reads_the_labels_of_what_is_kept_and_uses_other_keys() {
        let mut own = Labels::read(None, 64, |_| true).unwrap();
        for label in ["notify/web", "listen/web/http", "store/web/0/a"] {
            own.enter(&label.into()).unwrap();
        }
        assert_eq!(own.remove("listen/web/http"), Some(65));
        let mut next = Labels::read(Some(own.file().unwrap()), 64, |key| key != 66).unwrap();
        assert_eq!(labels(&next), [("notify/web".to_owned(), 64)]);
        assert_eq!(next.enter(&"new".into()).unwrap().key, 67);
        assert_eq!(next.remove("nothing"), None);
    }

    #[test]
    fn a_label_that_is_renamed_keeps_its_key_whether_or_not_the_file_is_written_anew() {
        for long in [0, 70_000] {
            let mut own = Labels::read(None, 64, |_| true).unwrap();
            own.enter(&"b".into()).unwrap();
            own.enter(&"x".repeat(long + 1).into()).unwrap();
            for (from, to) in [("b", "z"), ("z", "a")] {
                let renamed = own.rename(from, &to.into()).unwrap().unwrap();
                assert_eq!((renamed.key, renamed.file.is_some()), (64, long > 0 && from == "b"));
                let read = Labels::read(Some(own.file().unwrap()), 64, |_| true).unwrap();
                assert!(labels(&read).contains(&(to.to_owned(), 64)) && read.len() == 2, "{from} to {to}");
            }
            assert!(own.rename("b", &"c".into()).unwrap().is_none());
        }
    }

    #[test]
    fn the_file_is_written_anew_when_most_of_it_is_about_what_is_gone() {
        let mut own = Labels::read(None, 64, |_| true).unwrap();
        let mut renewed = 0;
        for number in 0..1_000 {
            let label: Arc<str> = format!("{}{number}", "n".repeat(200)).into();
            renewed += u32::from(own.enter(&label).unwrap().file.is_some());
            own.remove(&label);
        }
        assert!(renewed > 0 && own.len() == 0, "{renewed}");
        assert!(labels(&Labels::read(Some(own.file().unwrap()), 64, |_| true).unwrap()).is_empty());
    }
}
