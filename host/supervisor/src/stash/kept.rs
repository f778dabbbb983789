//! What a stash has beside the states: the last record of each life, set, plugin and note, from which a new file is written.

use std::collections::BTreeMap;
use std::sync::Arc;

use provost_state::{Generation, MemoryChange, Routing};

use super::former::{Former, FormerMemory};
use super::records::{Aside, Life, Record, Written, put};

/// The last of everything that is no state.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// Counts the changes.
    turn: u64,
    lives: BTreeMap<Arc<str>, (u64, Generation, Life)>,
    asides: BTreeMap<Arc<str>, (u64, Generation, Aside)>,
    sets: BTreeMap<Arc<str>, (u64, u32, bool)>,
    routing: Option<(u64, Routing)>,
    memories: BTreeMap<Arc<str>, FormerMemory>,
    /// The number of the last change of each memory by former hosts: a new one counts from 1 again.
    changes_before: BTreeMap<Arc<str>, u64>,
    notes: BTreeMap<Arc<str>, (u64, Vec<u8>)>,
}

impl Kept {
    /// Returns what goes on from a former host, with its processes in a registry in which all were added at generation
    /// `born`.
    pub(super) fn of(former: &Former, born: Generation) -> Self {
        let mut kept = Self { turn: former.turn, memories: former.memories.clone(), ..Self::default() };
        for (plugin, memory) in &former.memories {
            let last = memory.0.values().map(|written| written.version).max();
            kept.changes_before.insert(plugin.clone(), last.unwrap_or(0));
        }
        for (name, process) in &former.processes {
            if let Some(life) = &process.life {
                kept.life(name, born, life);
            }
            kept.aside(name, born, &process.aside);
        }
        for (name, (wanted, by_hand)) in &former.sets {
            kept.set(name, *wanted, *by_hand);
        }
        for (key, bytes) in &former.notes {
            kept.note(key, bytes);
        }
        if let Some(routing) = former.routing {
            kept.routing(routing);
        }
        kept
    }

    fn next(&mut self) -> u64 {
        self.turn += 1;
        self.turn
    }

    pub(super) fn life(&mut self, name: &Arc<str>, born: Generation, life: &Life) -> Record {
        let turn = self.next();
        self.lives.insert(name.clone(), (turn, born, life.clone()));
        Record::Life { turn, name: name.clone(), born, life: life.clone() }
    }

    pub(super) fn aside(&mut self, name: &Arc<str>, born: Generation, aside: &Aside) -> Record {
        let turn = self.next();
        if *aside == Aside::default() {
            self.asides.remove(name);
        } else {
            self.asides.insert(name.clone(), (turn, born, aside.clone()));
        }
        Record::Aside { turn, name: name.clone(), born, aside: aside.clone() }
    }

    pub(super) fn removed(&mut self, name: &Arc<str>, born: Generation) -> Record {
        self.lives.remove(name);
        self.asides.remove(name);
        Record::Removed { name: name.clone(), born }
    }

    pub(super) fn set(&mut self, name: &Arc<str>, wanted: u32, by_hand: bool) -> Record {
        let turn = self.next();
        self.sets.insert(name.clone(), (turn, wanted, by_hand));
        Record::Set { turn, name: name.clone(), wanted, by_hand }
    }

    pub(super) fn routing(&mut self, routing: Routing) -> Record {
        let turn = self.next();
        self.routing = Some((turn, routing));
        Record::Routing { turn, routing }
    }

    pub(super) fn memory(&mut self, change: &MemoryChange) -> Record {
        let MemoryChange { plugin, version, writes } = change;
        let version = version + self.changes_before.get(plugin).copied().unwrap_or(0);
        let memory = self.memories.entry(plugin.clone()).or_default();
        let written = writes.iter().map(|(key, value)| {
            let written = Written { key: key.clone(), version, value: value.clone() };
            memory.enter(written.clone());
            written
        });
        Record::Memory { plugin: plugin.clone(), written: written.collect() }
    }

    pub(super) fn note(&mut self, key: &Arc<str>, bytes: &[u8]) -> Record {
        let turn = self.next();
        self.notes.insert(key.clone(), (turn, bytes.to_vec()));
        Record::Note { turn, key: key.clone(), bytes: bytes.to_vec() }
    }

    /// Returns the records of all of it.
    pub(super) fn whole(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (name, (turn, born, life)) in &self.lives {
            put(
                &mut bytes,
                &Record::Life { turn: *turn, name: name.clone(), born: *born, life: life.clone() },
            );
        }
        for (name, (turn, born, aside)) in &self.asides {
            let record = Record::Aside { turn: *turn, name: name.clone(), born: *born, aside: aside.clone() };
            put(&mut bytes, &record);
        }
        for (name, (turn, wanted, by_hand)) in &self.sets {
            let (name, wanted, by_hand) = (name.clone(), *wanted, *by_hand);
            put(&mut bytes, &Record::Set { turn: *turn, name, wanted, by_hand });
        }
        if let Some((turn, routing)) = self.routing {
            put(&mut bytes, &Record::Routing { turn, routing });
        }
        for (plugin, memory) in &self.memories {
            let written = memory.0.values().cloned().collect();
            put(&mut bytes, &Record::Memory { plugin: plugin.clone(), written });
        }
        for (key, (turn, note)) in &self.notes {
            put(&mut bytes, &Record::Note { turn: *turn, key: key.clone(), bytes: note.clone() });
        }
        bytes
    }
}
