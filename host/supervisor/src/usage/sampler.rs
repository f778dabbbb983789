//! The task that takes the samples: of all processes every two seconds, and of single ones when somebody wishes it. In a
//! simulation it does the latter alone.

use std::sync::Arc;

use provost_state::{Moment, ProcessId, Reader, Usage};
use tokio::task::AbortHandle;

use super::details::Details;
use super::table::{ProcessUsage, Table};
use crate::children::Spawner;
use crate::children::resources::{Alive, Readings, Source, Wanted};
use crate::clock::Clock;
use crate::jobs::Lane;

/// How often all processes are read, in milliseconds.
pub(crate) const METERED_EVERY_MS: u64 = 2_000;

/// What takes the samples.
pub(crate) struct Sampler {
    pub(crate) table: Arc<Table>,
    pub(crate) reader: Reader,
    pub(crate) clock: Clock,
    pub(crate) spawner: Arc<dyn Spawner>,
    /// How often all processes are read, in milliseconds; `None` for never.
    pub(crate) every_ms: Option<u64>,
    /// For reading what is read at every look.
    pub(crate) metering: Lane,
    /// For reading what is slow to read.
    pub(crate) inspecting: Lane,
}

/// The task; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Sampling {
    pub(crate) table: Arc<Table>,
    task: AbortHandle,
}

impl Drop for Sampling {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Sampler {
    /// Starts the task. Must be called within a tokio runtime.
    pub(crate) fn start(self) -> Sampling {
        let table = self.table.clone();
        let task = tokio::spawn(async move {
            let details = Details::new(self.inspecting.clone());
            let mut source = None;
            let mut next = self.clock.now();
            loop {
                self.until_due(next).await;
                let now = self.clock.now();
                let all = now.mono_ns >= next.mono_ns;
                if all {
                    next = now.plus_ms(self.every_ms.unwrap_or(u64::MAX));
                }
                source = self.look(source, all, now, &details).await;
            }
        })
        .abort_handle();
        Sampling { table, task }
    }

    /// Waits until all processes, or one with a wish, have to be read.
    async fn until_due(&self, next: Moment) {
        loop {
            let wish = self.table.earliest_wish().filter(|wish| wish.mono_ns < next.mono_ns);
            let due = self.clock.instant(wish.unwrap_or(next));
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(due) => return,
                () = self.table.wished() => {}
            }
        }
    }

    /// Takes samples with `source`, which is made anew if it was lost, and returns it.
    async fn look(
        &self,
        source: Option<Box<dyn Source>>,
        all: bool,
        now: Moment,
        details: &Details,
    ) -> Option<Box<dyn Source>> {
        let wishes = self.table.due_wishes(now);
        let wanted = self.wanted(all, &wishes, details);
        if wanted.alive.is_empty() && !all {
            return source;
        }
        let mut source = source.unwrap_or_else(|| self.spawner.resources(self.clock.clone()));
        let read = self.metering.run(move || {
            let readings = source.read(&wanted);
            (source, wanted, readings)
        });
        match read.await {
            Ok((source, wanted, readings)) => {
                self.enter(readings, &wanted, details);
                Some(source)
            }
            Err(lost) => {
                tracing::error!(%lost, "the use of resources was not read; it is tried again");
                None
            }
        }
    }

    fn wanted(&self, all: bool, wishes: &[ProcessId], details: &Details) -> Wanted {
        let world = self.reader.snapshot();
        let alive = |state: &provost_state::ProcessState| {
            let (id, pid) = (state.id, state.pid()?);
            Some(Alive { id, name: state.name().clone(), incarnation: state.incarnation, pid })
        };
        let mut alive: Vec<Alive> = match all {
            true => world.iter().filter_map(|state| alive(state)).collect(),
            false => wishes.iter().filter_map(|id| alive(world.get(*id)?)).collect(),
        };
        alive.sort_by_key(|one| one.id);
        let owners = if all { details.owners() } else { Vec::new() };
        Wanted { alive, all, owners }
    }

    fn enter(&self, readings: Readings, wanted: &Wanted, details: &Details) {
        let Readings { host, children, orphans } = readings;
        let mut pids = Vec::with_capacity(children.len());
        let mut samples = Vec::with_capacity(children.len());
        for reading in children {
            let at = wanted.alive.binary_search_by_key(&reading.id, |one| one.id).ok();
            let Some(Alive { name, incarnation, .. }) = at.and_then(|at| wanted.alive.get(at)) else {
                continue;
            };
            let mut usage: Usage = reading.usage;
            details.add(reading.id, *incarnation, &mut usage);
            samples.push(ProcessUsage {
                id: reading.id,
                name: name.clone(),
                incarnation: *incarnation,
                usage,
            });
            pids.push(reading.pids);
        }
        details.ask_owners(orphans);
        if wanted.all {
            details.refresh(samples.iter().zip(pids).collect(), self.clock.now());
        }
        self.table.publish(samples, host, wanted.all);
    }
}
