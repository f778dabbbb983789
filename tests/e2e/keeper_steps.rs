//! The keeper is killed at steps: those between it and its host, and those that it takes itself between an order and its report,
//! such as between the fork and the word about it. There is one copy of each process, and one decision for each end.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use provost_tests::{Ends, Host, Setup, eventually, is_alive};
use rustix::process::Signal;

use crate::PROVOST;
use crate::keeper::lives;
use crate::lost_keeper::until_copied;
use crate::steps::{STEPS_OF_AN_END, Story};

/// The calls of the keeper from the end of a child to the word that the next one runs.
const CALLS: [[&str; 3]; 12] = [
    // The end is seen, and told.
    ["enters", "sendmsg", "1"],
    ["leaves", "sendmsg", "1"],
    // The order to start the next one has come, and the child is there.
    ["enters", "pipe2", "1"],
    ["enters", "clone", "1"],
    ["leaves", "clone", "1"],
    // The order to forget the former one has come, and is carried out.
    ["enters", "wait4", "1"],
    ["leaves", "wait4", "1"],
    // Both are answered, at the latest when the program runs.
    ["leaves", "sendmsg", "2"],
    ["enters", "sendmsg", "3"],
    ["leaves", "sendmsg", "3"],
    // The keeper reports that the program of the child runs.
    ["enters", "sendmsg", "4"],
    ["leaves", "sendmsg", "4"],
];

/// The number of stories that are told at once: a keeper that is killed is followed by another one after a pause.
const AT_ONCE: usize = 4;

/// Tells a story of its own about each part of the steps, at the same time, with this end.
fn in_parts<T: Sync>(steps: &[T], tell: impl Fn(&mut Story, &T) + Sync, end: impl Fn(Story) + Sync) {
    std::thread::scope(|scope| {
        for part in steps.chunks(steps.len().div_ceil(AT_ONCE)) {
            let (tell, end) = (&tell, &end);
            scope.spawn(move || {
                let mut story = Story::begin_with_mortal_keepers();
                part.iter().for_each(|step| tell(&mut story, step));
                end(story);
            });
        }
    });
}

#[test]
fn a_keeper_that_is_killed_at_any_step_of_its_host_is_followed_by_one_copy_and_one_decision() {
    let tell = |story: &mut Story, step: &&str| {
        let former = story.host_pid();
        story.end_at(&format!("{step}\nkeeper"));
        story.end_web();
        story.until_another(former, step);
        story.check_next_life(step);
    };
    in_parts(&STEPS_OF_AN_END, tell, Story::end);
}

#[test]
fn a_keeper_that_is_killed_at_any_step_of_its_own_is_followed_by_one_copy_and_one_decision() {
    if !may_trace() {
        println!("skipped: this needs python3 and the right to trace processes");
        return;
    }
    let tell = |story: &mut Story, call: &[&str; 3]| {
        let step = call.join(" ");
        let former = story.host_pid();
        let keeper = story.keeper().unwrap().pid;
        let (_tracer, mut said) = traced(keeper, call);
        assert_eq!(said.next().unwrap().unwrap(), "armed", "{step}");
        story.end_web();
        assert_eq!(said.next().unwrap().unwrap(), "killed", "{step}");
        story.until_another(former, &step);
        story.check_next_life(&step);
    };
    in_parts(&CALLS, tell, Story::end);
}

/// Has the keeper killed at this call of its loop.
fn traced(keeper: u32, call: &[&str]) -> (Ends, impl Iterator<Item = std::io::Result<String>>) {
    let mut command = Command::new("python3");
    command.args(["-c", include_str!("at_syscall.py"), &keeper.to_string(), "loop"]).args(call);
    let mut tracer = Ends(command.stdout(Stdio::piped()).spawn().unwrap());
    let said = BufReader::new(tracer.0.stdout.take().unwrap()).lines();
    (tracer, said)
}

/// Whether there is Python, and processes may be traced.
fn may_trace() -> bool {
    let mut sleeps = Ends(Command::new("sleep").arg("1000").spawn().unwrap());
    let mut command = Command::new("python3");
    command.args(["-c", include_str!("at_syscall.py"), &sleeps.0.id().to_string(), "sleep"]);
    let tried = command.args(["enters", "pipe2", "1"]).stdout(Stdio::piped()).spawn();
    assert!(tried.is_ok() || std::env::var_os("PROVOST_GATE").is_none(), "python3 is missing");
    let may = tried.is_ok_and(|tracer| {
        let mut tracer = Ends(tracer);
        let mut said = BufReader::new(tracer.0.stdout.take().unwrap()).lines();
        said.next().is_some_and(|line| line.unwrap() == "armed")
    });
    let _ = sleeps.0.kill();
    may
}

#[test]
fn a_keeper_that_is_killed_as_its_host_leaves_for_an_upgrade_is_replaced() {
    let setup = Setup::new(PROVOST, "[host]\nkeeper = true\n[process.web]\ncommand = \"exec sleep 1000\"\n");
    let step = setup.dir().join("step");
    let host = setup.up_with(&[("FAILPOINTS", &format!("host.step=return({})", step.display()))]);
    host.until_phase("web", "running");
    for at in ["keeper.before Some(Leave)", "keeper.sent Some(Leave)", "leaving.answered Leave"] {
        let before = host.status();
        let former = before["host"]["pid"].as_u64().unwrap();
        std::fs::write(&step, format!("{at}\nkeeper")).unwrap();
        // It is refused, or the next host has the former program.
        let _ = host.run(&["upgrade"]);
        let status = host.setup().until_another_host(former);
        assert_eq!(
            lives(&status),
            lives(&before),
            "{at}: {}\n{}",
            host.setup().host_log(),
            host.run(&["explain", "web"]).stdout
        );
        eventually("the former host has ended", || is_alive(former), |alive| !alive);
    }
    host.ok(&["down"]);
}

/// Kills both at a step, and asks for another host.
fn both_killed(story: &Story, step: &str) {
    until_copied(&story.host, 2);
    let (former, keeper) = (story.host_pid(), story.keeper().unwrap().pid);
    story.end_at(&format!("{step}\nboth"));
    story.end_web();
    let are_alive = || is_alive(former) || is_alive(keeper.into());
    eventually(&format!("both are gone at `{step}`"), are_alive, |alive| !alive);
    story.up_again();
}

#[test]
fn after_both_were_killed_at_any_step_there_is_one_copy_and_the_next_life() {
    let tell = |story: &mut Story, step: &&str| {
        both_killed(story, step);
        story.incarnation += 1;
        let next = story.incarnation;
        story.host.until("web", &format!("lives again after `{step}`"), |web| {
            web["incarnation"] == next && web["phase"] == "running" && web["ready"] == true
        });
        story.check_lives(step);
    };
    // The copy of what was written down may be a moment behind, so the journal may tell of a decision or a start twice.
    in_parts(&STEPS_OF_AN_END, tell, |story| drop(story.host.ok(&["down"])));
}

#[test]
fn what_a_host_answers_after_its_keeper_was_killed_as_it_attached_is_not_forgotten() {
    let story = Story::begin_with_mortal_keepers();
    let former = story.host_pid();
    // The next host has not given the keeper its own stash then.
    story.end_at("keeper.before Some(Stash)\nkeeper");
    Host::kill(&former.into(), Signal::KILL);
    let second = story.until_another(former, "the first stash")["host"]["pid"].as_u64().unwrap();
    let stop = || story.host.run(&["stop", "web", "--wait"]).code;
    // It leaves for another keeper after a moment.
    eventually("it is answered", stop, |code| *code == 0);
    story.until_another(second, "another keeper");
    let web = story.host.process("web");
    assert_eq!((&web["phase"], &web["desired"]), (&"stopped".into(), &"down".into()), "{web}");
    story.host.ok(&["down"]);
}
