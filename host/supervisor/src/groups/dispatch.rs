//! Sends orders to runners and waits for the result, on behalf of tasks that act on several processes. No runner ever waits
//! for another one; those that wait are separate tasks.

use std::collections::HashSet;
use std::sync::{Arc, Weak};
use std::time::Duration;

use provost_state::{Generation, Handle, Phase, PhaseKind, ProcessId, ProcessState, Reader};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::lineup::Lineup;
use super::roster::Roster;
use crate::clock::Clock;
use crate::mailbox::{Refusal, Want};

/// How long after its SIGKILL a process may take to end before the shutdown goes on without it.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(5);

/// A process that several tasks know by its name and read through its handle.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) name: Arc<str>,
    pub(crate) handle: Handle,
}

/// Access to all runners. It does not keep the roster alive: when that is gone, every order is refused.
#[derive(Clone, Debug)]
pub(crate) struct Dispatch {
    pub(crate) reader: Reader,
    pub(crate) lineup: Arc<Lineup>,
    pub(crate) changed: watch::Receiver<Generation>,
    pub(crate) roster: Weak<Roster>,
}

impl Dispatch {
    /// Sends an order. If it is lost because the runner ended unexpectedly, it is sent again to the runner that takes
    /// over, so every order that is sent here must be idempotent.
    pub(crate) async fn order(&self, id: ProcessId, want: Want) -> Result<(), Refusal> {
        loop {
            let roster = self.roster.upgrade().ok_or(Refusal::ShuttingDown)?;
            match roster.order(id, want.clone()).await {
                Err(Refusal::Lost) => {}
                answer => return answer,
            }
        }
    }

    pub(crate) fn handles(&self, names: &[Arc<str>]) -> Vec<Handle> {
        names.iter().filter_map(|name| self.reader.handle(name)).collect()
    }

    /// Returns those of these processes that exist.
    pub(crate) fn named(&self, names: Vec<Arc<str>>) -> Vec<Named> {
        let named = |name: Arc<str>| Some(Named { handle: self.reader.handle(&name)?, name });
        names.into_iter().filter_map(named).collect()
    }

    /// Waits until the phases of all these processes satisfy `so`, apart from those that were removed. Every commit wakes every waiter; a look is one load
    /// of a status word for each process.
    pub(crate) async fn until(&self, processes: &[Handle], so: impl Fn(PhaseKind) -> bool) {
        let mut changed = self.changed.clone();
        loop {
            changed.mark_unchanged();
            let reached = |process: &Handle| {
                let status = process.status();
                status.is_removed() || so(status.phase())
            };
            if processes.iter().all(reached) || changed.changed().await.is_err() {
                return;
            }
        }
    }

    /// Waits until the state of one process satisfies `so`.
    pub(crate) async fn until_state(&self, id: ProcessId, so: impl Fn(&ProcessState) -> bool) {
        let mut changed = self.changed.clone();
        loop {
            changed.mark_unchanged();
            let reached = self.reader.state(id).is_none_or(|state| so(&state));
            if reached || changed.changed().await.is_err() {
                return;
            }
        }
    }

    /// Stops these processes, each after those that depend on it, and returns when all are down. With a clock it waits
    /// for no process longer than [`GIVEN_UP_AFTER`] after its SIGKILL; it returns those that were given up.
    pub(crate) async fn stop_in_order(
        &self,
        processes: Vec<Named>,
        stop: Want,
        bounded: Option<Clock>,
    ) -> Vec<Named> {
        let stops = self.dependents_first(processes, |process| {
            let (dispatch, stop, bounded) = (self.clone(), stop.clone(), bounded.clone());
            async move { dispatch.stop_one(process, stop, bounded).await }
        });
        stops.join_all().await.into_iter().flatten().collect()
    }

    /// Starts a task for each process that ends it with `end`, after the ends of those among them that depend on it.
    /// Must be called within the tokio runtime.
    pub(crate) fn dependents_first<E>(
        &self,
        processes: Vec<Named>,
        end: impl Fn(Named) -> E,
    ) -> JoinSet<E::Output>
    where
        E: Future<Output: Send> + Send + 'static,
    {
        let mut ends = JoinSet::new();
        let ended = Arc::new(watch::Sender::new(HashSet::<Arc<str>>::new()));
        let all: HashSet<Arc<str>> = processes.iter().map(|process| process.name.clone()).collect();
        let order = self.lineup.order();
        for process in processes {
            let name = process.name.clone();
            let dependents = order.dependents(&name).filter(|name| all.contains(*name));
            let (dependents, ended): (Vec<_>, _) = (dependents.cloned().collect(), ended.clone());
            let end = end(process);
            ends.spawn(async move {
                // Cannot fail: the sender is held here.
                let _ = ended
                    .subscribe()
                    .wait_for(|ended| dependents.iter().all(|name| ended.contains(name)))
                    .await;
                let outcome = end.await;
                ended.send_modify(|ended| {
                    ended.insert(name);
                });
                outcome
            });
        }
        ends
    }

    /// Stops one process; returns it if it was given up.
    async fn stop_one(&self, process: Named, stop: Want, bounded: Option<Clock>) -> Option<Named> {
        let id = process.handle.id;
        let told = self.order(id, stop);
        let told = match &bounded {
            Some(_) => timeout(GIVEN_UP_AFTER, told).await.unwrap_or(Err(Refusal::Lost)),
            None => told.await,
        };
        match told {
            Ok(()) | Err(Refusal::Removed) => {}
            Err(refusal) => {
                tracing::warn!(process = &*process.name, %refusal, "the order to stop failed");
            }
        }
        let Some(clock) = bounded else {
            self.until(&[process.handle], is_down).await;
            return None;
        };
        let until = self.kill_at(id, &clock).unwrap_or_else(Instant::now) + GIVEN_UP_AFTER;
        let down = timeout_at(until, self.until(std::slice::from_ref(&process.handle), is_down)).await;
        down.is_err().then_some(process)
    }
}

impl Dispatch {
    /// Returns when the process is sent SIGKILL, if it is being stopped.
    fn kill_at(&self, id: ProcessId, clock: &Clock) -> Option<Instant> {
        self.reader.state(id).and_then(|state| match state.phase {
            Phase::Stopping { kill_at, .. } => Some(clock.instant(kill_at)),
            _ => None,
        })
    }

    /// Resolves when a process that is to leave is past hope: [`GIVEN_UP_AFTER`] after its SIGKILL, or, while it has no
    /// child, that long after the last commit to it and the time for its output.
    pub(crate) async fn past_hope(&self, id: ProcessId, clock: &Clock, output: Duration) {
        fail::fail_point!("removal.stuck", |_| {});
        let mut changed = self.changed.clone();
        let (mut seen, mut until) = (None, Instant::now());
        loop {
            changed.mark_unchanged();
            let version = self.reader.state(id).map(|state| state.version);
            if seen != Some(version) {
                seen = Some(version);
                let now = Instant::now();
                until = self.kill_at(id, clock).map_or(now + output, |at| at.max(now)) + GIVEN_UP_AFTER;
            }
            tokio::select! {
                biased;
                () = sleep_until(until) => return,
                rung = changed.changed() => if rung.is_err() { return },
            }
        }
    }
}

/// Whether the process is at rest: it does not run and will not be started unprompted.
fn is_down(phase: PhaseKind) -> bool {
    matches!(phase, PhaseKind::Stopped | PhaseKind::Exited | PhaseKind::Fatal)
}
