//! Replicas by hand: `provost scale web=3` holds until the next reload.

use std::sync::Arc;

use provost_control::{ConfigRefusal, Scaling};
use provost_state::naming::replica_name;
use provost_state::{Cause, ProcessId};
use provost_supervisor::{Motive, NotAdded, NotScaled, ProcessSpec, ReplicaCount, ReplicaSet, Supervisor};

/// Sets the number of replicas of a process. Replicas that there are not yet are added; those beyond the number and beyond
/// what the config has are removed.
pub(super) async fn scale(
    supervisor: &Supervisor,
    name: &str,
    count: u32,
    cause: Cause,
) -> Result<Scaling, ConfigRefusal> {
    let set = supervisor.replica_sets().into_iter().find(|set| &*set.name == name);
    let set = set.ok_or_else(|| not_replicated(supervisor, name))?;
    let all = ReplicaSet::REPLICAS_MAX;
    if count > all {
        let message = format!("{count} replicas of `{name}` are too many: at most {all} are possible");
        return Err(ConfigRefusal::NotScalable { message, hint: "ask for fewer".to_owned() });
    }
    let added = add_missing(supervisor, &set, count)?;
    let reason = format!("scaled by hand: {count} replicas until the next reload");
    let motive = Motive::because(cause, reason);
    let scaled = supervisor.scale(name, count, motive.clone()).await.map_err(not_scaled)?;
    for id in added {
        if supervisor.spec(id).is_some_and(|spec| spec.autostart)
            && let Err(refusal) = supervisor.start(id, motive.clone()).await
        {
            tracing::warn!(process = name, %refusal, "a new replica is not started");
        }
    }
    let most = set.most.max(count);
    let world = supervisor.reader().snapshot();
    let beyond = (most + 1..=all.max(set.wanted)).filter_map(|number| world.id(&replica_name(name, number)));
    let leaving: Vec<(ProcessId, Arc<str>)> =
        beyond.map(|id| (id, Arc::from("removed: scaled by hand to fewer replicas"))).collect();
    if !leaving.is_empty() {
        let mut results = supervisor.remove_in_order(leaving);
        while let Some((_, removed)) = results.recv().await {
            if let Err(refusal) = removed {
                tracing::warn!(process = name, %refusal, "a replica that is not needed any more is not removed");
            }
        }
    }
    Ok(Scaling { before: set.wanted, wanted: scaled.wanted })
}

/// Adds the replicas up to `count` that there are not, which are like the first one, and returns them.
fn add_missing(
    supervisor: &Supervisor,
    set: &ReplicaCount,
    count: u32,
) -> Result<Vec<ProcessId>, ConfigRefusal> {
    let world = supervisor.reader().snapshot();
    // One that is being removed does not count, and its name is still taken.
    let there =
        |number: u32| world.id(&replica_name(&set.name, number)).filter(|id| !supervisor.is_leaving(*id));
    let missing: Vec<u32> = (1..=count).filter(|number| there(*number).is_none()).collect();
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    let first = (1..=set.highest()).find_map(there);
    let like = first.and_then(|id| Some((supervisor.spec(id)?, supervisor.policies_of(id))));
    let Some((spec, policies)) = like else {
        return Err(ConfigRefusal::Internal(format!("`{}` has no replica to add others like it", set.name)));
    };
    let specs = missing.into_iter().map(|number| ProcessSpec {
        name: replica_name(&set.name, number).into(),
        replica: Some(number),
        policies: policies.clone(),
        ..ProcessSpec::clone(&spec)
    });
    supervisor.add(specs.collect()).map_err(|error| match error {
        NotAdded::ShuttingDown => ConfigRefusal::ShuttingDown,
        NotAdded::NameTaken(taken) => ConfigRefusal::NotScalable {
            message: format!("a replica of `{}` cannot be added: {taken}", set.name),
            hint: "a replica that is being removed may still be ending: try again".to_owned(),
        },
    })
}

fn not_scaled(error: NotScaled) -> ConfigRefusal {
    match error {
        NotScaled::ShuttingDown => ConfigRefusal::ShuttingDown,
        other => ConfigRefusal::NotScalable {
            message: other.to_string(),
            hint: "`provost status` shows the replicas".to_owned(),
        },
    }
}

fn not_replicated(supervisor: &Supervisor, name: &str) -> ConfigRefusal {
    let there = supervisor.reader().snapshot().id(name).is_some();
    let hint = "processes with `replicas` in the config can be scaled; `replicas = 1` is enough".to_owned();
    let message = match there {
        true => format!("`{name}` has no replicas"),
        false => format!("there is no process called `{name}` with replicas"),
    };
    ConfigRefusal::NotScalable { message, hint }
}
