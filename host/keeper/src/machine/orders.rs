//! What follows from an order of the host.

use super::host::After;
use super::outbox::Greeting;
use super::slots::{ENDED, Slot};
use super::{Adopted, Handover, Machine, Now, World};
use crate::protocol::{
    End, Ending, HostEnding, Id, Leave, Order, Report, Scope, SlotState, Spec, Usage, Versions,
};

/// The error numbers of answers, which are the same on all architectures of Linux that are supported.
pub(super) const ESRCH: i32 = 3;
const ENOMEM: i32 = 12;
const EBUSY: i32 = 16;
const EEXIST: i32 = 17;
const EINVAL: i32 = 22;

/// How long a host that attaches waits until output is not being moved into gap files any more.
const DRAINING: u64 = 5 * super::host::SECOND;

impl Machine {
    /// Handles an order. [`reads`](Self::reads) has said that it may be read.
    pub fn order(&mut self, world: &mut impl World, now: Now, seq: u32, order: &Order<'_>) {
        if let Order::Hello { versions, .. } = order {
            return self.hello(world, now, seq, *versions);
        }
        if !self.host.is_heard() {
            // Nothing comes before `HELLO`.
            return self.broke(world, HostEnding::Faulty);
        }
        let done = match order {
            Order::Pong => return self.host.answered(seq),
            Order::Hello { .. } => Err(EINVAL),
            // The program reads the memfd, and comes back with the spec.
            Order::SpawnLarge { .. } => Err(EINVAL),
            Order::Spawn { id, spec } => self.spawn(world, now, *id, spec),
            Order::Signal { id, number, scope, kill_at } => {
                self.signal(world, *id, (*number, *scope), *kill_at)
            }
            Order::Reap { id } => self.reap(world, *id),
            Order::Forget { id } => self.forget(world, *id),
            Order::Amend { id, ending } => self.amend(*id, *ending),
            Order::Stash { key, generation } => world.stash(*key, *generation).map(|()| 0),
            Order::Framed { id, stream, bytes } => match self.slots.place(*id) {
                Some(place) => world.framed(place, *stream, *bytes).map(|()| 0),
                None => Err(ESRCH),
            },
            Order::Sync => Ok(0),
            Order::Settled => {
                if self.host.trial.take().is_some() {
                    world.settle_program(true);
                }
                Ok(0)
            }
            Order::Leave(leave) => self.leave(world, now, *leave),
            Order::Adopt { id, held, gap_files, is_terminal } => {
                let adopted = Adopted { held, gap_files: *gap_files, is_terminal: *is_terminal };
                self.adopt(world, now, *id, &adopted)
            }
            // The program carries it out, and comes back only with an error.
            Order::Upgrade { .. } => Err(EINVAL),
        };
        match (order, done) {
            // The host waits for none of these, and for a child until it runs.
            (
                Order::Spawn { .. }
                | Order::Signal { .. }
                | Order::Reap { .. }
                | Order::Forget { .. }
                | Order::Amend { .. },
                Ok(pid),
            ) => {
                let report = Report::Done { id: order.id(), errno: 0, pid };
                self.outbox.answer_later(seq, report, now);
            }
            _ => self.answer(seq, order.id(), done),
        }
    }

    /// Answers an order that could not be read.
    pub fn answer(&mut self, seq: u32, id: u32, done: Result<u32, i32>) {
        let (errno, pid) = done.map_or_else(|errno| (errno, 0), |pid| (0, pid));
        self.outbox.answer(seq, Report::Done { id, errno, pid });
    }

    fn hello(&mut self, world: &mut impl World, now: Now, seq: u32, versions: Versions) {
        if self.outbox.greeting != Greeting::Unasked {
            return self.broke(world, HostEnding::Faulty);
        }
        self.outbox.hello = seq;
        let Some(version) = versions.common(self.versions) else {
            self.outbox.greeting = Greeting::Unsupported;
            return self.host.leaves(now, After::Restart);
        };
        self.version = version;
        if self.host.greeted(now) {
            self.outbox.greeting = if world.drain(false) {
                Greeting::Welcome
            } else {
                Greeting::Draining(now.steady.saturating_add(DRAINING))
            };
        }
    }

    fn spawn(&mut self, world: &mut impl World, now: Now, id: Id, spec: &Spec<'_>) -> Result<u32, i32> {
        if self.slots.place(id).is_some() {
            return Err(EEXIST);
        }
        let place = self.slots.reserve().map_err(|_| ENOMEM)?;
        let pid = world.spawn(place, spec)?;
        let mut slot = Slot::new(id, spec.ending);
        slot.become_state(SlotState::Starting);
        (slot.pid, slot.started_at) = (pid, now.boot);
        self.slots.fill(slot);
        Ok(pid)
    }

    fn adopt(&mut self, world: &mut impl World, now: Now, id: Id, adopted: &Adopted<'_>) -> Result<u32, i32> {
        if self.slots.place(id).is_some() {
            return Err(EEXIST);
        }
        let place = self.slots.reserve().map_err(|_| ENOMEM)?;
        let held = adopted.held;
        let lives = world.adopt(place, adopted)?;
        let mut slot = Slot::new(id, held.ending);
        slot.become_state(if lives { SlotState::Running } else { SlotState::Reaped });
        (slot.pid, slot.started_at, slot.kill_at) = (held.pid, held.started_at, held.kill_at);
        slot.end = held.end;
        if !lives && slot.end.is_none() {
            slot.end = Some(End { status: None, ended_at: now.boot, usage: Usage::default() });
        }
        self.slots.fill(slot);
        if !lives {
            self.slots.report(place, ENDED);
        }
        Ok(held.pid)
    }

    fn signal(
        &mut self,
        world: &mut impl World,
        id: Id,
        (number, scope): (i32, Scope),
        kill_at: u64,
    ) -> Result<u32, i32> {
        let place = self.slots.place(id).ok_or(ESRCH)?;
        let slot = self.slots.get_mut(place).filter(|slot| slot.has_process()).ok_or(ESRCH)?;
        if kill_at != 0 {
            slot.kill_at = kill_at;
        }
        world.signal(place, slot.pid, number, scope).map(|()| 0)
    }

    fn reap(&mut self, world: &mut impl World, id: Id) -> Result<u32, i32> {
        let place = self.slots.place(id).ok_or(ESRCH)?;
        match self.slots.get(place).map(|slot| slot.state) {
            Some(SlotState::Ended) => self.reap_at(world, place),
            Some(SlotState::Reaped | SlotState::Refused) => {}
            _ => return Err(EBUSY),
        }
        Ok(0)
    }

    /// Reaps the zombie at this place.
    pub(super) fn reap_at(&mut self, world: &mut impl World, place: usize) {
        if let Some(slot) = self.slots.get_mut(place)
            && slot.become_state(SlotState::Reaped)
        {
            slot.kill_at = 0;
            world.reap(place, slot.pid);
        }
    }

    fn forget(&mut self, world: &mut impl World, id: Id) -> Result<u32, i32> {
        self.reap(world, id)?;
        if let Some(place) = self.slots.place(id) {
            self.slots.free(place);
            world.release(place);
        }
        Ok(0)
    }

    fn amend(&mut self, id: Id, ending: Ending) -> Result<u32, i32> {
        let place = self.slots.place(id).ok_or(ESRCH)?;
        let slot = self.slots.get_mut(place).ok_or(ESRCH)?;
        slot.ending = ending;
        Ok(0)
    }

    fn leave(&mut self, world: &mut impl World, now: Now, leave: Leave) -> Result<u32, i32> {
        match leave {
            Leave::Finish { code } => self.host.leaves(now, After::Finish(code)),
            // The former program is the one that has proved itself, and there is only one.
            Leave::Replace { .. } if self.host.trial.is_some() => return Err(EBUSY),
            Leave::Replace { deadline_ms } => {
                if self.handover == Handover::Begun {
                    self.handover = Handover::Done;
                }
                self.host.leaves(now, After::Replace);
                if world.replace_program() {
                    let deadline = deadline_ms.saturating_mul(1_000_000);
                    self.host.promise = Some(deadline);
                }
            }
        }
        Ok(0)
    }
}
