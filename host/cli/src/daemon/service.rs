//! What a host has to do with the one before it, and with its keeper.

use std::path::PathBuf;
use std::time::Duration;

use provost_supervisor::{Adopted, Keeper, LastEnd, Stash};
use tokio::sync::watch;

use super::asked::{Asked, Why};
use super::journal::Recording;
use super::keeper::{Copies, Course, Leaving, SeenOff, Stage, Successor};
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
    pub(super) course: Course,
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

    /// Begins to stop everything. If the host leaves instead, everything is for the next one; returns why it leaves.
    pub(super) async fn stop(&self, why: Why) -> Option<Why> {
        let followed = match why {
            Why::Handed | Why::Replaced => why,
            _ => match self.course.stop().await {
                Stage::Serving | Stage::Stopping => return None,
                Stage::Left => Why::Replaced,
                Stage::Handed => Why::Handed,
            },
        };
        Some(self.let_go(followed))
    }

    /// Leaves everything to the next host, before the parts of this one are dropped. Returns why.
    pub(super) fn let_go<T>(&self, why: T) -> T {
        if let Some(keeper) = &self.keeper {
            keeper.let_go();
        }
        why
    }

    /// Records what has happened while another keeper was awaited, within `limit`, and leaves nothing behind where the keeper ends everything.
    pub(super) fn follow_up(&self, seen_off: SeenOff, recording: &Recording, limit: Duration) {
        if seen_off.has_waited {
            recording.write_all(limit);
        }
        if seen_off.ends {
            self.discard_copies();
        }
    }

    /// Removes what is on the disk for another host: everything has ended.
    pub(super) fn discard_copies(&self) {
        self.copies.discard(self.keeper.as_ref(), self.stash.as_ref());
    }
}

/// Waits until there is a keeper that starts the next host. If `ends`, or if the host is asked to stop meanwhile, that keeper ends
/// everything instead. The end of the terminal is no such request: the next host goes on in the background.
pub(super) async fn see_off(successor: &mut Successor, asked: &mut Asked, mut ends: bool) -> SeenOff {
    loop {
        tokio::select! {
            biased;
            why = asked.next(), if !ends => {
                ends = !matches!(why, Why::Replaced | Why::TerminalGone | Why::HungUp);
            }
            seen_off = successor.see_off(ends) => return seen_off,
        }
    }
}
