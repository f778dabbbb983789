//! What is on the shelf: descriptors by their labels, and the keys under which the keeper has them.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use super::labels::Labels;

/// What is on the shelf.
#[derive(Debug)]
pub(super) struct Shelved(Mutex<Contents>);

/// What another keeper is given.
pub(super) struct ShelfEstate {
    /// The file of labels.
    pub(super) labels: OwnedFd,
    /// The descriptors with their keys.
    pub(super) descriptors: Vec<(u32, Arc<OwnedFd>)>,
}

/// The labels, and the descriptors under them.
#[derive(Debug)]
pub(super) struct Contents {
    pub(super) labels: Labels,
    pub(super) descriptors: HashMap<Arc<str>, Arc<OwnedFd>>,
}

impl Shelved {
    /// Reads what a former host has left: the file of labels, and the descriptors by their keys, which begin at `first`.
    pub(super) fn read(
        file: Option<OwnedFd>,
        first: u32,
        mut kept: HashMap<u32, OwnedFd>,
    ) -> io::Result<Self> {
        let labels = Labels::read(file, first, |key| kept.contains_key(&key))?;
        let found =
            labels.all().filter_map(|(label, key)| Some((label.clone(), Arc::new(kept.remove(&key)?))));
        let descriptors = found.collect();
        Ok(Self(Mutex::new(Contents { labels, descriptors })))
    }

    /// Returns the file of labels, for the keeper.
    pub(super) fn file(&self) -> io::Result<OwnedFd> {
        self.0.lock().labels.file()
    }

    /// Returns what another keeper is given, of one moment.
    pub(super) fn estate(&self) -> io::Result<ShelfEstate> {
        let contents = self.0.lock();
        let of = |(label, key)| Some((key, contents.descriptors.get(label)?.clone()));
        let descriptors = contents.labels.all().filter_map(of).collect();
        Ok(ShelfEstate { labels: contents.labels.file()?, descriptors })
    }

    /// Returns all of it, for one change.
    pub(super) fn contents(&self) -> MutexGuard<'_, Contents> {
        self.0.lock()
    }
}
