//! What the files of a former host say, taken together.

use std::collections::BTreeMap;
use std::sync::Arc;

use provost_state::{Death, Generation, ProcessState, Routing};

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
            let life = self.lives.remove(&name).filter(|(_, (of, _))| *of == born);
            let life = life.map(|(_, (_, life))| life);
            let aside = self.asides.remove(&name).filter(|(_, (of, _))| *of == born);
            let aside = aside.map(|(_, (_, aside))| aside).unwrap_or_default();
            former.processes.insert(name, FormerProcess { state, life, aside });
        }
        self.former.generation = self.former.generation.max(self.former.known);
        self.former.sets = without_turns(self.sets);
        self.former.routing = without_turns(self.routing).remove(&());
        self.former.notes = without_turns(self.notes);
        self.former
    }
}

impl FormerMemory {
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
