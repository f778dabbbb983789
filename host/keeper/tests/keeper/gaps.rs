//! Between two hosts: what ends and what is written meanwhile.

use std::fs;

use provost_keeper::protocol::{HostEnding, Order, Report, Scope, SlotState, Stream};
use rustix::io::Errno;
use rustix::process::Signal;

use crate::rig::{Rig, Script, eventually, id, kill, read_all, read_output, state_of};

#[test]
fn an_exit_between_two_hosts_is_told_with_its_code_and_its_time() {
    let rig = Rig::start(&[]);
    let mut host = rig.host();
    host.hello();
    let fifo = rig.fifo();
    let pid = host.spawn(id(1), &Script::new(&format!("read x <{}; exit 7", fifo.display())));
    let slot = host.wait_for_held(id(1));
    kill(host.pid, Signal::STOP);
    let stopped = host.pid;
    fs::write(&fifo, "x\n").unwrap();
    eventually("it has ended", || state_of(pid) == Some('Z'));
    kill(stopped, Signal::KILL);
    let mut host = rig.host();
    let (welcome, held, _) = host.hello();
    assert_eq!((welcome.hosts, welcome.last.why, welcome.last.status), (2, HostEnding::Died, 9));
    assert_eq!(held.len(), 1);
    let end = held[0].held.end.unwrap();
    assert_eq!(end.status, Some(7 << 8));
    assert!(end.ended_at >= slot.held.started_at && end.ended_at <= welcome.last.ended_at);
    assert_eq!(held[0].held.started_at, slot.held.started_at);
    // It is told until it is forgotten.
    host.kill();
    let mut host = rig.host();
    assert_eq!(host.hello().1[0].held.end, Some(end));
    assert_eq!(host.ask(&Order::Forget { id: id(1) }, &[]).0, 0);
    host.kill();
    assert!(rig.host().hello().1.is_empty());
}

#[test]
fn a_zombie_whose_group_is_not_empty_keeps_its_number_without_a_host() {
    let rig = Rig::start_as("lend", &[], |_| {});
    let mut host = rig.host();
    host.hello();
    let pid = host.spawn(id(1), &Script::new("sleep 1000 >/dev/null 2>&1 & echo $!"));
    let slot = host.wait_for_held(id(1));
    let member: u32 = read_output(slot.output.unwrap()).trim().parse().unwrap();
    host.wait_for_end(id(1));
    // Five deaths: no host for as long as the test wants.
    host.kill();
    for _ in 0..4 {
        rig.host().kill();
    }
    eventually("the host stays down", || rig.ask(false).0.state == provost_keeper::protocol::HostState::Down);
    assert_eq!(rig.ask(false).1[0].1.state, SlotState::Ended);
    assert_eq!(state_of(pid), Some('Z'));
    kill(member, Signal::KILL);
    eventually("it is reaped", || rig.ask(false).1[0].1.state == SlotState::Reaped);
    assert_eq!(state_of(pid), None);
    assert_eq!(rig.ask(false).1[0].1.end.unwrap().status, Some(0));
}

#[test]
fn sigkill_comes_at_the_promised_time_although_the_host_that_promised_it_is_dead() {
    let rig = Rig::start(&[]);
    let mut host = rig.host();
    let (welcome, ..) = host.hello();
    host.spawn(id(1), &Script::new("trap '' TERM; echo; while :; do sleep 1; done"));
    let slot = host.wait_for_held(id(1));
    eventually("it runs", || rustix::io::ioctl_fionread(slot.output.as_ref().unwrap()).unwrap() > 0);
    let kill_at = welcome.now + 1;
    let stop = Order::Signal { id: id(1), number: 15, scope: Scope::Group, kill_at };
    assert_eq!(host.ask(&stop, &[]).0, 0);
    assert_eq!(host.ask(&Order::Sync, &[]).0, 0);
    assert_eq!(rig.ask(false).1[0].1.state, SlotState::Running, "with a host it is the host's");
    assert_eq!(rig.ask(false).1[0].1.kill_at, kill_at);
    host.kill();
    let mut host = rig.host();
    let (_, held, _) = host.hello();
    let end = held[0].held.end.unwrap_or_else(|| host.wait_for_end(id(1)));
    assert_eq!(end.status, Some(9));
}

#[test]
fn what_is_written_without_a_host_is_in_the_gap_file_and_the_rest_in_the_pipe() {
    let rig = Rig::start(&[]);
    let gap = rig.dir.path().join("web.gap");
    let mut host = rig.host();
    host.hello();
    let (go, done) = (rig.fifo(), rig.dir.path().join("done"));
    let script = format!(
        "echo first; read x <{0}; seq 1 50000; echo x >{1}; read x <{0}; echo last",
        go.display(),
        done.display()
    );
    host.spawn(id(1), &Script::new(&script).with_gap(&gap));
    let slot = host.wait_for_held(id(1));
    eventually("it writes", || rustix::io::ioctl_fionread(slot.output.as_ref().unwrap()).unwrap() > 0);
    assert!(!gap.exists(), "a host is there");
    let mut first = [0; 64];
    assert_eq!(rustix::io::read(slot.output.as_ref().unwrap(), &mut first).unwrap(), 6);
    drop(slot);
    // The next host does not attach until the output is out.
    host.kill();
    let mut host = rig.host();
    fs::write(&go, "x\n").unwrap();
    eventually("it has written all", || done.exists());
    let (_, mut held, _) = host.hello();
    let bytes = held[0].held.gaps[0].bytes;
    let expected: String = (1..=50_000).map(|number| format!("{number}\n")).collect();
    fs::write(&go, "x\n").unwrap();
    host.wait_for_end(id(1));
    let file = held[0].output_gap.as_ref().unwrap();
    let moved = String::from_utf8(read_all(file)).unwrap();
    assert_eq!(moved.len() as u64, bytes);
    // The keeper's copy of the reading end is still open: the pipe ends with its writers.
    let rest = read_output(held[0].output.take().unwrap());
    assert_eq!(moved + &rest, expected + "last\n");
    // Framed in two steps.
    let framed = |bytes| Order::Framed { id: id(1), stream: Stream::Output, bytes };
    assert_eq!(host.ask(&framed(bytes + 1), &[]).0, Errno::INVAL.raw_os_error());
    assert_eq!(host.ask(&framed(5), &[]).0, 0);
    assert_eq!(rig.ask(false).1[0].1.gaps[0].framed, 5);
    fs::remove_file(&gap).unwrap();
    assert_eq!(host.ask(&framed(bytes), &[]).0, 0);
    host.kill();
    let mut host = rig.host();
    let (_, held, _) = host.hello();
    assert_eq!(held[0].held.gaps[0].framed, held[0].held.gaps[0].bytes);
    assert!(held[0].output_gap.is_none());
}

#[test]
fn fifty_kills_of_the_host_in_a_flood_lose_no_line_and_double_none() {
    let rig = Rig::start_as("collect", &["--stubborn"], |_| {});
    let dir = rig.dir.path();
    let read = |name: &str, number: usize| fs::read_to_string(dir.join(format!("{name}.{number}"))).ok();
    let mut last = 0;
    for number in 1..=50 {
        eventually("the next host collects", || {
            let length = fs::metadata(dir.join(format!("log.{number}"))).map(|file| file.len());
            length.is_ok_and(|length| length > 0)
        });
        last = number;
        let pid: u32 = read("pid", number).unwrap().parse().unwrap();
        kill(pid, Signal::KILL);
    }
    // The last one lives: the process is stopped, and everything that it has written is collected.
    last += 1;
    eventually("the last host collects", || read("pid", last).is_some());
    let (_, held) = rig.ask(false);
    let writer = held[0].1.pid;
    kill(writer, Signal::KILL);
    eventually("it has ended", || state_of(writer) == Some('Z'));
    let log_length = || fs::metadata(dir.join(format!("log.{last}"))).map(|file| file.len()).unwrap_or(0);
    let mut length = u64::MAX;
    eventually("everything is collected", || {
        let now = log_length();
        std::thread::park_timeout(std::time::Duration::from_millis(200));
        std::mem::replace(&mut length, log_length()) == now && length == now
    });
    let gap = fs::read(dir.join("gap")).unwrap_or_default();
    let (mut text, mut from) = (Vec::new(), 0);
    for number in 1..=last {
        let Some(mark) = read("mark", number) else { continue };
        let mark: usize = mark.parse().unwrap();
        text.extend_from_slice(&gap[from..mark]);
        from = mark;
        text.extend_from_slice(&fs::read(dir.join(format!("log.{number}"))).unwrap_or_default());
    }
    let text = String::from_utf8(text).unwrap();
    let mut lines = text.split('\n').collect::<Vec<_>>();
    // What was being written when it was killed.
    lines.pop();
    assert!(lines.len() > 1_000);
    for (at, line) in lines.iter().enumerate() {
        assert_eq!(*line, (at + 1).to_string(), "line {at}");
    }
    assert!(from > 0, "something was written into the gaps");
}

#[test]
fn a_stop_in_progress_and_its_time_are_told_to_the_next_host() {
    let rig = Rig::start(&[]);
    let mut host = rig.host();
    let (welcome, ..) = host.hello();
    host.spawn(id(1), &Script::new("trap '' TERM; echo; while :; do sleep 1; done"));
    let slot = host.wait_for_held(id(1));
    eventually("it listens", || rustix::io::ioctl_fionread(slot.output.as_ref().unwrap()).unwrap() > 0);
    let kill_at = welcome.now + 3_600_000_000_000;
    let stop = Order::Signal { id: id(1), number: 15, scope: Scope::Group, kill_at };
    assert_eq!(host.ask(&stop, &[]).0, 0);
    host.kill();
    let mut host = rig.host();
    let (_, held, _) = host.hello();
    assert_eq!((held[0].held.kill_at, held[0].held.state), (kill_at, SlotState::Running));
    assert!(!matches!(host.try_receive(), Some((_, Report::Ended { .. }, _))));
}
