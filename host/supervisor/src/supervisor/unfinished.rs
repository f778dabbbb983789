//! What a former host has decided about several processes at once and has not carried out: restarts of groups, and what
//! follows for others when a process is given up. A process that was started after the decision is not concerned by it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use provost_state::{Cause, Desired, Escalation, Moment, Phase, ProcessState, RulingAction, Scope};

use super::handle::Supervisor;
use crate::groups::given_up;
use crate::mailbox::{Motive, Want};

/// What is known beside the states of processes that go on.
#[derive(Debug, Default)]
pub(super) struct Lives {
    /// The processes that their group holds.
    pub(super) held: HashSet<Arc<str>>,
    /// When the children that there are were started, also those whose start was not written down.
    pub(super) started: HashMap<Arc<str>, Moment>,
}

/// What is to be carried out.
#[derive(Debug, Default)]
pub(super) struct Unfinished {
    /// The members to restart and the earliest moment to start them, by group.
    restarts: BTreeMap<Arc<str>, (Vec<Arc<str>>, Moment)>,
    /// The processes to stop or to give up, in this order, each list with its order.
    orders: Vec<(Vec<Arc<str>>, Want)>,
    /// Processes that were given up, and with them the host.
    shutdowns: Vec<(Arc<ProcessState>, Escalation)>,
}

impl Supervisor {
    /// Looks for it, before anything goes on.
    pub(super) fn unfinished(&self, lives: &Lives) -> Unfinished {
        let mut unfinished = Unfinished::default();
        let world = self.reader().snapshot();
        for state in world.iter() {
            let until = match (&state.phase, &state.decision) {
                (Phase::Backoff { until }, Some(ruling)) if ruling.restarts_others() => Some(*until),
                _ => lives.held.contains(state.name()).then(Moment::default),
            };
            if let Some(until) = until {
                let restart = unfinished.restarts.entry(state.group().clone()).or_default();
                restart.0.push(state.name().clone());
                restart.0.extend(self.still_to_restart(state, lives));
                if until.mono_ns > restart.1.mono_ns {
                    restart.1 = until;
                }
            }
            if let (Phase::Fatal, Some(ruling)) = (&state.phase, &state.decision)
                && let RulingAction::GiveUp(escalation) = ruling.action
                && state.cause == Cause::Policy
            {
                self.follows(state, escalation, lives, &mut unfinished);
            }
        }
        unfinished
    }

    /// Returns the members of a group that are restarted with this one, and were not yet.
    fn still_to_restart(&self, leader: &ProcessState, lives: &Lives) -> Vec<Arc<str>> {
        let action = leader.decision.as_ref().map(|ruling| ruling.action);
        let (Some(RulingAction::Restart { scope, .. }), Some(since)) = (action, leader.ended_at) else {
            return Vec::new();
        };
        let order = self.order();
        let members = match scope {
            Scope::Itself => Vec::new(),
            Scope::Group => order.group(leader.group()),
            Scope::Rest => order.rest(leader.name()),
        };
        let mut members = self.of_before(members, since, lives);
        // Without a child it is held, or it was released already.
        members.retain(|name| lives.started.contains_key(name));
        members
    }

    /// Adds what follows for others from a process that was given up.
    fn follows(
        &self,
        state: &Arc<ProcessState>,
        escalation: Escalation,
        lives: &Lives,
        unfinished: &mut Unfinished,
    ) {
        let (name, since, order) = (state.name(), state.changed_at, self.order());
        let reason = given_up(state);
        match escalation {
            Escalation::Nothing => {}
            Escalation::StopDependents => {
                let concerned = self.of_before(order.all_dependents(name), since, lives);
                let stop = Want::Stop(Motive::because(Cause::Policy, reason));
                unfinished.orders.push((concerned, stop));
            }
            Escalation::GiveUpGroup => {
                let mut concerned = self.of_before(order.group(state.group()), since, lives);
                concerned.reverse();
                unfinished.orders.push((concerned, Want::GiveUp(reason)));
            }
            Escalation::ShutDown { .. } => unfinished.shutdowns.push((state.clone(), escalation)),
        }
    }

    /// Returns those of these processes that are wanted up since before this moment.
    fn of_before(&self, names: Vec<Arc<str>>, since: Moment, lives: &Lives) -> Vec<Arc<str>> {
        let world = self.reader().snapshot();
        let is_concerned = |name: &Arc<str>| {
            world.by_name(name).is_some_and(|state| {
                let began = lives.started.get(name).copied().unwrap_or(state.changed_at);
                state.desired == Desired::Up && began.mono_ns <= since.mono_ns
            })
        };
        names.into_iter().filter(is_concerned).collect()
    }

    /// Carries it out, after the processes go on.
    pub(super) fn finish(&self, unfinished: Unfinished) {
        let Unfinished { restarts, orders, shutdowns } = unfinished;
        for (group, (members, until)) in restarts {
            self.shared.groups.resume(&group, members, until);
        }
        for (state, escalation) in shutdowns {
            self.shared.groups.escalate(&state, escalation);
        }
        for (names, want) in orders.into_iter().filter(|(names, _)| !names.is_empty()) {
            let dispatch = self.dispatch.clone();
            self.shared.runtime.spawn(async move {
                let processes = dispatch.named(names);
                match want {
                    Want::Stop(_) => drop(dispatch.stop_in_order(processes, want, None).await),
                    want => {
                        for process in processes {
                            // One that was removed meanwhile needs nothing.
                            let _ = dispatch.order(process.handle.id, want.clone()).await;
                        }
                    }
                }
            });
        }
    }
}
