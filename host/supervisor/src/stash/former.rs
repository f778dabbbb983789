//! What the files of a former host say, taken together.

use std::collections::BTreeMap;
use std::sync::Arc;

use provost_state::{Death, Generation, ProcessState, Routing};

use super::at_spawn::{AtSpawn, EnvFiles, Variables};
use super::counted::Counted;
use super::frames::{Frames, Kind};
use super::records::{Aside, Life, Record, TOGETHER, WrittenKey, take};
use super::states::StateRead;

/// A process of a former host.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FormerProcess {
    /// Its last state, which is in no registry.
    pub(crate) state: ProcessState,
    /// What its last child was spawned with.
    pub(crate) life: Option<Life>,
    pub(crate) aside: Aside,
    /// Those parts of the spec with which its last child was spawned that take effect with a spawn.
    pub(crate) at_spawn: Option<AtSpawn>,
    /// What its environment files gave then.
    pub(crate) env_files: Option<EnvFiles>,
    /// The names of the variables that it was given beside them.
    pub(crate) variables: Option<Variables>,
    /// The digest of those parts of the spec that was in force last, if that was another one.
    pub(crate) in_force: Option<u64>,
    /// What its health checks have counted.
    pub(crate) counted: Option<Counted>,
}

/// The memory of a plugin: the last write of each key, also of those that were deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FormerMemory(pub(crate) BTreeMap<Arc<str>, WrittenKey>);

/// What is known of a former host.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Former {
    /// No commit of a former host has a generation above this one.
    pub(crate) generation: Generation,
    /// The generation of its last commit that is known.
    pub(crate) known: Generation,
    pub(crate) processes: BTreeMap<Arc<str>, FormerProcess>,
    /// How many replicas of each set were wanted, and whether that was set by hand.
    pub(crate) sets: BTreeMap<Arc<str>, (u32, bool)>,
    pub(crate) routing: Option<Routing>,
    pub(crate) memories: BTreeMap<Arc<str>, FormerMemory>,
    pub(crate) notes: BTreeMap<Arc<str>, Vec<u8>>,
    /// The highest number of a file.
    pub(crate) number: u64,
    /// The highest turn of a record.
    pub(crate) turn: u64,
    pub(crate) losses: Losses,
}

/// What could not be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Losses {
    /// The number of files that are no stash of this boot of the machine.
    pub(crate) files: u64,
    /// The number of records of a kind or a version that this host does not know.
    pub(crate) unknown: u64,
    /// The number of records whose bytes are whole and make no sense.
    pub(crate) unreadable: u64,
    /// The number of bytes behind the last whole record of each file.
    pub(crate) torn_bytes: u64,
}

/// The records of all files, while they are read.
#[derive(Default)]
struct Pile {
    former: Former,
    /// The states of each process, each with the generation of its addition.
    states: BTreeMap<Arc<str>, Vec<(Generation, StateRead)>>,
    /// The last tenant of each name that was removed, by the generation of its addition.
    removed: BTreeMap<Arc<str>, Generation>,
    lives: Newest<Arc<str>, (Generation, Life)>,
    asides: Newest<Arc<str>, (Generation, Aside)>,
    at_spawn: Newest<Arc<str>, (Generation, AtSpawn)>,
    env_files: Newest<Arc<str>, (Generation, EnvFiles)>,
    variables: Newest<Arc<str>, (Generation, Variables)>,
    in_force: Newest<Arc<str>, (Generation, u64)>,
    counted: Newest<Arc<str>, (Generation, Counted)>,
    sets: Newest<Arc<str>, (u32, bool)>,
    routing: Newest<(), Routing>,
    notes: Newest<Arc<str>, Vec<u8>>,
}

/// What was read last of each key, with the turn of its record.
type Newest<K, T> = BTreeMap<K, (u64, T)>;

impl Former {
    /// Reads the files of a former host of this `boot` of the machine.
    pub(crate) fn read<'a>(files: impl IntoIterator<Item = &'a [u8]>, boot: &str) -> Self {
        let mut pile = Pile::default();
        for file in files {
            pile.read(file, boot);
        }
        pile.taken_together()
    }
}

/// Enters what was read, unless there is something of a later turn.
fn enter<K: Ord, T>(newest: &mut Newest<K, T>, key: K, turn: u64, read: T) {
    if newest.get(&key).is_none_or(|(other, _)| *other <= turn) {
        newest.insert(key, (turn, read));
    }
}

/// Takes what was read of the process of this name that was added at this generation.
fn of_tenant<T>(newest: &mut Newest<Arc<str>, (Generation, T)>, name: &str, born: Generation) -> Option<T> {
    let (_, (of, read)) = newest.remove(name)?;
    (of == born).then_some(read)
}

/// Drops the turns.
fn without_turns<K: Ord, T>(newest: Newest<K, T>) -> BTreeMap<K, T> {
    newest.into_iter().map(|(key, (_, read))| (key, read)).collect()
}

impl Pile {
    fn read(&mut self, file: &[u8], boot: &str) {
        let losses = &mut self.former.losses;
        let Some(mut frames) = Frames::of(file) else {
            losses.files += 1;
            return;
        };
        let head = frames.next().map(|(kind, body)| take(kind, body));
        match head {
            Some(Ok(Some(Record::Head(head)))) if *head.boot == *boot => {
                self.former.number = self.former.number.max(head.number);
            }
            _ => {
                losses.files += 1;
                return;
            }
        }
        for (kind, body) in frames.by_ref() {
            if kind == TOGETHER {
                for (kind, body) in Frames::within(body) {
                    self.frame(kind, body);
                }
            } else {
                self.frame(kind, body);
            }
        }
        self.former.losses.torn_bytes += frames.unread() as u64;
    }

    fn frame(&mut self, kind: Kind, body: &[u8]) {
        match take(kind, body) {
            Ok(Some(record)) => self.add(record),
            Ok(None) => self.former.losses.unknown += 1,
            Err(_) => self.former.losses.unreadable += 1,
        }
    }

    fn add(&mut self, record: Record) {
        match record {
            Record::Head(_) => {}
            Record::Lease(generation) => {
                self.former.generation = self.former.generation.max(generation);
            }
            Record::State { born, read } => {
                self.states.entry(read.state.name().clone()).or_default().push((born, *read));
            }
            Record::Removed { name, born } => {
                let last = self.removed.entry(name).or_default();
                *last = born.max(*last);
            }
            Record::Life { turn, name, born, life } => {
                self.turn(turn);
                enter(&mut self.lives, name, turn, (born, life));
            }
            Record::Aside { turn, name, born, aside } => {
                self.turn(turn);
                enter(&mut self.asides, name, turn, (born, aside));
            }
            Record::AtSpawn { turn, name, born, at_spawn } => {
                self.turn(turn);
                enter(&mut self.at_spawn, name, turn, (born, at_spawn));
            }
            Record::EnvFiles { turn, name, born, env_files } => {
                self.turn(turn);
                enter(&mut self.env_files, name, turn, (born, env_files));
            }
            Record::Variables { turn, name, born, variables } => {
                self.turn(turn);
                enter(&mut self.variables, name, turn, (born, variables));
            }
            Record::InForce { turn, name, born, digest } => {
                self.turn(turn);
                enter(&mut self.in_force, name, turn, (born, digest));
            }
            Record::Counted { turn, name, born, counted } => {
                self.turn(turn);
                enter(&mut self.counted, name, turn, (born, counted));
            }
            Record::Set { turn, name, wanted, by_hand } => {
                self.turn(turn);
                enter(&mut self.sets, name, turn, (wanted, by_hand));
            }
            Record::Routing { turn, routing } => {
                self.turn(turn);
                enter(&mut self.routing, (), turn, routing);
            }
            Record::Memory { plugin, written } => {
                let memory = self.former.memories.entry(plugin).or_default();
                written.into_iter().for_each(|one| memory.enter(one));
            }
            Record::Note { turn, key, bytes } => {
                self.turn(turn);
                enter(&mut self.notes, key, turn, bytes);
            }
        }
    }

    fn turn(&mut self, turn: u64) {
        self.former.turn = self.former.turn.max(turn);
    }

    fn taken_together(mut self) -> Former {
        for (name, states) in std::mem::take(&mut self.states) {
            let Some((born, state)) = last_state(states) else { continue };
            let former = &mut self.former;
            former.known = former.known.max(state.generation);
            if self.removed.get(&name).is_some_and(|removed| *removed >= born) {
                continue;
            }
            let process = FormerProcess {
                state,
                life: of_tenant(&mut self.lives, &name, born),
                aside: of_tenant(&mut self.asides, &name, born).unwrap_or_default(),
                at_spawn: of_tenant(&mut self.at_spawn, &name, born),
                env_files: of_tenant(&mut self.env_files, &name, born),
                variables: of_tenant(&mut self.variables, &name, born),
                in_force: of_tenant(&mut self.in_force, &name, born),
                counted: of_tenant(&mut self.counted, &name, born),
            };
            former.processes.insert(name, process);
        }
        self.former.generation = self.former.generation.max(self.former.known);
        self.former.sets = without_turns(self.sets);
        self.former.routing = without_turns(self.routing).remove(&());
        self.former.notes = without_turns(self.notes);
        self.former
    }
}

/// The number of deleted keys of one memory of which the deletion is kept. A key is deleted in the file of the memory a moment
/// later, and then the deletion need not be known any more.
const DELETED_MAX: usize = 1_024;

impl FormerMemory {
    /// Drops the oldest half of the deletions, if there are too many.
    pub(crate) fn forget_deleted(&mut self) {
        if self.0.len() <= DELETED_MAX {
            return;
        }
        let deleted = self.0.values().filter(|one| one.value.is_none());
        let mut versions: Vec<u64> = deleted.map(|one| one.version).collect();
        if versions.len() > DELETED_MAX {
            versions.sort_unstable();
            let oldest = versions[DELETED_MAX / 2];
            self.0.retain(|_, one| one.value.is_some() || one.version > oldest);
        }
    }

    /// Enters a write, unless a later one of the same key is known.
    pub(crate) fn enter(&mut self, written: WrittenKey) {
        if self.0.get(&written.key).is_none_or(|other| other.version <= written.version) {
            self.0.insert(written.key.clone(), written);
        }
    }
}

/// Returns the last state of the last process among these, which all have the same name, with all deaths that are known.
fn last_state(mut states: Vec<(Generation, StateRead)>) -> Option<(Generation, ProcessState)> {
    let born = states.iter().map(|(born, _)| *born).max()?;
    states.retain(|(other, _)| *other == born);
    // Of two with the same version, the one that was read later is the right one: the other one was not published.
    states.sort_by_key(|(_, read)| read.state.version);
    let mut deaths: Vec<Death> = Vec::new();
    let mut last = None;
    for (_, StateRead { state, deaths_total, deaths: newest }) in states {
        deaths.retain(|death| !newest.contains(death));
        deaths.splice(..0, newest);
        deaths.truncate(deaths_total);
        last = Some(state);
    }
    last.map(|state| (born, ProcessState { deaths: deaths.into_iter().collect(), ..state }))
}
