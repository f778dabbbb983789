//! Notifies consumers of changes. Each has its own thread, cursor and bound: a slow consumer can only delay itself.
//!
//! Nothing is queued for a consumer: one that comes back late reads on from its cursor. If it is further behind than
//! one batch, changes of the same process are coalesced: the latest wins, and its addition and its removal are kept as
//! well, so that a consumer sees both once. Two processes that have had the same name have two ids and are never
//! coalesced. The changes that it did not get, because they were coalesced, because the ring of changes no longer holds
//! them, or because it failed, are counted as missed.
//!
//! A consumer that fails is not called for a pause, which doubles with each failure in a row. A failed start of a
//! thread is retried, and a thread that panics is started again; both are shown as [`Degraded`], and the consumer is
//! notified of how much it missed. The thread of an unloaded consumer ends at once, whether anything changes or not.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use provost_state::changes::{CHANGES_KEPT, Page};
use provost_state::{Batch, ChangeKind, Consumer, Generation, Poller, ProcessId, Reader};
use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot, watch};

use crate::degraded::Degraded;
use crate::panics::said;

/// The maximum number of changes in one batch.
const BATCH: usize = 1_024;

/// The pause after the first failure of a consumer.
const PAUSE_FIRST: Duration = Duration::from_millis(100);

/// The longest pause after a failure.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// The pause before a thread is started again after a failed start or a panic.
const RETRY: Duration = Duration::from_secs(1);

/// Notifies `consumer` of all changes after generation `from`, on a separate thread. The thread ends when the publisher
/// or the consumer is gone. Must be called within a tokio runtime.
pub(crate) fn start(
    consumer: Box<dyn Consumer>,
    reader: Reader,
    mut changed: watch::Receiver<Generation>,
    from: Generation,
    degraded: Degraded,
) {
    changed.mark_changed();
    let gone = Arc::new(Notify::new());
    let bell = gone.clone();
    consumer.when_gone(Box::new(move || bell.notify_one()));
    let what = format!("notifying {}", consumer.name());
    let worlds = reader.poller();
    let teller = Teller {
        consumer,
        reader,
        worlds,
        cursor: from,
        owed: 0,
        in_hand: 0,
        pause: PAUSE_FIRST,
        changed,
        gone,
    };
    let teller = Arc::new(Mutex::new(teller));
    // The first thread is started here, so that it does not wait for a task to be scheduled.
    let first = thread(&teller);
    tokio::spawn(keep_telling(teller, first, what, degraded));
}

/// Starts the thread again whenever it is missing, until the consumer needs none any more.
async fn keep_telling(
    teller: Arc<Mutex<Teller>>,
    mut running: std::io::Result<oneshot::Receiver<Ended>>,
    what: String,
    degraded: Degraded,
) {
    let mut short = None;
    loop {
        let reason = match running {
            Ok(ended) => {
                drop(short.take());
                match ended.await {
                    Ok(Ended::Panicked(said)) => format!("its thread panicked: {said}; it is started again"),
                    Ok(Ended::Gone) | Err(_) => return,
                }
            }
            Err(error) => format!("its thread cannot be started: {error}; it is tried again"),
        };
        short = Some(degraded.hold(&what, reason));
        tokio::time::sleep(RETRY).await;
        if teller.lock().consumer.is_gone() {
            return;
        }
        running = thread(&teller);
    }
}

/// How the thread of a consumer ended.
enum Ended {
    /// The consumer or the publisher is gone.
    Gone,
    /// It panicked, with this message.
    Panicked(String),
}

/// Starts the thread; the receiver resolves with how it ended.
fn thread(teller: &Arc<Mutex<Teller>>) -> std::io::Result<oneshot::Receiver<Ended>> {
    fail::fail_point!("telling.start", |_| Err(std::io::Error::other("injected")));
    let runtime = Handle::current();
    let teller = teller.clone();
    let (end, ended) = oneshot::channel();
    std::thread::Builder::new().name("provost-telling".to_owned()).spawn(move || {
        // Nothing else takes the lock while this thread lives. After a panic, `in_hand` holds what the consumer is
        // owed.
        let mut teller = teller.lock();
        let telling = catch_unwind(AssertUnwindSafe(|| teller.run(&runtime)));
        drop(teller);
        // The receiver ends with the runtime.
        let _ = end.send(match telling {
            Ok(()) => Ended::Gone,
            Err(panic) => Ended::Panicked(said(&*panic)),
        });
    })?;
    Ok(ended)
}

/// The outcome of a notification.
#[derive(PartialEq, Eq)]
enum Told {
    /// The consumer is up to date.
    All,
    /// The consumer failed.
    Failed,
}

/// One consumer, and its position.
struct Teller {
    consumer: Box<dyn Consumer>,
    reader: Reader,
    worlds: Poller,
    cursor: Generation,
    /// The number of changes that failed to reach it and have not been reported as missed yet.
    owed: u64,
    /// The number of changes in the call in progress; they are owed if it does not return.
    in_hand: u64,
    /// The pause after the next failure.
    pause: Duration,
    /// Wakes at every commit.
    changed: watch::Receiver<Generation>,
    /// Wakes when the consumer is unloaded.
    gone: Arc<Notify>,
}

impl Teller {
    /// Notifies until the consumer or the publisher is gone.
    fn run(&mut self, runtime: &Handle) {
        self.owed += std::mem::take(&mut self.in_hand);
        while runtime.block_on(self.news()) {
            while self.tell() == Told::Failed {
                if !runtime.block_on(self.recover()) {
                    return;
                }
            }
        }
    }

    /// Waits for a commit. Returns false if the publisher or the consumer is gone.
    async fn news(&mut self) -> bool {
        if self.consumer.is_gone() {
            return false;
        }
        let rung = tokio::select! {
            rung = self.changed.changed() => rung.is_ok(),
            () = self.gone.notified() => false,
        };
        rung && !self.consumer.is_gone()
    }

    /// Notifies the consumer of all changes since the cursor.
    fn tell(&mut self) -> Told {
        loop {
            let world = self.worlds.snapshot().clone();
            self.consumer.told_until(self.cursor);
            if self.cursor >= world.generation() || self.consumer.is_gone() {
                return Told::All;
            }
            let page = self.reader.changes_until(self.cursor, &world, CHANGES_KEPT);
            let (mut batch, cursor) = first_batch(page, self.cursor);
            self.cursor = cursor;
            batch.missed += std::mem::take(&mut self.owed);
            self.in_hand = batch.missed + batch.changes.len() as u64;
            let told = self.consumer.on_change(&batch, &world);
            let in_hand = std::mem::take(&mut self.in_hand);
            if let Err(fault) = told {
                self.owed = in_hand;
                tracing::warn!(
                    plugin = &**self.consumer.name(), %fault,
                    "the consumer failed; it is notified again after {} ms", self.pause.as_millis()
                );
                return Told::Failed;
            }
            self.pause = PAUSE_FIRST;
        }
    }

    /// Waits for the pause to end. Returns false if the publisher or the consumer is gone.
    async fn recover(&mut self) -> bool {
        let over = tokio::time::sleep(self.pause);
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        tokio::pin!(over);
        loop {
            tokio::select! {
                () = &mut over => return !self.consumer.is_gone(),
                () = self.gone.notified() => return false,
                // The end of the publisher ends the pause; other changes are delivered after it.
                rung = self.changed.changed() => if rung.is_err() { return false },
            }
        }
    }
}

/// Returns the first batch of the changes, coalesced if they do not all fit, and the generation that it reaches.
fn first_batch(page: Page, from: Generation) -> (Batch, Generation) {
    let (mut changes, mut cursor) = (page.changes, page.cursor);
    if changes.len() > BATCH {
        let mut latest: HashMap<ProcessId, Generation> = HashMap::new();
        for change in &changes {
            latest.insert(change.state.id, change.generation);
        }
        changes.retain(|change| {
            // A removal is the latest change of its process in any case.
            let is_addition = change.kind == ChangeKind::Added;
            is_addition || latest.get(&change.state.id) == Some(&change.generation)
        });
        if changes.len() > BATCH {
            changes.truncate(BATCH);
            cursor = changes.last().map_or(cursor, |last| last.generation);
        }
    }
    // Every generation is one change: those up to the cursor that are not in the batch are missed.
    let missed = cursor.0.saturating_sub(from.0).saturating_sub(changes.len() as u64);
    (Batch { changes, missed }, cursor)
}

#[cfg(test)]
mod tests {
    use provost_state::{At, Cause, Event, Identity, Moment, Registry};

    use super::*;

    const FROM: Generation = Generation(0);

    /// Returns a registry with this number of processes.
    fn world(processes: usize) -> (Registry, Reader) {
        let (registry, reader) = provost_state::registry(|| 0);
        for number in 0..processes {
            registry.add(Identity::new(format!("job.{number}"), ""), Moment::default()).unwrap();
        }
        (registry, reader)
    }

    #[test]
    fn what_does_not_fit_is_told_as_the_addition_and_the_latest_of_each_process_and_the_rest_is_counted() {
        let (registry, reader) = world(2);
        let now = Moment::default();
        for round in 0..1_000 {
            for state in reader.snapshot().iter() {
                let at = At { incarnation: state.incarnation, version: state.version };
                let event = match round % 2 {
                    0 => Event::Start { cause: Cause::User, reason: "up".into() },
                    _ => Event::Stop { cause: Cause::User, reason: "down".into(), kill_at: now },
                };
                registry.commit(state.id, at, &event, now).unwrap();
            }
        }
        let (batch, cursor) = first_batch(reader.changes_since(FROM, CHANGES_KEPT), FROM);
        let told: Vec<u64> = batch.changes.iter().map(|change| change.generation.0).collect();
        assert_eq!((told, batch.missed, cursor), (vec![1, 2, 2_001, 2_002], 1_998, Generation(2_002)));
    }

    #[test]
    fn more_processes_than_fit_are_told_in_several_batches_and_none_is_missed() {
        let (_registry, reader) = world(BATCH + 10);
        let (first, cursor) = first_batch(reader.changes_since(FROM, CHANGES_KEPT), FROM);
        assert_eq!((first.changes.len(), first.missed, cursor), (BATCH, 0, Generation(BATCH as u64)));
        let (second, _) = first_batch(reader.changes_since(cursor, CHANGES_KEPT), cursor);
        assert_eq!((second.changes.len(), second.missed), (10, 0));
    }

    #[test]
    fn each_addition_and_each_removal_is_told_once_and_two_processes_of_one_name_are_not_coalesced() {
        let (registry, reader) = world(1);
        let now = Moment::default();
        let mut expected = vec![(0, ChangeKind::Added)];
        let mut ids = vec![reader.snapshot().iter().next().unwrap().id];
        for _ in 0..700 {
            let before = registry.add(Identity::new("web", ""), now).unwrap();
            ids.push(before.id);
            expected.push((ids.len() - 1, ChangeKind::Added));
            registry.remove(before.id, now).unwrap();
            expected.push((ids.len() - 1, ChangeKind::Removed));
        }
        let (mut told, mut cursor, mut missed) = (Vec::new(), FROM, 0);
        while cursor < reader.snapshot().generation() {
            let (batch, next) = first_batch(reader.changes_since(cursor, CHANGES_KEPT), cursor);
            told.extend(batch.changes.iter().map(|change| {
                let whose = ids.iter().position(|id| *id == change.state.id).unwrap();
                (whose, change.kind)
            }));
            missed += batch.missed;
            cursor = next;
        }
        assert_eq!((told, missed), (expected, 0));
    }
}
