//! What a stash has beside the states: the last record of each life, set, plugin and note, from which a new file is written.

use std::collections::BTreeMap;
use std::sync::Arc;

use provost_state::{Generation, Incarnation, MemoryChange, Routing};

use super::at_spawn::{AtSpawn, EnvFiles, Variables};
use super::counted::Counted;
use super::former::{Former, FormerMemory};
use super::records::{Aside, Life, Record, WrittenKey, put};
use crate::gave::Given;
use crate::spec::ProcessSpec;

/// What a child was spawned with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spawn<'a> {
    pub(crate) incarnation: Incarnation,
    pub(crate) spec: &'a ProcessSpec,
    pub(crate) given: &'a Given,
    /// The digest of the spec in force, which may be another one by now.
    pub(crate) in_force: u64,
}

/// The last of everything that is no state.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// Counts the changes.
    turn: u64,
    lives: BTreeMap<Arc<str>, Record>,
    asides: BTreeMap<Arc<str>, Record>,
    /// The records of what was spawned, each with the digest of the spec.
    at_spawn: BTreeMap<Arc<str>, (u64, Record)>,
    env_files: BTreeMap<Arc<str>, Record>,
    variables: BTreeMap<Arc<str>, Record>,
    /// The records of what is in force, each with its digest.
    in_force: BTreeMap<Arc<str>, (u64, Record)>,
    counted: BTreeMap<Arc<str>, Record>,
    sets: BTreeMap<Arc<str>, Record>,
    routing: Option<Record>,
    memories: BTreeMap<Arc<str>, FormerMemory>,
    notes: BTreeMap<Arc<str>, Record>,
}

impl Kept {
    /// Returns what goes on from a former host, with its processes in a registry in which all were added at generation
    /// `born`.
    pub(super) fn of(former: &Former, born: Generation) -> Self {
        let mut kept = Self { turn: former.turn, memories: former.memories.clone(), ..Self::default() };
        for (name, process) in &former.processes {
            if let Some(life) = &process.life {
                kept.life(name, born, life);
            }
            kept.aside(name, born, &process.aside);
            if let Some(at_spawn) = &process.at_spawn {
                kept.enter_at_spawn(name, born, at_spawn.clone());
            }
            if let Some(env_files) = &process.env_files {
                kept.enter_env_files(name, born, env_files.clone());
            }
            if let Some(variables) = &process.variables {
                kept.enter_variables(name, born, variables.clone());
            }
            if let Some(digest) = process.in_force {
                kept.enter_in_force(name, born, digest);
            }
            if let Some(counted) = &process.counted {
                kept.counted(name, born, counted.clone());
            }
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

    /// Returns the records of what a child was spawned with, as far as it differs from what the last one was spawned with.
    pub(super) fn spawned(
        &mut self,
        name: &Arc<str>,
        born: Generation,
        spawn: &Spawn<'_>,
    ) -> impl Iterator<Item = Record> + use<> {
        let Spawn { incarnation, spec, given: Given { env_files, variables }, in_force } = *spawn;
        let digest = spec.digest_at_spawn();
        let is_new = self.at_spawn.get(name).is_none_or(|(last, _)| *last != digest);
        let at_spawn = is_new.then(|| self.enter_at_spawn(name, born, AtSpawn::of(spec)));
        let env_files = (!env_files.is_empty()).then(|| {
            let env_files = EnvFiles { incarnation, files: env_files.clone() };
            self.enter_env_files(name, born, env_files)
        });
        let variables = (!variables.is_empty()).then(|| {
            let variables = Variables { incarnation, names: variables.clone() };
            self.enter_variables(name, born, variables)
        });
        // Without a record of it, what was spawned last is in force.
        let is_other = self.in_force.get(name).is_some_and(|(last, _)| *last != in_force);
        let in_force = is_other.then(|| self.enter_in_force(name, born, in_force));
        at_spawn.into_iter().chain(env_files).chain(variables).chain(in_force)
    }

    fn enter_at_spawn(&mut self, name: &Arc<str>, born: Generation, at_spawn: AtSpawn) -> Record {
        let digest = at_spawn.digest;
        let record = Record::AtSpawn { turn: self.next(), name: name.clone(), born, at_spawn };
        self.at_spawn.insert(name.clone(), (digest, record.clone()));
        record
    }

    fn enter_env_files(&mut self, name: &Arc<str>, born: Generation, env_files: EnvFiles) -> Record {
        let record = Record::EnvFiles { turn: self.next(), name: name.clone(), born, env_files };
        self.env_files.insert(name.clone(), record.clone());
        record
    }

    fn enter_variables(&mut self, name: &Arc<str>, born: Generation, variables: Variables) -> Record {
        let record = Record::Variables { turn: self.next(), name: name.clone(), born, variables };
        self.variables.insert(name.clone(), record.clone());
        record
    }

    fn enter_in_force(&mut self, name: &Arc<str>, born: Generation, digest: u64) -> Record {
        let record = Record::InForce { turn: self.next(), name: name.clone(), born, digest };
        self.in_force.insert(name.clone(), (digest, record.clone()));
        record
    }

    /// Returns the record of the spec in force, if it is another one than before.
    pub(super) fn in_force(&mut self, name: &Arc<str>, born: Generation, digest: u64) -> Option<Record> {
        let last = self.in_force.get(name).or_else(|| self.at_spawn.get(name)).map(|(last, _)| *last);
        (last != Some(digest)).then(|| self.enter_in_force(name, born, digest))
    }

    pub(super) fn counted(&mut self, name: &Arc<str>, born: Generation, counted: Counted) -> Record {
        let record = Record::Counted { turn: self.next(), name: name.clone(), born, counted };
        self.counted.insert(name.clone(), record.clone());
        record
    }

    pub(super) fn removed(&mut self, name: &Arc<str>, born: Generation) -> Record {
        self.lives.remove(name);
        self.asides.remove(name);
        self.at_spawn.remove(name);
        self.env_files.remove(name);
        self.variables.remove(name);
        self.in_force.remove(name);
        self.counted.remove(name);
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
        let MemoryChange { plugin, version, writes, settled: _ } = change;
        let memory = self.memories.entry(plugin.clone()).or_default();
        let written: Vec<WrittenKey> = writes
            .iter()
            .map(|(key, value)| WrittenKey { key: key.clone(), version: *version, value: value.clone() })
            .collect();
        written.iter().for_each(|one| memory.enter(one.clone()));
        let record = Record::Memory { plugin: plugin.clone(), written };
        memory.forget_deleted();
        record
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
        let digests = self.at_spawn.values().chain(self.in_force.values()).map(|(_, record)| record);
        for record in
            digests.chain(self.env_files.values()).chain(self.variables.values()).chain(self.counted.values())
        {
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
