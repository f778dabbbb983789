//! The last samples of all processes, their history, and the wishes of those who wait for a sample.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use provost_state::{Incarnation, Moment, ProcessId, Usage};
use tokio::sync::{Notify, watch};

use super::history::{History, UsagePoint};

/// The last sample of one process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessUsage {
    /// The process.
    pub id: ProcessId,
    /// Its name.
    pub name: Arc<str>,
    /// The life that was read.
    pub incarnation: Incarnation,
    /// What it used.
    pub usage: Usage,
}

/// The last samples of all processes that have a child.
#[derive(Clone, Debug, Default)]
pub struct Usages {
    /// The number of looks; a later one has a larger number.
    pub revision: u64,
    /// What the host itself used; `None` before the first look.
    pub host: Option<Usage>,
    /// What the processes used, by id.
    pub processes: Vec<ProcessUsage>,
}

impl Usages {
    /// Returns the last sample of a process, if it has a child that was read.
    #[must_use]
    pub fn of(&self, id: ProcessId) -> Option<&ProcessUsage> {
        let at = self.processes.binary_search_by_key(&id, |one| one.id).ok()?;
        self.processes.get(at)
    }
}

/// The wishes are rounded up to this many nanoseconds, so that many of them take few looks.
const ROUND_NS: u64 = 250_000_000;

/// The table.
#[derive(Debug)]
pub(crate) struct Table {
    last: ArcSwap<Usages>,
    revision: watch::Sender<u64>,
    /// The history of the present life of each process. The lock is held for as long as some points are copied.
    histories: Mutex<HashMap<ProcessId, (Incarnation, History)>>,
    /// When a process is to be read at the latest.
    wishes: Mutex<HashMap<ProcessId, Moment>>,
    wished: Notify,
}

impl Table {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            last: ArcSwap::default(),
            revision: watch::Sender::new(0),
            histories: Mutex::default(),
            wishes: Mutex::default(),
            wished: Notify::new(),
        })
    }

    /// Returns the last samples.
    pub(crate) fn last(&self) -> Arc<Usages> {
        self.last.load_full()
    }

    /// Returns a receiver that is woken after every look.
    pub(crate) fn revision(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    /// Returns the history of a process, oldest first.
    pub(crate) fn history(&self, id: ProcessId, now: Moment) -> Vec<UsagePoint> {
        self.histories.lock().get(&id).map_or_else(Vec::new, |(_, history)| history.points(now))
    }

    /// Waits for a sample of this life of a process, taken at the earliest `from`; it is taken soon after that.
    pub(crate) async fn sample(
        self: Arc<Self>,
        id: ProcessId,
        incarnation: Incarnation,
        from: Moment,
    ) -> Usage {
        let mut revision = self.revision();
        let rounded = from.mono_ns.div_ceil(ROUND_NS).saturating_mul(ROUND_NS);
        let wish = from.plus_ms(rounded.saturating_sub(from.mono_ns).div_ceil(1_000_000));
        self.wishes.lock().insert(id, wish);
        self.wished.notify_one();
        loop {
            let last = self.last.load_full();
            let sample = last.of(id).filter(|one| one.incarnation == incarnation);
            if let Some(sample) = sample.filter(|one| one.usage.at.mono_ns >= from.mono_ns) {
                return sample.usage;
            }
            drop(last);
            if revision.changed().await.is_err() {
                // The table is gone, and so is the host.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Resolves when there may be a new wish.
    pub(super) async fn wished(&self) {
        self.wished.notified().await;
    }

    /// Returns the time of the earliest wish.
    pub(super) fn earliest_wish(&self) -> Option<Moment> {
        self.wishes.lock().values().min_by_key(|wish| wish.mono_ns).copied()
    }

    /// Takes the wishes that are due.
    pub(super) fn due_wishes(&self, now: Moment) -> Vec<ProcessId> {
        let mut due = Vec::new();
        self.wishes.lock().retain(|id, wish| {
            let is_due = wish.mono_ns <= now.mono_ns;
            due.extend(is_due.then_some(*id));
            !is_due
        });
        due
    }

    /// Publishes new samples, by id: those of all processes and of the host if `all`, otherwise in place of the former ones of the
    /// same processes.
    pub(super) fn publish(&self, samples: Vec<ProcessUsage>, host: Option<Usage>, all: bool) {
        self.remember(&samples, all);
        let last = self.last.load_full();
        let (processes, host) = match all {
            true => (samples, host),
            false => {
                let mut processes = last.processes.clone();
                for sample in samples {
                    match processes.binary_search_by_key(&sample.id, |one| one.id) {
                        Ok(at) => processes[at] = sample,
                        Err(at) => processes.insert(at, sample),
                    }
                }
                (processes, last.host)
            }
        };
        let revision = last.revision + 1;
        self.last.store(Arc::new(Usages { revision, host, processes }));
        self.revision.send_replace(revision);
    }

    fn remember(&self, samples: &[ProcessUsage], all: bool) {
        let mut histories = self.histories.lock();
        for ProcessUsage { id, incarnation, usage, .. } in samples {
            match histories.get_mut(id).filter(|(life, _)| life == incarnation) {
                Some((_, history)) => history.push(usage),
                None => {
                    histories.insert(*id, (*incarnation, History::new(usage)));
                }
            }
        }
        if all && histories.len() > samples.len() {
            histories.retain(|id, _| samples.binary_search_by_key(id, |one| one.id).is_ok());
        }
    }
}
