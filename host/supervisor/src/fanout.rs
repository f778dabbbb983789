//! Tells consumers. Each has a thread, a cursor and a bound of its own: a slow one can only slow down itself.
//!
//! Nothing is queued for it: a consumer that comes back late reads on from its cursor. If it is further
//! behind than one batch, changes of the same process are coalesced (the latest wins). What it was not told, because
//! that swallowed it, because the ring of changes no longer holds it, or because it failed, is counted as missed.
//!
//! A consumer that fails is left alone for a while, which doubles with each failure in a row.

use std::collections::HashMap;
use std::time::Duration;

use provost_state::changes::{CHANGES_KEPT, Page};
use provost_state::{Batch, Consumer, Generation, Poller, ProcessId, Reader};
use tokio::runtime::Handle;
use tokio::sync::watch;

/// Changes that a consumer is told at once.
const BATCH: usize = 1_024;

/// How long a consumer is left alone after its first failure.
const PAUSE_FIRST: Duration = Duration::from_millis(100);

/// How long it is left alone at most.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Gives `consumer` a thread, and tells it all that happens after generation `from`. The thread ends when the publisher
/// or the consumer is gone.
pub(crate) fn start(
    consumer: Box<dyn Consumer>,
    reader: Reader,
    mut changed: watch::Receiver<Generation>,
    from: Generation,
) -> std::io::Result<()> {
    let runtime = Handle::current();
    let name = format!("provost-tell-{}", consumer.name());
    changed.mark_changed();
    std::thread::Builder::new().name(name).spawn(move || {
        let worlds = reader.poller();
        let mut teller = Teller { consumer, reader, worlds, cursor: from, owed: 0, pause: PAUSE_FIRST };
        while runtime.block_on(changed.changed()).is_ok() && !teller.consumer.is_gone() {
            while teller.tell() == Told::Failed {
                if runtime.block_on(teller.recover(&mut changed)).is_err() {
                    return;
                }
            }
        }
    })?;
    Ok(())
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
    /// How long it is left alone after the next failure.
    pause: Duration,
}

impl Teller {
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
            if let Err(fault) = self.consumer.on_change(&batch, &world) {
                self.owed = batch.missed + batch.changes.len() as u64;
                tracing::warn!(
                    plugin = &**self.consumer.name(), %fault,
                    "the consumer failed; it is told again after {} ms", self.pause.as_millis()
                );
                return Told::Failed;
            }
            self.pause = PAUSE_FIRST;
        }
    }

    /// Waits for the pause to end.
    async fn recover(
        &mut self,
        changed: &mut watch::Receiver<Generation>,
    ) -> Result<(), watch::error::RecvError> {
        let over = tokio::time::sleep(self.pause);
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        tokio::pin!(over);
        loop {
            tokio::select! {
                () = &mut over => return Ok(()),
                // The end of the publisher ends the pause; what changes meanwhile is told after it.
                rung = changed.changed() => rung?,
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
