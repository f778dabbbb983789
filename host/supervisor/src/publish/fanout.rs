//! Tells consumers. Each has a thread, a cursor and a bound of its own: a slow one can only slow down itself.
//!
//! Nothing is queued for it: a consumer that comes back late reads on from its cursor. If it is further
//! behind than one batch, changes of the same process are coalesced (the latest wins). What it was not told, because
//! that swallowed it, because the ring of changes no longer holds it, or because it failed, is counted as missed.
//!
//! A consumer that fails is left alone for a while, which doubles with each failure in a row. A thread that cannot be
//! started is tried again, and one that panics is started again; both are shown as [`Degraded`], and the consumer is
//! told how much it missed. One that is unloaded ends its thread at once, whether anything changes or not.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use provost_state::changes::{CHANGES_KEPT, Page};
use provost_state::{Batch, Consumer, Generation, Poller, ProcessId, Reader};
use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot, watch};

use crate::degraded::Degraded;
use crate::panics::said;

/// Changes that a consumer is told at once.
const BATCH: usize = 1_024;

/// How long a consumer is left alone after its first failure.
const PAUSE_FIRST: Duration = Duration::from_millis(100);

/// How long it is left alone at most.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// How long the start of its thread waits after one that failed or panicked.
const RETRY: Duration = Duration::from_secs(1);

/// Tells `consumer` all that happens after generation `from`, on a thread of its own. The thread ends when the publisher or
/// the consumer is gone. To be called within a tokio runtime.
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
    let what = format!("telling {}", consumer.name());
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
    // The first thread is started at once, so that nothing waits for a task to be scheduled.
    let first = thread(&teller);
    tokio::spawn(keep_telling(teller, first, what, degraded));
}

/// Sees to it that there is a thread until the consumer needs none any more.
async fn keep_telling(
    teller: Arc<Mutex<Teller>>,
    mut running: std::io::Result<oneshot::Receiver<Ended>>,
    what: String,
    degraded: Degraded,
) {
    loop {
        let reason = match running {
            Ok(ended) => {
                degraded.clear(&what);
                match ended.await {
                    Ok(Ended::Panicked(said)) => format!("its thread panicked: {said}; it is started again"),
                    Ok(Ended::Gone) | Err(_) => return,
                }
            }
            Err(error) => format!("its thread cannot be started: {error}; it is tried again"),
        };
        degraded.set(&what, reason);
        tokio::time::sleep(RETRY).await;
        running = thread(&teller);
    }
}

/// How the thread of a consumer ended.
enum Ended {
    /// The consumer or the publisher is gone.
    Gone,
    /// With what it said.
    Panicked(String),
}

/// Starts the thread that tells; how it ended, when it has.
fn thread(teller: &Arc<Mutex<Teller>>) -> std::io::Result<oneshot::Receiver<Ended>> {
    fail::fail_point!("telling.start", |_| Err(std::io::Error::other("injected")));
    let runtime = Handle::current();
    let teller = teller.clone();
    let (end, ended) = oneshot::channel();
    std::thread::Builder::new().name("provost-telling".to_owned()).spawn(move || {
        // Nobody else takes it while this thread lives. One that panicked has poisoned it and says what it owes.
        let mut teller = teller.lock();
        let telling = catch_unwind(AssertUnwindSafe(|| teller.run(&runtime)));
        drop(teller);
        // Whoever listens ends with the runtime.
        let _ = end.send(match telling {
            Ok(()) => Ended::Gone,
            Err(panic) => Ended::Panicked(said(&*panic)),
        });
    })?;
    Ok(ended)
}

/// How telling ended.
#[derive(PartialEq, Eq)]
enum Told {
    /// It knows all that there is.
    All,
    /// It failed.
    Failed,
}

/// One consumer, and how far it is.
struct Teller {
    consumer: Box<dyn Consumer>,
    reader: Reader,
    worlds: Poller,
    cursor: Generation,
    /// Changes that failed to reach it and that it has not been told the number of.
    owed: u64,
    /// Changes that it is being told; they are owed if it does not return.
    in_hand: u64,
    /// How long it is left alone after the next failure.
    pause: Duration,
    /// Rings at every commit.
    changed: watch::Receiver<Generation>,
    /// Rings when the consumer is unloaded.
    gone: Arc<Notify>,
}

impl Teller {
    /// Tells until the consumer or the publisher is gone.
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

    /// Waits for a commit. False if there will be none, or nobody to be told of it.
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

    /// Tells all that has happened since the cursor.
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
                    "the consumer failed; it is told again after {} ms", self.pause.as_millis()
                );
                return Told::Failed;
            }
            self.pause = PAUSE_FIRST;
        }
    }

    /// Waits for the pause to end. False if the publisher or the consumer is gone.
    async fn recover(&mut self) -> bool {
        let over = tokio::time::sleep(self.pause);
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        tokio::pin!(over);
        loop {
            tokio::select! {
                () = &mut over => return !self.consumer.is_gone(),
                () = self.gone.notified() => return false,
                // The end of the publisher ends the pause; what changes meanwhile is told after it.
                rung = self.changed.changed() => if rung.is_err() { return false },
            }
        }
    }
}

/// As many of the changes as go into one batch, coalesced if they do not all fit; and how far it reaches.
fn first_batch(page: Page, from: Generation) -> (Batch, Generation) {
    let (mut changes, mut cursor) = (page.changes, page.cursor);
    if changes.len() > BATCH {
        let mut latest: HashMap<ProcessId, Generation> = HashMap::new();
        for change in &changes {
            latest.insert(change.state.id, change.generation);
        }
        changes.retain(|change| latest.get(&change.state.id) == Some(&change.generation));
        if changes.len() > BATCH {
            changes.truncate(BATCH);
            cursor = changes.last().map_or(cursor, |last| last.generation);
        }
    }
    // Every generation is one change: what lies between and is not told is missed.
    let missed = cursor.0.saturating_sub(from.0).saturating_sub(changes.len() as u64);
    (Batch { changes, missed }, cursor)
}

#[cfg(test)]
mod tests {
    use provost_state::{At, Cause, Event, Identity, Moment, Registry};

    use super::*;

    const FROM: Generation = Generation(0);

    /// A world to which so many processes were added.
    fn world(processes: usize) -> (Registry, Reader) {
        let (registry, reader) = provost_state::registry(|| 0);
        for number in 0..processes {
            registry.add(Identity::new(format!("job.{number}"), ""), Moment::default()).unwrap();
        }
        (registry, reader)
    }

    #[test]
    fn what_does_not_fit_is_told_as_the_latest_of_each_process_and_the_rest_is_counted() {
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
        assert_eq!((told, batch.missed, cursor), (vec![2_001, 2_002], 2_000, Generation(2_002)));
    }

    #[test]
    fn more_processes_than_fit_are_told_in_several_batches_and_none_is_missed() {
        let (_registry, reader) = world(BATCH + 10);
        let (first, cursor) = first_batch(reader.changes_since(FROM, CHANGES_KEPT), FROM);
        assert_eq!((first.changes.len(), first.missed, cursor), (BATCH, 0, Generation(BATCH as u64)));
        let (second, _) = first_batch(reader.changes_since(cursor, CHANGES_KEPT), cursor);
        assert_eq!((second.changes.len(), second.missed), (10, 0));
    }
}
