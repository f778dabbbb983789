//! What runs, key by key in the words of the config: asked of the supervisor and of the plugin host, so that nothing is recorded
//! twice. What was changed at run time is a part of it, and so is what an unfinished reload has left undone.

use std::collections::HashMap;
use std::path::Path;

use provost_plugin_host::PluginHost;
use provost_state::naming::replica_of;
use provost_state::{Phase, ProcessId, Snapshot};
use provost_supervisor::{ProcessSpec, ReplicaCount, ReplicaSet, Settings as Supervising, Supervisor};

use super::in_force::InForce;
use crate::difference::{
    AS_NOW, Member, PluginShape, ProcessShape, Shape, plugin_settings, process_settings, replica_settings,
    started_with,
};

/// What the content of environment files is called that have changed since a process was started.
const AS_THEN: &str = "as they were";

/// Returns what runs. Reads environment files, and may wait for disks.
pub(super) fn shape(supervisor: &Supervisor, plugins: &PluginHost, in_force: &InForce, dir: &Path) -> Shape {
    let world = supervisor.reader().snapshot();
    let routing = supervisor.reader().routing();
    let supervising = Supervising { routing, ..in_force.supervising.clone() };
    let plugins = plugins.in_force().into_iter().map(|plugin| PluginShape {
        name: plugin.spec.name.to_string(),
        settings: plugin_settings(&plugin.spec, Some(plugin.digest.to_string()), dir),
    });
    Shape {
        processes: processes(supervisor, &world, dir),
        plugins: plugins.collect(),
        host: in_force.host.settings(&supervising, dir),
    }
}

fn processes(supervisor: &Supervisor, world: &Snapshot, dir: &Path) -> Vec<ProcessShape> {
    let sets = supervisor.replica_sets();
    let by_name: HashMap<&str, &ReplicaCount> = sets.iter().map(|set| (&*set.name, set)).collect();
    let mut all: Vec<ProcessShape> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for state in world.iter() {
        let name = state.name().to_string();
        let base = replica_of(&name).map(|(base, _)| base).filter(|base| by_name.contains_key(base));
        let shown = base.unwrap_or(&name).to_owned();
        let is_leaving = supervisor.is_leaving(state.id);
        let Some(member) = member(supervisor, state.id, name.clone(), dir) else { continue };
        if is_leaving {
            if base.is_none() {
                let members = vec![member];
                all.push(ProcessShape { name: shown, leaving: true, members, ..ProcessShape::default() });
            }
            continue;
        }
        let at = *places.entry(shown.clone()).or_insert_with(|| {
            all.push(ProcessShape { name: shown, replicated: base.is_some(), ..ProcessShape::default() });
            all.len() - 1
        });
        all[at].members.push(member);
    }
    for process in &mut all {
        if let Some(count) = by_name.get(process.name.as_str()).filter(|_| process.replicated) {
            process.set = replica_settings(&set(count, process.members.len()));
        }
    }
    all
}

/// Returns a replica set in the terms of the config. A number by hand, and one that does not fit the replicas that there are, is
/// a fixed number, because that is the line of the config that would keep it.
fn set(count: &ReplicaCount, members: usize) -> ReplicaSet {
    let members = u32::try_from(members).unwrap_or(u32::MAX);
    let (least, most) = match count {
        ReplicaCount { by_hand: true, wanted, .. } => (*wanted, *wanted),
        ReplicaCount { least, most, .. } if members == *most => (*least, *most),
        _ => (members, members),
    };
    ReplicaSet {
        name: count.name.clone(),
        group: count.group.clone(),
        least,
        most,
        wanted_at_start: least,
        every_ms: count.every_ms,
        policies: Vec::new(),
    }
}

/// Describes one process: the keys that take effect in place as they are in force, and the others as its child was started with
/// them, if it has one. Returns `None` for a process that is gone.
fn member(supervisor: &Supervisor, id: ProcessId, name: String, dir: &Path) -> Option<Member> {
    let policies = supervisor.policies_of(id);
    let policies = || policies.iter().map(|policy| &**policy.name());
    let describe = |spec: &ProcessSpec, content: &str| process_settings(spec, policies(), content, dir);
    let spec = supervisor.spec(id)?;
    let settings = describe(&spec, AS_NOW);
    // A child that is being stopped has no next use for its values.
    let is_stopping =
        supervisor.reader().state(id).is_some_and(|state| matches!(state.phase, Phase::Stopping { .. }));
    let settings = match supervisor.spawned_with(id).filter(|_| !is_stopping) {
        None => settings,
        Some(then) => {
            let content = if then.changed_env_files().is_empty() { AS_NOW } else { AS_THEN };
            started_with(settings, describe(&then.spec, content))
        }
    };
    Some(Member { name, settings })
}
