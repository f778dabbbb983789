//! The host as a child of the keeper: restarted, kept down, asked for; signals, leaving, the stash; the end of everything.

use std::fs;
use std::os::unix::fs::MetadataExt;

use provost_keeper::protocol::{
    Ending, HostEnding, HostState, Leave, Order, Report, STASHES_MAX, Scope, SlotState, Versions,
};
use rustix::fs::MemfdFlags;
use rustix::io::Errno;
use rustix::process::Signal;

use crate::rig::{Rig, Script, eventually, id, kill, read_all, state_of};

#[test]
fn a_host_that_dies_five_times_stays_down_everything_goes_on_and_the_keeper_says_so() {
    let rig = Rig::start(&[]);
    let mut host = rig.host();
    host.hello();
    let pid = host.spawn(id(1), &Script::new("sleep 1000"));
    host.wait_for_held(id(1));
    host.kill();
    for _ in 0..4 {
        rig.host().kill();
    }
    eventually("the host stays down", || rig.ask(false).0.state == HostState::Down);
    let (welcome, held) = rig.ask(false);
    assert_eq!((welcome.hosts, welcome.deaths, welcome.last.why), (5, 5, HostEnding::Died));
    assert_eq!((held[0].0, held[0].1.state, held[0].1.pid), (id(1), SlotState::Running, pid));
    assert!(state_of(pid).is_some_and(|state| state != 'Z'));
    // Somebody asks for one.
    rig.ask(true);
    let mut host = rig.host();
    let (welcome, held, _) = host.hello();
    assert_eq!((welcome.deaths, held.len()), (0, 1));
}

#[test]
fn a_host_that_cannot_attach_stays_down_as_well() {
    let rig = Rig::start_as("die", &[], |_| {});
    eventually("the host stays down", || rig.ask(false).0.state == HostState::Down);
    let (welcome, _) = rig.ask(false);
    assert_eq!((welcome.hosts, welcome.last.why, welcome.last.status), (5, HostEnding::Died, 3 << 8));
}

#[test]
fn a_host_without_a_common_version_is_told_so() {
    let rig = Rig::start(&[]);
    let mut host = rig.host();
    let versions = Versions { lowest: 200, highest: 201 };
    let seq = host.send(&Order::Hello { versions, build: b"later" }, &[]);
    let (head, report, _) = host.receive();
    assert_eq!((head.seq, report), (seq, Report::Unsupported { versions: Versions::OURS }));
}

#[test]
fn a_later_host_is_spoken_to_in_the_highest_version_that_both_know_and_told_what_the_keeper_speaks() {
    let rig = Rig::start(&[]);
    let mut host = rig.host();
    let versions = Versions { lowest: 1, highest: Versions::OURS.highest + 1 };
    host.send(&Order::Hello { versions, build: b"later" }, &[]);
    let (head, report, _) = host.receive();
    let Report::Welcome(welcome) = report else { panic!("{report:?}") };
    assert_eq!((head.version, welcome.speaks), (Versions::OURS.highest, Some(Versions::OURS)));
    assert_eq!(host.ask(&Order::Sync, &[]).0, 0);
}

#[test]
fn a_host_that_breaks_the_protocol_is_killed_and_the_next_one_is_told() {
    let rig = Rig::start(&[]);
    let mut host = rig.host();
    // Nothing comes before `HELLO`.
    host.send(&Order::Sync, &[]);
    let (welcome, ..) = rig.host().hello();
    assert_eq!((welcome.last.why, welcome.last.status), (HostEnding::Faulty, 9));
}

#[test]
fn a_signal_before_the_host_attaches_waits_for_it_and_its_code_is_that_of_the_keeper() {
    let mut rig = Rig::start(&[]);
    let mut host = rig.host();
    rig.signal(Signal::TERM);
    rig.signal(Signal::HUP);
    host.hello();
    for wanted in [15, 1] {
        host.wait(|_, report| (*report == Report::Signalled { number: wanted }).then_some(()));
    }
    host.leave(Leave::Finish { code: 7 });
    assert_eq!(rig.ended().code(), Some(7));
}

#[test]
fn without_a_host_the_keeper_ends_everything_from_the_highest_rank_to_the_lowest() {
    let mut rig = Rig::start(&[]);
    let mut host = rig.host();
    host.hello();
    let log = rig.dir.path().join("order");
    let mut pids = Vec::new();
    for (slot, rank) in [(1, 10), (2, 30), (3, 20)] {
        let script = format!(
            "trap 'sleep 0.2; echo {rank} >>{0}; exit 0' TERM; echo >{0}.{slot}; while :; do sleep 0.05; done",
            log.display()
        );
        let mut script = Script::new(&script);
        script.ending = Ending { rank, signal: 15, scope: Scope::Main, grace_ms: 60_000 };
        pids.push(host.spawn(id(slot), &script));
        eventually("it listens", || fs::exists(format!("{}.{slot}", log.display())).unwrap());
    }
    let stubborn = Script::new("trap '' TERM; while :; do sleep 1; done");
    pids.push(host.spawn(id(4), &stubborn));
    host.wait_for_held(id(4));
    // This one would have a minute.
    let ending = Ending { rank: 5, signal: 15, scope: Scope::Group, grace_ms: 100 };
    assert_eq!(host.ask(&Order::Amend { id: id(4), ending }, &[]).0, 0);
    rig.signal(Signal::TERM);
    host.wait(|_, report| (*report == Report::Signalled { number: 15 }).then_some(()));
    host.kill();
    assert_eq!(rig.ended().code(), Some(0));
    assert_eq!(fs::read_to_string(&log).unwrap(), "30\n20\n10\n");
    assert!(pids.iter().all(|pid| state_of(*pid).is_none()));
}

#[test]
fn what_is_written_until_the_end_of_everything_is_in_the_gap_file() {
    let mut rig = Rig::start(&[]);
    let gap = rig.dir.path().join("gap");
    let mut host = rig.host();
    host.hello();
    let ready = rig.dir.path().join("ready");
    let script =
        format!("trap 'seq 1 30000; exit 0' TERM; echo >{}; while :; do sleep 0.05; done", ready.display());
    let mut script = Script::new(&script).with_gap(&gap);
    script.ending.scope = Scope::Main;
    host.spawn(id(1), &script);
    eventually("it listens", || ready.exists());
    host.wait_for_held(id(1));
    rig.signal(Signal::TERM);
    host.wait(|_, report| matches!(report, Report::Signalled { .. }).then_some(()));
    host.kill();
    assert_eq!(rig.ended().code(), Some(0));
    let expected: String = (1..=30_000).map(|number| format!("{number}\n")).collect();
    assert_eq!(fs::read_to_string(&gap).unwrap(), expected);
}

#[test]
fn a_host_that_ends_with_reports_unread_loses_none_of_its_orders() {
    let rig = Rig::start(&[]);
    let mut host = rig.host();
    host.hello();
    // An answer that nobody reads.
    host.send(&Order::Sync, &[]);
    eventually("it is answered", || host.is_readable());
    let keeper = rig.pid();
    kill(keeper, Signal::STOP);
    eventually("the keeper is stopped", || state_of(keeper) == Some('T'));
    let memfd = rustix::fs::memfd_create("stash", MemfdFlags::CLOEXEC).unwrap();
    host.send(&Order::Stash { key: 5, generation: 1 }, &[&memfd]);
    host.send(&Order::Leave(Leave::Replace { deadline_ms: 60_000 }), &[]);
    let pid = host.pid;
    host.kill();
    eventually("the host has ended", || state_of(pid).is_none_or(|state| state == 'Z'));
    rig.signal(Signal::CONT);
    let (welcome, _, stashed) = rig.host().hello();
    assert_eq!((welcome.last.why, welcome.deaths), (HostEnding::Left, 0));
    assert_eq!(stashed.iter().map(|(key, generation, _)| (*key, *generation)).collect::<Vec<_>>(), [(5, 1)]);
}

#[test]
fn the_socket_is_made_again_if_it_was_removed_and_goes_with_the_keeper() {
    let mut rig = Rig::start(&[]);
    let path = rig.dir.path().join("keeper");
    let mut host = rig.host();
    host.hello();
    rig.ask(false);
    fs::remove_file(&path).unwrap();
    host.kill();
    let mut host = rig.host();
    assert_eq!(rig.ask(false).0.hosts, 2);
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    host.hello();
    host.leave(Leave::Finish { code: 0 });
    assert_eq!(rig.ended().code(), Some(0));
    assert!(!path.exists());
}

#[test]
fn the_socket_is_made_again_while_there_is_no_host() {
    let rig = Rig::start_as("die", &[], |_| {});
    eventually("the host stays down", || rig.ask(false).0.state == HostState::Down);
    let path = rig.dir.path().join("keeper");
    for _ in 0..2 {
        fs::remove_file(&path).unwrap();
        eventually("there is a socket again", || path.exists());
        assert_eq!(rig.ask(false).0.hosts, 5);
    }
    // With its directory, as a cleaner of temporary files does.
    let aside = rig.dir.path().with_extension("aside");
    fs::rename(rig.dir.path(), &aside).unwrap();
    fs::remove_file(aside.join("keeper")).unwrap();
    fs::rename(&aside, rig.dir.path()).unwrap();
    eventually("there is a socket again", || path.exists());
    assert_eq!(rig.ask(false).0.hosts, 5);
}

#[test]
fn a_socket_that_somebody_else_has_put_there_is_left() {
    let mut rig = Rig::start(&[]);
    let path = rig.dir.path().join("keeper");
    let mut host = rig.host();
    host.hello();
    fs::remove_file(&path).unwrap();
    fs::write(&path, "another").unwrap();
    host.leave(Leave::Finish { code: 0 });
    assert_eq!(rig.ended().code(), Some(0));
    assert_eq!(fs::read_to_string(&path).unwrap(), "another");
}

#[test]
fn the_stash_of_a_host_is_there_for_the_next_one() {
    let rig = Rig::start(&[]);
    let mut host = rig.host();
    host.hello();
    let memfd = |text: &str| {
        let memfd = rustix::fs::memfd_create("stash", MemfdFlags::CLOEXEC).unwrap();
        rustix::io::write(&memfd, text.as_bytes()).unwrap();
        memfd
    };
    for (key, generation, text) in [(1, 1, "old"), (2, 1, "two"), (1, 2, "new"), (3, 1, "three")] {
        assert_eq!(host.ask(&Order::Stash { key, generation }, &[&memfd(text)]).0, 0);
    }
    assert_eq!(host.ask(&Order::Stash { key: 3, generation: 0 }, &[]).0, 0, "dropped");
    for key in 10..8 + u32::try_from(STASHES_MAX).unwrap() {
        assert_eq!(host.ask(&Order::Stash { key, generation: 0 }, &[&memfd("")]).0, 0);
    }
    let full = host.ask(&Order::Stash { key: 100_000, generation: 0 }, &[&memfd("")]);
    assert_eq!(full.0, Errno::NOSPC.raw_os_error());
    host.kill();
    let (welcome, _, stashed) = rig.host().hello();
    assert_eq!(welcome.stashed as usize, STASHES_MAX);
    let told: Vec<_> = stashed[..2].iter().map(|(key, number, fd)| (*key, *number, read_all(fd))).collect();
    assert_eq!(told, [(1, 2, b"new".to_vec()), (2, 1, b"two".to_vec())]);
}

#[test]
fn a_replacement_is_no_death_and_its_program_is_rolled_back_if_it_does_not_settle() {
    let rig = Rig::start(&[]);
    let mut host = rig.host();
    host.hello();
    host.leave(Leave::Replace { deadline_ms: 60_000 });
    let mut host = rig.host();
    let (welcome, ..) = host.hello();
    assert_eq!((welcome.last.why, welcome.deaths), (HostEnding::Left, 0));
    // A program that ends at once.
    let program = rustix::fs::open("/bin/true", rustix::fs::OFlags::PATH, rustix::fs::Mode::empty()).unwrap();
    let leave = Order::Leave(Leave::Replace { deadline_ms: 60_000 });
    assert_eq!(host.ask(&leave, &[&program]).0, 0);
    host.kill();
    let mut host = rig.host();
    let (welcome, ..) = host.hello();
    assert_eq!((welcome.last.why, welcome.hosts), (HostEnding::RolledBack, 4));
    assert_eq!(host.ask(&Order::Settled, &[]).0, 0);
}

#[test]
fn an_idle_keeper_uses_no_time_and_little_memory() {
    let rig = Rig::start(&[]);
    let mut host = rig.host();
    host.hello();
    for slot in 0..20 {
        host.spawn(id(slot), &Script::new("exec sleep 1000"));
        host.wait_for_held(id(slot));
    }
    let ticks = || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", rig.pid())).unwrap();
        // User and system time.
        let fields = stat.rsplit_once(") ").unwrap().1.split(' ').skip(11).take(2);
        fields.map(|field| field.parse::<u64>().unwrap()).sum::<u64>()
    };
    let switches = || {
        let tasks = fs::read_dir(format!("/proc/{}/task", rig.pid())).unwrap();
        let of = |task: fs::DirEntry| {
            let status = fs::read_to_string(task.path().join("status")).unwrap();
            let line = status.lines().find(|line| line.starts_with("voluntary_ctxt")).unwrap();
            line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
        };
        tasks.map(|task| of(task.unwrap())).sum::<u64>()
    };
    host.ask(&Order::Sync, &[]);
    let (before, at_first) = (switches(), ticks());
    std::thread::park_timeout(std::time::Duration::from_secs(2));
    // One ping at most.
    assert!(switches() - before <= 6, "it wakes up without a reason: {}", switches() - before);
    assert!(ticks() - at_first <= 1);
}
