//! What the API speaks for, and what every route is given.

use std::sync::Arc;

use provost_api as api;
use provost_state::Plugins;
use provost_supervisor::Supervisor;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};

use super::refused::Refused;

/// How many connections there are at most, unless descriptors are few.
pub const CONNECTIONS_MAX: usize = 1_024;

/// What the API speaks for.
#[derive(Clone, Debug)]
pub struct ApiContext {
    /// The processes.
    pub supervisor: Supervisor,
    /// The plugins.
    pub plugins: Arc<dyn Plugins>,
    /// The host itself.
    pub host: api::Host,
    /// Told when somebody asks the host to stop.
    pub shutdown: mpsc::Sender<()>,
    /// How many connections there may be at once: [`CONNECTIONS_MAX`], or fewer where descriptors are few.
    pub connections_max: usize,
    /// How the host ends, as soon as everything that can be ended has ended.
    pub ended: watch::Receiver<Option<api::Ended>>,
}

/// What every route is given: the context, and the end of the API.
#[derive(Clone, Debug)]
pub(super) struct AppState {
    pub(super) context: ApiContext,
    pub(super) ended: watch::Receiver<bool>,
    pub(super) lasting: Arc<Semaphore>,
}

impl AppState {
    /// The right to be answered for long: to follow, or to wait. Not all connections may do so at once, because those
    /// that do cannot give way to others.
    pub(super) fn lasting(&self) -> Result<OwnedSemaphorePermit, Refused> {
        self.lasting.clone().try_acquire_owned().map_err(|_| Refused::busy())
    }
}
