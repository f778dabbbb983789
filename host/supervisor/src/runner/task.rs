//! The fields of a runner: the process, its child, what is pending; and how it commits, which only the runner does.

use std::sync::Arc;

use provost_state::{
    Cause, Event, Generation, Incarnation, MemoryChange, Moment, ProcessState, Rejected, RulingAction,
    StartAction,
};
use tokio::sync::{Semaphore, mpsc, watch};

use super::adopted::Adoption;
use super::attempt::{Attempt, Launching};
use super::awaited::Awaited;
use super::checkup::Checkup;
use super::departure::Leaving;
use super::heard::Heard;
use super::kept::{Kept, Tagged};
use super::metered::Metering;
use super::standing::{Standing, Step};
use crate::children::spawned_with::SpawnedWith;
use crate::children::{LifeEnd, LifeEnv, Past};
use crate::decider::{Answered, Verdict};
use crate::groups::Record;
use crate::mailbox::Request;
use crate::publish::Commit;
use crate::shared::Shared;
use crate::spec::ProcessSpec;
use crate::stash::{Aside, Beside, Life, Spawn, With, is_written_ahead};

/// The owner of one process.
pub(crate) struct Runner {
    /// The spec in force.
    pub(super) spec: Arc<ProcessSpec>,
    /// What others read of it.
    pub(super) record: Arc<Record>,
    pub(super) shared: Arc<Shared>,
    pub(super) mailbox: mpsc::Receiver<Request>,
    pub(super) changed: watch::Receiver<Generation>,
    /// The last state it committed, which is the latest: nobody else writes.
    pub(super) state: Arc<ProcessState>,
    pub(super) child: Option<Own>,
    /// The life that has ended at this moment, for the start that may follow.
    pub(super) past: Option<Past>,
    /// What a former host has left, until this host starts.
    pub(super) adoption: Option<Adoption>,
    /// What was written down last beside its state.
    pub(super) aside: Aside,
    /// The spawn in progress.
    pub(super) launching: Option<Launching>,
    /// A spawn that was abandoned: resolves when nothing of it is left.
    pub(super) late: Option<Kept<()>>,
    pub(super) standing: Standing,
    /// Its removal, from the order to leave on.
    pub(super) leaving: Option<Leaving>,
    pub(super) readiness: Option<Awaited>,
    /// The pending question about its end.
    pub(super) ruling: Option<Asked>,
    pub(super) permission: Tagged<Verdict<StartAction>>,
    pub(super) attempt: Attempt,
    pub(super) checkup: Checkup,
    pub(super) heard: Heard,
    pub(super) metering: Metering,
    /// Held while a program that checks the process runs.
    pub(super) check_turn: Arc<Semaphore>,
    /// The variables that start policies set for this life.
    pub(super) env: LifeEnv,
    /// The values of the variables that the checks of this life name.
    pub(super) vars: LifeEnv,
}

/// The child of this runner.
pub(super) struct Own {
    pub(super) incarnation: Incarnation,
    pub(super) pid: u32,
    /// How it ended, until that is committed.
    pub(super) exit: Kept<LifeEnd>,
    /// When it ended, if that was before this host could see it.
    pub(super) ended_at: Option<Moment>,
}

/// What is written down together with a commit, and what is said about it.
#[derive(Debug, Default)]
pub(super) struct Beyond {
    /// When it happened; `None` for now.
    pub(super) at: Option<Moment>,
    /// What will hold beside the phase; `None` for what holds already.
    pub(super) beside: Option<Beside>,
    /// Whether the life that has ended had become ready.
    pub(super) was_ready: bool,
    /// Whether a start follows this stop.
    pub(super) again: bool,
    /// What another host has to know of the child that was spawned.
    pub(super) life: Option<Life>,
    /// What that child was spawned with.
    pub(super) spawned: Option<Arc<SpawnedWith>>,
    /// What the policies that were asked have written into their memories.
    pub(super) memory: Vec<Arc<MemoryChange>>,
}

/// A question about an end, and the ruling.
pub(super) struct Asked {
    pub(super) incarnation: Incarnation,
    pub(super) ruling: Kept<Answered<RulingAction>>,
    /// The life that has ended, if there was one.
    pub(super) past: Option<Past>,
}

impl Runner {
    pub(crate) fn new(
        record: Arc<Record>,
        shared: Arc<Shared>,
        state: Arc<ProcessState>,
        mailbox: mpsc::Receiver<Request>,
    ) -> Self {
        let changed = shared.publisher.changed();
        Self {
            spec: record.spec.load_full(),
            record,
            shared,
            mailbox,
            changed,
            state,
            child: None,
            past: None,
            adoption: None,
            aside: Aside::default(),
            launching: None,
            late: None,
            standing: Standing::Plain,
            leaving: None,
            readiness: None,
            ruling: None,
            permission: None,
            attempt: Attempt::new(Cause::Boot),
            checkup: Checkup::default(),
            heard: Heard::default(),
            metering: Metering::default(),
            check_turn: Arc::new(Semaphore::new(1)),
            env: Arc::default(),
            vars: Arc::default(),
        }
    }

    /// Updates what holds beside the phase.
    pub(super) fn step(&mut self, step: Step) {
        self.standing = std::mem::replace(&mut self.standing, Standing::Plain).after(step);
        if matches!(self.standing, Standing::Late(_))
            && let Some(launching) = self.launching.take()
        {
            self.late = Some(Kept::new(launching.pending.abandon()));
        }
    }

    /// Commits an event of `incarnation`. Returns false if it was refused: then nothing has changed.
    pub(super) fn commit(&mut self, incarnation: Incarnation, event: &Event) -> bool {
        self.commit_with(incarnation, event, Beyond::default())
    }

    /// Does what [`commit`](Self::commit) does, and writes down more with the same write.
    pub(super) fn commit_with(&mut self, incarnation: Incarnation, event: &Event, beyond: Beyond) -> bool {
        let Beyond { at, beside, was_ready, again, life, spawned, memory } = beyond;
        let beside = beside.unwrap_or_else(|| self.aside.beside.clone());
        let aside = Aside { beside, was_ready, again };
        let aside = (is_written_ahead(event.kind()) && aside != self.aside).then_some(aside);
        let spawned = spawned.filter(|_| self.shared.publisher.stash().is_some());
        let spawn = spawned.as_deref().map(|spawned| Spawn {
            incarnation: spawned.incarnation,
            spec: &spawned.spec,
            given: &spawned.given,
            in_force: self.spec.digest_at_spawn(),
        });
        let with = With { life: life.as_ref(), spawn, aside: aside.as_ref(), memory: &memory };
        let committed =
            self.shared.publisher.commit(&Commit { from: &self.state, incarnation, event, at, with });
        match committed {
            Ok(state) => {
                self.state = state;
                if let Some(aside) = aside {
                    self.aside = aside;
                }
                true
            }
            Err(rejected @ (Rejected::StaleIncarnation { .. } | Rejected::StaleVersion { .. })) => {
                tracing::debug!(process = &*self.spec.name, %rejected, "dropped a stale event");
                false
            }
            Err(rejected) => {
                tracing::error!(process = &*self.spec.name, %rejected, "a commit was refused, which is a defect of the host");
                false
            }
        }
    }

    /// Commits an event of the present life.
    pub(super) fn commit_now(&mut self, event: &Event) -> bool {
        self.commit(self.state.incarnation, event)
    }

    /// Writes down what holds beside the phase, if that has changed without a commit.
    pub(super) fn note_standing(&mut self) {
        let Some(stash) = self.shared.publisher.stash() else { return };
        let beside = self.standing.lasting();
        if self.aside.beside != beside {
            self.aside.beside = beside;
            stash.aside(&self.state, &self.aside);
        }
    }

    /// Sends SIGKILL to the child and all that belongs to it. A child that is already gone has an exit that is yet to
    /// be handled.
    pub(super) fn kill(&mut self) {
        if let Some(pid) = self.state.pid()
            && let Err(error) = self.shared.spawner.kill(pid)
        {
            tracing::warn!(process = &*self.spec.name, %error, "cannot kill");
        }
        self.step(Step::Kill);
    }
}
