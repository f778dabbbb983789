//! The trees of all children, and which process belongs to which. A descendant belongs to the child whose session or
//! parent it has, and an orphan to the one that its environment names.
//!
//! A look lists `/proc` and reads a process that it does not know yet. All others are known by then: those of children,
//! whose `stat` is kept open, and strangers, which are looked at again once a minute, in case that their number means
//! another process by then.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::Arc;

use provost_state::{ProcessId, Usage};
use rustix::process::{Resource, getrlimit};

use super::detail::{Detail, detail};
use super::stat::Stat;
use super::tree::{Budget, Tree, Units};
use super::{Alive, Owner, Reading, Readings, Source, Wanted};
use crate::children::family::Family;
use crate::clock::Clock;

/// Descendants are looked for in at most this part of the time: where a look takes 4 ms, the next one is 2 s later.
const LOOK_SHARE: u64 = 500;

/// Strangers are looked at again after this many nanoseconds.
const STRANGERS_NS: u64 = 60_000_000_000;

/// How long the figures of the host that are slow to read hold, in nanoseconds.
const HOST_DETAIL_NS: u64 = 60_000_000_000;

/// The descriptors that are left to the host and to each child; what is beyond may be kept open here.
const DESCRIPTORS_OF_HOST: usize = 512;
const DESCRIPTORS_OF_CHILD: usize = 6;

/// How long no descriptor is kept after one was missing, in nanoseconds.
const SHORT_NS: u64 = 60_000_000_000;

/// The real children.
#[derive(Debug)]
pub(crate) struct Forest {
    clock: Clock,
    family: Arc<Family>,
    units: Units,
    /// The parent of the children: the keeper, or this process.
    parent: u32,
    host: Tree,
    /// The figures of the host that are slow to read, and when they were read.
    host_detail: Option<(u64, Detail)>,
    trees: HashMap<ProcessId, Tree>,
    /// The tree of each process.
    owners: HashMap<u32, ProcessId>,
    /// Processes that are no descendants.
    strangers: HashSet<u32>,
    strangers_since_ns: u64,
    /// Orphans that were reported.
    reported: HashSet<u32>,
    /// No look for descendants before this time.
    look_at_ns: u64,
    /// No kept descriptors before this time.
    keep_at_ns: u64,
}

impl Forest {
    pub(crate) fn new(clock: Clock, family: Arc<Family>) -> Self {
        let pid = std::process::id();
        let mut host = Tree::new(provost_state::Incarnation(0), pid);
        if let Ok(stat) = Stat::of(pid) {
            host.add(pid, stat.started);
        }
        Self {
            clock,
            parent: family.adopter().unwrap_or(pid),
            family,
            units: Units::of_system(),
            host,
            host_detail: None,
            trees: HashMap::new(),
            owners: HashMap::new(),
            strangers: HashSet::new(),
            strangers_since_ns: 0,
            reported: HashSet::new(),
            look_at_ns: 0,
            keep_at_ns: 0,
        }
    }

    /// Removes the trees of children that are gone, and plants those of new ones.
    fn plant(&mut self, wanted: &Wanted) {
        if wanted.all {
            let alive: HashMap<ProcessId, u32> = wanted.alive.iter().map(|one| (one.id, one.pid)).collect();
            self.trees.retain(|id, tree| alive.get(id) == Some(&tree.main));
            let trees = &self.trees;
            self.owners.retain(|_, id| trees.contains_key(id));
        }
        for Alive { id, incarnation, pid, .. } in &wanted.alive {
            let is_known = |tree: &Tree| {
                (tree.incarnation, tree.main) == (*incarnation, *pid) && tree.pids().next().is_some()
            };
            if self.trees.get(id).is_some_and(is_known) {
                continue;
            }
            self.fell(*id);
            let mut tree = Tree::new(*incarnation, *pid);
            // The child may have been reaped since the state was read, and its number may mean another process.
            let stat = Stat::of(*pid).ok();
            // One whose keeper has ended has another parent.
            let is_child = |stat: &Stat| stat.parent == self.parent || self.family.is_own(*pid);
            if let Some(stat) = stat.filter(|stat| stat.session == *pid && is_child(stat)) {
                tree.add(*pid, stat.started);
                self.strangers.remove(pid);
                self.owners.insert(*pid, *id);
                self.trees.insert(*id, tree);
            }
        }
    }

    fn fell(&mut self, id: ProcessId) {
        if self.trees.remove(&id).is_some() {
            self.owners.retain(|_, owner| *owner != id);
        }
    }

    /// Enters orphans whose owner is known now.
    fn adopt(&mut self, wanted: &Wanted) {
        for (pid, (name, incarnation)) in &wanted.owners {
            let is_owner = |one: &&Alive| *one.name == **name && one.incarnation.0 == *incarnation;
            let Some(Alive { id, .. }) = wanted.alive.iter().find(is_owner) else { continue };
            let stat = Stat::of(*pid).ok();
            if let Some(stat) = stat.filter(|stat| stat.parent == self.parent) {
                self.enter(*pid, &stat, *id);
            }
        }
    }

    fn enter(&mut self, pid: u32, stat: &Stat, id: ProcessId) {
        if let Some(tree) = self.trees.get_mut(&id)
            && self.owners.insert(pid, id).is_none()
        {
            tree.add(pid, stat.started);
        }
    }

    /// Looks for descendants that are not known yet, and returns the orphans among them.
    fn look(&mut self) -> io::Result<Vec<u32>> {
        let now_ns = self.clock.now().mono_ns;
        if now_ns >= self.strangers_since_ns + STRANGERS_NS {
            self.strangers.clear();
            self.strangers_since_ns = now_ns;
        }
        let mut all = HashSet::new();
        let mut unknown = Vec::new();
        for entry in std::fs::read_dir("/proc")? {
            let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
                continue;
            };
            all.insert(pid);
            if pid == self.host.main
                || pid == self.parent
                || self.owners.contains_key(&pid)
                || self.strangers.contains(&pid)
            {
                continue;
            }
            // One that is gone by now is not missed.
            if let Ok(stat) = Stat::of(pid) {
                unknown.push((pid, stat));
            }
        }
        self.strangers.retain(|pid| all.contains(pid));
        self.reported.retain(|pid| all.contains(pid));
        self.sort(&mut unknown);
        Ok(self.sort_out(unknown))
    }

    /// Enters those that belong to a tree, and leaves the others.
    fn sort(&mut self, unknown: &mut Vec<(u32, Stat)>) {
        loop {
            let before = unknown.len();
            // A parent may stand behind its child in the list.
            unknown.retain(|(pid, stat)| {
                let owner = self.owners.get(&stat.session).or_else(|| self.owners.get(&stat.parent));
                match owner.copied() {
                    Some(id) => {
                        self.enter(*pid, stat, id);
                        false
                    }
                    None => true,
                }
            });
            if unknown.len() == before {
                return;
            }
        }
    }

    /// Tells strangers from descendants of the host, which are looked at again: a child that is not published yet, a
    /// check, and what these have started. Returns the orphans.
    fn sort_out(&mut self, mut unknown: Vec<(u32, Stat)>) -> Vec<u32> {
        let mut ours = HashSet::from([self.host.main, self.parent]);
        let mut orphans = Vec::new();
        loop {
            let before = unknown.len();
            unknown.retain(|(pid, stat)| {
                let is_ours = ours.contains(&stat.parent);
                if is_ours {
                    ours.insert(*pid);
                    if stat.parent == self.parent && !self.family.is_own(*pid) && self.reported.insert(*pid) {
                        orphans.push(*pid);
                    }
                }
                !is_ours
            });
            if unknown.len() == before {
                break;
            }
        }
        self.strangers.extend(unknown.into_iter().map(|(pid, _)| pid));
        orphans
    }

    /// Returns how many descriptors may be kept now.
    fn budget(&self, now_ns: u64) -> Budget {
        let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let reserved = DESCRIPTORS_OF_HOST + DESCRIPTORS_OF_CHILD * self.trees.len();
        let most = if now_ns < self.keep_at_ns { 0 } else { limit.saturating_sub(reserved) };
        let kept = self.trees.values().chain([&self.host]).map(Tree::descriptors).sum();
        Budget { kept, most, short: false }
    }

    fn host(&mut self, budget: &mut Budget) -> Option<Usage> {
        let now = self.clock.now();
        let usage = self.host.read(now, self.units, budget, &mut Vec::new())?;
        let old = self.host_detail.filter(|(at, _)| now.mono_ns < at + HOST_DETAIL_NS);
        let (_, detail) =
            *self.host_detail.insert(old.unwrap_or_else(|| (now.mono_ns, detail(&[self.host.main]))));
        Some(Usage { pss_bytes: detail.pss_bytes, fds: detail.fds, ..usage })
    }

    /// Closes all kept descriptors.
    fn release(&mut self) {
        for tree in self.trees.values_mut().chain([&mut self.host]) {
            tree.release();
        }
    }
}

impl Source for Forest {
    fn read(&mut self, wanted: &Wanted) -> Readings {
        let began = self.clock.now();
        self.plant(wanted);
        self.adopt(wanted);
        let mut orphans = Vec::new();
        if wanted.all && began.mono_ns >= self.look_at_ns {
            // A look that failed, for want of a descriptor, is repeated.
            orphans = self.look().unwrap_or_default();
            let ended_ns = self.clock.now().mono_ns;
            self.look_at_ns = ended_ns + ended_ns.saturating_sub(began.mono_ns).saturating_mul(LOOK_SHARE);
        }
        let mut budget = self.budget(began.mono_ns);
        if budget.kept > budget.most {
            self.release();
            budget.kept = 0;
        }
        let mut gone = Vec::new();
        let mut children = Vec::with_capacity(wanted.alive.len());
        for one in &wanted.alive {
            let Some(tree) = self.trees.get_mut(&one.id) else { continue };
            let usage = tree.read(self.clock.now(), self.units, &mut budget, &mut gone);
            if let Some(usage) = usage.filter(|usage| usage.members > 0) {
                children.push(Reading { id: one.id, usage, pids: tree.pids().collect() });
            }
        }
        for pid in gone {
            self.owners.remove(&pid);
        }
        let host = if wanted.all { self.host(&mut budget) } else { None };
        if budget.short {
            self.release();
            self.keep_at_ns = began.mono_ns + SHORT_NS;
        }
        Readings { host, children, orphans }
    }
}

/// Asks an orphan's environment whose it is. It may take time.
pub(crate) fn owner_of(pid: u32) -> Option<Owner> {
    crate::children::family::owner(pid).ok().flatten()
}
