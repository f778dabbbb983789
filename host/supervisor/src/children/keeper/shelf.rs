//! Descriptors that outlive a host: listening sockets, notification sockets, readiness descriptors, and what processes have given
//! to be kept. The keeper holds them; this host holds them as well, each under its label.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use provost_keeper::protocol::{Order, STASHES_MAX};

use super::connection::Keeper;
use super::keys::SHELF_KEYS;
use super::labels::Entered;

/// The most descriptors on the shelf: the keeper has other files as well.
const SHELF_MAX: usize = STASHES_MAX - SHELF_KEYS.start as usize;

/// The shelf, which remembers nothing without a keeper. Clones are the same one.
#[derive(Clone, Debug)]
pub(in crate::children) struct Shelf(Option<Keeper>);

impl Shelf {
    pub(in crate::children) fn new(keeper: Option<Keeper>) -> Self {
        Self(keeper)
    }

    /// Puts a descriptor under a label, in the place of what is there. If it cannot be kept, it lasts as long as this host, and
    /// that is logged.
    pub(in crate::children) fn put(&self, label: &str, descriptor: Arc<OwnedFd>) {
        let Some(keeper) = &self.0 else { return };
        self.drop(label);
        let mut contents = keeper.shelved().contents();
        let label: Arc<str> = label.into();
        let copy = match descriptor.try_clone() {
            Ok(copy) if contents.labels.len() < SHELF_MAX => Ok(copy),
            Ok(_) => Err(io::Error::other(format!("the keeper keeps {SHELF_MAX} descriptors at most"))),
            Err(error) => Err(error),
        };
        match copy.and_then(|copy| contents.labels.enter(&label).map(|entered| (copy, entered))) {
            Ok((copy, Entered { key, file })) => {
                contents.descriptors.insert(label, descriptor);
                // In this order, and under the lock, so that the keeper has no descriptor without a label.
                keeper.keep_labels(file);
                keeper.keep_shelved(key, Some(copy));
            }
            Err(error) => tracing::error!(%label, "a descriptor would not outlive this host: {error}"),
        }
    }

    /// Gives a descriptor another label. The keeper has it all the time, even if the shelf is full.
    pub(in crate::children) fn rename(&self, from: &str, to: &Arc<str>, descriptor: &Arc<OwnedFd>) {
        let Some(keeper) = &self.0 else { return };
        if from == &**to {
            return;
        }
        self.drop(to);
        let mut contents = keeper.shelved().contents();
        match contents.labels.rename(from, to) {
            Ok(Some(Entered { file, .. })) => {
                contents.descriptors.remove(from);
                contents.descriptors.insert(to.clone(), descriptor.clone());
                keeper.keep_labels(file);
            }
            Ok(None) => {
                drop(contents);
                self.put(to, descriptor.clone());
            }
            Err(error) => {
                tracing::error!(%to, "the next host will know a descriptor as {from}: {error}");
            }
        }
    }

    /// Drops what is under a label.
    pub(in crate::children) fn drop(&self, label: &str) {
        let Some(keeper) = &self.0 else { return };
        let mut contents = keeper.shelved().contents();
        contents.descriptors.remove(label);
        if let Some(key) = contents.labels.remove(label) {
            keeper.keep_shelved(key, None);
        }
    }

    /// Drops everything, and waits until the keeper has dropped it: nobody connects to a socket of a host that has ended.
    pub(in crate::children) async fn clear(&self) {
        let Some(keeper) = &self.0 else { return };
        {
            let mut contents = keeper.shelved().contents();
            contents.descriptors.clear();
            let labels: Vec<Arc<str>> = contents.labels.all().map(|(label, _)| label.clone()).collect();
            let keys = labels.iter().filter_map(|label| contents.labels.remove(label));
            keys.for_each(|key| keeper.keep_shelved(key, None));
        }
        // A keeper that is gone has nothing.
        let _ = keeper.asked(&Order::Sync, Vec::new()).await;
    }

    /// Returns what is under a label, or under all labels that begin with one that ends with a slash.
    pub(in crate::children) fn found(&self, label: &str) -> Vec<(Arc<str>, Arc<OwnedFd>)> {
        let Some(keeper) = &self.0 else { return Vec::new() };
        let contents = keeper.shelved().contents();
        if !label.ends_with('/') {
            let found = contents.descriptors.get_key_value(label);
            return found.map(|(label, fd)| (label.clone(), fd.clone())).into_iter().collect();
        }
        let found = contents.descriptors.iter().filter(|(known, _)| known.starts_with(label));
        found.map(|(label, descriptor)| (label.clone(), descriptor.clone())).collect()
    }

    /// Drops everything of owners that are not kept, by the second part of the labels.
    pub(in crate::children) fn retain(&self, is_kept: impl Fn(&str) -> bool) {
        let Some(keeper) = &self.0 else { return };
        let is_left = |label: &&Arc<str>| label.split('/').nth(1).is_some_and(|owner| !is_kept(owner));
        let left: Vec<Arc<str>> =
            keeper.shelved().contents().descriptors.keys().filter(is_left).cloned().collect();
        for label in left {
            self.drop(&label);
        }
    }
}
