//! The figures that are slow to read, and the owners of orphans. Each is read on a thread of few, once a minute for each
//! process, and the oldest first: a read may hang for as long as a disk does, and then only these figures are missing.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use provost_state::{Incarnation, Moment, ProcessId, Usage};

use super::table::ProcessUsage;
use crate::children::resources::{Detail, Owner, detail, owner_of};
use crate::jobs::Lane;

/// How often the figures of a process are read, in milliseconds.
const EVERY_MS: u64 = 60_000;

/// Figures that are older than this, in milliseconds, are not shown: the process may use something else by now.
const STALE_MS: u64 = 3 * EVERY_MS;

/// At a look, the figures of at most this part of all processes are read, and at least of some.
const SHARE: usize = 25;
const LEAST: usize = 10;

/// What is known of one process.
#[derive(Debug)]
struct Known {
    incarnation: Incarnation,
    detail: Detail,
    /// When it was read.
    at: Option<Moment>,
    /// Whether it is being read.
    reading: bool,
}

/// The figures of all processes that have a child.
#[derive(Clone, Debug)]
pub(super) struct Details {
    reading: Lane,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    known: HashMap<ProcessId, Known>,
    owners: Vec<(u32, Owner)>,
}

impl Details {
    pub(super) fn new(reading: Lane) -> Self {
        Self { reading, inner: Arc::default() }
    }

    /// Adds to a sample what is known.
    pub(super) fn add(&self, id: ProcessId, incarnation: Incarnation, usage: &mut Usage) {
        let inner = self.inner.lock();
        let Some(known) = inner.known.get(&id).filter(|known| known.incarnation == incarnation) else {
            return;
        };
        if known.at.is_some_and(|at| usage.at.ms_since(at) <= STALE_MS) {
            usage.pss_bytes = known.detail.pss_bytes;
            usage.fds = known.detail.fds;
        }
    }

    /// Takes the owners of orphans that are known since the last call.
    pub(super) fn owners(&self) -> Vec<(u32, Owner)> {
        std::mem::take(&mut self.inner.lock().owners)
    }

    /// Begins to ask whose these orphans are.
    pub(super) fn ask_owners(&self, orphans: Vec<u32>) {
        for pid in orphans {
            let (reading, inner) = (self.reading.clone(), self.inner.clone());
            tokio::spawn(async move {
                if let Ok(Some(owner)) = reading.run(move || owner_of(pid)).await {
                    inner.lock().owners.push((pid, owner));
                }
            });
        }
    }

    /// Begins to read the figures that are due. `all` are the samples of all processes by id, each with its pids.
    pub(super) fn refresh(&self, all: Vec<(&ProcessUsage, Vec<u32>)>, now: Moment) {
        let most = (all.len() / SHARE).max(LEAST);
        let mut due = Vec::new();
        {
            let mut inner = self.inner.lock();
            for (one, pids) in all.iter().filter(|(_, pids)| !pids.is_empty()) {
                let fresh = || Known {
                    incarnation: one.incarnation,
                    detail: Detail::default(),
                    at: None,
                    reading: false,
                };
                let known = inner.known.entry(one.id).or_insert_with(fresh);
                if known.incarnation != one.incarnation {
                    *known = Known { reading: known.reading, ..fresh() };
                }
                if !known.reading && known.at.is_none_or(|at| now.ms_since(at) >= EVERY_MS) {
                    due.push((known.at.map_or(0, |at| at.mono_ns), one, pids));
                }
            }
            due.sort_by_key(|(at, ..)| *at);
            due.truncate(most);
            for (_, one, _) in &due {
                if let Some(known) = inner.known.get_mut(&one.id) {
                    known.reading = true;
                }
            }
            let Inner { known, .. } = &mut *inner;
            if known.len() > all.len() {
                let is_there = |id: &ProcessId| all.binary_search_by_key(id, |(one, _)| one.id).is_ok();
                known.retain(|id, known| known.reading || is_there(id));
            }
        }
        for (_, one, pids) in due {
            self.read(one.id, one.incarnation, pids.clone(), now);
        }
    }

    fn read(&self, id: ProcessId, incarnation: Incarnation, pids: Vec<u32>, now: Moment) {
        let (reading, inner) = (self.reading.clone(), self.inner.clone());
        tokio::spawn(async move {
            let read = reading.run(move || detail(&pids)).await;
            let mut inner = inner.lock();
            let Some(known) = inner.known.get_mut(&id) else { return };
            known.reading = false;
            if let Ok(detail) = read
                && known.incarnation == incarnation
            {
                (known.detail, known.at) = (detail, Some(now));
            }
        });
    }
}
