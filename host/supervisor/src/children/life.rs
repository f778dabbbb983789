//! The end of a child. When its main process has ended, the rest of its group is killed at once, so that a restart does
//! not wait; if a stop was asked for, the whole group has the grace time, and the child ends with the last of the
//! group. The main process stays unreaped until then, so that neither its pid nor that of its group can be reused.
//!
//! After the group come the descendants that have left it. They are found among the orphans that the host has adopted,
//! are asked to end, and are killed when the child is.
//!
//! The end of an orphan wakes the tasks that wait for a group. A member whose parent has left the group and lives on is
//! the parent's child and not the host's: its end is seen at the next look, at most a second later.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use provost_keeper::protocol::{Ending, Scope};
use provost_posix as posix;
use provost_state::{Exit, Incarnation, Signal};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::cgroups::{Cgroup, Cgroups};
use super::family::{Family, Foreign, Relative, is_stuck, lives};
use super::keeper::Kept;
use super::leftovers::{Leftover, Leftovers};
use super::partings::Partings;
use super::pidfd::Pidfd;
use super::{LifeEnd, Stop};
use crate::jobs::Lane;
use crate::spec::{Escaped, ProcessSpec, StopTo};

/// The pause before the first look at a group without a wake-up; it doubles up to [`LOOK_MAX`].
const LOOK_FIRST: Duration = Duration::from_millis(20);

/// The longest pause between two looks at a group.
pub(super) const LOOK_MAX: Duration = Duration::from_secs(1);

/// How long a process may take to end after SIGKILL before it is given up and reported.
const KILLED_WITHIN: Duration = Duration::from_secs(2);

/// The parts that all lives share.
#[derive(Clone, Debug)]
pub(super) struct Surroundings {
    pub(super) family: Arc<Family>,
    pub(super) leftovers: Leftovers,
    pub(super) reading: Lane,
    pub(super) cgroups: Cgroups,
    pub(super) partings: Partings,
}

/// A child from its spawn to its reaping.
#[derive(Debug)]
pub(super) struct Life {
    pub(super) pid: u32,
    pub(super) owner: Owner,
    /// Who reaps it.
    parent: Parent,
    /// Its cgroup, if it has one of its own.
    pub(super) cgroup: Option<Arc<Cgroup>>,
    endings: Mutex<Endings>,
    /// How it was asked to end, if it was.
    stop: Mutex<Option<Stop>>,
    /// Whether it was killed, which ends the grace time of all that belongs to it.
    killed: watch::Sender<bool>,
    /// Whether its main process has ended.
    main_ended: AtomicBool,
    /// Held for one whose parent is neither this process nor the keeper.
    _foreign: Option<Foreign>,
    /// Whether it was reaped, so that its pid may be reused. The lock is held while a signal is sent.
    reaped: Mutex<bool>,
}

/// The parent of a child, which alone can reap it.
#[derive(Debug)]
pub(super) enum Parent {
    /// This process.
    Host,
    /// The keeper.
    Keeper(Kept),
}

/// The process that a life belongs to.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    pub(super) name: Arc<str>,
    /// `None` for a check.
    pub(super) incarnation: Option<Incarnation>,
}

/// How the descendants that have left the group are ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Endings {
    pub(super) escaped: Escaped,
    pub(super) stop: Stop,
    pub(super) grace: Duration,
}

impl From<&ProcessSpec> for Endings {
    fn from(spec: &ProcessSpec) -> Self {
        Self {
            escaped: spec.escaped,
            stop: Stop { signal: spec.stop_signal, to: spec.stop_to },
            grace: Duration::from_millis(spec.stop_grace_ms),
        }
    }
}

impl Endings {
    /// Returns how the keeper ends a child when there is no host.
    pub(super) fn of_keeper(self, rank: u32) -> Ending {
        let scope = match self.stop.to {
            StopTo::Main => Scope::Main,
            StopTo::Group => Scope::Group,
        };
        let grace_ms = u64::try_from(self.grace.as_millis()).unwrap_or(u64::MAX);
        Ending { rank, signal: self.stop.signal.number(), scope, grace_ms }
    }
}

impl Life {
    pub(super) fn new(
        pid: u32,
        owner: Owner,
        parent: Parent,
        endings: Endings,
        family: &Arc<Family>,
    ) -> Self {
        let is_foreign = matches!(&parent, Parent::Keeper(kept) if kept.is_orphaned());
        Self {
            pid,
            owner,
            parent,
            cgroup: None,
            endings: Mutex::new(endings),
            stop: Mutex::default(),
            killed: watch::Sender::new(false),
            main_ended: AtomicBool::new(false),
            _foreign: is_foreign.then(|| family.enter_foreign(pid)),
            reaped: Mutex::new(false),
        }
    }

    /// Tells a keeper that nobody records the end of this life.
    pub(super) fn forget(&self) {
        if let Parent::Keeper(kept) = &self.parent {
            kept.forget();
        }
    }

    /// Changes how what has left the group is ended, and how the keeper ends the child without a host.
    pub(super) fn reconfigure(&self, endings: Endings, rank: u32) {
        *self.endings.lock() = endings;
        if let Parent::Keeper(kept) = &self.parent {
            kept.amend(endings.of_keeper(rank));
        }
    }

    pub(super) fn endings(&self) -> Endings {
        *self.endings.lock()
    }

    /// Sends a signal, unless the child has been reaped.
    pub(super) fn signal(&self, signal: Signal, to: StopTo) -> Result<(), Arc<str>> {
        let reaped = self.reaped.lock();
        if *reaped || self.is_lost() {
            return Err(Arc::from("no such process"));
        }
        let sent = match to {
            StopTo::Main => posix::signal_process(self.pid, signal.number()),
            // A main process that has left its own group is sent the signal all the same.
            StopTo::Group => {
                posix::signal_group(self.pid, signal.number()).or_else(|error| match error.raw_os_error() {
                    Some(libc::ESRCH) => posix::signal_process(self.pid, signal.number()),
                    _ => Err(error),
                })
            }
        };
        sent.map_err(|error| Arc::from(format!("cannot send {signal} to {}: {error}", self.pid)))
    }

    /// Whether it has ended, and its number may be another's because its parent, a keeper, has ended, too.
    fn is_lost(&self) -> bool {
        let is_orphaned = matches!(&self.parent, Parent::Keeper(kept) if kept.is_orphaned());
        is_orphaned && self.main_ended.load(Ordering::Acquire)
    }

    pub(super) fn stop(&self, stop: Stop) -> Result<(), Arc<str>> {
        *self.stop.lock() = Some(stop);
        if let Parent::Keeper(kept) = &self.parent {
            kept.promise_kill(self.endings().grace);
        }
        match self.signal(stop.signal, stop.to) {
            // A suspended group could not obey, so it is continued (as s6's `-d` does). One that has ended by now needs
            // nothing.
            Ok(()) => drop(self.signal(Signal::CONT, stop.to)),
            Err(_) if self.is_reaped() || self.is_gone() => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Whether another parent than this host and its keeper has reaped it: its end is yet to be handled.
    fn is_gone(&self) -> bool {
        let asked = posix::signal_process(self.pid, 0);
        self.is_lost() || asked.is_err_and(|error| error.raw_os_error() == Some(libc::ESRCH))
    }

    fn is_reaped(&self) -> bool {
        *self.reaped.lock()
    }

    pub(super) fn kill(&self) -> Result<(), Arc<str>> {
        self.killed.send_replace(true);
        let killed = self.signal(Signal::KILL, StopTo::Group);
        self.kill_cgroup();
        killed
    }

    fn stop_asked(&self) -> Option<Stop> {
        *self.stop.lock()
    }

    /// Waits for the end of the child, and returns how its main process ended.
    pub(super) async fn ended(self: Arc<Self>, watch: Pidfd, around: Surroundings) -> LifeEnd {
        watch.ended().await;
        self.main_ended.store(true, Ordering::Release);
        let stopped = self.stop_asked();
        if let Some(stop) = stopped {
            // Boxed, because most of a life is spent without these futures.
            Box::pin(self.end_of_group(&around)).await;
            let exit = Box::pin(self.end_of_escaped(stop, &watch, &around)).await;
            let end = self.end_with(exit, &around).await;
            self.close(&around).await;
            return end;
        }
        // Before the reaping: until then the pid of its group cannot be reused.
        let _ = self.signal(Signal::KILL, StopTo::Group);
        let exit = self.reap(&watch, &around).await;
        let end = self.end_with(exit, &around).await;
        if self.owner.incarnation.is_some() {
            // What has left the group is ended in parallel with the next life, which does not wait for it.
            let in_progress = around.partings.enter(self.killed.clone(), self.endings().grace);
            tokio::spawn(async move {
                let _until_then = in_progress;
                self.escaped_unasked(&around).await;
                self.close(&around).await;
            });
        }
        end
    }

    /// Reaps the main process, which has ended. A keeper does so when the end is written down.
    async fn reap(&self, watch: &Pidfd, around: &Surroundings) -> Exit {
        match &self.parent {
            Parent::Host => {
                let mut reaped = self.reaped.lock();
                let exit = around.family.reap_own(self.pid);
                *reaped = true;
                exit
            }
            Parent::Keeper(kept) => {
                // From now on the keeper may be told to forget it, so no signal is sent any more.
                *self.reaped.lock() = true;
                kept.end(&around.family, watch.fd()).await
            }
        }
    }

    /// Waits until the group is empty. After a kill, members that are still there after [`KILLED_WITHIN`] are reported.
    async fn end_of_group(&self, around: &Surroundings) {
        let in_group = |relative: &Relative| relative.group == self.pid && relative.pid != self.pid;
        let left = self.until_gone(around, in_group, |left| {
            if self.is_lost() {
                // The number of the group may be another's, so its members are killed one by one.
                for relative in left {
                    around.family.signal(relative, Signal::KILL);
                }
            } else {
                let _ = self.signal(Signal::KILL, StopTo::Group);
            }
        });
        for relative in left.await {
            self.leave(around, &relative, "it did not end within 2 s of SIGKILL");
        }
    }

    /// Ends what has left the group, then reaps the main process.
    async fn end_of_escaped(&self, stop: Stop, watch: &Pidfd, around: &Surroundings) -> Exit {
        // Its session id cannot be reused while its main process is not reaped.
        let escaped = self.escaped(around).await;
        if !escaped.is_empty() {
            self.end_relatives(&escaped, stop, around).await;
        }
        self.reap(watch, around).await
    }

    /// Ends what has left the group after an end that nobody asked for; the grace time begins now.
    async fn escaped_unasked(&self, around: &Surroundings) {
        let escaped = self.escaped(around).await;
        if escaped.is_empty() {
            return;
        }
        let Endings { stop, grace, .. } = self.endings();
        let ending = self.end_relatives(&escaped, stop, around);
        tokio::pin!(ending);
        if timeout(grace, &mut ending).await.is_err() {
            self.killed.send_replace(true);
            ending.await;
        }
    }

    /// Returns the descendants that have left the group and are to be ended. Those that are to be left are reported.
    async fn escaped(&self, around: &Surroundings) -> Vec<Relative> {
        let (true, Some(incarnation)) = (!self.is_alone(around), self.owner.incarnation) else {
            return Vec::new();
        };
        let is_ours = |relative: &&Relative| {
            let is_inside = self.cgroup.is_some();
            relative.pid != self.pid && (is_inside || relative.is_of(self.pid, &self.owner.name, incarnation))
        };
        let mut killed = self.killed.subscribe();
        let (mut pause, mut given_up) = (LOOK_FIRST, None);
        loop {
            if let Some(seen) = self.seen(around).await {
                let found: Vec<Relative> = seen.iter().filter(is_ours).cloned().collect();
                if self.endings().escaped == Escaped::Kill {
                    return found;
                }
                for relative in &found {
                    self.leave(around, relative, "it has left its group, and `stop.escaped` is \"leave\"");
                }
                return Vec::new();
            }
            // What could not be looked at is not taken for gone. After a kill the stop has to end; the last look of the
            // host finds what is still there.
            if *killed.borrow_and_update() {
                given_up.get_or_insert(Instant::now() + KILLED_WITHIN);
            }
            if given_up.is_some_and(|at| Instant::now() >= at) {
                tracing::warn!(
                    process = &*self.owner.name,
                    "could not look for descendants that have left the group: some may be alive"
                );
                return Vec::new();
            }
            tokio::select! {
                _ = killed.changed() => {}
                () = sleep(pause) => pause = (pause * 2).min(LOOK_MAX),
            }
        }
    }

    async fn end_relatives(&self, relatives: &[Relative], stop: Stop, around: &Surroundings) {
        for relative in relatives {
            tracing::info!(
                process = &*self.owner.name,
                pid = relative.pid,
                "ending a descendant that has left its group"
            );
            around.family.signal(relative, stop.signal);
            around.family.signal(relative, Signal::CONT);
        }
        let pids: Vec<u32> = relatives.iter().map(|relative| relative.pid).collect();
        let left = self.until_gone(
            around,
            // One that was started since then is in the cgroup as well.
            |relative| pids.contains(&relative.pid) || self.cgroup.is_some(),
            |left| {
                for relative in left {
                    around.family.signal(relative, Signal::KILL);
                }
            },
        );
        for relative in left.await {
            self.leave(around, &relative, "it has left its group, and did not end within 2 s of SIGKILL");
        }
    }

    /// Waits until there are no more such relatives; returns those that are still there [`KILLED_WITHIN`] after the
    /// kill.
    async fn until_gone(
        &self,
        around: &Surroundings,
        such: impl Fn(&Relative) -> bool,
        kill: impl Fn(&[Relative]),
    ) -> Vec<Relative> {
        let (mut deaths, mut killed) = (around.family.deaths(), self.killed.subscribe());
        let mut pause = LOOK_FIRST;
        let mut given_up: Option<Instant> = None;
        loop {
            deaths.mark_unchanged();
            if self.is_alone(around) {
                return Vec::new();
            }
            let is_killed = *killed.borrow_and_update();
            let seen = self.seen(around).await;
            let looked = seen.is_some();
            let seen = seen.unwrap_or_default();
            let left: Vec<Relative> = seen.iter().filter(|relative| such(relative)).cloned().collect();
            if (looked && left.is_empty()) || given_up.is_some_and(|at| Instant::now() >= at) {
                return left;
            }
            if is_killed {
                kill(&left);
                self.kill_cgroup();
                pause = LOOK_FIRST;
                given_up.get_or_insert(Instant::now() + KILLED_WITHIN);
            }
            let died = async {
                let _ = deaths.changed().await;
                // Many ends at once cause one look.
                sleep(Duration::from_millis(1)).await;
            };
            tokio::select! {
                () = died => {}
                _ = killed.changed() => {}
                () = sleep(pause) => pause = (pause * 2).min(LOOK_MAX),
            }
        }
    }

    fn leave(&self, around: &Surroundings, relative: &Relative, why: &str) {
        let why = if is_stuck(relative.pid) {
            format!("{why} (it waits for a disk or a driver)")
        } else {
            why.to_owned()
        };
        tracing::warn!(process = &*self.owner.name, pid = relative.pid, "left behind: {why}");
        around.leftovers.add(Leftover {
            process: Some(self.owner.name.clone()),
            pid: relative.pid,
            reason: why.into(),
        });
    }
}

/// Looks at a process that is not watched until it has ended. How it ended is not known then.
pub(super) async fn gone(pid: u32) -> LifeEnd {
    while lives(pid) {
        sleep(LOOK_FIRST).await;
    }
    Exit::Unobserved.into()
}
