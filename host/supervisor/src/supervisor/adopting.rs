//! Pairs what a former host has written down with the children that are held, and with the processes of the config: what
//! goes on, what is stopped because the config does not have it any more, and what is new.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use provost_state::naming::replica_name;
use provost_state::{Desired, Identity, Incarnation, Phase, ProcessId, ProcessState};

use crate::adoption::{Adopted, Held};
use crate::gave::Given;
use crate::runner::Adoption;
use crate::spec::{CommandLine, ProcessSpec, ReplicaSet};
use crate::stash::{Former, FormerProcess, Life};

/// What was found of a former host.
pub(super) struct Found {
    pub(super) former: Former,
    held: HashMap<Arc<str>, Vec<Held>>,
    /// The children that nobody was told of.
    unborn: HashMap<Arc<str>, Vec<Held>>,
    why: Arc<str>,
}

/// A process that goes on.
pub(super) struct Resumed {
    /// The state that it goes on from.
    pub(super) state: ProcessState,
    pub(super) adoption: Adoption,
    /// Whether its spec is neither that of its child nor the one that the former host had in force.
    pub(super) is_changed: bool,
}

impl Found {
    /// Reads what was found, and logs what could not be read.
    pub(super) fn of(adopted: Adopted) -> Self {
        let former = adopted.stash.former().clone();
        let losses = former.losses;
        if losses != Default::default() {
            tracing::warn!(
                files = losses.files,
                unknown = losses.unknown,
                unreadable = losses.unreadable,
                torn_bytes = losses.torn_bytes,
                "not everything that the former host has written down could be read"
            );
        }
        let why = match &adopted.last_end {
            Some(end) => Arc::from(format!("the former host ended ({end})")),
            None => Arc::from("the former host ended"),
        };
        Self { former, held: by_name(adopted.held), unborn: by_name(adopted.unborn), why }
    }

    /// Whether the process has a child that goes on.
    pub(super) fn has_child(&self, name: &str) -> bool {
        let lives = |held: &Held| held.ended.is_none();
        self.held.get(name).is_some_and(|held| held.iter().any(lives)) || self.unborn.contains_key(name)
    }

    /// Returns the specs of those processes that the config does not have and that have a child, which is to be stopped.
    pub(super) fn not_in(&self, specs: &[ProcessSpec]) -> Vec<ProcessSpec> {
        let named: HashSet<&str> = specs.iter().map(|spec| &*spec.name).collect();
        let children = self.held.keys().chain(self.unborn.keys());
        let mut gone: Vec<&Arc<str>> = children.filter(|name| !named.contains(&***name)).collect();
        gone.sort();
        gone.dedup();
        gone.into_iter().map(|name| self.spec_of(name)).collect()
    }

    /// Drops what is known of processes that are not among these.
    pub(super) fn keep(&mut self, specs: &[ProcessSpec]) {
        let named: HashSet<&str> = specs.iter().map(|spec| &*spec.name).collect();
        self.former.processes.retain(|name, _| named.contains(&**name));
    }

    /// Returns a spec by which the child of a process can be ended that the config does not have.
    fn spec_of(&self, name: &Arc<str>) -> ProcessSpec {
        let spec = ProcessSpec::new(name.clone(), CommandLine::Argv(vec![name.to_string()]));
        let spec = ProcessSpec { autostart: false, ..spec };
        let Some(process) = self.former.processes.get(name) else { return spec };
        let identity = &process.state.identity;
        let spec = ProcessSpec {
            group: identity.group.clone(),
            process_type: identity.process_type.clone(),
            ..spec
        };
        match &process.life {
            None => spec,
            Some(Life { stop_signal, stop_to, escaped, stop_grace_ms, .. }) => ProcessSpec {
                stop_signal: *stop_signal,
                stop_to: *stop_to,
                escaped: *escaped,
                stop_grace_ms: *stop_grace_ms,
                ..spec
            },
        }
    }

    /// Adds those replicas to the specs that there are because their number was set by hand, above what the config has. They
    /// are like the last one of their set.
    pub(super) fn add_replicas(&self, specs: &mut Vec<ProcessSpec>, sets: &[ReplicaSet]) {
        for set in sets {
            let Some((wanted, true)) = self.former.sets.get(&set.name) else { continue };
            let is_of_set = |spec: &ProcessSpec| spec.set_name() == Some(&set.name);
            let Some(last) = specs.iter().rposition(is_of_set) else { continue };
            let like = specs[last].clone();
            let more = (set.most + 1..=(*wanted).min(ReplicaSet::REPLICAS_MAX)).map(|number| ProcessSpec {
                name: replica_name(&set.name, number).into(),
                replica: Some(number),
                ..like.clone()
            });
            specs.splice(last + 1..last + 1, more.collect::<Vec<_>>());
        }
    }

    /// Takes what there is of the process of this spec; `None` if it is new. If the former host knew this spec and has left the
    /// process as it was, the spec is given the identity that the process has.
    pub(super) fn take(&mut self, spec: &mut ProcessSpec) -> Option<Resumed> {
        let former = self.former.processes.remove(&spec.name);
        let held = self.held.remove(&spec.name).unwrap_or_default();
        let unborn = self.unborn.remove(&spec.name).unwrap_or_default();
        let wanted = spec.digest_at_spawn();
        let spawned = former.as_ref().and_then(|former| former.life.as_ref()).map(|life| life.spec);
        let is_known = former.as_ref().and_then(|former| former.in_force).or(spawned) == Some(wanted);
        let identity = match &former {
            Some(former) if is_known => former.state.identity.clone(),
            _ => Arc::new(identity_of(spec)),
        };
        (spec.group, spec.process_type) = (identity.group.clone(), identity.process_type.clone());
        let state = former.as_ref().map(|former| former.state.clone());
        let state = state.or_else(|| unborn.first().map(|child| before_first_life(&identity, child)));
        let (state, held, mut unwanted) = paired(state.as_ref(), held, &identity)?;
        unwanted.extend(unborn);
        let (life, aside, at_spawn, given, counted) = match former {
            Some(FormerProcess { life, aside, at_spawn, env_files, variables, counted, .. }) => {
                (life, aside, at_spawn, (env_files, variables), counted)
            }
            None => Default::default(),
        };
        let is_held = |incarnation| held.as_ref().is_some_and(|held| held.incarnation == incarnation);
        let life = life.filter(|life| is_held(life.incarnation));
        let at_spawn = at_spawn.filter(|then| life.as_ref().is_some_and(|life| life.spec == then.digest));
        let env_files = given.0.filter(|then| is_held(then.incarnation)).map(|then| then.files);
        let variables = given.1.filter(|then| is_held(then.incarnation)).map(|then| then.names);
        let given =
            Given { env_files: env_files.unwrap_or_default(), variables: variables.unwrap_or_default() };
        let is_other = state.identity != identity || life.as_ref().is_some_and(|life| life.spec != wanted);
        let state = ProcessState { identity, ..state };
        let adoption = Adoption {
            held,
            unwanted,
            life,
            aside,
            at_spawn,
            given,
            counted: counted.unwrap_or_default(),
            why: self.why.clone(),
        };
        Some(Resumed { state, adoption, is_changed: is_other && !is_known })
    }
}

/// Returns the identity of the process of this spec.
pub(super) fn identity_of(spec: &ProcessSpec) -> Identity {
    Identity::new(spec.name.clone(), spec.group.clone()).of_type(spec.process_type.clone())
}

/// Returns the state that a process goes on from, the child of its present or next life, and its other children, which are
/// not to be. `None` if there is nothing of it.
fn paired(
    state: Option<&ProcessState>,
    mut held: Vec<Held>,
    identity: &Arc<Identity>,
) -> Option<(ProcessState, Option<Held>, Vec<Held>)> {
    held.sort_by_key(|held| held.incarnation);
    let last = held.pop();
    let Some(last) = last else { return state.map(|state| (state.clone(), None, held)) };
    let Some(state) = state else {
        return Some((before_first_life(identity, &last), Some(last), held));
    };
    let (now, has_child) = (state.incarnation, state.phase.kind().is_live());
    let may_follow = state.desired == Desired::Up;
    if last.incarnation == now && has_child {
        return Some((state.clone(), Some(last), held));
    }
    if last.incarnation > now && may_follow {
        let is_expected =
            last.incarnation == now.next() && matches!(state.phase, Phase::Waiting | Phase::Backoff { .. });
        let state = if is_expected { state.clone() } else { before_life(state.clone(), last.incarnation) };
        return Some((state, Some(last), held));
    }
    // Its end is written down, or it was abandoned while it was being started.
    held.push(last);
    Some((state.clone(), None, held))
}

/// Returns the state of a process of which nothing was written down before the life of this child begins.
fn before_first_life(identity: &Arc<Identity>, child: &Held) -> ProcessState {
    let state = ProcessState::new(ProcessId::NOBODY, identity.clone(), child.started_at);
    before_life(state, child.incarnation)
}

/// Returns these children by the names of their processes.
fn by_name(children: Vec<Held>) -> HashMap<Arc<str>, Vec<Held>> {
    let mut named: HashMap<Arc<str>, Vec<Held>> = HashMap::new();
    for child in children {
        named.entry(child.name.clone()).or_default().push(child);
    }
    named
}

/// Returns this state as it is before `life` begins: what was between them was not written down.
fn before_life(state: ProcessState, life: Incarnation) -> ProcessState {
    let incarnation = Incarnation(life.0.saturating_sub(1));
    let reason = Arc::from("it was started by a former host, which has not written that down");
    ProcessState { incarnation, desired: Desired::Up, phase: Phase::Waiting, reason, ..state }
}
