//! The state machine against a model: a world of processes, and hosts that lose everything at any step. Whatever happens, the
//! next host is told what is true, each order has one answer, and nothing that is reaped is touched.

use std::collections::{BTreeMap, VecDeque};

use proptest::prelude::*;

use super::*;
use crate::protocol::{
    CREDIT, Ending, Gap, Input, Leave, Order, Output, Report, Scope, Spec, Stage, Stream, Strings, Usage,
    Versions,
};

const SECOND: u64 = 1_000_000_000;

/// A process as the kernel has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Process {
    Living,
    Zombie,
}

/// The operating system as a model.
#[derive(Debug, Default)]
struct Model {
    next_pid: u32,
    /// The main processes that are not reaped, by their places.
    processes: BTreeMap<usize, (u32, Process)>,
    /// The places that are in use.
    open: BTreeMap<usize, ()>,
    signals: Vec<(u32, i32)>,
    stashes: Vec<(u32, u64)>,
    populated: Vec<u32>,
    hosts: u32,
    host_kills: u32,
    is_stopped: bool,
    cannot_spawn: bool,
    is_draining: bool,
    /// Whether a zombie may be reaped now.
    may_reap: bool,
    rollbacks: u32,
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

    fn adopt(&mut self, place: usize, _: &Held) -> Result<bool, i32> {
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
        true
    }

    fn is_drained(&self) -> bool {
        true
    }

    fn groups(&mut self, found: &mut dyn FnMut(u32)) -> bool {
        self.populated.iter().for_each(|group| found(*group));
        true
    }

    fn upgrade(&mut self) -> i32 {
        38
    }
}

/// What a host knows, from messages alone.
type View = BTreeMap<u32, (SlotState, u32, Option<i32>)>;

/// The keeper, its world, and the host of the moment.
struct Play {
    machine: Machine,
    world: Model,
    now: Now,
    view: View,
    /// What was true after each input, by the rules of the protocol.
    truth: View,
    /// The orders that the host has sent and that are not answered, and those that the keeper has not read.
    unanswered: VecDeque<(u32, Asked)>,
    unread: VecDeque<(u32, Asked)>,
    seq: u32,
}

/// An order of the model host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Spawn(u32),
    Kill(u32),
    Reap(u32),
    Forget(u32),
    Sync,
}

impl Play {
    fn new() -> Self {
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

    fn tick(&mut self, nanoseconds: u64) {
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

    fn order(&mut self, order: &Order<'_>, seq: u32) {
        self.world.may_reap = matches!(order, Order::Reap { .. } | Order::Forget { .. });
        self.machine.order(&mut self.world, self.now, seq, order);
        self.world.may_reap = false;
    }

    /// Waits until a host is started, and lets it attach.
    fn next_host(&mut self) {
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
    fn read(&mut self, count: usize) {
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

    fn learn(&mut self, asked: Asked, errno: i32, pid: u32) {
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
    fn take_orders(&mut self) {
        while self.machine.reads()
            && let Some((seq, asked)) = self.unread.pop_front()
        {
            self.carry_out(seq, asked);
            self.unanswered.push_back((seq, asked));
            assert!(self.unanswered.len() <= CREDIT, "no more than the credit is unanswered");
        }
    }

    fn carry_out(&mut self, seq: u32, asked: Asked) {
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

    fn ask(&mut self, asked: Asked) {
        self.seq += 1;
        self.unread.push_back((self.seq, asked));
        self.take_orders();
    }

    /// The nth living process gets on: its exec is over, or it ends.
    fn child(&mut self, nth: usize, kind: u8) {
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

    /// kill -9 of the host: what it has sent and the keeper has not read is read first.
    fn kill_host(&mut self) {
        while let Some((seq, asked)) = self.unread.pop_front() {
            self.carry_out(seq, asked);
            self.machine.forget_answers();
        }
        self.unanswered.clear();
        self.machine.host_ended(&mut self.world, self.now, 9);
    }

    /// A host that reads everything knows the truth.
    fn settle(&mut self) {
        self.read(10_000);
        assert!(self.unread.is_empty() && self.unanswered.is_empty(), "each order was answered");
        assert_eq!(self.view, self.truth);
        let held: Vec<_> = self.machine.slots.iter().map(|(_, slot)| slot.id.0).collect();
        assert_eq!(held.len(), self.truth.len());
        assert_eq!(self.world.open.len(), self.truth.len(), "nothing is open of what is forgotten");
    }
}

fn spec() -> Spec<'static> {
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

fn ending(rank: u32) -> Ending {
    Ending { rank, signal: 15, scope: Scope::Group, grace_ms: 1_000 }
}

/// One step of a play.
#[derive(Clone, Copy, Debug)]
enum Step {
    Ask(Asked),
    Child(usize, u8),
    Read(usize),
    Kill,
    Wait(u64),
    Shortage(bool),
    Populate(bool),
}

fn step() -> impl Strategy<Value = Step> {
    let id = 1..6_u32;
    prop_oneof![
        6 => id.clone().prop_map(|id| Step::Ask(Asked::Spawn(id))),
        2 => id.clone().prop_map(|id| Step::Ask(Asked::Kill(id))),
        3 => id.clone().prop_map(|id| Step::Ask(Asked::Reap(id))),
        4 => id.prop_map(|id| Step::Ask(Asked::Forget(id))),
        1 => Just(Step::Ask(Asked::Sync)),
        8 => (0..8_usize, 0..3_u8).prop_map(|(nth, kind)| Step::Child(nth, kind)),
        4 => (0..6_usize).prop_map(Step::Read),
        2 => Just(Step::Kill),
        2 => (1..200_u64).prop_map(|tenths| Step::Wait(tenths * SECOND / 10)),
        1 => any::<bool>().prop_map(Step::Shortage),
        1 => any::<bool>().prop_map(Step::Populate),
    ]
}

fn take(play: &mut Play, step: Step) {
    match step {
        Step::Ask(asked) => play.ask(asked),
        Step::Child(nth, kind) => play.child(nth, kind),
        Step::Read(count) => play.read(count),
        Step::Kill => {
            play.kill_host();
            play.next_host();
        }
        Step::Wait(time) => {
            // Pings are answered.
            play.tick(time);
            play.machine.host.excuse();
        }
        Step::Shortage(is_short) => play.world.cannot_spawn = is_short,
        Step::Populate(is_populated) => {
            let groups = play.world.processes.values().map(|(pid, _)| *pid);
            play.world.populated = if is_populated { groups.collect() } else { Vec::new() };
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_host_knows_the_truth_when_it_has_read_everything(steps in prop::collection::vec(step(), 0..80)) {
        let mut play = Play::new();
        for step in steps {
            take(&mut play, step);
        }
        play.settle();
    }

    #[test]
    fn a_loss_of_the_host_at_every_step_loses_nothing(steps in prop::collection::vec(step(), 1..30)) {
        for lost_at in 0..steps.len() {
            let mut play = Play::new();
            for step in &steps[..=lost_at] {
                take(&mut play, *step);
            }
            play.kill_host();
            play.next_host();
            play.settle();
        }
    }
}

#[test]
fn a_host_that_does_not_answer_is_killed_and_one_that_is_stopped_is_not() {
    let mut play = Play::new();
    play.read(10);
    play.world.is_stopped = true;
    for _ in 0..20 {
        play.tick(10 * SECOND);
    }
    assert_eq!(play.world.host_kills, 0);
    play.world.is_stopped = false;
    let mut ticks = 0;
    while play.world.host_kills == 0 {
        play.tick(10 * SECOND);
        ticks += 1;
    }
    assert!((3..=4).contains(&ticks), "{ticks}");
    play.kill_host();
    assert_eq!(play.machine.host.last.why, HostEnding::Silent);
}

#[test]
fn a_pause_of_the_whole_machine_is_no_silence_of_the_host() {
    let mut play = Play::new();
    play.read(10);
    play.tick(1_000 * SECOND);
    assert_eq!(play.world.host_kills, 0);
    let (seq, report, beside) = play.machine.next_report(&play.world, play.now).unwrap();
    play.machine.sent(&report, beside);
    assert_eq!(report, Report::Ping);
    play.order(&Order::Pong, seq);
    play.tick(1_000 * SECOND);
    play.tick(1_000 * SECOND);
    assert_eq!(play.world.host_kills, 0);
}

#[test]
fn five_deaths_within_a_minute_keep_the_host_down_and_slower_ones_do_not() {
    for (pause, is_down) in [(1, true), (20, false)] {
        let (mut machine, mut world) = (Machine::new(false), Model::default());
        let mut now = Now { boot: SECOND, steady: SECOND };
        for _ in 0..5 {
            let hosts = world.hosts;
            while world.hosts == hosts && !machine.stays_down() {
                now.steady += SECOND / 100;
                machine.tick(&mut world, now);
            }
            now.steady += pause * SECOND;
            machine.host_ended(&mut world, now, 9);
        }
        assert_eq!(machine.stays_down(), is_down, "{pause}");
        machine.ask_for_host(now);
        machine.tick(&mut world, Now { steady: now.steady + 2 * SECOND, ..now });
        assert_eq!(world.hosts, 6);
    }
}

#[test]
fn a_new_program_that_does_not_settle_in_time_is_killed_and_rolled_back() {
    let mut play = Play::new();
    play.read(10);
    play.order(&Order::Leave(Leave::Replace { deadline_ms: 3_000 }), 5);
    play.machine.host_ended(&mut play.world, play.now, 0);
    play.next_host();
    play.read(10);
    play.tick(4 * SECOND);
    assert_eq!(play.world.host_kills, 1);
    play.machine.host_ended(&mut play.world, play.now, 9);
    assert_eq!((play.world.rollbacks, play.machine.host.last.why), (1, HostEnding::RolledBack));
    play.next_host();
    play.read(10);
    play.tick(60 * SECOND);
    assert_eq!(play.world.host_kills, 1, "the former program is on no trial");
}

#[test]
fn ranks_end_one_after_the_other_and_what_does_not_end_is_given_up() {
    let mut play = Play::new();
    for (id, rank) in [(1, 1), (2, 2), (3, 2)] {
        play.order(&Order::Spawn { id: Id(id), spec: Spec { ending: ending(rank), ..spec() } }, id);
        let place = usize::try_from(id - 1).unwrap();
        play.truth.insert(id, (SlotState::Starting, 100 + id, None));
        play.machine.runs(place);
        play.truth.get_mut(&id).unwrap().0 = SlotState::Running;
    }
    play.machine.signalled(TERMINATE);
    play.machine.host_ended(&mut play.world, play.now, 9);
    play.tick(0);
    assert_eq!(play.world.signals, [(102, 15), (102, 18), (103, 15), (103, 18)]);
    play.world.signals.clear();
    play.child(1, 0);
    play.tick(SECOND / 10);
    assert!(play.world.signals.is_empty(), "the other one of the rank has its grace time");
    play.tick(SECOND);
    assert_eq!(play.world.signals, [(103, KILL)]);
    play.world.signals.clear();
    assert_eq!(play.machine.exit_code(&play.world, play.now), None);
    // It waits for a disk.
    play.tick(5 * SECOND);
    play.tick(1);
    assert_eq!(play.world.signals, [(101, 15), (101, 18)]);
    play.child(0, 0);
    play.tick(SECOND);
    assert_eq!(play.machine.exit_code(&play.world, play.now), Some(1), "something is left");
}
