//! What a host has to do with the one before it, and with its keeper.

use std::path::PathBuf;

use provost_supervisor::{Adopted, Keeper, LastEnd};
use tokio::sync::watch;

use super::keeper::Leaving;

/// What a host finds at its start.
#[derive(Default)]
pub(super) struct Found {
    pub(super) keeper: Option<Keeper>,
    pub(super) adopted: Adopted,
    /// How the host before this one has ended, if there was one.
    pub(super) last_end: Option<LastEnd>,
    /// Whether a host before this one may have left processes behind.
    pub(super) has_former: bool,
}

/// What a running host has to do with its keeper.
pub(super) struct Service {
    pub(super) keeper: Option<Keeper>,
    pub(super) leaving: Option<Leaving>,
    /// Becomes true when the keeper knows that this host is in service.
    pub(super) settled: watch::Sender<bool>,
    pub(super) socket: PathBuf,
    pub(super) has_former: bool,
}

impl Service {
    /// Whether there is a keeper that starts another host.
    pub(super) fn may_go_on(&self) -> bool {
        self.leaving.as_ref().is_some_and(Leaving::has_keeper)
    }

    /// Begins to stop everything. Returns false if the host has left.
    pub(super) async fn stop(&self) -> bool {
        match &self.leaving {
            Some(leaving) => leaving.stop().await,
            None => true,
        }
    }
}
