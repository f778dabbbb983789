//! Selects processes by targets, which have supervisorctl's syntax: a name, `group:*` or `all`. The name of a replicated
//! process means all of its replicas. The lookup takes one pass over the processes, no matter how many targets there are.

use std::collections::{BTreeMap, HashSet};

use provost_api::ErrorCode;
use provost_state::naming::{nearest, replica_of, shown};
use provost_state::{ProcessId, ProcessState, Snapshot};

use super::refused::Refused;

/// The maximum number of targets.
const TARGETS_MAX: usize = 10_000;

/// Returns the processes that `targets` name, in the order of the config, each once. No targets mean no processes.
pub(super) fn select(world: &Snapshot, targets: &[String]) -> Result<Vec<ProcessId>, Refused> {
    if targets.len() > TARGETS_MAX {
        let message = format!("`select` has {} targets; at most {TARGETS_MAX} are allowed", targets.len());
        return Err(Refused::too_large(message));
    }
    let mut sets = None;
    let mut seen = HashSet::new();
    let mut chosen = Vec::new();
    for target in targets.iter().filter(|target| seen.insert(target.as_str())) {
        if target == "all" {
            chosen.extend(world.iter().map(|state| state.id));
        } else if let Some(id) = world.id(target) {
            chosen.push(id);
        } else {
            chosen.extend(sets.get_or_insert_with(|| Sets::of(world)).named(world, target)?);
        }
    }
    chosen.sort_unstable();
    chosen.dedup();
    Ok(chosen)
}

/// Returns the targets that name nothing at present, each once.
pub(super) fn absent<'a>(world: &Snapshot, targets: &'a [String]) -> Vec<&'a String> {
    let (sets, mut seen) = (Sets::of(world), HashSet::new());
    let is_there =
        |target: &str| target == "all" || world.id(target).is_some() || sets.find(target).is_some();
    targets.iter().filter(|target| seen.insert(*target)).filter(|target| !is_there(target)).collect()
}

/// Returns the one process that a target names.
pub(super) fn select_one<'a>(world: &'a Snapshot, target: &str) -> Result<&'a ProcessState, Refused> {
    let chosen = select(world, &[target.to_owned()])?;
    let states: Vec<&ProcessState> =
        chosen.iter().filter_map(|id| world.get(*id)).map(|one| &**one).collect();
    if let [one] = states[..] {
        return Ok(one);
    }
    let names: Vec<&str> = states.iter().map(|one| &**one.name()).take(5).collect();
    let hint = format!("ask for one of them, such as {}", names.join(", "));
    Err(Refused::not_one(format!("`{}` names {} processes", shown(target), states.len()), hint))
}

/// Selects like [`select`], but no targets mean no choice.
pub(super) fn select_some(world: &Snapshot, targets: &[String]) -> Result<Option<Vec<ProcessId>>, Refused> {
    if targets.is_empty() { Ok(None) } else { select(world, targets).map(Some) }
}

/// Selects like [`select`], but no targets mean all processes.
pub(super) fn select_or_all(world: &Snapshot, targets: &[String]) -> Result<Vec<ProcessId>, Refused> {
    if targets.is_empty() { Ok(world.iter().map(|state| state.id).collect()) } else { select(world, targets) }
}

/// Targets that are compared with single processes, also with those that are added later.
#[derive(Clone, Debug, Default)]
pub(super) struct Matching {
    is_all: bool,
    names: HashSet<String>,
    groups: HashSet<String>,
}

impl Matching {
    pub(super) fn of(targets: &[String]) -> Self {
        let mut matching = Self::default();
        for target in targets {
            match target.strip_suffix(":*") {
                Some(group) => drop(matching.groups.insert(group.to_owned())),
                None if target == "all" => matching.is_all = true,
                None => drop(matching.names.insert(target.clone())),
            }
        }
        matching
    }

    /// Whether a target is the name of a process or of a replica set.
    pub(super) fn is_name(target: &str) -> bool {
        target != "all" && !target.ends_with(":*")
    }

    /// Whether a target names the process, its replica set or its group.
    pub(super) fn has(&self, state: &ProcessState) -> bool {
        let name = &**state.name();
        self.is_all
            || self.names.contains(name)
            || replica_of(name).is_some_and(|(base, _)| self.names.contains(base))
            || self.groups.contains(&**state.group())
    }
}

/// The processes by group and by base name of replicas.
#[derive(Default)]
struct Sets<'a> {
    groups: BTreeMap<&'a str, Vec<ProcessId>>,
    replicas: BTreeMap<&'a str, Vec<ProcessId>>,
}

impl<'a> Sets<'a> {
    fn of(world: &'a Snapshot) -> Self {
        let mut sets = Self::default();
        for state in world.iter() {
            if !state.group().is_empty() {
                sets.groups.entry(state.group()).or_default().push(state.id);
            }
            if let Some((base, _)) = replica_of(state.name()) {
                sets.replicas.entry(base).or_default().push(state.id);
            }
        }
        sets
    }

    /// Returns the members of a group, or the replicas of a process.
    fn find(&self, target: &str) -> Option<&Vec<ProcessId>> {
        match target.strip_suffix(":*") {
            Some(group) => self.groups.get(group),
            None => self.replicas.get(target),
        }
    }

    fn named(&self, world: &Snapshot, target: &str) -> Result<Vec<ProcessId>, Refused> {
        self.find(target).cloned().ok_or_else(|| match target.strip_suffix(":*") {
            Some(group) => self.no_group(world, group),
            None => self.no_process(world, target),
        })
    }

    /// Refuses an unknown process; if the name is that of a group, the hint shows how to write a group.
    fn no_process(&self, world: &Snapshot, name: &str) -> Refused {
        let names = || world.iter().map(|state| &**state.name());
        match self.groups.contains_key(name) {
            true => unknown(
                ErrorCode::UnknownProcess,
                name,
                Some(format!("`{name}` is a group: write '{name}:*'")),
            ),
            false => unknown(ErrorCode::UnknownProcess, name, nearest(name, names()).map(meant)),
        }
    }

    fn no_group(&self, world: &Snapshot, name: &str) -> Refused {
        let is_process = world.id(name).is_some() || self.replicas.contains_key(name);
        match is_process {
            true => {
                unknown(ErrorCode::UnknownGroup, name, Some(format!("`{name}` is a process: write {name}")))
            }
            false => {
                let near = nearest(name, self.groups.keys().copied());
                unknown(ErrorCode::UnknownGroup, name, near.map(|near| format!("did you mean '{near}:*'?")))
            }
        }
    }
}

fn meant(name: &str) -> String {
    format!("did you mean `{name}`?")
}

/// Returns the refusal of an unknown target with a hint.
fn unknown(code: ErrorCode, name: &str, hint: Option<String>) -> Refused {
    let what = if code == ErrorCode::UnknownGroup { "group" } else { "process" };
    let hint = hint.unwrap_or_else(|| "`provost status` lists what there is".to_owned());
    let message = format!("there is no {what} called `{}`", shown(name));
    Refused::not_found(code, message, hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use provost_state::naming::NAME_BYTES_MAX;
    use provost_state::{Identity, Moment, registry};

    fn world() -> std::sync::Arc<Snapshot> {
        let (registry, reader) = registry(|| 0);
        for (name, group) in [("web.1", "web"), ("web.2", "web"), ("db", ""), ("job", "jobs")] {
            registry.add(Identity::new(name, group), Moment::default()).unwrap();
        }
        reader.snapshot()
    }

    fn chosen(targets: &[&str]) -> Result<Vec<usize>, String> {
        let targets: Vec<String> = targets.iter().map(ToString::to_string).collect();
        select(&world(), &targets)
            .map(|ids| ids.iter().map(|id| id.index()).collect())
            .map_err(|it| it.message())
    }

    #[test]
    fn names_groups_and_all_are_targets_and_each_process_is_chosen_once() {
        assert_eq!(chosen(&["db", "web:*", "web.1"]), Ok(vec![0, 1, 2]));
        assert_eq!(chosen(&["all"]), Ok(vec![0, 1, 2, 3]));
        assert_eq!(chosen(&[]), Ok(vec![]));
        assert_eq!(chosen(&["web"]), Ok(vec![0, 1]), "its replicas");
    }

    #[test]
    fn an_unknown_target_is_named_with_its_nearest_neighbour() {
        assert_eq!(
            chosen(&["web.3"]),
            Err("there is no process called `web.3`; did you mean `web.1`?".to_owned())
        );
        assert_eq!(
            chosen(&["wob:*"]),
            Err("there is no group called `wob`; did you mean 'web:*'?".to_owned())
        );
        assert!(chosen(&[":*"]).is_err());
    }

    #[test]
    fn a_hint_says_that_the_name_is_a_group_or_a_process() {
        let expected = "there is no process called `jobs`; `jobs` is a group: write 'jobs:*'";
        assert_eq!(chosen(&["jobs"]), Err(expected.to_owned()));
        let expected = "there is no group called `db`; `db` is a process: write db";
        assert_eq!(chosen(&["db:*"]), Err(expected.to_owned()));
    }

    #[test]
    fn a_target_too_long_for_a_name_is_cut_and_compared_with_none() {
        let refusal = chosen(&["x".repeat(2_000_000).as_str()]).unwrap_err();
        let cut = "x".repeat(NAME_BYTES_MAX);
        let expected = format!("there is no process called `{cut}…`; `provost status` lists what there is");
        assert_eq!(refusal, expected);
    }

    #[test]
    fn repeated_targets_are_looked_up_once_and_their_number_is_bounded() {
        assert_eq!(chosen(&["all"; TARGETS_MAX]), Ok(vec![0, 1, 2, 3]));
        let refusal = chosen(&["all"; TARGETS_MAX + 1]).unwrap_err();
        assert_eq!(refusal, "`select` has 10001 targets; at most 10000 are allowed");
    }
}
