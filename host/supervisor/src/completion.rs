//! Waits until nothing runs and nothing will start unprompted, or until one process has ended for good.

use std::collections::HashSet;
use std::sync::Arc;

use provost_state::{Change, Generation, Phase, PhaseKind, ProcessId, ProcessState, Reader, Snapshot};
use tokio::sync::watch;

use crate::supervisor::Supervisor;

/// The maximum number of changes that are read at once.
const PAGE: usize = 512;

/// How one process has ended for good.
#[derive(Clone, Debug)]
pub struct Completion {
    /// Its last state.
    pub state: Arc<ProcessState>,
    /// Whether it was given up, has failed and stays down, or waits for a condition that will not be met.
    pub failed: bool,
}

/// A cursor over the changes from now on, page by page.
struct Following<'s> {
    reader: &'s Reader,
    changed: watch::Receiver<Generation>,
    cursor: Generation,
}

/// A page of changes.
struct Page {
    changes: Vec<Change>,
    /// Whether some changes are no longer kept, so that every process has to be looked at.
    has_gap: bool,
}

impl Page {
    /// Whether a process has come to rest, so that others may wait in vain from then on.
    fn has_rest(&self) -> bool {
        self.has_gap || self.changes.iter().any(|change| change.state.is_at_rest())
    }
}

impl Following<'_> {
    /// Waits for the next changes; returns `None` when there will be no more.
    async fn next(&mut self) -> Option<Page> {
        loop {
            self.changed.mark_unchanged();
            let page = self.reader.changes_since(self.cursor, PAGE);
            self.cursor = page.cursor;
            let has_gap = page.missed > 0;
            if has_gap || !page.changes.is_empty() {
                return Some(Page { changes: page.changes, has_gap });
            }
            self.changed.changed().await.ok()?;
        }
    }
}

impl Supervisor {
    fn following(&self, world: &Snapshot) -> Following<'_> {
        Following { reader: self.reader(), changed: self.changed(), cursor: world.generation() }
    }

    /// Resolves when nothing runs and nothing will unless somebody acts: every process is stopped, has ended for good,
    /// was given up, or waits for one of these. Returns the processes that have failed.
    pub async fn until_all_completed(&self) -> Vec<Completion> {
        loop {
            let begun = self.unchanging().await;
            let mut world = self.reader().snapshot();
            let mut busy = self.busy(&world);
            let mut following = self.following(&world);
            while !self.none_will_move(&busy, &world) {
                let Some(page) = following.next().await else { return std::future::pending().await };
                world = self.reader().snapshot();
                self.update(&mut busy, &page, &world);
            }
            fail::fail_point!("completion.judged");
            // Otherwise the world may be one from the middle of a change.
            if self.changes_begun() == begun {
                return self.failed(&busy, &world);
            }
        }
    }

    /// Resolves when the process has ended for good: it is at rest after a start, or waits for a condition that will
    /// not be met. Resolves with `None` if there is no such process, or it is removed before.
    pub async fn until_completed(&self, id: ProcessId) -> Option<Completion> {
        loop {
            let begun = self.unchanging().await;
            let mut world = self.reader().snapshot();
            let mut following = self.following(&world);
            let mut completion = self.completion(world.get(id)?, &world);
            while completion.is_none() {
                let Some(page) = following.next().await else { return std::future::pending().await };
                world = self.reader().snapshot();
                let state = world.get(id)?;
                if page.has_rest() || page.changes.iter().any(|change| change.state.id == id) {
                    completion = self.completion(state, &world);
                }
            }
            fail::fail_point!("completion.judged");
            // Otherwise the world may be one from the middle of a change.
            if self.changes_begun() == begun {
                return completion;
            }
        }
    }

    /// Returns how a process has ended for good, if it has.
    fn completion(&self, state: &Arc<ProcessState>, world: &Snapshot) -> Option<Completion> {
        // A process that was never touched has not ended: it will be started with the host, or by an order.
        if state.version.0 == 0 {
            return None;
        }
        let waits = state.phase == Phase::Waiting && self.outlook(world).is_hopeless(state.name());
        let is_over = waits || state.is_at_rest();
        is_over.then(|| Completion { state: state.clone(), failed: waits || has_failed(state) })
    }

    /// Updates the processes that are not at rest by what has changed until `world`.
    fn update(&self, busy: &mut HashSet<ProcessId>, page: &Page, world: &Snapshot) {
        if page.has_gap {
            *busy = self.busy(world);
        }
        for change in &page.changes {
            // The state in the snapshot that is judged, which may be newer than the change.
            let Some(state) = world.get(change.state.id) else {
                // It was removed.
                busy.remove(&change.state.id);
                continue;
            };
            match state.is_at_rest() {
                // A process that was never touched may be about to be started.
                true if state.version.0 == 0 => false,
                true => busy.remove(&state.id),
                false => busy.insert(state.id),
            };
        }
    }

    /// Returns the processes that are not at rest, or are about to be started with the host.
    fn busy(&self, world: &Snapshot) -> HashSet<ProcessId> {
        let is_busy = |state: &ProcessState| match state.version.0 {
            0 => self.is_autostarted(state.id),
            _ => !state.is_at_rest(),
        };
        world.iter().filter(|state| is_busy(state)).map(|state| state.id).collect()
    }

    fn none_will_move(&self, busy: &HashSet<ProcessId>, world: &Snapshot) -> bool {
        let of = |id: &ProcessId| world.get(*id).map(|state| state.phase.kind());
        if busy.iter().any(|id| of(id) != Some(PhaseKind::Waiting)) {
            return false;
        }
        let outlook = (!busy.is_empty()).then(|| self.outlook(world));
        outlook.is_none_or(|outlook| {
            busy.iter().filter_map(|id| world.get(*id)).all(|state| outlook.is_hopeless(state.name()))
        })
    }

    /// Returns the processes that have failed, in the order of the config.
    fn failed(&self, waiting: &HashSet<ProcessId>, world: &Snapshot) -> Vec<Completion> {
        let failed = world.iter().filter(|state| waiting.contains(&state.id) || has_failed(state));
        failed.map(|state| Completion { state: state.clone(), failed: true }).collect()
    }
}

/// Whether the process was given up, or has ended without success and stays down.
fn has_failed(state: &ProcessState) -> bool {
    match state.phase {
        Phase::Fatal => true,
        Phase::Exited { settled: true } => !state.has_completed(),
        _ => false,
    }
}
