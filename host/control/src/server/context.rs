//! The context of the API, and the state that every route receives.

use std::sync::Arc;

use bytes::Bytes;
use provost_api as api;
use provost_state::{Generation, Plugins};
use provost_supervisor::Supervisor;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};

use super::answers::Answers;
use super::guarded::Mount;
use super::refused::Refused;
use super::rules::RulesInForce;
use crate::convert::{self, Wall};
use crate::past::PastEvents;
use crate::reloading::LiveConfig;
use crate::upgrading::Place;

/// The maximum number of connections, unless descriptors are few.
pub const CONNECTIONS_MAX: usize = 1_024;

/// The parts of the host that the API serves.
#[derive(Clone, Debug)]
pub struct ApiContext {
    /// The processes.
    pub supervisor: Supervisor,
    /// The plugins.
    pub plugins: Arc<dyn Plugins>,
    /// The config.
    pub config: Arc<dyn LiveConfig>,
    /// What the config says about requests.
    pub rules: RulesInForce,
    /// What happened before the remembered changes, if that is recorded.
    pub past: Option<Arc<dyn PastEvents>>,
    /// The host itself.
    pub host: api::Host,
    /// Receives a message when a client asks the host to stop.
    pub shutdown: mpsc::Sender<()>,
    /// The maximum number of connections: [`CONNECTIONS_MAX`], or fewer where descriptors are few.
    pub connections_max: usize,
    /// The place of the host, which another program may take; `None` if none can.
    pub place: Option<Arc<dyn Place>>,
    /// Services beside the API.
    pub mounts: Vec<Mount>,
    /// The final report of the host, once everything that can be ended has ended.
    pub ended: watch::Receiver<Option<api::Ended>>,
}

/// The state that every route receives: the context, and the end of the API.
#[derive(Clone, Debug)]
pub(super) struct AppState {
    pub(super) context: Arc<ApiContext>,
    pub(super) answers: Arc<Answers>,
    pub(super) ended: watch::Receiver<bool>,
    pub(super) lasting: Arc<Semaphore>,
}

/// Returns the permits of requests that follow or wait, for an entrance with as many connections.
pub(super) fn lasting(connections_max: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(connections_max - connections_max.div_ceil(8)))
}

impl AppState {
    /// Returns the state for an entrance with permits of its own.
    pub(super) fn with_lasting(&self, connections_max: usize) -> Self {
        Self { lasting: lasting(connections_max), ..self.clone() }
    }

    /// Returns the array of all plugins, in the order of the config; `now` is the current generation.
    pub(super) fn plugins(&self, now: Generation) -> Bytes {
        let reports = self.context.plugins.reports();
        // The generation determines the number of queued changes, if a plugin gets any.
        let counts = reports.iter().any(|report| report.told_until.is_some());
        self.answers.plugins.rendered((reports, counts.then_some(now)), |(reports, _)| {
            reports.iter().map(|report| convert::plugin(report, now)).collect::<Vec<_>>()
        })
    }

    /// Returns the anchor of the times in answers.
    pub(super) fn wall(&self) -> Wall {
        self.answers.anchor.at(self.context.supervisor.now())
    }

    /// Acquires the permit of a request that follows or waits. Not all connections may hold one, because a connection in
    /// such a request cannot give way to another.
    pub(super) fn lasting(&self) -> Result<OwnedSemaphorePermit, Refused> {
        self.lasting.clone().try_acquire_owned().map_err(|_| Refused::busy())
    }
}
