//! What native tests of a plugin's logic need, which need neither a WebAssembly toolchain nor a host: a made-up world, triggers, and
//! with the feature `proptest` of this crate properties that hold for all of them.
//!
//! | room | owns |
//! |---|---|
//! | `invariants` | properties of policies, each tested with hundreds of made-up cases |
//! | `strategies` | made-up worlds, triggers and histories, for proptest |
//!
//! ```
//! use provost_guest::testing::{self, MadeUpWorld};
//! use provost_guest::{EventKind, Exit, Phase, World};
//!
//! let world = MadeUpWorld::of([testing::process("web", Phase::Exited)])
//!     .with_deaths("web", [(Exit::Code(3), 10), (Exit::Signal(9), 5_000)]);
//! let ended = testing::ended("web", Exit::Code(3), 10);
//! assert_eq!(world.deaths("web", 1)[0].exit, ended.exit);
//!
//! // The triggers of the other roles.
//! assert_eq!(testing::plan("web").waited, 0);
//! assert!(testing::observation("web", true, 3).passed);
//! assert_eq!(testing::demand("web", 2, 1).wanted, 2);
//! assert_eq!(testing::sample("web", 1 << 20).usage, testing::usage(1 << 20));
//! let running = testing::process("web", Phase::Running);
//! assert_eq!(testing::event(EventKind::Ready, Phase::Starting, running).before, Phase::Starting);
//! assert!(testing::plugin_version("backoff").in_force);
//! ```

#[cfg(feature = "proptest")]
pub mod invariants;
#[cfg(feature = "proptest")]
pub mod strategies;

use std::collections::BTreeMap;

use crate::plugins::{Latency, PluginVersion, Standing};
use crate::{
    Action, Cause, Columns, Counts, Death, Demand, Desired, Ended, Event, EventKind, Exit, Fields, Health,
    Observation, Phase, Plan, ProcessState, Removal, Sample, TextColumn, Usage, World,
};

#[cfg(not(target_arch = "wasm32"))]
pub use crate::host::native::forget;
pub use crate::host::native::{load, logged, use_resources};

/// A world that is made up by a test.
///
/// ```
/// use provost_guest::testing::{MadeUpWorld, process};
/// use provost_guest::{Exit, Phase, World};
///
/// let world = MadeUpWorld::of([process("web", Phase::Running), process("db", Phase::Fatal)])
///     .with_deaths("db", [(Exit::Code(1), 10)])
///     .with_deaths_at("web", [(Exit::Signal(9), 10, 5_000)])
///     .without("db");
/// assert_eq!((world.size(), world.removed_since(0).map(|removed| removed.len())), (1, Some(1)));
/// assert_eq!(world.deaths("web", 1)[0].at, 5_000);
/// ```
#[derive(Clone, Debug, Default)]
pub struct MadeUpWorld {
    /// The generation of the world.
    pub generation: u64,
    /// The time of the last change, in milliseconds since the Unix epoch.
    pub taken_at: u64,
    /// The processes, in the order of the config.
    pub processes: Vec<ProcessState>,
    /// The deaths of each process by name, newest first.
    pub deaths: BTreeMap<String, Vec<Death>>,
    /// The removals of processes, oldest first.
    pub removals: Vec<Removal>,
}

impl MadeUpWorld {
    /// Creates a world of these processes.
    #[must_use]
    pub fn of(processes: impl IntoIterator<Item = ProcessState>) -> Self {
        Self { processes: processes.into_iter().collect(), ..Self::default() }
    }

    /// Sets the deaths of the process `name`, each with its uptime in milliseconds, newest first.
    #[must_use]
    pub fn with_deaths(mut self, name: &str, deaths: impl IntoIterator<Item = (Exit, u64)>) -> Self {
        let death = |(exit, uptime)| Death { incarnation: 0, exit, at: 0, uptime };
        self.deaths.insert(name.to_owned(), deaths.into_iter().map(death).collect());
        self
    }

    /// Sets the deaths of the process `name`, each with its uptime and its time in milliseconds, newest first.
    #[must_use]
    pub fn with_deaths_at(mut self, name: &str, deaths: impl IntoIterator<Item = (Exit, u64, u64)>) -> Self {
        let death = |(exit, uptime, at)| Death { incarnation: 0, exit, at, uptime };
        self.deaths.insert(name.to_owned(), deaths.into_iter().map(death).collect());
        self
    }

    /// Removes the process `name`, if there is one, as the next change of this world.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        if let Some(position) = self.processes.iter().position(|process| process.name == name) {
            let removed = self.processes.remove(position);
            self.deaths.remove(name);
            self.generation += 1;
            self.removals.push(Removal { name: removed.name, generation: self.generation });
        }
        self
    }

    /// Returns the rows `offset..offset + limit` that exist.
    fn slice(&self, offset: u32, limit: u32) -> &[ProcessState] {
        let rest = self.processes.get(offset as usize..).unwrap_or_default();
        rest.get(..limit as usize).unwrap_or(rest)
    }
}

impl World for MadeUpWorld {
    fn generation(&self) -> u64 {
        self.generation
    }

    fn taken_at(&self) -> u64 {
        self.taken_at
    }

    fn size(&self) -> u32 {
        u32::try_from(self.processes.len()).unwrap_or(u32::MAX)
    }

    fn get(&self, name: &str) -> Option<ProcessState> {
        self.processes.iter().find(|process| process.name == name).cloned()
    }

    fn page(&self, offset: u32, limit: u32) -> Vec<ProcessState> {
        self.slice(offset, limit.min(1024)).to_vec()
    }

    fn columns(&self, fields: Fields, offset: u32, limit: u32) -> Columns {
        let rows = self.slice(offset, limit.min(65536));
        Columns {
            size: u32::try_from(rows.len()).unwrap_or(u32::MAX),
            names: text_column(rows, fields.contains(Fields::NAMES), |row| &row.name),
            groups: text_column(rows, fields.contains(Fields::GROUPS), |row| &row.group),
            phases: column(rows, fields.contains(Fields::PHASES), |row| row.phase as u8),
            pids: column(rows, fields.contains(Fields::PIDS), |row| row.pid.unwrap_or(0)),
            incarnations: column(rows, fields.contains(Fields::INCARNATIONS), |row| row.incarnation),
            restarts: column(rows, fields.contains(Fields::RESTARTS), |row| row.restarts),
            failures: column(rows, fields.contains(Fields::FAILURES), |row| row.failures),
            started_at: column(rows, fields.contains(Fields::STARTED_AT), |row| row.started_at.unwrap_or(0)),
            ended_at: column(rows, fields.contains(Fields::ENDED_AT), |row| row.ended_at.unwrap_or(0)),
            exit_codes: column(rows, fields.contains(Fields::EXIT_CODES), exit_code),
        }
    }

    fn changed_since(&self, generation: u64, limit: u32) -> Option<Vec<ProcessState>> {
        let changed = self.processes.iter().filter(|process| process.generation > generation);
        let changed: Vec<_> = changed.cloned().collect();
        (changed.len() <= limit.min(1024) as usize).then_some(changed)
    }

    fn removed_since(&self, generation: u64) -> Option<Vec<Removal>> {
        let removed = self.removals.iter().filter(|removal| removal.generation > generation);
        let removed: Vec<_> = removed.cloned().collect();
        (removed.len() <= 1024).then_some(removed)
    }

    fn group(&self, name: &str) -> Vec<ProcessState> {
        let members = self.processes.iter().filter(|process| process.group == name);
        members.take(1024).cloned().collect()
    }

    fn counts(&self) -> Counts {
        let count = |phase| {
            let in_phase = self.processes.iter().filter(|process| process.phase == phase).count();
            u32::try_from(in_phase).unwrap_or(u32::MAX)
        };
        Counts {
            stopped: count(Phase::Stopped),
            waiting: count(Phase::Waiting),
            starting: count(Phase::Starting),
            running: count(Phase::Running),
            stopping: count(Phase::Stopping),
            backoff: count(Phase::Backoff),
            exited: count(Phase::Exited),
            fatal: count(Phase::Fatal),
        }
    }

    fn deaths(&self, name: &str, limit: u32) -> Vec<Death> {
        let deaths = self.deaths.get(name).map(Vec::as_slice).unwrap_or_default();
        deaths.iter().take(limit.min(100) as usize).cloned().collect()
    }
}

/// Returns a column of the rows, which is empty unless it was requested.
fn column<T>(rows: &[ProcessState], asked: bool, cell: impl Fn(&ProcessState) -> T) -> Vec<T> {
    if asked { rows.iter().map(cell).collect() } else { Vec::new() }
}

/// Returns a text column of the rows, which is empty unless it was requested.
fn text_column(rows: &[ProcessState], asked: bool, cell: impl Fn(&ProcessState) -> &String) -> TextColumn {
    let mut column = TextColumn { text: String::new(), ends: Vec::new() };
    for row in rows.iter().filter(|_| asked) {
        column.text.push_str(cell(row));
        column.ends.push(u32::try_from(column.text.len()).unwrap_or(u32::MAX));
    }
    column
}

/// Returns the last exit code as columns have it.
fn exit_code(process: &ProcessState) -> i32 {
    match process.exit {
        Some(Exit::Code(code)) => code,
        Some(Exit::Signal(signal)) => 128 + signal,
        Some(Exit::NotSpawned(_) | Exit::NotReady(_) | Exit::Unobserved | Exit::Other(_)) | None => -1,
    }
}

/// Creates a process in this phase, in its first incarnation and in no group.
#[must_use]
pub fn process(name: &str, phase: Phase) -> ProcessState {
    ProcessState {
        name: name.to_owned(),
        group: String::new(),
        incarnation: 1,
        version: 1,
        generation: 1,
        desired: Desired::Up,
        phase,
        cause: Cause::Boot,
        reason: "made up".to_owned(),
        pid: None,
        ready: false,
        health: Health::Unknown,
        exit: None,
        restarts: 0,
        failures: 0,
        started_at: None,
        ended_at: None,
        next_action_at: None,
        decision: None,
    }
}

/// Creates the trigger for a process that ended after `uptime_ms`.
#[must_use]
pub fn ended(name: &str, exit: Exit, uptime_ms: u64) -> Ended {
    let failures = u32::from(exit != Exit::Code(0));
    Ended {
        name: name.to_owned(),
        group: String::new(),
        incarnation: 1,
        exit,
        uptime: uptime_ms,
        was_ready: true,
        failures,
        restarts: 0,
        now: 0,
        seed: 0,
    }
}

/// Creates the trigger for a process that is about to be spawned for the first time.
#[must_use]
pub fn plan(name: &str) -> Plan {
    Plan {
        name: name.to_owned(),
        group: String::new(),
        incarnation: 1,
        cause: Cause::Boot,
        waited: 0,
        failures: 0,
        now: 0,
        seed: 0,
    }
}

/// Creates the trigger for a check that passed or failed for the `in_a_row`th time in a row.
#[must_use]
pub fn observation(name: &str, passed: bool, in_a_row: u32) -> Observation {
    Observation {
        name: name.to_owned(),
        group: String::new(),
        incarnation: 1,
        passed,
        detail: String::new(),
        took: 1,
        in_a_row,
        before: Health::Unknown,
        uptime: 0,
        now: 0,
        seed: 0,
    }
}

/// Creates the trigger for a process with these numbers of wanted and running replicas; 1 to 100 are allowed.
#[must_use]
pub fn demand(name: &str, wanted: u32, running: u32) -> Demand {
    Demand {
        name: name.to_owned(),
        group: String::new(),
        wanted,
        running,
        least: 1,
        most: 100,
        now: 0,
        seed: 0,
    }
}

/// Creates the trigger for a process of one thread that uses this much resident memory, at its first sample.
#[must_use]
pub fn sample(name: &str, rss_bytes: u64) -> Sample {
    Sample {
        name: name.to_owned(),
        group: String::new(),
        incarnation: 1,
        usage: usage(rss_bytes),
        former: Vec::new(),
        uptime: 0,
        now: 0,
        seed: 0,
    }
}

/// Creates the usage of a process of one thread that uses this much resident memory and no CPU.
#[must_use]
pub fn usage(rss_bytes: u64) -> Usage {
    Usage { at: 0, cpu: 0, cpu_millis: 0, rss_bytes, pss_bytes: None, fds: None, threads: 1, members: 1 }
}

/// Creates a change of a process from the phase `before` to its state `after`.
#[must_use]
pub fn event(kind: EventKind, before: Phase, after: ProcessState) -> Event {
    Event { generation: after.generation, at: 0, kind, before, process: after }
}

impl Action {
    /// Returns the delay of a restart in milliseconds; `None` for any other action.
    #[must_use]
    pub const fn delay_ms(&self) -> Option<u64> {
        match self {
            Self::Restart(restarting) => Some(restarting.delay),
            Self::StayDown | Self::GiveUp(_) | Self::Pass => None,
        }
    }
}

/// Creates the first version of a plugin, in force, whose figures are all 0.
#[must_use]
pub fn plugin_version(plugin: &str) -> PluginVersion {
    PluginVersion {
        plugin: plugin.to_owned(),
        version: 1,
        in_force: true,
        standing: Standing::Active,
        roles: Vec::new(),
        calls: 0,
        faults: Vec::new(),
        clamps: 0,
        call: Latency { p50: 0, p95: 0, p99: 0, max: 0 },
        fuel_max: 0,
        memory_bytes_max: 0,
        stored_bytes: 0,
        queued: 0,
        missed: 0,
        lines_dropped: 0,
        denials: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The host's test `a_group_is_all_of_its_members_and_nobody_else` has the same world and the same answers.
    #[test]
    fn a_group_is_all_of_its_members_and_the_empty_name_selects_those_without_a_group() {
        let member =
            |name, group: &str| ProcessState { group: group.to_owned(), ..process(name, Phase::Running) };
        let world =
            MadeUpWorld::of([member("a", ""), member("bé", "site"), member("c", "site"), member("d", "")]);
        let names = |group| world.group(group).into_iter().map(|member| member.name).collect::<Vec<_>>();
        assert_eq!(names("site"), ["bé", "c"]);
        assert_eq!(names(""), ["a", "d"]);
        assert!(names("nobody").is_empty());
    }
}
