//! Targets: a name (that of a replicated process means all of its replicas), `group:*`, or `all` (supervisorctl's
//! words).

use provost_state::{ProcessId, Snapshot};

use crate::refused::Refused;

/// The processes that `targets` name, in the order of the config, each once. No target at all means none.
pub(crate) fn select(world: &Snapshot, targets: &[String]) -> Result<Vec<ProcessId>, Refused> {
    let mut chosen = Vec::new();
    for target in targets {
        chosen.extend(of(world, target)?);
    }
    chosen.sort_unstable();
    chosen.dedup();
    Ok(chosen)
}

/// As [`select`], but no target means all.
pub(crate) fn select_or_all(world: &Snapshot, targets: &[String]) -> Result<Vec<ProcessId>, Refused> {
    if targets.is_empty() { Ok(world.iter().map(|state| state.id).collect()) } else { select(world, targets) }
}

fn of(world: &Snapshot, target: &str) -> Result<Vec<ProcessId>, Refused> {
    if target == "all" {
        return Ok(world.iter().map(|state| state.id).collect());
    }
    if let Some(group) = target.strip_suffix(":*") {
        let members: Vec<_> =
            world.iter().filter(|state| &**state.group() == group).map(|state| state.id).collect();
        let groups = world.iter().map(|state| &**state.group()).filter(|group| !group.is_empty());
        return if members.is_empty() || group.is_empty() {
            Err(unknown("group", group, groups))
        } else {
            Ok(members)
        };
    }
    if let Some(id) = world.id(target) {
        return Ok(vec![id]);
    }
    let replicas: Vec<_> =
        world.iter().filter(|state| is_replica(state.name(), target)).map(|state| state.id).collect();
    if replicas.is_empty() {
        return Err(unknown("process", target, world.iter().map(|state| &**state.name())));
    }
    Ok(replicas)
}

/// Is it `base.1`, `base.2` and so on?
fn is_replica(name: &str, base: &str) -> bool {
    let number = name.strip_prefix(base).and_then(|rest| rest.strip_prefix('.'));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The refusal of an unknown target, with the nearest known name.
fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str>) -> Refused {
    let nearest = known
        .map(|known| (strsim::damerau_levenshtein(known, name), known))
        .min()
        .filter(|(distance, known)| *distance <= 2.max(known.len() / 3));
    let hint = match nearest {
        Some((_, nearest)) => format!("did you mean `{nearest}`?"),
        None => "`provost status` lists what there is".to_owned(),
    };
    Refused::not_found(&format!("unknown_{what}"), format!("there is no {what} called `{name}`"), hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use provost_state::{Identity, Moment, registry};

    fn world() -> std::sync::Arc<Snapshot> {
        let (registry, reader) = registry(|| 0);
        for (name, group) in [("web.1", "web"), ("web.2", "web"), ("db", "")] {
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
        assert_eq!(chosen(&["all"]), Ok(vec![0, 1, 2]));
        assert_eq!(chosen(&[]), Ok(vec![]));
        assert_eq!(chosen(&["web"]), Ok(vec![0, 1]), "its replicas");
    }

    #[test]
    fn an_unknown_target_is_named_with_its_nearest_neighbour() {
        assert_eq!(
            chosen(&["web.3"]),
            Err("there is no process called `web.3`; did you mean `web.1`?".to_owned())
        );
        assert_eq!(chosen(&["wob:*"]), Err("there is no group called `wob`; did you mean `web`?".to_owned()));
        assert!(chosen(&[":*"]).is_err());
    }
}
