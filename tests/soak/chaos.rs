//! Random disturbances other than orders and faults: kills, stalling clients, plugin changes, changes of the backend, signals,
//! a terminal that nobody reads.

use std::sync::atomic::Ordering;

use rustix::process::{Resource, Rlimit, Signal, getrlimit};
use serde_json::json;

use crate::plugins;
use crate::shared::Soak;
use crate::stalls::Stalls;
use provost_tests::runs::Control;
use provost_tests::runs::Random;
use provost_tests::runs::pause;

/// Causes random disturbances until the soak is over.
pub(crate) fn work(soak: &Soak) {
    let mut random = Random::of(soak.seed, "chaos");
    let mut control = Control::new(&soak.machine.socket);
    let mut stalls = Stalls::default();
    while !soak.is_over() {
        pause(random.between(20, 200));
        match random.below(20) {
            0..=9 => crash(soak, &mut random),
            10..=13 => stalls.one_more(soak, &mut random),
            14..=15 => plugins::change(soak, &mut random),
            16..=17 => backend(soak, &mut random, &mut control),
            18 if random.below(2) == 0 => starve(soak, &mut random),
            18 => screen(soak, &mut random),
            _ => suspend(soak, &mut random),
        }
    }
    soak.machine.screen_stalls.store(false, Ordering::Relaxed);
}

/// Sends SIGKILL to random processes of the host and their descendants, including those that have left their groups.
fn crash(soak: &Soak, random: &mut Random) {
    let pids: Vec<u32> = soak.machine.marked().into_keys().collect();
    if pids.is_empty() {
        return;
    }
    for _ in 0..random.between(1, 4) {
        soak.tally.add("crash");
        soak.machine.kill(*random.pick(&pids), Signal::KILL);
    }
}

fn backend(soak: &Soak, random: &mut Random, control: &mut Control) {
    soak.tally.add("backend");
    let change = match random.below(4) {
        0 => json!({ "backend": "locked" }),
        1 => json!({ "backend": "dual" }),
        2 => json!({ "rollout": random.below(101) }),
        _ => json!({ "backend": "atomic" }),
    };
    match control.post("/v1/state", &change) {
        Ok((200, _)) => {}
        other => soak.problems.add(format!("the backend could not be changed to {change}: {other:?}")),
    }
}

/// Stops or resumes the reading of the host's standard output.
fn screen(soak: &Soak, random: &mut Random) {
    soak.tally.add("screen stalls");
    soak.machine.screen_stalls.store(random.below(2) == 0, Ordering::Relaxed);
}

/// Leaves the host short of descriptors for a moment.
fn starve(soak: &Soak, random: &mut Random) {
    soak.tally.add("no descriptors");
    let open = u64::try_from(soak.machine.usage().files).unwrap();
    let maximum = getrlimit(Resource::Nofile).maximum;
    let before = soak.machine.limit_files(Rlimit { current: Some(open + random.below(6)), maximum });
    pause(random.between(50, 600));
    before.and_then(|before| soak.machine.limit_files(before));
}

/// Suspends the host for a moment, or sends it a signal that it must ignore.
fn suspend(soak: &Soak, random: &mut Random) {
    soak.tally.add("host signal");
    if random.below(3) == 0 {
        soak.machine.signal_host(Signal::STOP);
        pause(random.between(10, 300));
        soak.machine.signal_host(Signal::CONT);
        return;
    }
    // These signals once ended the host.
    let signal = *random.pick(&[Signal::USR1, Signal::USR2, Signal::ALARM, Signal::WINCH, Signal::URG]);
    soak.machine.signal_host(signal);
}
