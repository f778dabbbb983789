//! Tells consumers. Each has a thread, a cursor and a bound of its own: a slow one can only slow down itself.
//!
//! Nothing is queued for it: a consumer that comes back late reads on from its cursor. If it is further
//! behind than one batch, changes of the same process are coalesced (the latest wins) and what that swallowed is
//! counted as missed, as is what the ring of changes no longer holds.

use std::collections::HashMap;
use std::sync::Arc;

use provost_state::changes::CHANGES_KEPT;
use provost_state::{Batch, Change, Consumer, Generation, Poller, ProcessId, Reader};
use tokio::runtime::Handle;
use tokio::sync::watch;

/// Changes that a consumer is told at once.
const BATCH: usize = 1_024;

/// Gives `consumer` a thread; it ends when the publisher is gone.
pub(crate) fn start(
    mut consumer: Box<dyn Consumer>,
    reader: Reader,
    mut changed: watch::Receiver<Generation>,
) -> std::io::Result<()> {
    let runtime = Handle::current();
    let name = format!("provost-tell-{}", consumer.name());
    std::thread::Builder::new().name(name).spawn(move || {
        let (mut worlds, mut cursor) = (reader.poller(), Generation(0));
        while runtime.block_on(changed.changed()).is_ok() {
            tell(&mut *consumer, &reader, &mut worlds, &mut cursor);
        }
    })?;
    Ok(())
}

/// Tells all that has happened since `cursor`.
fn tell(consumer: &mut dyn Consumer, reader: &Reader, worlds: &mut Poller, cursor: &mut Generation) {
    loop {
        let world = worlds.snapshot().clone();
        if *cursor >= world.generation() {
            return;
        }
        let page = reader.changes_until(*cursor, &world, CHANGES_KEPT);
        *cursor = page.cursor;
        let mut missed = page.missed;
        for changes in batches(page.changes, &mut missed) {
            let batch = Batch { changes, missed: std::mem::take(&mut missed) };
            if let Err(fault) = consumer.on_change(&batch, &world) {
                tracing::warn!(plugin = &**consumer.name(), %fault, "the consumer failed");
            }
        }
    }
}

/// The changes as batches, coalesced if they do not fit into one.
fn batches(changes: Vec<Arc<Change>>, missed: &mut u64) -> Vec<Vec<Arc<Change>>> {
    if changes.len() <= BATCH {
        return vec![changes];
    }
    let mut latest: HashMap<ProcessId, Generation> = HashMap::new();
    for change in &changes {
        latest.insert(change.state.id, change.generation);
    }
    let before = changes.len();
    let kept: Vec<_> = changes
        .into_iter()
        .filter(|change| latest.get(&change.state.id) == Some(&change.generation))
        .collect();
    *missed += (before - kept.len()) as u64;
    kept.chunks(BATCH).map(<[_]>::to_vec).collect()
}
