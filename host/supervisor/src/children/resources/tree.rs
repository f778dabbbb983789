//! The operating-system processes of one child, and what they use together.

use std::fs::File;
use std::io;

use provost_state::{Incarnation, Moment, Usage};

use super::stat::Stat;
use crate::children::family::is_gone;

/// How ticks and pages are counted by the kernel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Units {
    pub(super) ticks_per_second: u64,
    pub(super) page_bytes: u64,
}

impl Units {
    pub(super) fn of_system() -> Self {
        Self {
            ticks_per_second: rustix::param::clock_ticks_per_second().max(1),
            page_bytes: rustix::param::page_size() as u64,
        }
    }
}

/// The descriptors that may be kept open. Where there are none to spare, each look opens and closes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Budget {
    pub(super) kept: usize,
    pub(super) most: usize,
    /// Whether an opening failed for want of a descriptor.
    pub(super) short: bool,
}

/// One operating-system process.
#[derive(Debug)]
struct Member {
    pid: u32,
    started: u64,
    /// Its open `stat`, if it is kept.
    file: Option<File>,
    /// Its own CPU time at the last look, and that of its reaped descendants.
    own_ticks: u64,
    reaped_ticks: u64,
}

impl Member {
    /// Reads its figures. `None` if it is gone.
    fn read(&mut self, budget: &mut Budget) -> io::Result<Option<Stat>> {
        let read = match &self.file {
            Some(file) => Stat::read(file),
            None => Stat::open(self.pid).and_then(|file| {
                let stat = Stat::read(&file)?;
                if budget.kept < budget.most {
                    budget.kept += 1;
                    self.file = Some(file);
                }
                Ok(stat)
            }),
        };
        match read {
            // Without a kept descriptor, the number may mean another process by now.
            Ok(stat) => Ok((stat.started == self.started).then_some(stat)),
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The processes of one life of a child.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) incarnation: Incarnation,
    pub(super) main: u32,
    members: Vec<Member>,
    /// The CPU time of this life so far, in ticks.
    ticks: u64,
    /// The CPU time of members that have gone since the last look and that was not found with a parent.
    owed_ticks: u64,
    /// The time of the last look, and the CPU time at it.
    last: Option<(Moment, u64)>,
}

impl Tree {
    pub(super) fn new(incarnation: Incarnation, main: u32) -> Self {
        Self { incarnation, main, members: Vec::new(), ticks: 0, owed_ticks: 0, last: None }
    }

    /// Adds a process, all of whose CPU time belongs to this life.
    pub(super) fn add(&mut self, pid: u32, started: u64) {
        self.members.push(Member { pid, started, file: None, own_ticks: 0, reaped_ticks: 0 });
    }

    pub(super) fn pids(&self) -> impl Iterator<Item = u32> {
        self.members.iter().map(|member| member.pid)
    }

    /// Closes all descriptors.
    pub(super) fn release(&mut self) {
        for member in &mut self.members {
            member.file = None;
        }
    }

    pub(super) fn descriptors(&self) -> usize {
        self.members.iter().filter(|member| member.file.is_some()).count()
    }

    /// Reads what all of them use. `gone` receives the numbers of those that are gone. `None` if nothing is known.
    pub(super) fn read(
        &mut self,
        now: Moment,
        units: Units,
        budget: &mut Budget,
        gone: &mut Vec<u32>,
    ) -> Option<Usage> {
        let mut usage = Usage { at: now, ..Usage::default() };
        let (mut own, mut reaped, mut lost, mut failed) = (0_u64, 0_u64, self.owed_ticks, false);
        self.members.retain_mut(|member| match member.read(budget) {
            Ok(Some(stat)) => {
                own += stat.own_ticks.saturating_sub(member.own_ticks);
                reaped += stat.reaped_ticks.saturating_sub(member.reaped_ticks);
                (member.own_ticks, member.reaped_ticks) = (stat.own_ticks, stat.reaped_ticks);
                if !stat.ended {
                    usage.members += 1;
                    usage.threads = usage.threads.saturating_add(stat.threads);
                    let bytes = stat.resident_pages.saturating_mul(units.page_bytes);
                    usage.rss_bytes = usage.rss_bytes.saturating_add(bytes);
                }
                true
            }
            Ok(None) => {
                // What it had used is found with the parent that reaped it, and was counted already.
                lost += member.own_ticks + member.reaped_ticks;
                budget.kept -= usize::from(member.file.is_some());
                gone.push(member.pid);
                false
            }
            Err(error) => {
                budget.short |= matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE));
                failed = true;
                true
            }
        });
        self.ticks += own + reaped.saturating_sub(lost);
        // A parent that was read before it reaped has the time only at the next look.
        self.owed_ticks = lost.saturating_sub(reaped).min(lost - self.owed_ticks);
        if failed {
            // Figures without some of the processes would be wrong. The next look counts what was missed.
            return None;
        }
        usage.cpu_ms = self.ticks.saturating_mul(1_000) / units.ticks_per_second;
        usage.cpu_millis = self.last.map_or(0, |(at, ticks)| {
            let ns = now.mono_ns.saturating_sub(at.mono_ns).max(1);
            let used_ns = u128::from(self.ticks - ticks) * 1_000_000_000 / u128::from(units.ticks_per_second);
            u32::try_from(used_ns * 1_000 / u128::from(ns)).unwrap_or(u32::MAX)
        });
        self.last = Some((now, self.ticks));
        Some(usage)
    }
}
