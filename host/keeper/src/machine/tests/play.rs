//! A keeper with its world and its host of the moment, and what is true by the rules of the protocol.

use std::collections::{BTreeMap, VecDeque};

use super::model::{Model, Process};
use crate::machine::outbox::PATIENCE;
use crate::machine::{Machine, Now};
use crate::protocol::{
    CREDIT, End, Ending, Id, Input, Order, Output, Refusal, Report, Scope, SlotState, Spec, Stage, Strings,
    Usage, Versions,
};
use crate::table::{KeeperEntry, SlotEntry, Table};

pub(super) const SECOND: u64 = 1_000_000_000;

pub(super) fn spec() -> Spec<'static> {
    Spec {
        program: c"/bin/true",
        arguments: Strings::Listed(&[]),
        environment: Strings::Listed(&[]),
        directory: None,
        terminal: None,
        input: Input::Null,
        output: Output::Null,
        error: Output::Null,
        files: 0,
        gap_files: [None, None],
        ending: ending(1),
    }
}

pub(super) fn ending(rank: u32) -> Ending {
    Ending { rank, signal: 15, scope: Scope::Group, grace_ms: 1_000 }
}

/// What a host knows, from messages alone.
pub(super) type View = BTreeMap<u32, (SlotState, u32, Option<i32>)>;

/// The keeper, its world, and the host of the moment.
pub(super) struct Play {
    pub(super) machine: Machine,
    pub(super) world: Model,
    pub(super) now: Now,
    pub(super) view: View,
    /// What was true after each input, by the rules of the protocol.
    pub(super) truth: View,
    /// The orders that the host has sent and that are not answered, and those that the keeper has not read.
    pub(super) unanswered: VecDeque<(u32, Asked)>,
    pub(super) unread: VecDeque<(u32, Asked)>,
    pub(super) seq: u32,
}

/// An order of the model host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Spawn(u32),
    Kill(u32),
    Reap(u32),
    Forget(u32),
    Sync,
}

impl Play {
    pub(super) fn new() -> Self {
        let mut play = Self {
            machine: Machine::new(true),
            world: Model::default(),
            now: Now { boot: 5 * SECOND, steady: SECOND },
            view: View::new(),
            truth: View::new(),
            unanswered: VecDeque::new(),
            unread: VecDeque::new(),
            seq: 0,
        };
        play.next_host();
        play
    }

    pub(super) fn tick(&mut self, nanoseconds: u64) {
        self.now.boot += nanoseconds;
        self.now.steady += nanoseconds;
        self.world.may_reap = !self.machine.host.is_there();
        self.machine.tick(&mut self.world, self.now);
        self.world.may_reap = false;
        // Without a host, zombies whose groups are empty are reaped.
        for (place, slot) in self.machine.slots.iter() {
            if slot.state == SlotState::Reaped && !self.world.processes.contains_key(&place) {
                self.truth.entry(slot.id.0).and_modify(|known| known.0 = SlotState::Reaped);
            }
        }
    }

    pub(super) fn order(&mut self, order: &Order<'_>, seq: u32) {
        self.world.may_reap = matches!(order, Order::Reap { .. } | Order::Forget { .. });
        self.machine.order(&mut self.world, self.now, seq, order);
        self.world.may_reap = false;
    }

    /// Waits until a host is started, and lets it attach.
    pub(super) fn next_host(&mut self) {
        let before = self.world.hosts;
        for _ in 0..100 {
            if self.world.hosts > before {
                break;
            }
            self.tick(SECOND / 10);
        }
        assert_eq!(self.world.hosts, before + 1, "a host is started");
        self.view.clear();
        self.order(&Order::Hello { versions: Versions::OURS, build: b"" }, 1);
    }

    /// Lets the host read up to `count` messages.
    pub(super) fn read(&mut self, count: usize) {
        for _ in 0..count {
            self.take_orders();
            let Some((seq, report, beside)) = self.machine.next_report(&self.world, self.now) else {
                // The greeting is over now, perhaps.
                if self.unread.is_empty() || !self.machine.reads() {
                    return;
                }
                continue;
            };
            self.machine.sent(&report, beside);
            match report {
                Report::Welcome(_) | Report::Ping | Report::Stashed { .. } => {}
                Report::Held { id, held } => {
                    let end = held.end.and_then(|end| end.status);
                    assert!(self.view.insert(id.0, (held.state, held.pid, end)).is_none(), "told once");
                }
                Report::Done { errno, pid, .. } => {
                    let (sent, asked) = self.unanswered.pop_front().expect("an answer to an order");
                    assert_eq!(seq, sent, "the answers come in order");
                    self.learn(asked, errno, pid);
                }
                Report::Spawned { id, .. } => {
                    let known = self.view.get_mut(&id.0).expect("it was answered before");
                    // It may have been reaped blindly, which was answered before.
                    assert!(matches!(known.0, SlotState::Starting | SlotState::Reaped));
                    if known.0 == SlotState::Starting {
                        known.0 = SlotState::Running;
                    }
                }
                Report::Refused { id, .. } => {
                    let known = self.view.get_mut(&id.0).unwrap();
                    assert_eq!(known.0, SlotState::Starting);
                    known.0 = SlotState::Refused;
                }
                Report::Ended { id, end } => {
                    let known = self.view.get_mut(&id.0).unwrap();
                    let is_in_order = matches!(known.0, SlotState::Running | SlotState::Reaped);
                    assert!(is_in_order, "it has started before it ends");
                    known.2 = end.status;
                    if known.0 == SlotState::Running {
                        known.0 = SlotState::Ended;
                    }
                }
                other => panic!("{other:?}"),
            }
        }
    }

    pub(super) fn learn(&mut self, asked: Asked, errno: i32, pid: u32) {
        match asked {
            Asked::Spawn(id) if errno == 0 => {
                self.view.insert(id, (SlotState::Starting, pid, None));
            }
            Asked::Reap(id) if errno == 0 && self.truth.get(&id).is_some_and(|known| known.2.is_some()) => {
                self.view.get_mut(&id).unwrap().0 = SlotState::Reaped;
            }
            Asked::Forget(id) if errno == 0 => drop(self.view.remove(&id)),
            _ => {}
        }
    }

    /// Lets the keeper read the orders that it takes.
    pub(super) fn take_orders(&mut self) {
        while self.machine.reads()
            && let Some((seq, asked)) = self.unread.pop_front()
        {
            self.carry_out(seq, asked);
            self.unanswered.push_back((seq, asked));
            assert!(self.unanswered.len() <= CREDIT, "no more than the credit is unanswered");
        }
    }

    pub(super) fn carry_out(&mut self, seq: u32, asked: Asked) {
        match asked {
            Asked::Spawn(id) => {
                self.order(&Order::Spawn { id: Id(id), spec: spec() }, seq);
                let pid = 100 + self.world.next_pid;
                if !self.world.cannot_spawn {
                    self.truth.entry(id).or_insert((SlotState::Starting, pid, None));
                }
            }
            Asked::Kill(id) => {
                let order = Order::Signal { id: Id(id), number: 9, scope: Scope::Group, kill_at: 0 };
                self.order(&order, seq);
            }
            Asked::Reap(id) => {
                self.order(&Order::Reap { id: Id(id) }, seq);
                if let Some(known) = self.truth.get_mut(&id)
                    && known.0 == SlotState::Ended
                {
                    known.0 = SlotState::Reaped;
                }
            }
            Asked::Forget(id) => {
                self.order(&Order::Forget { id: Id(id) }, seq);
                let is_over =
                    |state| matches!(state, SlotState::Ended | SlotState::Reaped | SlotState::Refused);
                if self.truth.get(&id).is_some_and(|known| is_over(known.0)) {
                    self.truth.remove(&id);
                }
            }
            Asked::Sync => self.order(&Order::Sync, seq),
        }
    }

    pub(super) fn ask(&mut self, asked: Asked) {
        self.seq += 1;
        self.unread.push_back((self.seq, asked));
        self.take_orders();
    }

    /// The nth living process gets on: its exec is over, or it ends.
    pub(super) fn child(&mut self, nth: usize, kind: u8) {
        let living: Vec<_> =
            self.world.processes.iter().filter(|(_, (_, state))| *state == Process::Living).collect();
        let Some((place, pid)) =
            living.get(nth % living.len().max(1)).map(|(place, (pid, _))| (**place, *pid))
        else {
            return;
        };
        let id = *self.truth.iter().find(|(_, known)| known.1 == pid).unwrap().0;
        let known = self.truth.get_mut(&id).unwrap();
        match (known.0, kind) {
            (SlotState::Starting, 0 | 1) => {
                known.0 = SlotState::Running;
                self.machine.runs(place);
            }
            (SlotState::Starting, _) => {
                known.0 = SlotState::Refused;
                self.world.processes.insert(place, (pid, Process::Zombie));
                self.world.may_reap = true;
                let refusal = Refusal { stage: Stage::Exec, errno: 2 };
                self.machine.refused(&mut self.world, place, refusal);
                self.world.may_reap = false;
            }
            (SlotState::Running, _) => {
                (known.0, known.2) = (SlotState::Ended, Some(i32::from(kind) << 8));
                self.world.processes.insert(place, (pid, Process::Zombie));
                let status = Some(i32::from(kind) << 8);
                let end = End { status, ended_at: 0, usage: Usage::default() };
                self.machine.ended(self.now, place, end);
            }
            _ => {}
        }
    }

    /// Another program takes the place of the keeper, if it may: the machine is written into a table and read from it.
    pub(super) fn exec(&mut self) {
        if !self.machine.may_be_replaced() {
            return;
        }
        let table = self.table();
        let table = Table::decode(&table.encode_as(1).unwrap()).unwrap();
        self.machine = Machine::resumed(&table).unwrap();
    }

    fn table(&self) -> Table {
        let (signals, orphans, is_asked_to_end) = self.machine.news_left();
        let mut slots = Vec::new();
        let mut from = 0;
        while let Some((place, id, held)) = self.machine.held_from(&self.world, from) {
            let slotted = self.machine.slotted(place).unwrap();
            slots.push(SlotEntry {
                place: u32::try_from(place).unwrap(),
                id,
                held,
                stop: slotted.stop,
                stop_until: slotted.stop_until,
                due: slotted.due,
                is_child: true,
                failure: None,
                pidfd: 10,
                report: None,
                input: None,
                outlets: [None, None],
            });
            from = place + 1;
        }
        let keeper = KeeperEntry {
            listener: None,
            is_detached: false,
            program: 11,
            arguments: Vec::new(),
            environment: Vec::new(),
            open_files: None,
            oom_score: None,
            stashes: Vec::new(),
        };
        let (host, answers) = (self.machine.host_entry(), self.machine.answers_left());
        Table {
            protocol: self.machine.version(),
            host,
            answers,
            signals,
            orphans,
            is_asked_to_end,
            slots,
            keeper,
        }
    }

    /// kill -9 of the host: what it has sent and the keeper has not read is read first.
    pub(super) fn kill_host(&mut self) {
        while let Some((seq, asked)) = self.unread.pop_front() {
            self.carry_out(seq, asked);
            self.machine.forget_answers();
        }
        self.unanswered.clear();
        self.machine.host_ended(&mut self.world, self.now, 9);
    }

    /// A host that reads everything knows the truth.
    pub(super) fn settle(&mut self) {
        self.read(10_000);
        // What nobody waits for is answered by now.
        self.tick(PATIENCE);
        self.read(10_000);
        assert!(self.unread.is_empty() && self.unanswered.is_empty(), "each order was answered");
        assert_eq!(self.view, self.truth);
        let held: Vec<_> = self.machine.slots.iter().map(|(_, slot)| slot.id.0).collect();
        assert_eq!(held.len(), self.truth.len());
        assert_eq!(self.world.open.len(), self.truth.len(), "nothing is open of what is forgotten");
    }
}
