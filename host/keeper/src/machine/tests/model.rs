//! The operating system as a model: processes that live or are zombies, and what was asked of them.

use std::collections::BTreeMap;

use crate::machine::{Adopted, World};
use crate::protocol::{Descriptors, Gap, Scope, Spec, Stream};

/// A process as the kernel has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Process {
    Living,
    Zombie,
}

/// The operating system as a model.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) next_pid: u32,
    /// The main processes that are not reaped, by their places.
    pub(super) processes: BTreeMap<usize, (u32, Process)>,
    /// The places that are in use.
    pub(super) open: BTreeMap<usize, ()>,
    pub(super) signals: Vec<(u32, i32)>,
    pub(super) stashes: Vec<(u32, u64)>,
    pub(super) populated: Vec<u32>,
    pub(super) hosts: u32,
    pub(super) host_kills: u32,
    pub(super) is_stopped: bool,
    pub(super) cannot_spawn: bool,
    pub(super) is_draining: bool,
    /// Whether what is being moved waits for a disk.
    pub(super) disk_hangs: bool,
    /// Whether a zombie may be reaped now.
    pub(super) may_reap: bool,
    pub(super) rollbacks: u32,
}

impl World for Model {
    fn spawn(&mut self, place: usize, _: &Spec<'_>) -> Result<u32, i32> {
        if self.cannot_spawn {
            return Err(11);
        }
        self.next_pid += 1;
        let pid = 100 + self.next_pid;
        assert!(self.open.insert(place, ()).is_none(), "the place is in use");
        self.processes.insert(place, (pid, Process::Living));
        Ok(pid)
    }

    fn adopt(&mut self, place: usize, _: &Adopted<'_>) -> Result<bool, i32> {
        assert!(self.open.insert(place, ()).is_none(), "the place is in use");
        Ok(true)
    }

    fn signal(&mut self, place: usize, pid: u32, number: i32, _: Scope) -> Result<(), i32> {
        let (known, _) = self.processes.get(&place).expect("what is reaped is not signalled");
        assert_eq!(*known, pid);
        self.signals.push((pid, number));
        Ok(())
    }

    fn reap(&mut self, place: usize, pid: u32) {
        assert!(self.may_reap, "a zombie is the host's");
        assert_eq!(self.processes.remove(&place), Some((pid, Process::Zombie)));
    }

    fn release(&mut self, place: usize) {
        assert!(!self.processes.contains_key(&place), "it is not reaped");
        assert!(self.open.remove(&place).is_some());
    }

    fn descriptors(&self, _: usize) -> Descriptors {
        Descriptors::PIDFD
    }

    fn gaps(&self, _: usize) -> [Gap; 2] {
        [Gap::default(); 2]
    }

    fn framed(&mut self, _: usize, _: Stream, _: u64) -> Result<(), i32> {
        Ok(())
    }

    fn stash(&mut self, key: u32, generation: u64) -> Result<(), i32> {
        self.stashes.retain(|(other, _)| *other != key);
        self.stashes.push((key, generation));
        Ok(())
    }

    fn stashed(&self, index: usize) -> Option<(u32, u64)> {
        self.stashes.get(index).copied()
    }

    fn start_host(&mut self) -> Result<(), i32> {
        self.hosts += 1;
        Ok(())
    }

    fn replace_program(&mut self) -> bool {
        true
    }

    fn settle_program(&mut self, stays: bool) {
        self.rollbacks += u32::from(!stays);
    }

    fn kill_host(&mut self) {
        self.host_kills += 1;
    }

    fn host_is_stopped(&self) -> bool {
        self.is_stopped
    }

    fn drain(&mut self, on: bool) -> bool {
        self.is_draining = on;
        !self.disk_hangs
    }

    fn is_drained(&self) -> bool {
        true
    }

    fn groups(&mut self, found: &mut dyn FnMut(u32)) -> bool {
        self.populated.iter().for_each(|group| found(*group));
        true
    }
}
