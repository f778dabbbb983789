//! The handle to the supervisor: what it shares, and what can be read through it.

use std::io;
use std::sync::Arc;

use provost_state::{Consumer, Generation, Noted, ProcessId, Reader, Routing};
use tokio::sync::watch;

use crate::children::leftovers::Leftover;
use crate::children::reaper;
use crate::degraded::Degraded;
use crate::groups::{Dispatch, Roster, Sets, StartOrder};
use crate::jobs::Jobs;
use crate::logs::Logs;
use crate::publish::fanout;
use crate::settings::Settings;
use crate::shared::Shared;
use crate::usage::{UsagePoint, Usages};

/// A handle to the supervisor. Cheap to clone.
#[derive(Clone)]
pub struct Supervisor {
    pub(super) shared: Arc<Shared>,
    pub(super) roster: Arc<Roster>,
    pub(super) sets: Arc<Sets>,
    pub(super) dispatch: Dispatch,
}

impl std::fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Supervisor")
            .field("generation", &self.reader().look().generation())
            .finish_non_exhaustive()
    }
}

impl Supervisor {
    /// Returns the wait-free reader of all states.
    #[must_use]
    pub fn reader(&self) -> &Reader {
        self.shared.publisher.reader()
    }

    /// Returns the order of starting of all processes of this moment.
    pub(crate) fn order(&self) -> Arc<StartOrder> {
        self.shared.lineup.order()
    }

    /// Resolves when no [change](Supervisor::changing) is in progress, and returns how many have begun before.
    pub(crate) async fn unchanging(&self) -> u64 {
        let mut changing = self.shared.changing.subscribe();
        // Cannot fail: the sender is held here.
        let calm = changing.wait_for(|changes| changes.in_progress == 0).await;
        calm.map(|changes| changes.begun).unwrap_or_default()
    }

    /// Returns how many [changes](Supervisor::changing) have begun until now.
    pub(crate) fn changes_begun(&self) -> u64 {
        self.shared.changing.borrow().begun
    }

    /// Puts those settings into force that can change at run time: the decision deadline, the shortest and the longest
    /// restart delay and the restart budget. They hold from the next decision on. The other settings are ignored:
    /// routing has [`Supervisor::reroute`], and the logs cannot change.
    pub fn retune(&self, settings: &Settings) {
        self.shared.decider.retune(settings.envelope());
    }

    /// Kills the programs of checks. This host ends, its processes go on, and the next host checks them anew.
    pub fn end_checks(&self) {
        self.shared.helpers.end_checks();
    }

    /// Returns a receiver that is woken at every commit.
    #[must_use]
    pub fn changed(&self) -> watch::Receiver<Generation> {
        self.shared.publisher.changed()
    }

    /// Notifies `consumer` of every change from now on, until it [is gone](Consumer::is_gone). If its thread cannot be
    /// started, the start is retried and the host is shown as degraded. May be called from any thread.
    pub fn consume(&self, consumer: Box<dyn Consumer>) {
        let now = self.reader().look().generation();
        self.tell_from(consumer, now);
    }

    pub(super) fn tell_from(&self, consumer: Box<dyn Consumer>, from: Generation) {
        // Plugins are loaded on threads that are not the runtime's.
        let _within = self.shared.runtime.enter();
        let (reader, changed) = (self.reader().clone(), self.shared.publisher.changed());
        fanout::start(consumer, reader, changed, from, self.shared.degraded.clone());
    }

    /// Replaces the routing of the state core's backends at run time with what `change` makes of it, and returns the
    /// former one. No process is touched, no commit is lost, and no reader sees a state go backwards.
    pub fn reroute(&self, change: impl FnOnce(Routing) -> Routing) -> Routing {
        self.shared.publisher.reroute(change)
    }

    /// Returns a receiver that becomes the exit code when a policy asks for a shutdown of the host. The owner of the
    /// supervisor then calls [`Supervisor::shutdown`] and exits with that code.
    #[must_use]
    pub fn shutdown_wanted(&self) -> watch::Receiver<Option<u8>> {
        self.shared.groups.shutdown_wanted()
    }

    /// Makes this program the subreaper of its descendants, and reaps orphans from then on. Only for programs that
    /// start all of their children through this supervisor: any other child would be reaped, too.
    ///
    /// # Errors
    /// The error of the kernel; orphans then go to pid 1, as usual.
    pub fn adopt_orphans(&self) -> io::Result<()> {
        reaper::adopt(self.shared.helpers.family(), self.shared.jobs.reaping.clone())
    }

    /// Returns the threads for blocking work.
    #[must_use]
    pub fn jobs(&self) -> &Jobs {
        &self.shared.jobs
    }

    /// Returns the list of what the host is short of at the moment.
    #[must_use]
    pub fn degraded(&self) -> &Degraded {
        &self.shared.degraded
    }

    /// Returns the process id of the keeper that holds the processes; `None` if there is none, or none any more.
    #[must_use]
    pub fn keeper_pid(&self) -> Option<u32> {
        self.shared.helpers.keeper_pid()
    }

    /// Returns the operating-system processes that are still there although they should not be.
    #[must_use]
    pub fn left(&self) -> Vec<Leftover> {
        self.shared.leftovers.list()
    }

    /// Returns the current time, by the clocks of the published states.
    #[must_use]
    pub fn now(&self) -> provost_state::Moment {
        self.shared.publisher.now()
    }

    /// Records what `what` returns, if there is a recorder. Must be called before anything that follows from it is committed,
    /// so that it is recorded before that.
    pub fn note(&self, what: impl FnOnce() -> Noted) {
        self.shared.publisher.notes().record(what);
    }

    /// Returns the last samples of the resources that the processes use.
    #[must_use]
    pub fn usages(&self) -> Arc<Usages> {
        self.shared.usage.table.last()
    }

    /// Returns a receiver that is woken with the revision of the samples after every look.
    #[must_use]
    pub fn usage_revision(&self) -> watch::Receiver<u64> {
        self.shared.usage.table.revision()
    }

    /// Returns what the present life of a process has used during the last hour, oldest first; empty if it has no child.
    #[must_use]
    pub fn usage_history(&self, id: ProcessId) -> Vec<UsagePoint> {
        self.shared.usage.table.history(id, self.now())
    }

    /// Returns the output of all processes.
    #[must_use]
    pub fn logs(&self) -> &Logs {
        &self.shared.logs
    }
}
