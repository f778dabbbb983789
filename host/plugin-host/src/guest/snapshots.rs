//! The host's side of `snapshots`: the only view of the world that a plugin has.
//!
//! The resource is only borrowed, and only one at a time: the snapshot of the call in progress. So a handle needs no
//! table; every handle stands for that snapshot.

use std::sync::Arc;

use provost_state::{Generation, PhaseKind, ProcessState, Snapshot};
use wasmtime::component::Resource;

use super::bindings::snapshots::{Columns, Counts, Fields, Host, HostSnapshot, Removal};
use super::bindings::types;
use super::convert;
use super::instance::Guest;
use super::lent::Lent;

/// The largest number of processes that `page`, `group`, `changed-since` and `removed-since` return.
const PAGE_ROWS_MAX: u32 = 1024;
/// The largest number of rows that `columns` returns.
const COLUMNS_ROWS_MAX: u32 = 65_536;

impl types::Host for Guest {}

impl Host for Guest {}

impl HostSnapshot for Guest {
    fn generation(&mut self, _lent: Resource<Lent>) -> u64 {
        self.world().generation().0
    }

    fn taken_at(&mut self, _lent: Resource<Lent>) -> u64 {
        self.world().taken_at().wall_ms
    }

    fn size(&mut self, _lent: Resource<Lent>) -> u32 {
        convert::count(self.world().len())
    }

    fn get(&mut self, _lent: Resource<Lent>, name: String) -> Option<types::ProcessState> {
        self.world().by_name(&name).map(|state| convert::process_state(state))
    }

    fn page(&mut self, _lent: Resource<Lent>, offset: u32, limit: u32) -> Vec<types::ProcessState> {
        rows(self.world(), offset, limit.min(PAGE_ROWS_MAX))
            .map(|state| convert::process_state(state))
            .collect()
    }

    fn columns(&mut self, _lent: Resource<Lent>, fields: Fields, offset: u32, limit: u32) -> Columns {
        self.context().common.encoded.columns(
            self.world(),
            fields,
            offset as usize,
            limit.min(COLUMNS_ROWS_MAX) as usize,
        )
    }

    fn changed_since(
        &mut self,
        _lent: Resource<Lent>,
        generation: u64,
        limit: u32,
    ) -> Result<Vec<types::ProcessState>, u32> {
        changed_since(self.world(), generation, limit.min(PAGE_ROWS_MAX))
    }

    fn removed_since(&mut self, _lent: Resource<Lent>, generation: u64) -> Option<Vec<Removal>> {
        let removed = self.world().removed_since(Generation(generation))?;
        (removed.len() <= PAGE_ROWS_MAX as usize)
            .then(|| removed.iter().map(|removed| convert::removal(removed)).collect())
    }

    fn group(&mut self, _lent: Resource<Lent>, name: String) -> Vec<types::ProcessState> {
        group(self.world(), &name, PAGE_ROWS_MAX as usize)
    }

    fn counts(&mut self, _lent: Resource<Lent>) -> Counts {
        counts(self.world())
    }

    fn deaths(&mut self, _lent: Resource<Lent>, name: String, limit: u32) -> Vec<types::Death> {
        deaths(self.world(), &name, limit)
    }

    fn drop(&mut self, _lent: Resource<Lent>) -> wasmtime::Result<()> {
        // It was only borrowed: there is nothing to free.
        Ok(())
    }
}

fn rows(world: &Snapshot, offset: u32, limit: u32) -> impl Iterator<Item = &Arc<ProcessState>> {
    world.page(offset as usize, limit as usize)
}

/// Returns the processes that have changed, or their number if there are more than `limit`.
fn changed_since(world: &Snapshot, generation: u64, limit: u32) -> Result<Vec<types::ProcessState>, u32> {
    let changed = || world.changed_since(Generation(generation));
    let count = convert::count(changed().count());
    if count > limit {
        return Err(count);
    }
    Ok(changed().map(|state| convert::process_state(state)).collect())
}

fn group(world: &Snapshot, name: &str, limit: usize) -> Vec<types::ProcessState> {
    let members = world.iter().filter(|state| **state.group() == *name);
    members.take(limit).map(|state| convert::process_state(state)).collect()
}

fn counts(world: &Snapshot) -> Counts {
    let counts = world.counts();
    let of = |phase| convert::count(counts.of(phase));
    Counts {
        stopped: of(PhaseKind::Stopped),
        waiting: of(PhaseKind::Waiting),
        starting: of(PhaseKind::Starting),
        running: of(PhaseKind::Running),
        stopping: of(PhaseKind::Stopping),
        backoff: of(PhaseKind::Backoff),
        exited: of(PhaseKind::Exited),
        fatal: of(PhaseKind::Fatal),
    }
}

fn deaths(world: &Snapshot, name: &str, limit: u32) -> Vec<types::Death> {
    match world.by_name(name) {
        Some(state) => state.deaths.iter().take(limit as usize).map(convert::death).collect(),
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use provost_state::{At, Cause, Event, Exit, Identity, Moment, Registry, Ruling, RulingAction, registry};

    use super::*;
    use crate::guest::encoded::Encoded;

    fn columns(world: &Arc<Snapshot>, fields: Fields, offset: usize, limit: usize) -> Columns {
        Encoded::default().columns(world, fields, offset, limit)
    }

    fn at(ms: u64) -> Moment {
        Moment { wall_ms: ms, mono_ns: ms * 1_000_000 }
    }

    fn add(registry: &Registry, name: &str, group: &str, events: &[Event]) {
        let identity = Identity::new(name, group);
        let mut state = registry.add(identity, at(0)).unwrap();
        for (i, event) in events.iter().enumerate() {
            let expected = At { incarnation: state.incarnation, version: state.version };
            state = registry.commit(state.id, expected, event, at(i as u64 * 1_000 + 1_000)).unwrap();
        }
    }

    fn start() -> Event {
        Event::Start { cause: Cause::Boot, reason: "boot".into() }
    }

    fn spawned() -> Event {
        Event::Spawned { pid: 77, reason: "boot".into() }
    }

    fn decided(action: RulingAction) -> Event {
        let ruling = Ruling { action, by: "backoff".into(), reason: "third try".into(), overruled: None };
        Event::Decided { ruling: ruling.into() }
    }

    /// `a` stopped; `bé` of `site` running; `c` killed by SIGKILL and in backoff; `d` not spawned.
    fn four() -> Arc<Snapshot> {
        let (registry, reader) = registry(|| 0);
        add(&registry, "a", "", &[]);
        add(&registry, "bé", "site", &[start(), spawned(), Event::Ready { reason: "up".into() }]);
        let restart = decided(RulingAction::restart(500));
        let killed = Event::Exited { exit: Exit::Signal(9), out_of_memory: false };
        add(&registry, "c", "site", &[start(), spawned(), killed, restart]);
        add(&registry, "d", "", &[start(), Event::SpawnFailed { error: "no such file".into() }]);
        reader.snapshot()
    }

    #[test]
    fn columns_say_the_same_as_the_states() {
        let world = four();
        let all = columns(&world, Fields::all(), 0, usize::MAX);
        assert_eq!(all.size, 4);
        assert_eq!((all.names.text.as_str(), all.names.ends.as_slice()), ("abécd", &[1, 4, 5, 6][..]));
        assert_eq!((all.groups.text.as_str(), all.groups.ends.as_slice()), ("sitesite", &[0, 4, 8, 8][..]));
        assert_eq!(all.phases, [0, 3, 5, 6]);
        assert_eq!(all.pids, [0, 77, 0, 0]);
        assert_eq!(all.incarnations, [0, 1, 1, 0]);
        assert_eq!(all.restarts, [0, 0, 1, 0]);
        assert_eq!(all.failures, [0, 0, 1, 1]);
        assert_eq!(all.started_at, [0, 2_000, 2_000, 0]);
        assert_eq!(all.ended_at, [0, 0, 3_000, 2_000]);
        assert_eq!(all.exit_codes, [-1, -1, 137, -1]);
    }

    #[test]
    fn a_column_that_was_not_asked_for_is_empty() {
        let some = columns(&four(), Fields::PIDS, 1, 2);
        assert_eq!((some.size, some.pids.as_slice()), (2, &[77, 0][..]));
        assert!(some.names.text.is_empty() && some.names.ends.is_empty());
        assert!(some.phases.is_empty() && some.exit_codes.is_empty() && some.restarts.is_empty());
    }

    #[test]
    fn a_page_behind_the_end_is_empty() {
        let world = four();
        assert_eq!(rows(&world, 3, 10).count(), 1);
        assert_eq!(rows(&world, u32::MAX, u32::MAX).count(), 0);
        assert_eq!(columns(&world, Fields::all(), 4, 10).size, 0);
    }

    #[test]
    fn a_state_carries_its_last_decision_and_when_it_is_acted_on() {
        let world = four();
        let state = convert::process_state(world.by_name("c").unwrap());
        assert_eq!(state.phase, types::Phase::Backoff);
        assert!(matches!(state.cause, types::Cause::Policy));
        assert_eq!((state.pid, state.ready, state.failures), (None, false, 1));
        assert_eq!(
            (state.started_at, state.ended_at, state.next_action_at),
            (Some(2_000), Some(3_000), Some(3_500))
        );
        assert!(matches!(state.exit, Some(types::Exit::Signal(9))));
        let ruling = state.decision.unwrap();
        assert_eq!(
            (ruling.action.as_str(), ruling.by.as_str(), ruling.reason.as_str()),
            ("restart in 500 ms", "backoff", "third try")
        );
    }

    #[test]
    fn deaths_are_the_newest_first_and_no_more_than_asked_for() {
        let (registry, reader) = registry(|| 0);
        let again = || decided(RulingAction::restart(0));
        let ended = |code| Event::Exited { exit: Exit::Code(code), out_of_memory: false };
        add(&registry, "a", "", &[start(), spawned(), ended(1), again(), spawned(), ended(2)]);
        let world = reader.snapshot();
        let both = deaths(&world, "a", 10);
        assert_eq!(both.iter().map(|death| death.incarnation).collect::<Vec<_>>(), [2, 1]);
        assert!(matches!(both[0].exit, types::Exit::Code(2)));
        assert_eq!((both[0].at, both[0].uptime), (6_000, 1_000));
        assert_eq!(deaths(&world, "a", 1).len(), 1);
        assert!(deaths(&world, "nobody", 10).is_empty());
    }

    #[test]
    fn a_group_has_all_of_its_members_and_no_other_process() {
        let world = four();
        let names = |group: &str, limit| {
            let members = super::group(&world, group, limit);
            members.into_iter().map(|state| state.name).collect::<Vec<_>>()
        };
        assert_eq!(names("site", 10), ["bé", "c"]);
        assert_eq!(names("site", 1), ["bé"]);
        assert_eq!(names("", 10), ["a", "d"]);
        assert!(names("nobody", 10).is_empty());
    }

    #[test]
    fn only_changes_are_listed_and_only_their_number_beyond_the_limit() {
        let world = four();
        let names = |changed: Vec<types::ProcessState>| {
            changed.into_iter().map(|state| state.name).collect::<Vec<_>>()
        };
        let before_d = world.by_name("c").unwrap().generation.0;
        assert_eq!(names(changed_since(&world, before_d, 10).unwrap()), ["d"]);
        assert_eq!(names(changed_since(&world, 0, 4).unwrap()), ["a", "bé", "c", "d"]);
        assert_eq!(changed_since(&world, 0, 3).unwrap_err(), 4);
        assert!(changed_since(&world, world.generation().0, 0).unwrap().is_empty());
    }

    #[test]
    fn every_process_is_counted_in_its_phase() {
        let counts = counts(&four());
        assert_eq!((counts.stopped, counts.running, counts.backoff, counts.exited), (1, 1, 1, 1));
        assert_eq!((counts.waiting, counts.starting, counts.stopping, counts.fatal), (0, 0, 0, 0));
    }
}
