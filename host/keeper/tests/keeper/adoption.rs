//! A keeper that was killed: the host hands everything to a new one.

use std::fs;

use provost_keeper::protocol::{Descriptors, Order, Scope, SlotState};
use rustix::process::Signal;

use crate::rig::{Host, Rig, Script, eventually, id, kill, path_of, read_all, read_output, state_of};

#[test]
fn a_new_keeper_goes_on_with_what_a_host_hands_to_it() {
    let first = Rig::start(&[]);
    let gap = first.dir.path().join("gap");
    let mut host = first.host();
    host.hello();
    let script = "trap 'echo asked; exit 0' TERM; echo first; while :; do sleep 0.05; done";
    let pid = host.spawn(id(1), &Script::new(script).with_gap(&gap));
    let slot = host.wait_for_held(id(1));
    let output = slot.output.as_ref().unwrap();
    eventually("it listens", || rustix::io::ioctl_fionread(output).unwrap() > 0);
    let host_pid = host.pid;
    first.signal(Signal::KILL);
    eventually("the keeper is gone", || state_of(first.pid()).is_none_or(|state| state == 'Z'));
    assert!(state_of(pid).is_some_and(|state| state != 'Z'), "it lives on");

    let second = Rig::start(&[]);
    let mut next = second.host();
    next.hello();
    let held = slot.held;
    let gap_path = path_of(&gap);
    let gap_files = [Some(gap_path.as_c_str()), None];
    let adopt = |id, held| Order::Adopt { id, held, gap_files, is_terminal: false };
    let handed = [slot.pidfd.as_ref().unwrap(), output, slot.error.as_ref().unwrap()];
    assert_eq!(held.descriptors.count(), handed.len());
    assert_eq!(next.ask(&adopt(id(1), held), &handed).0, 0);
    let without = provost_keeper::protocol::Held { descriptors: Descriptors::default(), ..held };
    assert_ne!(next.ask(&adopt(id(2), without), &[]).0, 0, "without a pidfd nothing can be watched");
    // The new keeper holds it: the next host finds it, and what was written meanwhile.
    next.kill();
    let mut next = second.host();
    eventually("it was moved", || fs::read_to_string(&gap).is_ok_and(|text| text == "first\n"));
    let (_, mut found, _) = next.hello();
    assert_eq!((found[0].held.pid, found[0].held.started_at), (pid, held.started_at));
    assert_eq!(found[0].held.state, SlotState::Running);
    assert_eq!(read_all(found[0].output_gap.as_ref().unwrap()), b"first\n");
    let stop = Order::Signal { id: id(1), number: 15, scope: Scope::Group, kill_at: 0 };
    assert_eq!(next.ask(&stop, &[]).0, 0);
    assert_eq!(next.wait_for_end(id(1)).status, None, "its parent knows, and this keeper is not");
    drop(slot);
    assert_eq!(read_output(found[0].output.take().unwrap()), "asked\n");
    assert_eq!(next.ask(&Order::Forget { id: id(1) }, &[]).0, 0);
    kill(host_pid, Signal::KILL);
}

#[test]
fn a_keeper_that_is_handed_only_a_part_ends_and_touches_nothing() {
    let first = Rig::start(&[]);
    let mut host = first.host();
    host.hello();
    let pid = host.spawn(id(1), &Script::new("exec sleep 1000"));
    let slot = host.wait_for_held(id(1));
    let (ours, theirs) = provost_keeper::socket::pair().unwrap();
    let mut second = Rig::start_as("die", &["--handed", "--open-files", "512"], |command| {
        command.stdin(theirs);
    });
    let mut former = Host::new(ours);
    let (welcome, held, _) = former.hello();
    assert_eq!((welcome.keeper_pid, held.len()), (second.pid(), 0));
    let handed = [slot.pidfd.as_ref().unwrap(), slot.output.as_ref().unwrap(), slot.error.as_ref().unwrap()];
    let adopt = Order::Adopt { id: id(1), held: slot.held, gap_files: [None, None], is_terminal: false };
    assert_eq!(former.ask(&adopt, &handed).0, 0);
    drop(former);
    assert_eq!(second.ended().code(), Some(1));
    assert!(state_of(pid).is_some_and(|state| state != 'Z'), "it lives on");
    let (welcome, held) = first.ask(false);
    assert_eq!((welcome.hosts, held.len()), (1, 1), "the first keeper still holds it");
}
