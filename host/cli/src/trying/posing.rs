//! The question to a role about a process, derived from the state of the process as far as a case does not say it.

use std::sync::Arc;

use provost_plugin_host::Role;
use provost_state::{
    Batch, Cause, Change, ChangeKind, Demand, Ended, EventKind, Exit, Moment, Observation, PhaseKind, Plan,
    PluginInput, ProcessState, Sample, Snapshot, Trigger, Usage, ViewRequest, ViewUsage,
};

use super::fields::Fields;

/// The seed of a case that does not give one.
const SEED: u64 = 1;

/// How far apart samples are, in milliseconds, if a case does not say it.
const SAMPLES_APART_MS: u64 = 10_000;

/// Makes the question to `role` about `subject`, which is in `world`.
pub(super) fn question(
    role: Role,
    fields: &Fields,
    subject: &Arc<ProcessState>,
    world: &Snapshot,
    now: Moment,
) -> PluginInput {
    match role {
        Role::RestartPolicy => PluginInput::Trigger(Trigger::Exit(ended(fields, subject, now))),
        Role::StartPolicy => PluginInput::Trigger(Trigger::Start(plan(fields, subject, now))),
        Role::HealthPolicy => PluginInput::Trigger(Trigger::Probe(observation(fields, subject, now))),
        Role::ScalePolicy => PluginInput::Trigger(Trigger::Scale(demand(fields, subject, world, now))),
        Role::UsagePolicy => PluginInput::Trigger(Trigger::Usage(sample(fields, subject, now))),
        Role::StatusView => PluginInput::Request(request(fields, subject, now)),
        Role::StatusConsumer => PluginInput::Batch(batch(fields, subject, world)),
    }
}

fn seed(fields: &Fields) -> u64 {
    fields.seed.unwrap_or(SEED)
}

/// Returns how long the current life, or the last one, has lasted.
fn uptime_ms(fields: &Fields, subject: &ProcessState, now: Moment) -> u64 {
    let until = subject.ended_at.unwrap_or(now);
    fields.process.uptime_ms.unwrap_or_else(|| {
        subject.started_at.map_or(0, |started| until.wall_ms.saturating_sub(started.wall_ms))
    })
}

fn ended(fields: &Fields, subject: &ProcessState, now: Moment) -> Ended {
    let exit = fields.process.exit.clone().or_else(|| subject.exit.clone()).unwrap_or(Exit::Code(1));
    let was_ready = !matches!(exit, Exit::NotReady(_) | Exit::NotSpawned(_));
    let newest = subject.deaths.first().map(|death| death.uptime_ms);
    let lasted = fields.process.uptime_ms.or(newest);
    Ended {
        name: subject.name().clone(),
        group: subject.group().clone(),
        incarnation: subject.incarnation,
        exit,
        uptime_ms: lasted.unwrap_or_else(|| uptime_ms(fields, subject, now)),
        was_ready: fields.was_ready.unwrap_or(was_ready),
        failures: subject.failures,
        restarts: subject.restarts,
        now,
        seed: seed(fields),
    }
}

fn plan(fields: &Fields, subject: &ProcessState, now: Moment) -> Plan {
    Plan {
        name: subject.name().clone(),
        group: subject.group().clone(),
        incarnation: subject.incarnation.next(),
        cause: fields.cause.unwrap_or(if subject.failures > 0 { Cause::Policy } else { Cause::Boot }),
        waited_ms: fields.waited_ms.unwrap_or(0),
        failures: subject.failures,
        now,
        seed: seed(fields),
    }
}

fn observation(fields: &Fields, subject: &ProcessState, now: Moment) -> Observation {
    let passed = fields.passed.unwrap_or(false);
    let found = if passed { "it answers" } else { "no answer" };
    Observation {
        name: subject.name().clone(),
        group: subject.group().clone(),
        incarnation: subject.incarnation,
        passed,
        detail: fields.detail.as_deref().unwrap_or(found).into(),
        took_ms: fields.took_ms.unwrap_or(1),
        in_a_row: fields.in_a_row.unwrap_or(1),
        before: subject.health,
        uptime_ms: uptime_ms(fields, subject, now),
        now,
        seed: seed(fields),
    }
}

fn demand(fields: &Fields, subject: &ProcessState, world: &Snapshot, now: Moment) -> Demand {
    let name = subject.name();
    let base = name.rsplit_once('.').map_or(&**name, |(base, _)| base);
    let is_replica = |state: &&Arc<ProcessState>| {
        state.name().strip_prefix(base).and_then(|rest| rest.strip_prefix('.')).is_some()
    };
    let count = |states: usize| u32::try_from(states).unwrap_or(u32::MAX);
    let running = |state: &&Arc<ProcessState>| state.phase.kind() == PhaseKind::Running;
    let wanted = fields.wanted.unwrap_or_else(|| count(world.iter().filter(is_replica).count()));
    Demand {
        name: base.into(),
        group: subject.group().clone(),
        wanted,
        running: fields
            .running
            .unwrap_or_else(|| count(world.iter().filter(is_replica).filter(running).count())),
        least: fields.least.unwrap_or(1),
        most: fields.most.unwrap_or_else(|| wanted.saturating_add(1)),
        now,
        seed: seed(fields),
    }
}

/// Returns the usage that a case gives, or a small one, at this moment unless it says another one.
fn used(fields: &Fields, now: Moment) -> Usage {
    let usual = Usage { rss_bytes: 1 << 20, threads: 1, members: 1, ..Usage::default() };
    Usage { at: now, ..fields.usage.unwrap_or(usual) }
}

fn sample(fields: &Fields, subject: &ProcessState, now: Moment) -> Sample {
    let before = |(usage, place): (&Usage, u64)| {
        let ago_ms = SAMPLES_APART_MS * place;
        Usage { at: super::world::moment(now.wall_ms.saturating_sub(ago_ms)), ..*usage }
    };
    Sample {
        name: subject.name().clone(),
        group: subject.group().clone(),
        incarnation: subject.incarnation,
        usage: used(fields, now),
        former: fields.former.iter().zip(1..).map(before).take(Sample::FORMER_MAX).collect(),
        uptime_ms: uptime_ms(fields, subject, now),
        now,
        seed: seed(fields),
    }
}

fn request(fields: &Fields, subject: &ProcessState, now: Moment) -> ViewRequest {
    let usage = ViewUsage {
        name: subject.name().clone(),
        group: subject.group().clone(),
        incarnation: subject.incarnation,
        usage: used(fields, now),
    };
    ViewRequest {
        path: fields.path.clone().unwrap_or_default(),
        query: fields.query.clone().unwrap_or_default(),
        usages: fields.usage.iter().map(|_| usage.clone()).collect(),
        host_usage: None,
    }
}

/// Makes a batch of one change for each process, by which it came into its phase. That of the subject is the last one.
fn batch(fields: &Fields, subject: &Arc<ProcessState>, world: &Snapshot) -> Batch {
    let others = world.iter().filter(|state| state.id != subject.id);
    let change = |state: &Arc<ProcessState>| {
        let (kind, from) = match state.phase.kind() {
            PhaseKind::Stopped => (EventKind::Stop, PhaseKind::Waiting),
            PhaseKind::Waiting => (EventKind::Start, PhaseKind::Stopped),
            PhaseKind::Starting => (EventKind::Spawned, PhaseKind::Waiting),
            PhaseKind::Running => (EventKind::Ready, PhaseKind::Starting),
            PhaseKind::Stopping => (EventKind::Stop, PhaseKind::Running),
            PhaseKind::Backoff | PhaseKind::Fatal => (EventKind::Decided, PhaseKind::Exited),
            PhaseKind::Exited => (EventKind::Exited, PhaseKind::Running),
        };
        Change::new(ChangeKind::Event(kind), from, state.clone())
    };
    Batch { changes: others.chain([subject]).map(change).collect(), missed: fields.missed.unwrap_or(0) }
}
