//! Converts all that a call of a plugin was given. Times are as the plugin was told them, also if the clock was set since.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use provost_api as api;
use provost_state::{
    Batch, Blame, Change, Demand, Ended, Moment, Observation, Plan, PluginInput, ProcessState, Reproduction,
    Sample, Snapshot, Trigger, Usage, ViewRequest,
};
use provost_supervisor::rfc3339;

use super::events::event_kind;
use super::explained;
use super::plugins::fault;
use super::process::{cause, exit, health, phase};
use super::time::Wall;
use super::usage::usage;

/// Converts all that the call was given which last failed.
pub(crate) fn reproduction(blame: &Blame) -> api::Reproduction {
    let Reproduction { input, world, source, digest, settings_json, limits, grants, memory } =
        &blame.reproduction;
    let role = blame.call.split('.').next().unwrap_or_default();
    api::Reproduction {
        version: api::Reproduction::VERSION,
        plugin: blame.name.to_string(),
        component: source.to_string(),
        sha256: digest.to_string(),
        role: role.into(),
        fault: Some(fault(&blame.fault)),
        // Settings are always an object.
        settings: serde_json::from_str(settings_json).unwrap_or_default(),
        limits: limits.iter().map(|(name, figure)| ((*name).to_owned(), *figure)).collect(),
        allow: grants.iter().map(ToString::to_string).collect(),
        memory: memory.iter().map(|(key, value)| (key.to_string(), stored(value))).collect(),
        input: plugin_input(input),
        snapshot: snapshot(world),
        left_out: left_out(input, !grants.is_empty()),
    }
}

/// Lists what the call was given and the document does not have.
fn left_out(input: &PluginInput, has_grants: bool) -> Vec<String> {
    let mut left_out = vec!["removals of processes before the snapshot (`removed-since`)".to_owned()];
    match input {
        PluginInput::Request(_) => left_out.push("the reports about plugins (`plugins`)".to_owned()),
        PluginInput::Batch(_) => {
            left_out.push("what the instance of the consumer kept from the batches before".to_owned());
        }
        PluginInput::Trigger(_) => {}
    }
    if has_grants {
        left_out.push("what the outside answered to what is granted by `allow`".to_owned());
    }
    left_out
}

fn stored(value: &Arc<[u8]>) -> api::MemoryValue {
    match std::str::from_utf8(value) {
        Ok(text) => api::MemoryValue { text: Some(text.to_owned()), base64: None },
        Err(_) => api::MemoryValue { text: None, base64: Some(STANDARD.encode(value)) },
    }
}

fn time(moment: Moment) -> String {
    rfc3339(moment.wall_ms)
}

fn snapshot(world: &Snapshot) -> api::PluginSnapshot {
    api::PluginSnapshot {
        generation: world.generation().0,
        taken_at: time(world.taken_at()),
        processes: world
            .iter()
            .map(|state| api::SnapshotProcess {
                process: process(state),
                deaths: Some(state.deaths.iter().map(|it| explained::death(it, Wall::at(it.at))).collect()),
            })
            .collect(),
    }
}

fn process(state: &ProcessState) -> api::Process {
    let failing = state.failing.as_deref();
    api::Process {
        failing: failing.map(|it| api::Failing { why: it.why.to_string(), since: time(it.since) }),
        started_at: state.started_at.map(time),
        ended_at: state.ended_at.map(time),
        next_action_at: state.next_action_at().map(time),
        ..explained::process(state, Wall::at(state.changed_at))
    }
}

fn plugin_input(from: &PluginInput) -> api::PluginInput {
    match from {
        PluginInput::Trigger(it) => trigger(it),
        PluginInput::Request(ViewRequest { path, query, usages, host_usage }) => api::PluginInput {
            path: Some(path.clone()),
            query: Some(query.clone()),
            usage: host_usage.as_ref().map(plain_usage),
            usages: usages
                .iter()
                .map(|one| api::ProcessUsage {
                    process: one.name.to_string(),
                    incarnation: one.incarnation.0,
                    ..plain_usage(&one.usage)
                })
                .collect(),
            ..api::PluginInput::default()
        },
        PluginInput::Batch(Batch { changes, missed }) => api::PluginInput {
            events: changes.iter().map(event).collect(),
            missed: Some(*missed),
            ..api::PluginInput::default()
        },
    }
}

fn trigger(from: &Trigger) -> api::PluginInput {
    let input = match from {
        Trigger::Exit(Ended {
            incarnation,
            exit: end,
            uptime_ms,
            was_ready,
            failures,
            restarts,
            now,
            seed,
            ..
        }) => api::PluginInput {
            exit: Some(exit(end)),
            uptime_ms: Some(*uptime_ms),
            was_ready: Some(*was_ready),
            failures: Some(*failures),
            restarts: Some(*restarts),
            ..of(Some(incarnation.0), *now, *seed)
        },
        Trigger::Start(Plan { incarnation, cause: why, waited_ms, failures, now, seed, .. }) => {
            api::PluginInput {
                cause: Some(cause(*why)),
                waited_ms: Some(*waited_ms),
                failures: Some(*failures),
                ..of(Some(incarnation.0), *now, *seed)
            }
        }
        Trigger::Probe(seen) => observation(seen),
        Trigger::Scale(Demand { wanted, running, least, most, now, seed, .. }) => api::PluginInput {
            wanted: Some(*wanted),
            running: Some(*running),
            least: Some(*least),
            most: Some(*most),
            ..of(None, *now, *seed)
        },
        Trigger::Usage(Sample { incarnation, usage, former, uptime_ms, now, seed, .. }) => api::PluginInput {
            usage: Some(plain_usage(usage)),
            former: former.iter().map(plain_usage).collect(),
            uptime_ms: Some(*uptime_ms),
            ..of(Some(incarnation.0), *now, *seed)
        },
    };
    api::PluginInput {
        name: Some(from.name().to_string()),
        group: Some(from.group().to_string()).filter(|group| !group.is_empty()),
        ..input
    }
}

fn observation(from: &Observation) -> api::PluginInput {
    let Observation { incarnation, passed, detail, took_ms, in_a_row, before, uptime_ms, now, seed, .. } =
        from;
    api::PluginInput {
        passed: Some(*passed),
        detail: Some(detail.to_string()),
        took_ms: Some(*took_ms),
        in_a_row: Some(*in_a_row),
        before: Some(health(*before)),
        uptime_ms: Some(*uptime_ms),
        ..of(Some(incarnation.0), *now, *seed)
    }
}

/// Returns what all triggers have.
fn of(incarnation: Option<u64>, now: Moment, seed: u64) -> api::PluginInput {
    api::PluginInput { incarnation, now: Some(time(now)), seed: Some(seed), ..api::PluginInput::default() }
}

fn plain_usage(from: &Usage) -> api::ProcessUsage {
    api::ProcessUsage { at: time(from.at), ..usage(from, Wall::at(from.at)) }
}

fn event(change: &Change) -> api::PluginEvent {
    api::PluginEvent {
        kind: event_kind(change.kind),
        at: time(change.state.changed_at),
        before: phase(change.from),
        process: process(&change.state),
    }
}
