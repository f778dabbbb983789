//! A spawn until there is a child, or none is wanted any more: shortages of the machine are waited out, and a child that nobody takes
//! is ended.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::sleep;

use super::OsSpawner;
use super::flight::{Flight, InFlight};
use super::request::{Failure, SpawnRequest};
use crate::children::{Child, Past, SpawnTicket, Spawned, Spawner};
use crate::degraded::Share;
use crate::jobs::HANGS_AFTER;

/// The first pause before a spawn is retried after a shortage; it doubles up to [`RETRY_MAX`].
const RETRY_FIRST: Duration = Duration::from_millis(50);

/// The longest such pause.
const RETRY_MAX: Duration = Duration::from_secs(1);

impl OsSpawner {
    /// Spawns, and retries after shortages, until the child is not wanted any more.
    pub(super) async fn persist(self, request: Arc<SpawnRequest>, ticket: SpawnTicket, past: Option<Past>) {
        let number = self.flight.fetch_add(1, Ordering::Relaxed);
        let in_flight = Arc::new(InFlight::default());
        let flight = Flight { name: request.spec.name.clone(), in_flight: in_flight.clone() };
        self.flights.insert(number, flight);
        let done = self.try_until_there(request, ticket, in_flight, past).await;
        if let Some((ticket, spawned)) = done {
            self.hand_over(ticket, spawned).await;
        }
        self.flights.remove(&number);
    }

    /// Returns `None` if the child is not wanted any more.
    async fn try_until_there(
        &self,
        request: Arc<SpawnRequest>,
        mut ticket: SpawnTicket,
        in_flight: Arc<InFlight>,
        mut past: Option<Past>,
    ) -> Option<(SpawnTicket, Spawned)> {
        let mut pause = RETRY_FIRST;
        let mut short: Option<Share> = None;
        loop {
            let is_after_another = past.is_some();
            let attempt = self.attempt(&request, &in_flight, past.take());
            tokio::pin!(attempt);
            let spawned = loop {
                tokio::select! {
                    spawned = &mut attempt => break spawned,
                    () = ticket.abandoned() => {
                        drop(short.take());
                        in_flight.kill(&self.around.family);
                        if let Ok(unwanted) = attempt.await {
                            self.end_unwanted(unwanted).await;
                        }
                        return None;
                    }
                    // A shortage fails an attempt at once: this one hangs for another reason.
                    () = sleep(HANGS_AFTER), if short.is_some() => drop(short.take()),
                }
            };
            let error = match spawned {
                Ok(child) => return Some((ticket, Ok(child))),
                Err(Failure::Refused(why)) => return Some((ticket, Err(why))),
                // What the former life took is free now.
                Err(Failure::Short(_)) if is_after_another => continue,
                Err(Failure::Short(error)) => error,
            };
            let reason = format!("{}: {error}; it is tried again", request.spec.name);
            match &short {
                Some(short) => short.renew(reason),
                None => short = Some(self.short.share(reason)),
            }
            tokio::select! {
                () = sleep(pause) => pause = (pause * 2).min(RETRY_MAX),
                () = ticket.abandoned() => return None,
            }
        }
    }

    async fn hand_over(&self, ticket: SpawnTicket, spawned: Spawned) {
        let pid = spawned.as_ref().ok().map(|child| child.pid);
        match ticket.hand_over(spawned) {
            Ok(ticket) => {
                // The spawn may have been abandoned with the child in the channel, where nothing takes it out.
                if let (Some(_over), Some(pid)) = (ticket.lost().await, pid) {
                    let _ = self.kill(pid);
                    while self.living.contains_key(&pid) {
                        sleep(RETRY_FIRST).await;
                    }
                }
            }
            Err(returned) => {
                let (spawned, _over) = *returned;
                if let Ok(unwanted) = spawned {
                    self.end_unwanted(unwanted).await;
                }
            }
        }
    }

    async fn end_unwanted(&self, child: Child) {
        let life = self.life(child.pid);
        let _ = self.kill(child.pid);
        child.exit.await;
        if let Ok(life) = life {
            life.forget();
        }
    }
}
