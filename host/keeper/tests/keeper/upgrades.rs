//! Another program in the place of the keeper: the process, its children and what it holds stay.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use provost_keeper::TABLE_VERSIONS;
use provost_keeper::protocol::{Leave, Order, Report, STASHES_MAX, SlotState, Versions};
use rustix::fs::{MemfdFlags, Mode, OFlags};
use rustix::io::Errno;
use rustix::process::Signal;

use crate::memory::own_kib;
use crate::rig::{Rig, Script, eventually, id, kill, read_all, read_output, state_of};

const UPGRADE: Order<'static> = Order::Upgrade { tables: Some(TABLE_VERSIONS) };

fn open(path: &std::path::Path) -> std::os::fd::OwnedFd {
    rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).unwrap()
}

/// Copies the program of the keeper, so that it can be seen which one runs.
fn next_program(rig: &Rig, name: &str) -> std::path::PathBuf {
    let path = rig.dir.path().join(name);
    fs::copy(env!("CARGO_BIN_EXE_provost-keeper"), &path).unwrap();
    path
}

fn runs(rig: &Rig) -> std::path::PathBuf {
    fs::read_link(format!("/proc/{}/exe", rig.pid())).unwrap()
}

#[test]
fn a_new_program_goes_on_with_the_process_the_children_and_what_is_held() {
    let mut rig = Rig::start(&[]);
    let mut host = rig.host();
    host.hello();
    let before = host.spawn(id(1), &Script::new("exec sleep 1000"));
    host.spawn(id(2), &Script::new("exit 3"));
    let lasting = host.spawn(id(3), &Script::new("exec sleep 1000"));
    for slot in 1..=3 {
        host.wait_for_held(id(slot));
    }
    assert_eq!(host.wait_for_end(id(2)).status, Some(3 << 8));
    let memfd = rustix::fs::memfd_create("stash", MemfdFlags::CLOEXEC).unwrap();
    rustix::io::write(&memfd, b"kept").unwrap();
    assert_eq!(host.ask(&Order::Stash { key: 1, generation: 4 }, &[&memfd]).0, 0);
    for name in ["second", "third"] {
        let program = next_program(&rig, name);
        assert_eq!(host.ask(&UPGRADE, &[&open(&program)]).0, 0);
        assert_eq!(runs(&rig), program);
        assert_eq!(host.ask(&Order::Sync, &[]).0, 0, "the connection goes on");
    }
    // One that it has not started ends: its status is known, and it is a zombie until it is reaped.
    kill(before, Signal::KILL);
    assert_eq!(host.wait_for_end(id(1)).status, Some(9));
    assert_eq!(state_of(before), Some('Z'));
    assert_eq!(host.ask(&Order::Forget { id: id(1) }, &[]).0, 0);
    assert_eq!(state_of(before), None);
    // An end that was told before is not told again, and is still held.
    let (welcome, held) = rig.ask(false);
    assert_eq!((welcome.keeper_pid, welcome.held), (rig.pid(), 2));
    assert!(held.iter().any(|(slot, held)| *slot == id(2) && held.state == SlotState::Ended));
    // One that it has started itself.
    host.spawn(id(4), &Script::new("echo out; exit 5"));
    let slot = host.wait_for_held(id(4));
    assert_eq!(host.wait_for_end(id(4)).status, Some(5 << 8));
    assert_eq!(read_output(slot.output.unwrap()), "out\n");
    // Orphans are reaped, and the elders are not.
    let orphan = rig.dir.path().join("orphan");
    let script = format!(
        "(setsid sh -c 'echo $$ >{0}.new; mv {0}.new {0}; sleep 0.2' &) ; exec sleep 1000",
        orphan.display()
    );
    host.spawn(id(5), &Script::new(&script));
    host.wait_for_held(id(5));
    eventually("there is an orphan", || orphan.exists());
    let orphan: u32 = fs::read_to_string(orphan).unwrap().trim().parse().unwrap();
    eventually("it is reaped", || state_of(orphan).is_none());
    // The next host finds everything.
    host.kill();
    let (welcome, held, stashed) = rig.host().hello();
    assert_eq!((welcome.hosts, welcome.held), (2, 4));
    assert!(held.iter().any(|slot| slot.held.pid == lasting && slot.held.state == SlotState::Running));
    assert_eq!(
        stashed.iter().map(|(key, number, fd)| (*key, *number, read_all(fd))).collect::<Vec<_>>(),
        [(1, 4, b"kept".to_vec())]
    );
    rig.signal(Signal::TERM);
    assert!(rig.ended().code().is_some());
    assert_eq!(state_of(lasting), None);
}

/// Signals that are passed on to the host and ask for nothing.
const PASSED_ON: [Signal; 13] = [
    Signal::QUIT,
    Signal::TRAP,
    Signal::ABORT,
    Signal::USR1,
    Signal::USR2,
    Signal::ALARM,
    Signal::STKFLT,
    Signal::XCPU,
    Signal::XFSZ,
    Signal::VTALARM,
    Signal::PROF,
    Signal::IO,
    Signal::POWER,
];

#[test]
fn no_signal_and_no_orphan_is_lost_while_another_program_takes_the_place() {
    const ROUNDS: usize = 40;
    const ORPHANS: u64 = 1_000;
    let rig = Rig::start(&[]);
    let mut host = rig.host();
    host.hello();
    let go = rig.fifo();
    let orphans =
        format!("read x <{}; i=0; while [ $i -lt {ORPHANS} ]; do (: &); i=$((i+1)); done", go.display());
    host.spawn(id(1), &Script::new(&orphans));
    host.wait_for_held(id(1));
    let programs = ["second", "third"].map(|name| open(&next_program(&rig, name)));
    fs::write(&go, "go\n").unwrap();
    for round in 0..ROUNDS {
        let seq = host.send(&UPGRADE, &[&programs[round % 2]]);
        for signal in PASSED_ON {
            rig.signal(signal);
        }
        let (errno, _) = host.wait(|head, report| match report {
            Report::Done { errno, .. } if head.seq == seq => Some(*errno),
            _ => None,
        });
        assert_eq!(errno, 0);
        for signal in PASSED_ON {
            let number = signal.as_raw();
            host.wait(|_, report| (*report == Report::Signalled { number }).then_some(()));
        }
    }
    assert_eq!(host.wait_for_end(id(1)).status, Some(0));
    host.wait(|_, report| matches!(report, Report::Orphans { count: ORPHANS, .. }).then_some(()));
}

#[test]
fn a_full_stash_goes_on_and_costs_little_memory() {
    let rig = Rig::start(&[]);
    let mut host = rig.host();
    host.hello();
    let before = own_kib(rig.pid());
    for key in 0..u32::try_from(STASHES_MAX).unwrap() {
        let memfd = rustix::fs::memfd_create("stash", MemfdFlags::CLOEXEC).unwrap();
        rustix::io::write(&memfd, &key.to_le_bytes()).unwrap();
        assert_eq!(host.ask(&Order::Stash { key, generation: 0 }, &[&memfd]).0, 0);
    }
    let full = own_kib(rig.pid());
    assert!(full < 1_024, "{before} KiB, then {full} KiB");
    let program = next_program(&rig, "next");
    assert_eq!(host.ask(&UPGRADE, &[&open(&program)]).0, 0);
    assert_eq!(runs(&rig), program);
    let after = own_kib(rig.pid());
    assert!(after < 1_024, "{full} KiB, then {after} KiB");
    host.kill();
    let stashed = rig.host().hello().2;
    assert_eq!(stashed.len(), STASHES_MAX);
    assert!(stashed.iter().all(|(key, _, fd)| read_all(fd) == key.to_le_bytes()));
}

#[test]
fn a_program_that_cannot_be_executed_or_reads_no_such_table_changes_nothing() {
    let rig = Rig::start(&[]);
    let mut host = rig.host();
    host.hello();
    let pid = host.spawn(id(1), &Script::new("exec sleep 1000"));
    host.wait_for_held(id(1));
    let program = runs(&rig);
    let next = open(&next_program(&rig, "next"));
    let text = rig.dir.path().join("text");
    fs::write(&text, "no program").unwrap();
    fs::set_permissions(&text, fs::Permissions::from_mode(0o755)).unwrap();
    let beyond = TABLE_VERSIONS.highest + 1;
    let newer = Some(Versions { lowest: beyond, highest: beyond + 1 });
    assert_eq!(host.ask(&UPGRADE, &[]).0, Errno::BADF.raw_os_error());
    assert_eq!(host.ask(&UPGRADE, &[&open(&text)]).0, Errno::NOEXEC.raw_os_error());
    for tables in [None, newer] {
        let refused = host.ask(&Order::Upgrade { tables }, &[&next]).0;
        assert_eq!(refused, Errno::PROTONOSUPPORT.raw_os_error());
    }
    assert_eq!(runs(&rig), program);
    // A newer program reads older tables, too.
    let both = Some(Versions { lowest: TABLE_VERSIONS.lowest, highest: beyond });
    assert_eq!(host.ask(&Order::Upgrade { tables: both }, &[&next]).0, 0);
    assert_ne!(runs(&rig), program);
    kill(pid, Signal::KILL);
    assert_eq!(host.wait_for_end(id(1)).status, Some(9));
}

#[test]
fn a_program_on_trial_replaces_nothing() {
    let rig = Rig::start(&[]);
    let mut host = rig.host();
    host.hello();
    let program = open(&std::env::current_exe().unwrap());
    let leave = Order::Leave(Leave::Replace { deadline_ms: 60_000 });
    assert_eq!(host.ask(&leave, &[&program]).0, 0);
    host.kill();
    let mut host = rig.host();
    host.hello();
    let busy = Errno::BUSY.raw_os_error();
    assert_eq!(host.ask(&leave, &[&program]).0, busy);
    assert_eq!(host.ask(&UPGRADE, &[&open(&next_program(&rig, "next"))]).0, busy);
    assert_eq!(host.ask(&Order::Settled, &[]).0, 0);
    assert_eq!(host.ask(&UPGRADE, &[&open(&next_program(&rig, "other"))]).0, 0);
    assert_eq!(host.ask(&leave, &[&program]).0, 0);
}
