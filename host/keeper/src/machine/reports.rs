//! What the host is sent next. It is looked at first, and marked as sent when the socket has taken it.

use super::outbox::Greeting;
use super::slots::{ENDED, REFUSED, SPAWNED};
use super::{Beside, Machine, Now, World};
use crate::protocol::Report;
use crate::table::Orphans;

impl Machine {
    /// Returns the next message with its sequence number, and what is beside it.
    pub fn next_report(&mut self, world: &impl World, now: Now) -> Option<(u32, Report, Beside)> {
        if !self.host.is_there() {
            return None;
        }
        let hello = self.outbox.hello;
        match self.outbox.greeting {
            Greeting::Unasked | Greeting::Draining(_) => None,
            Greeting::Unsupported => {
                Some((hello, Report::Unsupported { versions: self.versions }, Beside::Nothing))
            }
            Greeting::Welcome => Some((hello, Report::Welcome(self.welcome(world, now)), Beside::Nothing)),
            Greeting::Held(from) => {
                if let Some((place, id, held)) = self.held_from(world, from) {
                    self.outbox.greeting = Greeting::Held(place);
                    let beside = Beside::Slot(place, held.descriptors);
                    return Some((0, Report::Held { id, held }, beside));
                }
                self.outbox.greeting = Greeting::Stashed(0);
                self.next_report(world, now)
            }
            Greeting::Stashed(index) => {
                if let Some((key, generation)) = world.stashed(index) {
                    return Some((0, Report::Stashed { key, generation }, Beside::Stash(index)));
                }
                self.outbox.greeting = Greeting::Over;
                self.next_report(world, now)
            }
            Greeting::Over => self.next_news(world, now),
        }
    }

    /// Returns the next message after the greeting: the answers, if they are due or there is something else to send, and then that.
    fn next_news(&mut self, world: &impl World, now: Now) -> Option<(u32, Report, Beside)> {
        let other = self.next_other(world);
        match self.outbox.next_answer() {
            Some((seq, answer)) if other.is_some() || self.outbox.is_due(now) => {
                Some((seq, answer, Beside::Nothing))
            }
            _ => other,
        }
    }

    /// Returns the next message that is no answer.
    fn next_other(&mut self, world: &impl World) -> Option<(u32, Report, Beside)> {
        if let Some((place, report)) = self.slots.next_report() {
            return self.news_of(world, place, report);
        }
        if let Some(number) = self.outbox.next_signal() {
            return Some((0, Report::Signalled { number }, Beside::Nothing));
        }
        let Orphans { count, pid, status, is_due } = self.outbox.orphans;
        if is_due {
            return Some((0, Report::Orphans { count, pid, status }, Beside::Nothing));
        }
        self.host.ping_is_due.then_some((self.host.ping, Report::Ping, Beside::Nothing))
    }

    fn news_of(&self, world: &impl World, place: usize, report: u8) -> Option<(u32, Report, Beside)> {
        let slot = self.slots.get(place)?;
        let id = slot.id;
        Some(match (report, slot.refusal, slot.end) {
            (SPAWNED, ..) => {
                let descriptors = world.descriptors(place);
                let (pid, started_at) = (slot.pid, slot.started_at);
                let spawned = Report::Spawned { id, pid, started_at, descriptors };
                (0, spawned, Beside::Slot(place, descriptors))
            }
            (REFUSED, Some(refusal), _) => (0, Report::Refused { id, refusal }, Beside::Nothing),
            (ENDED, _, Some(end)) => (0, Report::Ended { id, end }, Beside::Nothing),
            _ => return None,
        })
    }

    /// Marks what [`next_report`](Self::next_report) has returned as sent.
    pub fn sent(&mut self, report: &Report, beside: Beside) {
        match (report, beside) {
            (Report::Unsupported { .. }, _) => self.outbox.greeting = Greeting::Unasked,
            (Report::Welcome(_), _) => self.outbox.greeting = Greeting::Held(0),
            (Report::Held { .. }, Beside::Slot(place, _)) => {
                // It says everything.
                self.slots.reported(place, SPAWNED | REFUSED | ENDED);
                self.outbox.greeting = Greeting::Held(place + 1);
            }
            (Report::Stashed { .. }, Beside::Stash(index)) => {
                self.outbox.greeting = Greeting::Stashed(index + 1);
            }
            (Report::Done { .. }, _) => self.outbox.answered(),
            (Report::Spawned { .. }, Beside::Slot(place, _)) => self.slots.reported(place, SPAWNED),
            (Report::Refused { id, .. }, _) => self.sent_of(*id, REFUSED),
            (Report::Ended { id, .. }, _) => self.sent_of(*id, ENDED),
            (Report::Orphans { .. }, _) => self.outbox.orphans.is_due = false,
            (Report::Ping, _) => self.host.ping_is_due = false,
            (Report::Signalled { number }, _) => self.outbox.signalled(*number),
            _ => {}
        }
    }

    fn sent_of(&mut self, id: crate::protocol::Id, report: u8) {
        if let Some(place) = self.slots.place(id) {
            self.slots.reported(place, report);
        }
    }
}
