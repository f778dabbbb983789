//! What the keeper does when time has passed, above all while no host is attached: it starts the next one, keeps the promises
//! of the last one (SIGKILL at the end of a grace time), reaps zombies whose groups are empty, and, when everything is to
//! end, ends what is left, from the highest rank to the lowest.

use super::host::{Due, SECOND};
use super::outbox::Greeting;
use super::slots::Stop;
use super::{CONTINUE, Handover, KILL, Machine, Now, World};
use crate::protocol::{HostEnding, HostState, Scope, SlotState};

/// The shortest and the longest pause between two looks at the groups of processes that have ended.
const LOOK_FIRST: u64 = SECOND / 50;
const LOOK_MAX: u64 = 60 * SECOND;

/// The longest such pause while everything ends.
const LOOK_ENDING: u64 = SECOND;

/// How long a process may take to end after SIGKILL.
const KILLED_WITHIN: u64 = 5 * SECOND;

/// How long the keeper waits at its end until output is in the gap files.
const DRAINED_WITHIN: u64 = 5 * SECOND;

impl Machine {
    /// Begins to end everything that is left, and then the keeper with this exit code. There is no host.
    pub(super) fn begin_to_end(&mut self, code: u8) {
        self.host.stay_down();
        self.ending.get_or_insert(code);
    }

    /// Does what is due.
    pub fn tick(&mut self, world: &mut impl World, now: Now) {
        if self.handover == Handover::Abandoned {
            return;
        }
        self.tick_host(world, now);
        if self.host.is_there() {
            return;
        }
        if self.is_asked_to_end && matches!(self.host.state(), HostState::Absent | HostState::Down) {
            self.begin_to_end(0);
        }
        // First what has ended: the next rank may be free to be asked.
        self.look_at_groups(world, now);
        if self.ending.is_some() {
            self.ask_to_end(world, now);
        }
        self.kill_due(world, now);
    }

    fn tick_host(&mut self, world: &mut impl World, now: Now) {
        if let Greeting::Draining(until) = self.outbox.greeting
            && until <= now.steady
        {
            self.gaps_may_grow = true;
            self.outbox.greeting = Greeting::Welcome;
        }
        match self.host.due(now) {
            Due::Nothing => {}
            Due::Start if self.ending.is_some() || self.is_asked_to_end => {}
            Due::Start => {
                self.gaps_may_grow = false;
                self.host.begun(now);
                if let Some(promise) = self.host.promise.take() {
                    self.host.trial = Some(now.steady.saturating_add(promise));
                }
                if world.start_host().is_err() {
                    self.host_ended(world, now, 0);
                }
            }
            Due::Silence if world.host_is_stopped() => self.host.excuse(),
            Due::Silence => self.broke(world, HostEnding::Silent),
            Due::Kill(why) => self.broke(world, why),
        }
    }

    /// Asks the processes of the highest rank that is left to end.
    fn ask_to_end(&mut self, world: &mut impl World, now: Now) {
        if self.is_hurried {
            for (_, slot) in self.slots.iter_mut() {
                slot.kill_at = now.boot.max(1);
            }
        }
        let ranks = self.slots.iter().filter(|(_, slot)| slot.is_left()).map(|(_, slot)| slot.ending.rank);
        let Some(rank) = ranks.max() else { return };
        for (place, slot) in self.slots.iter_mut() {
            if !slot.is_left() || slot.ending.rank != rank || slot.stop != Stop::Unasked {
                continue;
            }
            slot.stop = Stop::Asked;
            let kill_at = now.boot.saturating_add(slot.ending.grace_ms.saturating_mul(1_000_000)).max(1);
            // A stop that the host has begun keeps its time.
            slot.kill_at = if slot.kill_at == 0 { kill_at } else { slot.kill_at.min(kill_at) };
            // One that has ended by now needs nothing.
            let _ = world.signal(place, slot.pid, slot.ending.signal, slot.ending.scope);
            let _ = world.signal(place, slot.pid, CONTINUE, slot.ending.scope);
        }
    }

    /// Sends SIGKILL where a grace time is over.
    fn kill_due(&mut self, world: &mut impl World, now: Now) {
        let ends = self.ending.is_some();
        let mut given_up = false;
        for (place, slot) in self.slots.iter_mut().filter(|(_, slot)| slot.has_process()) {
            match slot.stop {
                Stop::Unasked | Stop::Asked if slot.kill_at != 0 && slot.kill_at <= now.boot => {
                    let _ = world.signal(place, slot.pid, KILL, Scope::Group);
                    slot.stop = Stop::Killed(now.steady.saturating_add(KILLED_WITHIN));
                    self.look_at = now.steady;
                    self.look_pause = 0;
                }
                Stop::Killed(until) if ends && until <= now.steady => {
                    slot.stop = Stop::GivenUp;
                    given_up = true;
                }
                _ => {}
            }
        }
        if given_up {
            // Something is still there: that is not a good end.
            self.ending = self.ending.map(|code| code.max(1));
        }
    }

    /// Reaps the zombies whose groups are empty, or were sent SIGKILL at the end of their grace time.
    fn look_at_groups(&mut self, world: &mut impl World, now: Now) {
        let is_zombie = |slot: &super::slots::Slot| slot.state == SlotState::Ended;
        if self.look_at > now.steady || !self.slots.iter().any(|(_, slot)| is_zombie(slot)) {
            return;
        }
        for (_, slot) in self.slots.iter_mut() {
            slot.is_populated = false;
        }
        let slots = &mut self.slots;
        let is_known = world.groups(&mut |group| {
            for (_, slot) in slots.iter_mut().filter(|(_, slot)| is_zombie(slot) && slot.pid == group) {
                slot.is_populated = true;
            }
        });
        for place in 0..self.slots.places() {
            let is_done = |slot: &super::slots::Slot| {
                (is_known && !slot.is_populated) || matches!(slot.stop, Stop::Killed(_) | Stop::GivenUp)
            };
            if self.slots.get(place).is_some_and(|slot| is_zombie(slot) && is_done(slot)) {
                self.reap_at(world, place);
            }
        }
        let longest = if self.ending.is_some() { LOOK_ENDING } else { LOOK_MAX };
        self.look_pause = (self.look_pause * 2).clamp(LOOK_FIRST, longest);
        self.look_at = now.steady.saturating_add(self.look_pause);
    }

    /// Returns the steady time at which [`tick`](Self::tick) is due next, if any.
    #[must_use]
    pub fn deadline(&self, now: Now) -> Option<u64> {
        let mut deadline = self.host.deadline().filter(|_| self.ending.is_none());
        let mut consider = |at: u64| deadline = Some(deadline.map_or(at, |earlier| earlier.min(at)));
        if let Greeting::Draining(until) = self.outbox.greeting {
            consider(until);
        }
        if let Some(at) = self.outbox.due_at(now) {
            consider(at);
        }
        if self.host.is_there() {
            return deadline;
        }
        for (_, slot) in self.slots.iter().filter(|(_, slot)| slot.has_process()) {
            match slot.stop {
                Stop::Unasked | Stop::Asked if slot.kill_at != 0 => {
                    consider(now.steady.saturating_add(slot.kill_at.saturating_sub(now.boot)));
                }
                Stop::Killed(until) if self.ending.is_some() => consider(until),
                _ => {}
            }
            if slot.state == SlotState::Ended {
                consider(self.look_at);
            }
        }
        if let Some(until) = self.drained_by {
            // The pipes are looked at again and again.
            consider(until.min(now.steady.saturating_add(LOOK_FIRST)));
        }
        deadline
    }

    /// Returns the exit code of the keeper, when everything has ended and its output is in the gap files.
    pub fn exit_code(&mut self, world: &impl World, now: Now) -> Option<u8> {
        if self.handover == Handover::Abandoned {
            return Some(1);
        }
        let code = self.ending?;
        if self.slots.iter().any(|(_, slot)| slot.is_left()) {
            return None;
        }
        let until = *self.drained_by.get_or_insert(now.steady.saturating_add(DRAINED_WITHIN));
        (world.is_drained() || until <= now.steady).then_some(code)
    }
}
