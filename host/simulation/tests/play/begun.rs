//! Scenarios that go on from given states: streaks, lives and delays are those of the states, and nothing is started anew.

use provost_simulation::Begun;
use provost_state::{
    Death, Deaths, Desired, Generation, Identity, Incarnation, Moment, Phase, PhaseKind, ProcessId,
    ProcessState,
};

use super::*;

/// When the scenarios go on.
const BEGIN: u64 = 10 * MINUTE;

fn moment(ms: u64) -> Moment {
    Moment { wall_ms: 1_767_600_000_000 + ms, mono_ns: ms * 1_000_000 }
}

/// Returns the state of a process that has failed `failures` times in a row, each time after two seconds, with a minute between the
/// ends; the last time at `last_ms`.
fn failed(name: &str, phase: Phase, failures: u64, last_ms: u64) -> ProcessState {
    let death = |before: u64| Death {
        incarnation: Incarnation(failures - before),
        exit: Exit::Code(3),
        at: moment(last_ms - before * MINUTE),
        uptime_ms: 2_000,
    };
    let deaths: Deaths = (0..failures).map(death).collect();
    let is_live = phase.kind().is_live();
    ProcessState {
        incarnation: Incarnation(failures + u64::from(is_live)),
        generation: Generation(40),
        desired: Desired::Up,
        phase,
        started_at: Some(moment(if is_live { last_ms + SECOND } else { last_ms - 2_000 })),
        ended_at: (!is_live).then_some(moment(last_ms)),
        exit: (!is_live).then_some(Exit::Code(3)),
        restarts: failures - u64::from(!is_live),
        failures: u32::try_from(failures).unwrap(),
        deaths,
        ..ProcessState::new(ProcessId::NOBODY, Arc::new(Identity::new(name, "")), moment(last_ms))
    }
}

/// Returns a scenario of these processes that goes on from these states for an hour.
fn begun(processes: Vec<ProcessSpec>, states: Vec<ProcessState>) -> Scenario {
    let begun = Begun { at_ms: BEGIN, generation: Generation(70), states };
    Scenario { begun: Some(begun), ..scenario(processes, BEGIN + HOUR) }
}

/// Returns when each decision was made since the scenario went on, its failures in a row, and its delay.
fn decisions(course: &Course, name: &str) -> Vec<(u64, u32, Option<u64>)> {
    let made = &course.track(name).unwrap().decisions;
    made.iter().map(|made| (made.at_ms - BEGIN, made.failures, made.delay_ms())).collect()
}

#[test]
fn an_end_that_is_not_decided_yet_is_decided_as_the_last_of_its_streak() {
    let undecided = failed("web", Phase::Exited { settled: false }, 3, BEGIN);
    let mut it = begun(vec![process("web", &doubling())], vec![undecided]);
    it.faults = vec![crash(window(BEGIN, None), 2_000)];
    let course = course(&it);
    let expected = [(0, 3, Some(400)), (2_400, 4, Some(800)), (5_200, 5, Some(1_600))];
    assert_eq!(decisions(&course, "web")[..3], expected);
    let first = &course.track("web").unwrap().decisions[0];
    assert_eq!((first.incarnation, first.uptime_ms, &first.exit), (3, 2_000, &Exit::Code(3)));
}

#[test]
fn a_life_that_goes_on_ends_as_the_next_of_its_streak_and_has_lasted_since_it_began() {
    let running = failed("web", Phase::Running { pid: 7 }, 3, BEGIN - MINUTE);
    let mut it = begun(vec![process("web", &doubling())], vec![running]);
    it.faults = vec![kill(BEGIN, None), crash(window(BEGIN, None), 1)];
    let course = course(&it);
    assert_eq!(decisions(&course, "web")[..2], [(0, 4, Some(800)), (801, 5, Some(1_600))]);
    let track = course.track("web").unwrap();
    assert_eq!((track.decisions[0].incarnation, track.decisions[0].uptime_ms), (4, 59_000));
    assert_eq!(track.lives[0].incarnation, 5, "the life before is not started anew");
}

#[test]
fn a_policy_sees_the_ends_and_the_generation_from_before() {
    let policy = judge(|ended, world| {
        let state = world.by_name(&ended.name).unwrap();
        let ages: Vec<u64> = state.deaths.iter().map(|death| ended.now.ms_since(death.at)).collect();
        (restart(0), format!("{} {ages:?} {}", world.generation().0 >= 70, state.restarts))
    });
    let it =
        begun(vec![process("web", &policy)], vec![failed("web", Phase::Exited { settled: false }, 3, BEGIN)]);
    let course = course(&it);
    let reason = &course.track("web").unwrap().decisions[0].reason;
    assert_eq!(&**reason, "true [0, 60000, 120000] 2");
}

#[test]
fn the_others_stay_as_they_are_and_one_that_waits_for_its_restart_is_started_when_it_is_due() {
    let policy = always(0);
    let names = ["runs", "waits", "given-up", "down"];
    let specs = names.map(|name| process(name, &policy)).into();
    let mut down = failed("down", Phase::Stopped, 1, BEGIN - HOUR / 10);
    down.desired = Desired::Down;
    let states = vec![
        failed("runs", Phase::Running { pid: 7 }, 1, BEGIN - MINUTE),
        failed("waits", Phase::Backoff { until: moment(BEGIN + 5 * SECOND) }, 1, BEGIN - MINUTE),
        failed("given-up", Phase::Fatal, 2, BEGIN - MINUTE),
        down,
    ];
    let course = course(&begun(specs, states));
    let phases: Vec<PhaseKind> = course.tracks.iter().map(|track| track.phase).collect();
    assert_eq!(phases, [PhaseKind::Running, PhaseKind::Running, PhaseKind::Fatal, PhaseKind::Stopped]);
    assert_eq!(course.decisions, 0);
    let begun: Vec<Vec<u64>> = names.map(|name| starts(&course, name)).into();
    assert_eq!(begun, [vec![], vec![BEGIN + 5 * SECOND], vec![], vec![]]);
}
