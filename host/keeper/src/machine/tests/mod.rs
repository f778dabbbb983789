//! The state machine against a model: a world of processes, and hosts that lose everything at any step. Whatever happens, the
//! next host is told what is true, each order has one answer, and nothing that is reaped is touched.

mod model;
mod play;
mod versions;

use proptest::prelude::*;

use self::model::Model;
use self::play::{Asked, Play, SECOND, ending, spec};
use super::outbox::{PATIENCE, WAITING_MAX};
use super::{KILL, Machine, Now, TERMINATE};
use crate::protocol::{HostEnding, Id, Leave, Order, Report, Scope, SlotState, Spec, Versions};

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
    Exec,
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
        2 => Just(Step::Exec),
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
        Step::Exec => play.exec(),
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
fn an_answer_that_nobody_waits_for_is_sent_with_the_next_message_or_a_little_later() {
    let started = |count: u32| {
        let mut play = Play::new();
        play.read(10);
        (1..=count).for_each(|id| play.ask(Asked::Spawn(id)));
        play
    };
    let unanswered = |play: &mut Play| {
        play.read(100);
        play.unanswered.len()
    };
    // Nothing follows.
    let mut play = started(2);
    assert_eq!(unanswered(&mut play), 2);
    let due = play.machine.deadline(play.now).unwrap();
    assert_eq!(due, play.now.steady + PATIENCE);
    play.tick(PATIENCE);
    assert_eq!(unanswered(&mut play), 0);
    assert!(play.machine.deadline(play.now).is_none_or(|at| at > due + PATIENCE), "there is nothing more");
    // The program runs.
    let mut play = started(2);
    play.child(0, 0);
    assert_eq!(unanswered(&mut play), 0);
    // Somebody waits for a later answer.
    let mut play = started(2);
    play.ask(Asked::Sync);
    assert_eq!(unanswered(&mut play), 0);
    // An error is sent at once.
    let mut play = started(1);
    play.ask(Asked::Forget(7));
    assert_eq!(unanswered(&mut play), 0);
    // The host needs its credit.
    let most = u32::try_from(WAITING_MAX).unwrap();
    assert_eq!(unanswered(&mut started(most - 1)), WAITING_MAX - 1);
    assert_eq!(unanswered(&mut started(most)), 0);
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
fn the_end_of_a_program_on_trial_is_no_death_whatever_it_says_itself() {
    for failure in [None, Some(1)] {
        let mut play = Play::new();
        play.read(10);
        // More often than a host may die.
        for round in 0..7 {
            play.order(&Order::Settled, 1);
            play.order(&Order::Leave(Leave::Replace { deadline_ms: 3_000 }), 5);
            play.machine.host_ended(&mut play.world, play.now, 0);
            play.next_host();
            play.read(10);
            if let Some(code) = failure {
                play.order(&Order::Leave(Leave::Finish { code }), 6);
            }
            play.machine.host_ended(&mut play.world, play.now, 256);
            assert_eq!(play.machine.host.last.why, HostEnding::RolledBack);
            play.next_host();
            play.read(10);
            assert_eq!(play.world.rollbacks, round + 1);
            assert_eq!(play.machine.welcome(&play.world, play.now).deaths, 0);
        }
    }
    // One that was asked to end, and has ended everything.
    let mut play = Play::new();
    play.read(10);
    play.order(&Order::Leave(Leave::Replace { deadline_ms: 3_000 }), 5);
    play.machine.host_ended(&mut play.world, play.now, 0);
    play.next_host();
    play.read(10);
    play.order(&Order::Leave(Leave::Finish { code: 0 }), 6);
    play.machine.host_ended(&mut play.world, play.now, 0);
    assert_eq!(play.machine.exit_code(&play.world, play.now), Some(0));
}

#[test]
fn a_stop_that_was_begun_is_finished_without_a_host() {
    let mut play = Play::new();
    play.order(&Order::Spawn { id: Id(1), spec: spec() }, 1);
    play.truth.insert(1, (SlotState::Starting, 101, None));
    play.machine.runs(0);
    play.truth.get_mut(&1).unwrap().0 = SlotState::Running;
    let kill_at = play.now.boot + 3 * SECOND;
    play.order(&Order::Signal { id: Id(1), number: 0, scope: Scope::Main, kill_at }, 2);
    play.machine.host_ended(&mut play.world, play.now, 9);
    play.world.signals.clear();
    play.tick(2 * SECOND);
    assert!(play.world.signals.is_empty());
    // The next host is there, but does nothing; then it ends, too.
    play.machine.host_ended(&mut play.world, play.now, 9);
    play.tick(SECOND);
    assert_eq!(play.world.signals, [(101, KILL)]);
}

#[test]
fn the_machine_of_another_program_tells_the_host_what_the_first_one_would_have() {
    let mut play = Play::new();
    play.read(10);
    for id in 1..=3 {
        play.ask(Asked::Spawn(id));
    }
    play.read(3);
    play.child(0, 0);
    play.child(1, 2);
    assert!(play.machine.may_be_replaced());
    play.exec();
    play.child(2, 0);
    play.ask(Asked::Sync);
    play.exec();
    play.settle();
}

#[test]
fn output_that_is_being_moved_delays_another_program_until_the_disk_answers() {
    let mut play = Play::new();
    play.read(10);
    play.world.disk_hangs = true;
    play.kill_host();
    play.next_host();
    play.tick(6 * SECOND);
    assert!(play.machine.welcome(&play.world, play.now).is_draining, "the host is not kept waiting");
    play.read(10);
    assert!(!play.machine.may_be_replaced());
    play.machine.drained();
    assert!(!play.machine.welcome(&play.world, play.now).is_draining);
    assert!(play.machine.may_be_replaced(), "the same host is still attached");
}

#[test]
fn a_keeper_that_is_being_handed_everything_is_not_replaced() {
    let now = Now { boot: 5 * SECOND, steady: SECOND };
    let (mut machine, mut world) = (Machine::handed(false, now), Model::default());
    machine.order(&mut world, now, 1, &Order::Hello { versions: Versions::OURS, build: b"" });
    while let Some((_, report, beside)) = machine.next_report(&world, now) {
        machine.sent(&report, beside);
    }
    assert!(!machine.may_be_replaced(), "the host is the child of another process");
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

#[test]
fn a_keeper_that_is_handed_everything_starts_a_host_when_the_former_one_has_left_and_ends_if_it_does_not() {
    let now = Now { boot: 5 * SECOND, steady: SECOND };
    let later = Now { boot: 500 * SECOND, steady: 500 * SECOND };
    let hello = Order::Hello { versions: Versions::OURS, build: b"" };
    for leaves in [true, false] {
        let (mut machine, mut world) = (Machine::handed(false, now), Model::default());
        machine.tick(&mut world, now);
        assert!(machine.reads(), "the host may greet");
        machine.order(&mut world, now, 1, &hello);
        while let Some((_, report, beside)) = machine.next_report(&world, now) {
            machine.sent(&report, beside);
        }
        if leaves {
            machine.order(&mut world, now, 2, &Order::Leave(Leave::Replace { deadline_ms: 0 }));
        }
        machine.closed(&mut world);
        machine.host_ended(&mut world, now, 0);
        machine.tick(&mut world, later);
        assert_eq!((world.hosts, world.host_kills), (u32::from(leaves), 0));
        assert_eq!(machine.exit_code(&world, later), (!leaves).then_some(1));
        if leaves {
            assert_eq!(machine.welcome(&world, later).last.why, HostEnding::Handed);
        }
    }
}

#[test]
fn a_host_that_hands_over_is_never_killed_before_everything_is_here() {
    let now = Now { boot: 5 * SECOND, steady: SECOND };
    let (mut machine, mut world) = (Machine::handed(false, now), Model::default());
    machine.tick(&mut world, Now { steady: 100 * SECOND, ..now });
    assert_eq!((world.hosts, world.host_kills), (0, 0), "it was late");
    assert_eq!(machine.exit_code(&world, now), Some(1));
    let mut machine = Machine::handed(false, now);
    machine.order(&mut world, now, 1, &Order::Sync);
    assert_eq!((world.hosts, world.host_kills), (0, 0), "it broke the protocol");
    assert_eq!(machine.exit_code(&world, now), Some(1));
}
