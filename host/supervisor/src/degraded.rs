//! What the host is short of at the moment: threads, descriptors, the disk of its log. Each shortage is an entry that
//! is set when it is noticed and cleared when it is over, so that `status` can show it and it is logged once.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::clock::wall_ms;

/// One shortage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What is short, in a word or two, such as `threads for spawning`.
    pub what: Arc<str>,
    /// What happened, in words for people.
    pub reason: Arc<str>,
    /// When it began, in milliseconds since the Unix epoch.
    pub since_ms: u64,
}

/// The list of all shortages. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Degraded(Arc<Mutex<BTreeMap<Arc<str>, Trouble>>>);

impl Degraded {
    /// Enters a shortage. One that is already entered keeps its time and is not logged again.
    pub fn set(&self, what: &str, reason: impl Into<Arc<str>>) {
        let reason = reason.into();
        let first = {
            let mut all = self.0.lock();
            match all.get_mut(what) {
                Some(known) => {
                    known.reason = reason.clone();
                    false
                }
                None => {
                    let what: Arc<str> = Arc::from(what);
                    let trouble = Trouble { what: what.clone(), reason: reason.clone(), since_ms: wall_ms() };
                    all.insert(what, trouble);
                    true
                }
            }
        };
        if first {
            tracing::warn!("degraded ({what}): {reason}");
        }
    }

    /// Enters a shortage that is over when the guard is dropped.
    pub(crate) fn hold(&self, what: &str, reason: String) -> Shortage {
        let reason: Arc<str> = reason.into();
        self.set(what, reason.clone());
        Shortage { degraded: self.clone(), what: what.into(), reason }
    }

    /// Removes a shortage that is over.
    pub fn clear(&self, what: &str) {
        self.clear_if(what, |_| true);
    }

    fn clear_if(&self, what: &str, is_over: impl Fn(&Trouble) -> bool) {
        let is_removed = {
            let mut all = self.0.lock();
            all.get(what).is_some_and(is_over) && all.remove(what).is_some()
        };
        if is_removed {
            tracing::info!("no longer degraded ({what})");
        }
    }

    /// Returns all current shortages, sorted by what is short.
    #[must_use]
    pub fn list(&self) -> Vec<Trouble> {
        self.0.lock().values().cloned().collect()
    }
}

/// A shortage that lasts until this is dropped, or until another one of the same name takes its place.
#[derive(Debug)]
pub(crate) struct Shortage {
    degraded: Degraded,
    what: Arc<str>,
    reason: Arc<str>,
}

impl Drop for Shortage {
    fn drop(&mut self) {
        self.degraded.clear_if(&self.what, |trouble| Arc::ptr_eq(&trouble.reason, &self.reason));
    }
}

/// A shortage that several may have at the same time, and that is over with the last of them. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    degraded: Degraded,
    what: &'static str,
    shares: Arc<Mutex<usize>>,
}

impl Shared {
    pub(crate) fn new(degraded: &Degraded, what: &'static str) -> Self {
        Self { degraded: degraded.clone(), what, shares: Arc::default() }
    }

    /// Enters it for one more, until the share is dropped.
    pub(crate) fn share(&self, reason: String) -> Share {
        let mut shares = self.shares.lock();
        *shares += 1;
        self.degraded.set(self.what, reason);
        Share(self.clone())
    }
}

/// What one has of a [`Shared`] shortage until this is dropped.
#[derive(Debug)]
pub(crate) struct Share(Shared);

impl Share {
    /// Enters the reason that holds now.
    pub(crate) fn renew(&self, reason: String) {
        self.0.degraded.set(self.0.what, reason);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut shares = self.0.shares.lock();
        *shares -= 1;
        if *shares == 0 {
            self.0.degraded.clear(self.0.what);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortage_is_listed_from_its_first_notice_until_it_is_over() {
        let degraded = Degraded::default();
        degraded.set("threads", "none");
        let since_ms = degraded.list()[0].since_ms;
        degraded.set("threads", "still none");
        let list = degraded.list();
        assert_eq!((list.len(), &*list[0].reason, list[0].since_ms), (1, "still none", since_ms));
        degraded.clear("threads");
        assert_eq!(degraded.list(), []);
    }

    #[test]
    fn a_shortage_that_is_held_ends_with_its_holder_and_not_with_a_former_one() {
        let degraded = Degraded::default();
        let former = degraded.hold("the cgroup of web", "none".to_owned());
        let next = degraded.hold("the cgroup of web", "none".to_owned());
        drop(former);
        assert_eq!(degraded.list().len(), 1, "the next life has none either");
        drop(next);
        assert_eq!(degraded.list(), []);
    }

    #[test]
    fn a_shortage_of_several_ends_with_the_last_of_them() {
        let degraded = Degraded::default();
        let spawning = Shared::new(&degraded, "spawning");
        let (web, api) = (spawning.share("web".to_owned()), spawning.share("api".to_owned()));
        web.renew("web again".to_owned());
        drop(api);
        assert_eq!(&*degraded.list()[0].reason, "web again");
        drop(web);
        assert_eq!(degraded.list(), []);
    }
}
