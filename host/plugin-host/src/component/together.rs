//! Components elsewhere that are needed together, by a start or a reload: they are fetched at the same time within one time
//! limit, however many there are.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;

use parking_lot::Mutex;

use super::remote::{Fetched, Remote, RemoteError};
use super::source::Source;

/// How many components are fetched at the same time.
const AT_ONCE: usize = 2;

/// The components elsewhere that are needed together, by their references. They stay on this machine for as long as this lives.
#[derive(Debug, Default)]
pub struct FetchedTogether(BTreeMap<String, Result<Fetched, RemoteError>>);

impl FetchedTogether {
    /// Fetches those of these sources that are elsewhere and not on this machine. All of them have the same time limit.
    #[must_use]
    pub fn of<'a>(sources: impl Iterator<Item = &'a Source>, remote: &dyn Remote) -> Self {
        let references: BTreeSet<&str> = sources.filter_map(Source::reference).collect();
        let mut all = BTreeMap::new();
        let mut missing = Vec::new();
        for reference in references {
            match remote.at_hand(reference) {
                Some(fetched) => drop(all.insert(reference.to_owned(), Ok(fetched))),
                None => missing.push(reference),
            }
        }
        // They begin at the same time, after the last file was read.
        let begun: Vec<_> =
            missing.into_iter().map(|reference| (reference, remote.begin(reference))).collect();
        let (left, done) = (Mutex::new(begun.into_iter()), Mutex::new(all));
        let work = || {
            loop {
                let next = left.lock().next();
                let Some((reference, fetching)) = next else { return };
                let fetched = fetching.finish();
                done.lock().insert(reference.to_owned(), fetched);
            }
        };
        thread::scope(|scope| {
            for _ in 1..AT_ONCE.min(left.lock().len()) {
                // Without the thread, this one does all of it.
                let _ = thread::Builder::new().name("provost-fetching".into()).spawn_scoped(scope, work);
            }
            work();
        });
        Self(done.into_inner())
    }

    /// Returns why a source cannot be read: it is elsewhere, and was not fetched.
    #[must_use]
    pub fn error(&self, source: &Source) -> Option<RemoteError> {
        self.0.get(source.reference()?)?.as_ref().err().cloned()
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::{Arc, Condvar, Mutex};

    use super::*;
    use crate::component::remote::{FetchLease, Fetching};

    /// Fetches what begins with `oci://good`, after another fetch is in progress as well, and has `oci://here` already.
    #[derive(Debug, Default)]
    struct Both {
        asked: Mutex<Vec<String>>,
        fetching: Arc<(Mutex<usize>, Condvar)>,
    }

    fn fetched(reference: &str) -> Fetched {
        Fetched { path: PathBuf::from(reference), lease: FetchLease::new(()) }
    }

    impl Remote for Both {
        fn at_hand(&self, reference: &str) -> Option<Fetched> {
            (reference == "oci://here").then(|| fetched(reference))
        }

        fn begin(&self, reference: &str) -> Fetching {
            self.asked.lock().unwrap().push(reference.to_owned());
            let (reference, fetching) = (reference.to_owned(), self.fetching.clone());
            Fetching::new((), move || {
                let (count, changed) = &*fetching;
                *count.lock().unwrap() += 1;
                changed.notify_all();
                drop(changed.wait_while(count.lock().unwrap(), |count| *count < 2).unwrap());
                match reference.starts_with("oci://good") {
                    true => Ok(fetched(&reference)),
                    false => Err(RemoteError { what: format!("{reference} is bad"), hint: String::new() }),
                }
            })
        }
    }

    #[test]
    fn two_are_fetched_at_the_same_time_each_once_and_each_has_its_own_error() {
        let remote = Both::default();
        let all =
            ["bundled:backoff", "oci://good/1", "oci://bad", "oci://good/1", "oci://here", "oci://good/2"];
        let sources = all.map(Source::parse);
        let together = FetchedTogether::of(sources.iter(), &remote);
        assert_eq!(*remote.asked.lock().unwrap(), ["oci://bad", "oci://good/1", "oci://good/2"]);
        let errors = sources.map(|source| together.error(&source).map(|error| error.what));
        assert_eq!(errors, [None, None, Some("oci://bad is bad".to_owned()), None, None, None]);
    }
}
