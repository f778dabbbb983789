//! The state machine of the keeper: what is held, what the host is, and what follows from each input. It reads no clock and
//! calls nothing but the [`World`] that it is given, so that tests can run it against a model.
//!
//! | room | owns |
//! |---|---|
//! | `heritage` | what the machine tells the program that takes its place |
//! | `reports` | what the host is sent next |
//! | `alone` | what the keeper does while no host is attached, and how it ends |
//! | `orders` | what follows from an order of the host |
//! | `outbox` | the answers and marks that are to be sent |
//! | `host` | the host: its state, its deaths, its pings |
//! | `slots` | the slots |
//! | `world` | what is asked of the operating system |

mod alone;
mod heritage;
mod host;
mod orders;
mod outbox;
mod reports;
mod slots;
mod world;

#[cfg(test)]
mod tests;

use self::host::{After, Host};
use self::outbox::{Greeting, Outbox};
use self::slots::Slots;
pub use self::world::{Adopted, Now, RESERVED, World};
use crate::protocol::{
    Descriptors, End, Held, HostEnding, HostState, Id, Refusal, SlotState, VERSION, Versions, Welcome,
};
use crate::table::Orphans;

/// The number of SIGINT, of SIGKILL, of SIGTERM and of SIGCONT, which are the same on all architectures.
const INTERRUPT: i32 = 2;
const KILL: i32 = 9;
const TERMINATE: i32 = 15;
const CONTINUE: i32 = 18;

/// The keeper.
#[derive(Debug)]
pub struct Machine {
    slots: Slots,
    host: Host,
    outbox: Outbox,
    /// Whether a signal asked for the end of everything.
    is_asked_to_end: bool,
    /// Whether it was asked for again while the keeper ends what is left: nothing has a grace time any more.
    is_hurried: bool,
    /// The exit code, while the keeper ends what is left.
    ending: Option<u8>,
    /// The steady time of the next look at the groups of those that have ended, and the pause after it.
    look_at: u64,
    look_pause: u64,
    /// The steady time until which the keeper waits for the output of the ended, once nothing is left.
    drained_by: Option<u64>,
    /// Whether output is still being moved into a gap file although a host has attached, because a disk does not answer.
    gaps_may_grow: bool,
    /// The versions of the protocol that this keeper speaks, and the one that was agreed on with the host.
    versions: Versions,
    version: u8,
    handover: Handover,
}

/// How far a host has come that hands over what a former keeper has held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Handover {
    /// There is none.
    None,
    /// Not everything is here yet: this keeper knows of some processes only, so it starts no host and ends no process.
    Begun,
    /// Everything is here. The next host is started when this one has ended.
    Done,
    /// It will never be: the keeper ends, and leaves everything as it is.
    Abandoned,
}

/// What a message is about, which tells what is sent beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    /// Nothing.
    Nothing,
    /// The descriptors of the slot at this place.
    Slot(usize, Descriptors),
    /// The memfd of the stash at this index.
    Stash(usize),
}

impl Machine {
    /// Returns the keeper at its start. A host is due at once. If `is_stubborn`, it is started again however often it dies.
    #[must_use]
    pub fn new(is_stubborn: bool) -> Self {
        Self {
            slots: Slots::new(),
            host: Host::new(is_stubborn),
            outbox: Outbox::new(),
            is_asked_to_end: false,
            is_hurried: false,
            ending: None,
            look_at: 0,
            look_pause: 0,
            drained_by: None,
            gaps_may_grow: false,
            versions: Versions::OURS,
            version: VERSION,
            handover: Handover::None,
        }
    }

    /// Returns a keeper that takes the place of one that has died: a host is there, which this keeper has not started, and
    /// hands over what it has. It leaves with [`Leave::Replace`](crate::protocol::Leave::Replace) when all of it is handed over. Until then the keeper ends
    /// if the host closes the connection, and touches neither the host nor any process.
    #[must_use]
    pub fn handed(is_stubborn: bool, now: Now) -> Self {
        let mut machine = Self { handover: Handover::Begun, ..Self::new(is_stubborn) };
        machine.host.begun(now);
        machine
    }

    /// Whether there is no host although nothing is to end, because it has died too often.
    #[must_use]
    pub fn stays_down(&self) -> bool {
        self.ending.is_none() && self.host.state() == HostState::Down
    }

    /// Returns the version that was agreed on with the host; the lowest one before that.
    #[must_use]
    pub fn version(&self) -> u8 {
        self.version
    }

    /// Whether no host is attached, so that nobody but the keeper can tell what runs.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        !self.host.is_there()
    }

    /// The exec of a child was successful.
    pub fn runs(&mut self, place: usize) {
        if let Some(slot) = self.slots.get_mut(place)
            && slot.state == SlotState::Starting
            && slot.become_state(SlotState::Running)
        {
            self.slots.report(place, slots::SPAWNED);
        }
    }

    /// The program of a child could not be run; the child has ended, and is reaped.
    pub fn refused(&mut self, world: &mut impl World, place: usize, refusal: Refusal) {
        let Some(slot) = self.slots.get_mut(place) else { return };
        if slot.become_state(SlotState::Refused) {
            slot.refusal = Some(refusal);
            let pid = slot.pid;
            world.reap(place, pid);
            self.slots.report(place, slots::REFUSED);
        }
    }

    /// A main process has ended. A child stays a zombie; another one was reaped by its parent.
    pub fn ended(&mut self, now: Now, place: usize, end: End) {
        let Some(slot) = self.slots.get_mut(place) else { return };
        let next = if end.status.is_some() { SlotState::Ended } else { SlotState::Reaped };
        if slot.become_state(next) {
            slot.end = Some(End { ended_at: now.boot, ..end });
            self.slots.report(place, slots::ENDED);
            (self.look_at, self.look_pause) = (now.steady, 0);
        }
    }

    /// Orphans were reaped: this many since the start, the last of which was this one.
    pub fn orphaned(&mut self, count: u64, pid: u32, status: i32) {
        self.outbox.orphans = Orphans { count, pid, status, is_due: true };
    }

    /// The keeper was sent a signal.
    pub fn signalled(&mut self, number: i32) {
        let asks = number == TERMINATE || number == INTERRUPT;
        self.is_hurried |= asks && self.ending.is_some();
        self.is_asked_to_end |= asks;
        self.outbox.signal(number);
    }

    /// Somebody asks for a host, if there is none.
    pub fn ask_for_host(&mut self, now: Now) {
        if self.ending.is_none() {
            self.host.ask(now);
        }
    }

    /// The host has closed its end. Unless it is about to end, it is killed, in case that it has not ended by now.
    pub fn closed(&mut self, world: &mut impl World) {
        if self.host.state() != HostState::Leaving {
            self.broke(world, HostEnding::Died);
        }
    }

    /// The host cannot be understood any more: it is killed.
    pub fn broke(&mut self, world: &mut impl World, why: HostEnding) {
        if self.handover == Handover::Begun {
            // It goes on without this keeper.
            self.handover = Handover::Abandoned;
            return;
        }
        if self.host.kill(why) {
            world.kill_host();
        }
    }

    /// The host has ended, after everything that it has sent was handled.
    pub fn host_ended(&mut self, world: &mut impl World, now: Now, status: i32) {
        if matches!(self.handover, Handover::Begun | Handover::Abandoned) {
            self.handover = Handover::Abandoned;
            return;
        }
        let was_trial = self.host.trial.take().is_some();
        if was_trial {
            self.host.rolls_back();
        }
        self.host.ended(now, status);
        if self.handover == Handover::Done {
            self.handover = Handover::None;
            self.host.last.why = HostEnding::Handed;
        }
        self.outbox.forget_host();
        self.version = VERSION;
        if was_trial {
            // The former program is the host again.
            world.settle_program(false);
            self.host.last.why = HostEnding::RolledBack;
        }
        (self.look_at, self.look_pause) = (now.steady, 0);
        world.drain(true);
        match self.host.after {
            After::Finish(code) => self.begin_to_end(code),
            _ if self.is_asked_to_end => self.begin_to_end(0),
            After::Restart | After::Replace => {}
        }
    }

    /// Output is not being moved into gap files any more.
    pub fn drained(&mut self) {
        self.gaps_may_grow = false;
        if matches!(self.outbox.greeting, Greeting::Draining(_)) {
            self.outbox.greeting = Greeting::Welcome;
        }
    }

    /// Forgets the answers to orders of a host that has ended.
    pub fn forget_answers(&mut self) {
        self.outbox.forget_answers();
    }

    /// Whether the next message of the host is to be read.
    #[must_use]
    pub fn reads(&self) -> bool {
        match self.host.state() {
            HostState::Greeting => self.outbox.greeting == Greeting::Unasked,
            HostState::Attached | HostState::Leaving => {
                self.outbox.greeting == Greeting::Over && self.outbox.has_credit()
            }
            _ => false,
        }
    }

    /// Returns the first slot that is not free, from this place on: its place, its id, and what is held.
    pub fn held_from(&self, world: &impl World, from: usize) -> Option<(usize, Id, Held)> {
        let (place, slot) = (from..self.slots.places()).find_map(|at| Some((at, self.slots.get(at)?)))?;
        let held = Held {
            state: slot.state,
            pid: slot.pid,
            started_at: slot.started_at,
            end: slot.end,
            refusal: slot.refusal,
            ending: slot.ending,
            kill_at: slot.kill_at,
            gaps: world.gaps(place),
            descriptors: world.descriptors(place),
        };
        Some((place, slot.id, held))
    }

    /// Returns what the keeper says of itself.
    #[must_use]
    pub fn welcome(&self, world: &impl World, now: Now) -> Welcome {
        let stashed = (0..).take_while(|index| world.stashed(*index).is_some()).count();
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Welcome {
            keeper_pid: std::process::id(),
            now: now.boot,
            held: number(self.slots.len()),
            stashed: number(stashed),
            hosts: self.host.started,
            deaths: number(self.host.deaths(now)),
            last: self.host.last,
            state: self.host.state(),
            is_draining: self.gaps_may_grow,
            speaks: Some(self.versions),
        }
    }
}
