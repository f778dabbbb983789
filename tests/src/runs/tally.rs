//! The counts of the actions of a run by kind, and the list of its problems.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

/// Counts by kind. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Tally(Arc<Mutex<BTreeMap<&'static str, u64>>>);

impl Tally {
    /// Counts one action of this kind.
    pub fn add(&self, what: &'static str) {
        *self.0.lock().unwrap().entry(what).or_default() += 1;
    }

    /// Returns all counts, as `name count, name count`.
    #[must_use]
    pub fn words(&self) -> String {
        let mut words = String::new();
        for (what, count) in &*self.0.lock().unwrap() {
            write!(words, "{}{what} {count}", if words.is_empty() { "" } else { ", " }).unwrap();
        }
        words
    }
}

/// The problems that were found, each text once. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Problems(Arc<Mutex<Vec<String>>>);

/// The greatest number of problems that are kept; later ones are dropped.
const SHOWN: usize = 40;

impl Problems {
    /// Adds a problem, and prints it.
    pub fn add(&self, what: impl Into<String>) {
        let what = what.into();
        let mut problems = self.0.lock().unwrap();
        if problems.len() < SHOWN && !problems.contains(&what) {
            println!("problem: {what}");
            problems.push(what);
        }
    }

    /// Returns all problems.
    #[must_use]
    pub fn list(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}
