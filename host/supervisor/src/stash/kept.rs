//! What a stash has beside the states: the last record of each life, set, plugin and note, from which a new file is written.

use std::collections::BTreeMap;
use std::sync::Arc;

use provost_state::{Generation, MemoryChange, Routing};

use super::former::{Former, FormerMemory};
use super::records::{Aside, Life, Record, WrittenKey, put};

/// The last of everything that is no state.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// Counts the changes.
    turn: u64,
    lives: BTreeMap<Arc<str>, Record>,
    asides: BTreeMap<Arc<str>, Record>,
    sets: BTreeMap<Arc<str>, Record>,
    routing: Option<Record>,
    memories: BTreeMap<Arc<str>, FormerMemory>,
    /// The number of the last change of each memory by former hosts: a new one counts from 1 again.
    changes_before: BTreeMap<Arc<str>, u64>,
    notes: BTreeMap<Arc<str>, Record>,
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
        let record = Record::Life { turn: self.next(), name: name.clone(), born, life: life.clone() };
        self.lives.insert(name.clone(), record.clone());
        record
    }

    pub(super) fn aside(&mut self, name: &Arc<str>, born: Generation, aside: &Aside) -> Record {
        let record = Record::Aside { turn: self.next(), name: name.clone(), born, aside: aside.clone() };
        if *aside == Aside::default() {
            self.asides.remove(name);
        } else {
            self.asides.insert(name.clone(), record.clone());
        }
        record
    }

    pub(super) fn removed(&mut self, name: &Arc<str>, born: Generation) -> Record {
        self.lives.remove(name);
        self.asides.remove(name);
        Record::Removed { name: name.clone(), born }
    }

    pub(super) fn set(&mut self, name: &Arc<str>, wanted: u32, by_hand: bool) -> Record {
        let record = Record::Set { turn: self.next(), name: name.clone(), wanted, by_hand };
        self.sets.insert(name.clone(), record.clone());
        record
    }

    pub(super) fn routing(&mut self, routing: Routing) -> Record {
        let record = Record::Routing { turn: self.next(), routing };
        self.routing = Some(record.clone());
        record
    }

    pub(super) fn memory(&mut self, change: &MemoryChange) -> Record {
        let MemoryChange { plugin, version, writes } = change;
        let version = version + self.changes_before.get(plugin).copied().unwrap_or(0);
        let memory = self.memories.entry(plugin.clone()).or_default();
        let written = writes.iter().map(|(key, value)| {
            let written = WrittenKey { key: key.clone(), version, value: value.clone() };
            memory.enter(written.clone());
            written
        });
        Record::Memory { plugin: plugin.clone(), written: written.collect() }
    }

    pub(super) fn note(&mut self, key: &Arc<str>, bytes: &[u8]) -> Record {
        let record = Record::Note { turn: self.next(), key: key.clone(), bytes: bytes.to_vec() };
        self.notes.insert(key.clone(), record.clone());
        record
    }

    /// Returns the records of all of it.
    pub(super) fn whole(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let (lives, asides, sets) = (self.lives.values(), self.asides.values(), self.sets.values());
        for record in lives.chain(asides).chain(sets).chain(&self.routing) {
            put(&mut bytes, record);
        }
        for (plugin, memory) in &self.memories {
            let written = memory.0.values().cloned().collect();
            put(&mut bytes, &Record::Memory { plugin: plugin.clone(), written });
        }
        for note in self.notes.values() {
            put(&mut bytes, note);
        }
        bytes
    }
}
