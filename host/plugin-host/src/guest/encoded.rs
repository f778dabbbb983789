//! The columns of the registry, encoded once for each part of it that does not change, and shared by the calls of all
//! plugins.
//!
//! A part is 32 rows. It is valid for a snapshot in which these rows are the very same states: that is asked of their
//! addresses, and a part holds its states, so that no other state can have the address of one of them. So a part can
//! never be stale, whatever was added, removed or changed, and whichever registry a snapshot is from. Only the parts of
//! the latest table are kept, and for each the one before it until the next table: at most two for 32 rows. A column of a
//! part is encoded when it is first asked for.

use std::ops::Range;
use std::sync::{Arc, OnceLock, Weak};

use parking_lot::Mutex;
use provost_state::{Moment, ProcessState, Snapshot};

use super::bindings::snapshots::{Columns, Fields, TextColumn};
use super::convert;

/// The rows of a part.
const ROWS: usize = 32;

/// The encoded columns of the latest snapshot that any plugin has read columns of.
#[derive(Debug, Default)]
pub(crate) struct Encoded(Mutex<Arc<Table>>);

/// The parts of one snapshot.
#[derive(Debug, Default)]
struct Table {
    /// The snapshot. It is not kept alive; its address is not used for another one while this is held.
    world: Weak<Snapshot>,
    parts: Box<[OnceLock<Arc<Part>>]>,
    /// The parts of earlier snapshots, which may still be valid.
    earlier: Box<[Option<Arc<Part>>]>,
}

/// Some rows, and those of their columns that have been asked for.
#[derive(Debug, Default)]
struct Part {
    states: Box<[Arc<ProcessState>]>,
    names: OnceLock<Texts>,
    groups: OnceLock<Texts>,
    phases: OnceLock<Box<[u8]>>,
    pids: OnceLock<Box<[u32]>>,
    incarnations: OnceLock<Box<[u64]>>,
    restarts: OnceLock<Box<[u64]>>,
    failures: OnceLock<Box<[u32]>>,
    started_at: OnceLock<Box<[u64]>>,
    ended_at: OnceLock<Box<[u64]>>,
    exit_codes: OnceLock<Box<[i32]>>,
}

/// The texts of the rows of a part, one after the other, and where each one ends.
#[derive(Debug)]
struct Texts {
    text: Box<str>,
    ends: Box<[usize]>,
}

impl Encoded {
    /// Returns the columns in `fields` of at most `limit` rows from position `offset` on.
    pub(crate) fn columns(
        &self,
        world: &Arc<Snapshot>,
        fields: Fields,
        offset: usize,
        limit: usize,
    ) -> Columns {
        let end = world.len().min(offset.saturating_add(limit));
        let rows = offset.min(end)..end;
        let mut columns = empty(fields, rows.len());
        if rows.is_empty() {
            return columns;
        }
        let table = self.table(world);
        for (index, encoded) in table.parts.iter().enumerate().skip(rows.start / ROWS) {
            let first = index * ROWS;
            if first >= rows.end {
                break;
            }
            let within = rows.start.max(first) - first..rows.end.min(first + ROWS) - first;
            encoded.get_or_init(|| table.part(world, index)).append(&mut columns, fields, &within);
        }
        columns
    }

    /// Returns the table of this snapshot.
    fn table(&self, world: &Arc<Snapshot>) -> Arc<Table> {
        let mut latest = self.0.lock();
        if !std::ptr::eq(latest.world.as_ptr(), Arc::as_ptr(world)) {
            *latest = Arc::new(latest.followed_by(world));
        }
        latest.clone()
    }
}

impl Table {
    /// Returns the table of another snapshot, with the parts of this one as candidates.
    fn followed_by(&self, world: &Arc<Snapshot>) -> Self {
        let parts = world.len().div_ceil(ROWS);
        let earlier = |index: usize| {
            let known = self.parts.get(index).and_then(OnceLock::get);
            known.or_else(|| self.earlier.get(index)?.as_ref()).cloned()
        };
        Self {
            world: Arc::downgrade(world),
            parts: (0..parts).map(|_| OnceLock::new()).collect(),
            earlier: (0..parts).map(earlier).collect(),
        }
    }

    /// Returns a part: the earlier one, if its rows are the same states.
    fn part(&self, world: &Snapshot, index: usize) -> Arc<Part> {
        let states = || world.page(index * ROWS, ROWS);
        let earlier = self.earlier.get(index).and_then(Option::as_ref);
        let same = |part: &&Arc<Part>| states().map(Arc::as_ptr).eq(part.states.iter().map(Arc::as_ptr));
        earlier
            .filter(same)
            .cloned()
            .unwrap_or_else(|| Arc::new(Part { states: states().cloned().collect(), ..Part::default() }))
    }
}

impl Part {
    /// Appends these rows to each column in `fields`.
    fn append(&self, to: &mut Columns, fields: Fields, rows: &Range<usize>) {
        let wanted = |field| fields.contains(field);
        let wall_ms = |at: Option<Moment>| at.map_or(0, |at| at.wall_ms);
        if wanted(Fields::NAMES) {
            self.texts(&self.names, |state| state.name()).append(&mut to.names, rows);
        }
        if wanted(Fields::GROUPS) {
            self.texts(&self.groups, |state| state.group()).append(&mut to.groups, rows);
        }
        if wanted(Fields::PHASES) {
            self.cells(&self.phases, &mut to.phases, rows, |state| state.phase.kind() as u8);
        }
        if wanted(Fields::PIDS) {
            self.cells(&self.pids, &mut to.pids, rows, |state| state.pid().unwrap_or(0));
        }
        if wanted(Fields::INCARNATIONS) {
            self.cells(&self.incarnations, &mut to.incarnations, rows, |state| state.incarnation.0);
        }
        if wanted(Fields::RESTARTS) {
            self.cells(&self.restarts, &mut to.restarts, rows, |state| state.restarts);
        }
        if wanted(Fields::FAILURES) {
            self.cells(&self.failures, &mut to.failures, rows, |state| state.failures);
        }
        if wanted(Fields::STARTED_AT) {
            self.cells(&self.started_at, &mut to.started_at, rows, |state| wall_ms(state.started_at));
        }
        if wanted(Fields::ENDED_AT) {
            self.cells(&self.ended_at, &mut to.ended_at, rows, |state| wall_ms(state.ended_at));
        }
        if wanted(Fields::EXIT_CODES) {
            let code = |state: &ProcessState| convert::exit_code(state.exit.as_ref());
            self.cells(&self.exit_codes, &mut to.exit_codes, rows, code);
        }
    }

    /// Appends these rows of a column of numbers.
    fn cells<T: Copy>(
        &self,
        column: &OnceLock<Box<[T]>>,
        to: &mut Vec<T>,
        rows: &Range<usize>,
        cell: impl Fn(&ProcessState) -> T,
    ) {
        let all = column.get_or_init(|| self.states.iter().map(|state| cell(state)).collect());
        to.extend_from_slice(all.get(rows.clone()).unwrap_or_default());
    }

    /// Returns a column of texts.
    fn texts<'a>(&self, column: &'a OnceLock<Texts>, cell: impl Fn(&ProcessState) -> &Arc<str>) -> &'a Texts {
        column.get_or_init(|| {
            let mut text = String::new();
            let end_of = |state: &Arc<ProcessState>| {
                text.push_str(cell(state));
                text.len()
            };
            let ends = self.states.iter().map(end_of).collect();
            Texts { text: text.into(), ends }
        })
    }
}

impl Texts {
    /// Appends these rows.
    fn append(&self, to: &mut TextColumn, rows: &Range<usize>) {
        let start = rows.start.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let ends = self.ends.get(rows.clone()).unwrap_or_default();
        let end = ends.last().copied().unwrap_or(start);
        let base = to.text.len();
        to.text.push_str(self.text.get(start..end).unwrap_or_default());
        to.ends.extend(ends.iter().map(|end| convert::count(base + end - start)));
    }
}

/// Returns columns without rows, with room for `size` in those that are wanted.
fn empty(fields: Fields, size: usize) -> Columns {
    let room = |field| if fields.contains(field) { size } else { 0 };
    let texts = |field| TextColumn { text: String::new(), ends: Vec::with_capacity(room(field)) };
    Columns {
        size: convert::count(size),
        names: texts(Fields::NAMES),
        groups: texts(Fields::GROUPS),
        phases: Vec::with_capacity(room(Fields::PHASES)),
        pids: Vec::with_capacity(room(Fields::PIDS)),
        incarnations: Vec::with_capacity(room(Fields::INCARNATIONS)),
        restarts: Vec::with_capacity(room(Fields::RESTARTS)),
        failures: Vec::with_capacity(room(Fields::FAILURES)),
        started_at: Vec::with_capacity(room(Fields::STARTED_AT)),
        ended_at: Vec::with_capacity(room(Fields::ENDED_AT)),
        exit_codes: Vec::with_capacity(room(Fields::EXIT_CODES)),
    }
}

#[cfg(test)]
mod tests {
    use provost_state::{At, Cause, Event, Identity, Reader, Registry, registry};

    use super::*;

    /// The rows of these columns as text, encoded from the states one by one.
    fn plainly(world: &Snapshot, fields: Fields, offset: usize, limit: usize) -> String {
        let mut rows = String::new();
        for state in world.iter().skip(offset).take(limit) {
            let name = if fields.contains(Fields::NAMES) { state.name() } else { "" };
            let group = if fields.contains(Fields::GROUPS) { state.group() } else { "" };
            let number = |field, number: u64| if fields.contains(field) { number } else { 0 };
            let phase = number(Fields::PHASES, state.phase.kind() as u64);
            let restarts = number(Fields::RESTARTS, state.restarts);
            let pid = number(Fields::PIDS, state.pid().unwrap_or(0).into());
            rows += &format!("{name}|{group}|{phase}|{restarts}|{pid}\n");
        }
        rows
    }

    fn shown(columns: &Columns) -> String {
        let text = |column: &TextColumn, row: usize| {
            let end = |row: usize| column.ends.get(row).map_or(0, |end| *end as usize);
            let start = row.checked_sub(1).map_or(0, end);
            column.text.get(start..end(row)).unwrap_or_default().to_owned()
        };
        let row = |row: usize| {
            let (name, group) = (text(&columns.names, row), text(&columns.groups, row));
            let phase = columns.phases.get(row).copied().unwrap_or(0);
            let restarts = columns.restarts.get(row).copied().unwrap_or(0);
            let pid = columns.pids.get(row).copied().unwrap_or(0);
            format!("{name}|{group}|{phase}|{restarts}|{pid}\n")
        };
        (0..columns.size as usize).map(row).collect()
    }

    /// The columns that `plainly` encodes.
    const COLUMNS: [Fields; 5] =
        [Fields::NAMES, Fields::GROUPS, Fields::PHASES, Fields::RESTARTS, Fields::PIDS];

    /// A small generator of numbers, so that a failure can be repeated by its seed.
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, bound: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(self.0 >> 33).unwrap() % bound.max(1)
        }
    }

    fn add(registry: &Registry, name: String) {
        let group = if name.len().is_multiple_of(2) { "even" } else { "" };
        registry.add(Identity::new(name, group), Moment::default()).unwrap();
    }

    fn change(registry: &Registry, reader: &Reader, numbers: &mut Numbers) {
        let world = reader.snapshot();
        let Some(state) = world.page(numbers.below(world.len()), 1).next() else { return };
        let at = At { incarnation: state.incarnation, version: state.version };
        let event = if state.pid().is_some() {
            Event::Exited { exit: provost_state::Exit::Code(1), out_of_memory: false }
        } else if state.phase.kind() == provost_state::PhaseKind::Waiting {
            Event::Spawned { pid: state.version.0 as u32 + 1, reason: "next".into() }
        } else {
            Event::Start { cause: Cause::User, reason: "again".into() }
        };
        // Not every event is legal in every phase, and a refused one changes nothing.
        let _ = registry.commit(state.id, at, &event, Moment::default());
    }

    #[test]
    fn no_column_is_ever_stale_in_any_order_of_changes_and_of_snapshots() {
        for seed in 0..40 {
            let mut numbers = Numbers(seed);
            let encoded = Encoded::default();
            // Two registries whose names and generations are the same, and whose states are not.
            let worlds: Vec<(Registry, Reader)> = (0..2).map(|_| registry(|| 0)).collect();
            let mut seen: Vec<Arc<Snapshot>> = Vec::new();
            for step in 0..200 {
                let (registry, reader) = &worlds[numbers.below(2)];
                match numbers.below(4) {
                    0 => add(registry, format!("p{step}")),
                    _ => change(registry, reader, &mut numbers),
                }
                seen.push(reader.snapshot());
                // Also an old one, as a slow call has it.
                let world =
                    &seen[if numbers.below(3) == 0 { numbers.below(seen.len()) } else { seen.len() - 1 }];
                let fields = COLUMNS.into_iter().filter(|_| numbers.below(2) == 0);
                let fields = fields.fold(Fields::empty(), |fields, column| fields | column);
                let (offset, limit) = (numbers.below(world.len() + 3), numbers.below(world.len() + 40));
                let columns = encoded.columns(world, fields, offset, limit);
                assert_eq!(
                    shown(&columns),
                    plainly(world, fields, offset, limit),
                    "seed {seed}, step {step}, {offset} + {limit} of {}",
                    world.len()
                );
            }
        }
    }

    #[test]
    fn a_part_without_a_change_is_encoded_once_and_one_with_a_change_anew() {
        let (registry, reader) = registry(|| 0);
        (0..100).for_each(|number| add(&registry, format!("p{number}")));
        let encoded = Encoded::default();
        let parts = || -> Vec<Arc<Part>> {
            let table = encoded.0.lock().clone();
            table.parts.iter().filter_map(|part| part.get().cloned()).collect()
        };
        let all = |world: &Arc<Snapshot>| encoded.columns(world, Fields::all(), 0, usize::MAX);
        all(&reader.snapshot());
        let before = parts();
        let world = reader.snapshot();
        let state = world.by_name("p40").unwrap();
        let at = At { incarnation: state.incarnation, version: state.version };
        let event = Event::Start { cause: Cause::User, reason: "up".into() };
        registry.commit(state.id, at, &event, Moment::default()).unwrap();
        all(&reader.snapshot());
        let same: Vec<bool> = before.iter().zip(parts()).map(|(old, new)| Arc::ptr_eq(old, &new)).collect();
        assert_eq!(same, [true, false, true, true]);
    }

    #[test]
    fn a_part_holds_its_states_until_a_later_snapshot_is_read() {
        let encoded = Encoded::default();
        let (registry, reader) = registry(|| 0);
        add(&registry, "only".into());
        let world = reader.snapshot();
        let weak = Arc::downgrade(world.by_name("only").unwrap());
        encoded.columns(&world, Fields::all(), 0, 10);
        drop((world, registry, reader));
        assert!(weak.upgrade().is_some(), "the part holds its states");
        let (_registry, reader) = provost_state::registry(|| 0);
        encoded.columns(&reader.snapshot(), Fields::all(), 0, 10);
        assert!(weak.upgrade().is_some(), "nothing was read from an empty world");
    }
}
