//! Made-up worlds, triggers and histories of deaths, as strategies of [`proptest`].
//!
//! ```
//! use provost_guest::testing::strategies::{self, proptest};
//! use proptest::test_runner::TestRunner;
//!
//! // Any end is a failure, unless it is the exit code 0.
//! TestRunner::default()
//!     .run(&strategies::failure(), |exit| {
//!         assert_ne!(exit, provost_guest::Exit::Code(0));
//!         Ok(())
//!     })
//!     .unwrap();
//! ```

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::ops::Range;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;

use super::{MadeUpWorld, process as process_in};
use crate::{
    Cause, Death, Demand, Desired, Ended, Exit, Health, Observation, Phase, Plan, ProcessState, Removal,
    Sample, Usage,
};

pub use proptest;

/// A time of the wall clock after which nothing overflows: 2001-09-09, in milliseconds since the Unix epoch.
const EPOCH_MS: u64 = 1_000_000_000_000;
/// The longest life or pause of a history, in milliseconds: a month.
const LONGEST_MS: u64 = 30 * 86_400_000;
/// The longest history of deaths: that which the host remembers.
const DEATHS_MAX: usize = 100;
/// The longest history of a process that a trigger is not about.
const OTHERS_DEATHS_MAX: usize = 4;

/// Exit codes that programs and shells often use, and that policies name.
const USUAL: [i32; 10] = [1, 2, 64, 75, 78, 126, 127, 137, 143, 255];
/// How long a life is that ends a streak of failures, in milliseconds.
const STREAK_ENDS_MS: u64 = 60_000;

/// Returns any number of a range, one in five times the least: a first question or an empty set is where policies err, and among all
/// numbers it would be rare.
fn often_least<T: Clone + Debug + 'static>(range: Range<T>) -> impl Strategy<Value = T>
where
    Range<T>: Strategy<Value = T>,
{
    prop_oneof![1 => Just(range.start.clone()), 4 => range]
}

/// Returns any name of a process.
///
/// ```
/// # use provost_guest::testing::strategies::{self, proptest::test_runner::TestRunner};
/// # TestRunner::default().run(&strategies::name(), |name| {
/// assert!(!name.is_empty());
/// # Ok(()) }).unwrap();
/// ```
pub fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        select(&["web", "db", "web.1", "web.2", "ünïcode", "worker-7"][..]).prop_map(str::to_owned),
        any::<u16>().prop_map(|number| format!("process-{number}")),
    ]
}

/// Returns any group, or none.
fn group() -> impl Strategy<Value = String> {
    select(&["", "site", "jobs"][..]).prop_map(str::to_owned)
}

/// Returns any end that is a failure, of each kind that the contract has.
///
/// ```
/// # use provost_guest::testing::strategies::{self, proptest::test_runner::TestRunner};
/// # TestRunner::default().run(&strategies::failure(), |exit| {
/// assert_ne!(exit, provost_guest::Exit::Code(0));
/// # Ok(()) }).unwrap();
/// ```
pub fn failure() -> impl Strategy<Value = Exit> {
    prop_oneof![
        4 => select(&USUAL[..]).prop_map(Exit::Code),
        4 => (1..=255).prop_map(Exit::Code),
        4 => (1..=64).prop_map(Exit::Signal),
        1 => Just(Exit::NotSpawned("no such file".to_owned())),
        1 => Just(Exit::NotReady("no answer in 10 s".to_owned())),
        1 => Just(Exit::Unobserved),
        1 => Just(Exit::Other("a kind of a newer contract".to_owned())),
    ]
}

/// Returns any end of a process.
///
/// ```
/// # use provost_guest::testing::strategies::{self, proptest::test_runner::TestRunner};
/// # TestRunner::default().run(&strategies::exit(), |exit| {
/// assert!(!exit.to_string().is_empty());
/// # Ok(()) }).unwrap();
/// ```
pub fn exit() -> impl Strategy<Value = Exit> {
    prop_oneof![1 => Just(Exit::Code(0)), 4 => failure()]
}

/// Returns any history of deaths of one process, newest first, and the time of the newest: lives and pauses follow one another
/// without overlap.
///
/// ```
/// # use provost_guest::testing::strategies::{self, proptest::test_runner::TestRunner};
/// # TestRunner::default().run(&strategies::deaths(), |deaths| {
/// assert!(deaths.windows(2).all(|pair| pair[0].at - pair[0].uptime >= pair[1].at));
/// # Ok(()) }).unwrap();
/// ```
pub fn deaths() -> impl Strategy<Value = Vec<Death>> {
    history(DEATHS_MAX)
}

/// Returns any history of at most this number of deaths; some are streaks of short lives that all end in the same way.
fn history(deaths_max: usize) -> impl Strategy<Value = Vec<Death>> {
    let short_or_long = || prop_oneof![3 => 0..5_000_u64, 1 => 0..LONGEST_MS];
    let mixed = vec((exit(), short_or_long(), short_or_long()), 0..=deaths_max);
    let times = vec((0..5_000_u64, 0..5_000_u64), deaths_max);
    let streak = (failure(), times).prop_map(|(exit, times)| {
        times.into_iter().map(|(pause, uptime)| (exit.clone(), pause, uptime)).collect()
    });
    prop_oneof![4 => mixed, 1 => streak].prop_map(|lives: Vec<_>| {
        let mut at = EPOCH_MS;
        let mut deaths = Vec::with_capacity(lives.len());
        for (incarnation, (exit, pause, uptime)) in (1..).zip(lives) {
            at += pause + uptime;
            deaths.push(Death { incarnation, exit, at, uptime });
        }
        deaths.reverse();
        deaths
    })
}

/// Returns any state of a process of this name: its figures do not contradict its phase.
///
/// ```
/// # use provost_guest::{Phase, testing::strategies::{self, proptest::test_runner::TestRunner}};
/// # TestRunner::default().run(&strategies::process("web"), |process| {
/// assert_eq!(process.pid.is_some(), matches!(process.phase, Phase::Starting | Phase::Running | Phase::Stopping));
/// # Ok(()) }).unwrap();
/// ```
pub fn process(name: &str) -> impl Strategy<Value = ProcessState> + use<> {
    process_in_one_of(name, &Phase::ALL)
}

/// Returns any state of a process of this name in one of these phases.
fn process_in_one_of(name: &str, phases: &'static [Phase]) -> impl Strategy<Value = ProcessState> + use<> {
    let name = name.to_owned();
    let health = select(&[Health::Unknown, Health::Healthy, Health::Degraded, Health::Unhealthy][..]);
    let figures = (1..1_000_u64, 1..10_000_u64, 0..1_000_u64, 0..200_u32, option::of(exit()));
    (select(phases), group(), health, figures).prop_map(move |(phase, group, health, figures)| {
        let (incarnation, generation, restarts, failures, exit) = figures;
        let has_child = matches!(phase, Phase::Starting | Phase::Running | Phase::Stopping);
        ProcessState {
            group,
            incarnation,
            version: generation,
            generation,
            desired: if phase == Phase::Stopped { Desired::Down } else { Desired::Up },
            pid: has_child.then_some(1_000 + u32::try_from(incarnation).unwrap_or_default()),
            ready: phase == Phase::Running,
            health: if phase == Phase::Running { health } else { Health::Unknown },
            exit: exit.filter(|_| !has_child),
            restarts,
            failures,
            started_at: Some(EPOCH_MS),
            ended_at: (!has_child).then_some(EPOCH_MS + 1),
            ..process_in(&name, phase)
        }
    })
}

/// Returns any world of up to eight processes, with their deaths, and with processes that were removed.
///
/// ```
/// # use provost_guest::{World, testing::strategies::{self, proptest::test_runner::TestRunner}};
/// # TestRunner::default().run(&strategies::world(), |world| {
/// assert!(world.processes.iter().all(|process| process.generation <= world.generation()));
/// # Ok(()) }).unwrap();
/// ```
pub fn world() -> impl Strategy<Value = MadeUpWorld> {
    let member = name().prop_flat_map(|name| (process(&name), history(OTHERS_DEATHS_MAX)));
    (vec(member, 0..8), vec(name(), 0..3)).prop_map(|(members, removed)| {
        let mut world = MadeUpWorld::default();
        let mut names = BTreeSet::new();
        for (process, deaths) in members {
            if names.insert(process.name.clone()) {
                world.generation = world.generation.max(process.generation);
                world.deaths.insert(process.name.clone(), deaths);
                world.processes.push(process);
            }
        }
        for name in removed {
            world.generation += 1;
            world.removals.push(Removal { name, generation: world.generation });
        }
        world
    })
}

/// Returns the world with this process in it, instead of one that has its name.
fn with(mut world: MadeUpWorld, process: ProcessState) -> MadeUpWorld {
    world.generation = world.generation.max(process.generation);
    match world.processes.iter_mut().find(|other| other.name == process.name) {
        Some(other) => *other = process,
        None => world.processes.push(process),
    }
    world
}

/// Returns the newest time of a world: nothing has happened in it later.
fn now(world: &MadeUpWorld) -> u64 {
    let newest = world.deaths.values().filter_map(|deaths| Some(deaths.first()?.at));
    newest.max().unwrap_or(EPOCH_MS)
}

/// Returns any end of a process, and the world in which it has just ended: the end is its newest death. The failures in a row are those
/// that a host would count, some of them more than it remembers.
///
/// ```
/// # use provost_guest::{World, testing::strategies::{self, proptest::test_runner::TestRunner}};
/// # TestRunner::default().run(&strategies::ended(), |(ended, world)| {
/// assert_eq!(world.deaths(&ended.name, 1)[0].exit, ended.exit);
/// # Ok(()) }).unwrap();
/// ```
pub fn ended() -> impl Strategy<Value = (Ended, MadeUpWorld)> {
    let forgotten = prop_oneof![any::<u8>().prop_map(u32::from), any::<u32>()];
    let uptime = prop_oneof![often_least(0..5_000_u64), 0..LONGEST_MS];
    let life = (exit(), uptime, any::<bool>(), any::<u64>(), forgotten);
    let state = name().prop_flat_map(|name| process(&name));
    (state, deaths(), world(), life).prop_map(|(state, mut deaths, mut world, life)| {
        let (own, uptime, was_ready, seed, forgotten) = life;
        // A streak goes on as it has begun.
        let exit = match deaths.first() {
            Some(death) if deaths.len() == DEATHS_MAX => death.exit.clone(),
            _ => own,
        };
        let before = deaths.first().map_or(EPOCH_MS, |death| death.at);
        let at = now(&world).max(before) + uptime;
        deaths.insert(0, Death { incarnation: state.incarnation, exit: exit.clone(), at, uptime });
        deaths.truncate(DEATHS_MAX);
        let counted = streak(&deaths);
        let failures =
            if counted as usize == DEATHS_MAX { counted.saturating_add(forgotten) } else { counted };
        let ended = Ended {
            name: state.name.clone(),
            group: state.group.clone(),
            incarnation: state.incarnation,
            exit: exit.clone(),
            uptime,
            was_ready,
            failures,
            restarts: state.restarts,
            now: at,
            seed,
        };
        world.deaths.insert(state.name.clone(), deaths);
        let state = ProcessState {
            phase: Phase::Exited,
            pid: None,
            ready: false,
            exit: Some(exit),
            failures: ended.failures,
            ended_at: Some(at),
            ..state
        };
        (ended, with(world, state))
    })
}

/// Returns the number of failures in a row of a process with these deaths: a success ends them, and so does a life of at least a minute.
fn streak(deaths: &[Death]) -> u32 {
    let mut count = 0;
    for death in deaths.iter().take_while(|death| death.exit != Exit::Code(0)) {
        count += 1;
        if death.uptime >= STREAK_ENDS_MS {
            break;
        }
    }
    count
}

/// Returns any plan to start a process, and the world in which it waits.
///
/// ```
/// # use provost_guest::{Phase, World, testing::strategies::{self, proptest::test_runner::TestRunner}};
/// # TestRunner::default().run(&strategies::plan(), |(plan, world)| {
/// let process = world.get(&plan.name).unwrap();
/// assert!(matches!(process.phase, Phase::Waiting | Phase::Backoff));
/// # Ok(()) }).unwrap();
/// ```
pub fn plan() -> impl Strategy<Value = (Plan, MadeUpWorld)> {
    let cause = select(vec![Cause::Boot, Cause::User, Cause::Policy, Cause::Dependency, Cause::Schedule]);
    (in_one_of(&BEFORE), cause, often_least(0..LONGEST_MS), any::<u64>()).prop_map(
        |((state, world), cause, waited, seed)| {
            let plan = Plan {
                name: state.name,
                group: state.group,
                incarnation: state.incarnation,
                cause,
                waited,
                failures: state.failures,
                now: now(&world),
                seed,
            };
            (plan, world)
        },
    )
}

/// The phases of a process that is to be started.
const BEFORE: [Phase; 2] = [Phase::Waiting, Phase::Backoff];
/// The phases of a process that is checked, or whose use of resources is read.
const ALIVE: [Phase; 2] = [Phase::Starting, Phase::Running];

/// Returns a process in one of these phases, and a world that contains it.
fn in_one_of(phases: &'static [Phase]) -> impl Strategy<Value = (ProcessState, MadeUpWorld)> {
    let state = name().prop_flat_map(move |name| process_in_one_of(&name, phases));
    (state, world()).prop_map(|(state, world)| (state.clone(), with(world, state)))
}

/// Returns any result of a check, and the world with the process that was checked.
///
/// ```
/// # use provost_guest::{World, testing::strategies::{self, proptest::test_runner::TestRunner}};
/// # TestRunner::default().run(&strategies::observation(), |(observation, world)| {
/// assert!(observation.in_a_row >= 1 && world.get(&observation.name).unwrap().pid.is_some());
/// # Ok(()) }).unwrap();
/// ```
pub fn observation() -> impl Strategy<Value = (Observation, MadeUpWorld)> {
    let (in_a_row, took) = (often_least(1..1_000_u32), often_least(0..60_000_u64));
    let result = (any::<bool>(), in_a_row, took, often_least(0..LONGEST_MS), any::<u64>());
    (in_one_of(&ALIVE), result).prop_map(|((state, world), (passed, in_a_row, took, uptime, seed))| {
        let observation = Observation {
            name: state.name,
            group: state.group,
            incarnation: state.incarnation,
            passed,
            detail: if passed { String::new() } else { "connection refused".to_owned() },
            took,
            in_a_row,
            before: state.health,
            uptime,
            now: now(&world) + uptime,
            seed,
        };
        (observation, world)
    })
}

/// Returns any question about the number of replicas, and a world.
///
/// ```
/// # use provost_guest::testing::strategies::{self, proptest::test_runner::TestRunner};
/// # TestRunner::default().run(&strategies::demand(), |(demand, _world)| {
/// assert!((demand.least..=demand.most).contains(&demand.wanted));
/// # Ok(()) }).unwrap();
/// ```
pub fn demand() -> impl Strategy<Value = (Demand, MadeUpWorld)> {
    let (least, more) = (often_least(0..10_u32), often_least(0..90_u32));
    let numbers = (least, more, any::<u32>(), often_least(0..100_u32), any::<u64>());
    (in_one_of(&Phase::ALL), numbers).prop_map(|((state, world), (least, more, wanted, running, seed))| {
        let demand = Demand {
            name: state.name,
            group: state.group,
            wanted: least + wanted % (more + 1),
            running,
            least,
            most: least + more,
            now: now(&world),
            seed,
        };
        (demand, world)
    })
}

/// Returns any use of resources.
fn usage() -> impl Strategy<Value = Usage> {
    let processor = (any::<u32>(), often_least(0..100_000_u32));
    let memory = (0..1_u64 << 40, option::of(0..1_u64 << 40));
    (processor, memory, option::of(any::<u16>()), 1..1_000_u32).prop_map(
        |(processor, memory, fds, threads)| Usage {
            at: EPOCH_MS,
            cpu: u64::from(processor.0),
            cpu_millis: processor.1,
            rss_bytes: memory.0,
            pss_bytes: memory.1,
            fds: fds.map(u32::from),
            threads,
            members: 1,
        },
    )
}

/// Returns any sample of what a process uses with up to 60 former ones, and the world with the process.
///
/// ```
/// # use provost_guest::testing::strategies::{self, proptest::test_runner::TestRunner};
/// # TestRunner::default().run(&strategies::sample(), |(sample, _world)| {
/// assert!(sample.former.len() <= 60);
/// # Ok(()) }).unwrap();
/// ```
pub fn sample() -> impl Strategy<Value = (Sample, MadeUpWorld)> {
    let usages = often_least(1..62_usize).prop_flat_map(|count| vec(usage(), count));
    let used = (usages, often_least(0..LONGEST_MS), any::<u64>());
    (in_one_of(&ALIVE), used).prop_map(|((state, world), (mut usages, uptime, seed))| {
        let now = now(&world) + uptime;
        for (age, usage) in (0_u64..).zip(&mut usages) {
            usage.at = now - age * 5_000;
        }
        let usage = usages.remove(0);
        let sample = Sample {
            name: state.name,
            group: state.group,
            incarnation: state.incarnation,
            usage,
            former: usages,
            uptime,
            now,
            seed,
        };
        (sample, world)
    })
}

#[cfg(test)]
mod tests {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    use super::*;

    /// Asserts that some of the cases that an invariant tries have this.
    fn occurs<T: Debug>(cases: &impl Strategy<Value = T>, what: &str, has: impl Fn(&T) -> bool) {
        let mut runner = TestRunner::default();
        let mut found = (0..256).map(|_| cases.new_tree(&mut runner).expect("there are cases").current());
        assert!(found.any(|case| has(&case)), "no case has {what}");
    }

    #[test]
    fn the_first_question_and_the_empty_set_are_among_the_cases() {
        occurs(&ended(), "no life", |(ended, _)| ended.uptime == 0);
        occurs(&plan(), "no wait", |(plan, _)| plan.waited == 0);
        occurs(&observation(), "a first result", |(seen, _)| seen.in_a_row == 1);
        occurs(&observation(), "an answer at once", |(seen, _)| seen.took == 0);
        occurs(&observation(), "a new process", |(seen, _)| seen.uptime == 0);
        occurs(&demand(), "no replica that runs", |(demand, _)| demand.running == 0);
        occurs(&demand(), "no choice", |(demand, _)| demand.least == demand.most);
        occurs(&sample(), "a first sample", |(sample, _)| sample.former.is_empty());
        occurs(&sample(), "no CPU", |(sample, _)| sample.usage.cpu_millis == 0);
        occurs(&sample(), "a new process", |(sample, _)| sample.uptime == 0);
    }
}
