//! What a host has to do with the one before it, and with its keeper.

use std::path::PathBuf;

use provost_supervisor::{Adopted, Keeper, LastEnd, Stash};
use rustix::process::getppid;
use tokio::sync::watch;

use super::asked::Why;
use super::keeper::{Copies, Leaving, Successor};
use super::service_manager::ServiceManager;

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
    pub(super) stash: Option<Stash>,
    /// What is on the disk for the case that the keeper is killed as well.
    pub(super) copies: Copies,
    pub(super) leaving: Option<Leaving>,
    /// Becomes true when the keeper knows that this host is in service.
    pub(super) settled: watch::Sender<bool>,
    pub(super) socket: PathBuf,
    /// The service manager that has started the host.
    pub(super) manager: ServiceManager,
    pub(super) has_former: bool,
}

impl Service {
    /// Whether there is a keeper that starts another host.
    pub(super) fn may_go_on(&self) -> bool {
        self.leaving.as_ref().is_some_and(Leaving::has_keeper)
    }

    /// Waits for another keeper if the one that was to start the next host has ended: nobody else would start it.
    pub(super) async fn is_followed(&self, why: Why, successor: &mut Successor) {
        // Its children have another parent before its connection ends.
        let own = |keeper: &Keeper| {
            getppid().is_some_and(|pid| pid.as_raw_nonzero().get().unsigned_abs() == keeper.pid())
        };
        if why == Why::Replaced && !(self.may_go_on() && self.keeper.as_ref().is_some_and(own)) {
            successor.is_in_place_soon().await;
        }
    }

    /// Removes what is on the disk for another host: everything has ended.
    pub(super) fn discard_copies(&self) {
        self.copies.discard(self.keeper.as_ref(), self.stash.as_ref());
    }

    /// Begins to stop everything. Returns false if the host has left.
    pub(super) async fn stop(&self) -> bool {
        match &self.leaving {
            Some(leaving) => leaving.stop().await,
            None => true,
        }
    }
}
