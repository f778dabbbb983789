//! The descriptors that processes have given to be kept (`FDSTORE=1`). They are kept for as long as the process is supervised,
//! and its next lives get them again.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use dashmap::DashMap;
use rustix::fs::fstat;

use crate::children::keeper::Shelf;

/// The most descriptors that are kept of one process.
pub(super) const STORED_MAX: usize = 16;

/// A descriptor that is kept.
#[derive(Clone, Debug)]
struct One {
    name: Arc<str>,
    fd: Arc<OwnedFd>,
    /// The device and the number of its file: the same one is not kept twice under one name.
    file: (u64, u64),
    label: Arc<str>,
}

/// The descriptors of all processes.
#[derive(Debug)]
pub(super) struct Stored {
    shelf: Shelf,
    of: DashMap<Arc<str>, Vec<One>>,
}

/// Why a descriptor was not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

impl Stored {
    pub(super) fn new(shelf: Shelf) -> Self {
        Self { shelf, of: DashMap::new() }
    }

    /// Takes what a former host has kept of a process, once.
    pub(super) fn know(&self, process: &Arc<str>) {
        let found = self.shelf.found(&format!("store/{process}/"));
        if found.is_empty() {
            return;
        }
        let mut all = self.of.entry(process.clone()).or_default();
        for (label, fd) in found {
            // `store/PROCESS/NUMBER/NAME`; a name may contain slashes.
            let name: Arc<str> = label.splitn(4, '/').nth(3).unwrap_or_default().into();
            if let Some(file) = file_of(&fd) {
                all.push(One { name, fd, file, label });
            }
        }
        all.sort_by_key(|one| number_of(&one.label));
    }

    /// Keeps these descriptors under a name.
    pub(super) fn keep(&self, process: &Arc<str>, name: &Arc<str>, fds: Vec<OwnedFd>) -> Result<(), Full> {
        let mut all = self.of.entry(process.clone()).or_default();
        for fd in fds {
            let Some(file) = file_of(&fd) else { continue };
            if all.iter().any(|one| one.name == *name && one.file == file) {
                continue;
            }
            if all.len() >= STORED_MAX {
                return Err(Full);
            }
            let number = all.last().map_or(0, |last| number_of(&last.label).wrapping_add(1));
            let label: Arc<str> = format!("store/{process}/{number}/{name}").into();
            let fd = Arc::new(fd);
            self.shelf.put(&label, fd.clone());
            all.push(One { name: name.clone(), fd, file, label });
        }
        Ok(())
    }

    /// Drops what is kept under a name.
    pub(super) fn remove(&self, process: &str, name: &str) {
        let Some(mut all) = self.of.get_mut(process) else { return };
        all.retain(|one| {
            let stays = *one.name != *name;
            if !stays {
                self.shelf.drop(&one.label);
            }
            stays
        });
    }

    /// Forgets everything of a process; the shelf is the caller's.
    pub(super) fn forget(&self, process: &str) {
        self.of.remove(process);
    }

    /// Returns the descriptors of a process with their names, in the order in which they came.
    pub(super) fn all(&self, process: &str) -> Vec<(Arc<str>, Arc<OwnedFd>)> {
        let all = self.of.get(process);
        all.map_or_else(Vec::new, |all| all.iter().map(|one| (one.name.clone(), one.fd.clone())).collect())
    }
}

fn number_of(label: &str) -> u64 {
    label.split('/').nth(2).and_then(|number| number.parse().ok()).unwrap_or(0)
}

fn file_of(fd: &impl AsFd) -> Option<(u64, u64)> {
    fstat(fd).ok().map(|stat| (stat.st_dev, stat.st_ino))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_file_is_kept_once_and_no_more_than_the_most_are_kept() {
        let stored = Stored::new(Shelf::new(None));
        let web: Arc<str> = "web".into();
        let file = || OwnedFd::from(tempfile::tempfile().unwrap());
        let first = file();
        let again = first.try_clone().unwrap();
        stored.keep(&web, &"a".into(), vec![first]).unwrap();
        stored.keep(&web, &"a".into(), vec![again, file()]).unwrap();
        let names = || stored.all("web").iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>();
        assert_eq!(names(), ["a", "a"]);
        let more = (0..STORED_MAX).map(|_| file()).collect();
        assert_eq!(stored.keep(&web, &"b".into(), more), Err(Full));
        assert_eq!(names().len(), STORED_MAX);
        stored.remove("web", "b");
        assert_eq!(names(), ["a", "a"]);
        stored.forget("web");
        assert!(names().is_empty());
    }
}
