//! The second stage: the specs of the processes and replica sets that the supervisor runs.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use provost_state::Policy;
use provost_state::naming::replica_name;
use provost_supervisor::{Condition, Dependency, LogLimits, ProcessSpec, ReplicaSet};
use toml::Spanned;

use super::report::{Collector, Problems};
use super::resolved::Config;
use super::sections::{ProcessSection, ReplicasSection};
use super::sockets::resolved;

impl Config {
    /// Builds the specs of all processes. `policy_of` finds a policy by its name, or returns why there is none.
    ///
    /// # Errors
    /// [`Problems`] if a plugin in `policies` is not a policy.
    pub fn specs(
        &self,
        policy_of: impl Fn(&str) -> Result<Arc<dyn Policy>, String>,
    ) -> Result<Processes, Problems> {
        let problems = Collector::default();
        let mut processes = Processes::default();
        let sets = self.sets();
        for section in &self.processes {
            let policies = policies(section, &policy_of, &problems);
            let spec = self.spec(section, &sets, policies.clone());
            match section.replicas {
                None => processes.specs.push(spec),
                Some(replicas) => {
                    processes.specs.extend((1..=replicas.most).map(|number| ProcessSpec {
                        name: replica_name(&spec.name, number).into(),
                        replica: Some(number),
                        ..spec.clone()
                    }));
                    processes.replica_sets.push(replica_set(section, replicas, policies));
                }
            }
        }
        problems.problems_of(&self.source).map_or(Ok(processes), Err)
    }

    /// Returns all processes, each with one spec that stands for all of its replicas, and with the names of its policies.
    pub(crate) fn drafts(&self) -> Vec<Draft> {
        let sets = self.sets();
        let draft = |section: &ProcessSection| Draft {
            spec: self.spec(section, &sets, Vec::new()),
            policies: section.policies.iter().map(|name| name.get_ref().clone()).collect(),
            replicas: section.replicas.map(|replicas| replica_set(section, replicas, Vec::new())),
            span: section.name.span(),
        };
        self.processes.iter().map(draft).collect()
    }

    /// Returns the replicas of all processes.
    pub(super) fn sets(&self) -> Sets<'_> {
        self.processes.iter().map(|one| (one.name.get_ref().as_str(), one.replicas)).collect()
    }

    /// Builds the spec of a process; for replicas, the part that they have in common.
    pub(super) fn spec(
        &self,
        process: &ProcessSection,
        sets: &Sets<'_>,
        policies: Vec<Arc<dyn Policy>>,
    ) -> ProcessSpec {
        let defaults = ProcessSpec::new(process.name.get_ref().as_str(), process.command.clone());
        let stop = &process.stop;
        ProcessSpec {
            group: Arc::from(process.group.as_str()),
            cwd: Some(
                process.cwd.as_ref().map_or_else(|| self.dir.clone(), |cwd| self.dir.join(cwd.get_ref())),
            ),
            env: process.env.clone(),
            env_files: process.env_files.iter().map(|file| self.dir.join(file.get_ref())).collect(),
            process_type: process.process_type.clone(),
            autostart: process.autostart.unwrap_or(defaults.autostart),
            stop_signal: stop.signal.unwrap_or(defaults.stop_signal),
            stop_to: stop.to.unwrap_or(defaults.stop_to),
            escaped: stop.escaped.unwrap_or(defaults.escaped),
            stop_grace_ms: stop.grace_ms.unwrap_or(defaults.stop_grace_ms),
            policies,
            depends_on: process
                .depends_on
                .iter()
                .flat_map(|(name, condition)| dependencies(name.get_ref(), *condition, sets))
                .collect(),
            ready: process.ready.clone(),
            sockets: process.sockets.iter().map(|one| resolved(&one.socket, &self.dir)).collect(),
            watchdog_ms: process.watchdog_ms,
            health: process.health.clone(),
            usage_every_ms: process.usage_every_ms,
            log: LogLimits {
                file_bytes_max: process.log_file_bytes.unwrap_or(defaults.log.file_bytes_max),
                files_max: process.log_files.unwrap_or(defaults.log.files_max),
            },
            stderr: process.stderr.unwrap_or(defaults.stderr),
            stdin: process.stdin.unwrap_or(defaults.stdin),
            tty: process.tty,
            setup: process.setup.setup.clone(),
            cgroup: process.cgroup.as_ref().map(|section| section.cgroup.clone()),
            ..defaults
        }
    }
}

/// The replicas of each process by its name; `None` for a process without replicas.
pub(super) type Sets<'c> = HashMap<&'c str, Option<ReplicasSection>>;

/// Expands a dependency on a process with replicas to those replicas that always exist, `1..=min`.
fn dependencies(name: &str, condition: Condition, sets: &Sets<'_>) -> Vec<Dependency> {
    match sets.get(name).copied().flatten() {
        None => vec![Dependency { name: Arc::from(name), condition }],
        Some(replicas) => (1..=replicas.least)
            .map(|number| Dependency { name: replica_name(name, number).into(), condition })
            .collect(),
    }
}

/// One process of the config, whose policies are known by name only.
#[derive(Debug)]
pub(crate) struct Draft {
    /// Its spec without policies; for replicas, the part that they have in common.
    pub(crate) spec: ProcessSpec,
    /// The names of its policies.
    pub(crate) policies: Vec<String>,
    /// Its replica set, if it has one.
    pub(crate) replicas: Option<ReplicaSet>,
    /// The position of its name.
    pub(crate) span: Range<usize>,
}

/// The processes and replica sets that the supervisor runs.
#[derive(Debug, Default)]
pub struct Processes {
    /// All processes, with one spec per replica.
    pub specs: Vec<ProcessSpec>,
    /// The processes with replicas.
    pub replica_sets: Vec<ReplicaSet>,
}

fn replica_set(
    process: &ProcessSection,
    replicas: ReplicasSection,
    policies: Vec<Arc<dyn Policy>>,
) -> ReplicaSet {
    ReplicaSet {
        name: Arc::from(process.name.get_ref().as_str()),
        group: Arc::from(process.group.as_str()),
        least: replicas.least,
        most: replicas.most,
        wanted_at_start: replicas.least,
        every_ms: replicas.every_ms,
        policies,
    }
}

/// Returns the chain of policies of a process.
fn policies(
    process: &ProcessSection,
    policy_of: &impl Fn(&str) -> Result<Arc<dyn Policy>, String>,
    problems: &Collector,
) -> Vec<Arc<dyn Policy>> {
    let policy = |name: &Spanned<String>| {
        let hint = "`policies` takes plugins that export a policy; see `provost plugin inspect`";
        policy_of(name.get_ref()).map_err(|why| problems.add(name.span(), why, hint)).ok()
    };
    process.policies.iter().filter_map(policy).collect()
}
