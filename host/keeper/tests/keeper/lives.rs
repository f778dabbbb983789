//! The life of a process: started, signalled, ended, reaped, forgotten; refused; hanging in its exec.

use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;

use provost_keeper::protocol::{Descriptors, OWN_PID, Order, Output, Report, Scope, SlotState, Spec, Stage};
use rustix::fs::{MemfdFlags, SealFlags};
use rustix::io::Errno;
use rustix::process::Signal;

use crate::rig::{Rig, Script, eventually, id, kill, path_of, read_output, state_of};

const SRCH: i32 = Errno::SRCH.raw_os_error();
/// `F_SETSIG` of fcntl(2): which signal asks for a lease.
const SET_SIGNAL: i32 = 10;
const NOENT: i32 = Errno::NOENT.raw_os_error();

fn signal(slot: u32, number: i32) -> Order<'static> {
    Order::Signal { id: id(slot), number, scope: Scope::Group, kill_at: 0 }
}

#[test]
fn a_process_keeps_its_number_from_its_start_until_it_is_reaped() {
    let rig = Rig::start(&[]);
    let mut host = rig.host();
    assert!(host.hello().1.is_empty());
    let pid = host.spawn(id(1), &Script::new("echo out; echo err >&2; exit 7"));
    let slot = host.wait_for_held(id(1));
    assert_eq!((slot.held.pid, slot.held.descriptors.count()), (pid, 3));
    let end = host.wait_for_end(id(1));
    assert_eq!(end.status, Some(7 << 8));
    assert!(end.ended_at >= slot.held.started_at);
    assert_eq!(read_output(slot.output.unwrap()), "out\n");
    assert_eq!(read_output(slot.error.unwrap()), "err\n");
    assert_eq!(state_of(pid), Some('Z'));
    assert_eq!(host.ask(&signal(1, 0), &[]).0, 0, "the number is still its own");
    assert_eq!(host.ask(&Order::Reap { id: id(1) }, &[]).0, 0);
    assert_eq!(state_of(pid), None);
    assert_eq!(host.ask(&signal(1, 0), &[]).0, SRCH);
    assert_eq!(host.ask(&Order::Forget { id: id(1) }, &[]).0, 0);
    assert_eq!(host.ask(&Order::Forget { id: id(1) }, &[]).0, SRCH, "it is forgotten");
}

#[test]
fn an_id_that_is_held_cannot_be_given_again_and_a_living_process_cannot_be_forgotten() {
    let rig = Rig::start(&[]);
    let mut host = rig.host();
    host.hello();
    let script = Script::new("sleep 1000");
    let pid = host.spawn(id(1), &script);
    let again = host.ask(&Order::Spawn { id: id(1), spec: script.spec() }, &[]);
    assert_eq!(again.0, Errno::EXIST.raw_os_error());
    assert_eq!(host.ask(&Order::Forget { id: id(1) }, &[]).0, Errno::BUSY.raw_os_error());
    assert_eq!(host.ask(&signal(2, 15), &[]).0, SRCH, "a stale id names nothing");
    host.wait_for_held(id(1));
    assert_eq!(host.ask(&signal(1, 15), &[]).0, 0);
    assert_eq!(host.wait_for_end(id(1)).status, Some(15));
    assert_eq!(state_of(pid), Some('Z'));
}

#[test]
fn a_program_that_cannot_be_run_is_refused_with_the_step_that_failed() {
    let rig = Rig::start(&[]);
    let mut host = rig.host();
    host.hello();
    let mut no_directory = Script::new("true");
    no_directory.directory = Some(path_of(&rig.dir.path().join("none")));
    let no_program = Script::program(&rig.dir.path().join("none"));
    for (slot, script, stage) in [(1, no_directory, Stage::Directory), (2, no_program, Stage::Exec)] {
        let pid = host.spawn(id(slot), &script);
        let (refusal, _) = host.wait(|_, report| match report {
            Report::Refused { id: refused, refusal } if *refused == id(slot) => Some(*refusal),
            _ => None,
        });
        assert_eq!((refusal.stage, refusal.errno), (stage, NOENT));
        assert_eq!(state_of(pid), None, "it is reaped");
        assert_eq!(host.ask(&Order::Forget { id: id(slot) }, &[]).0, 0);
    }
}

#[test]
fn an_exec_that_hangs_keeps_nobody_waiting_and_can_be_killed() {
    let rig = Rig::start(&[]);
    let mut host = rig.host();
    host.hello();
    let program = rig.dir.path().join("leased");
    fs::copy("/bin/true", &program).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let file = fs::File::open(&program).unwrap();
    // An exec waits until the lease is given back.
    let leased = || {
        #[expect(unsafe_code, reason = "rustix has no leases")]
        // SAFETY: a call by numbers. The signal that asks for the lease is ignored by default.
        unsafe {
            libc::fcntl(file.as_raw_fd(), SET_SIGNAL, libc::SIGURG);
            libc::fcntl(file.as_raw_fd(), libc::F_SETLEASE, libc::F_WRLCK) == 0
        }
    };
    // A child that another test has just forked may have the copy open for writing until its exec.
    eventually("the lease is taken", leased);
    let hanging = host.spawn(id(1), &Script::program(&program));
    host.spawn(id(2), &Script::new("exit 0"));
    assert_eq!(host.wait_for_end(id(2)).status, Some(0));
    assert!(state_of(hanging).is_some_and(|state| state != 'Z'), "it hangs");
    eventually("what hangs keeps nothing of the keeper open", || {
        fs::read_dir(format!("/proc/{hanging}/fd")).unwrap().count() <= 5
    });
    assert_eq!(host.ask(&signal(1, 9), &[]).0, 0);
    assert_eq!(host.wait_for_end(id(1)).status, Some(9));
}

#[test]
fn a_process_has_its_own_session_no_blocked_or_ignored_signals_and_the_limits_of_the_starter() {
    let limited = |command: &mut std::process::Command| {
        #[expect(unsafe_code, reason = "the limit of the keeper is set before its exec")]
        // SAFETY: setrlimit and signal may be called between fork and exec.
        unsafe {
            command.pre_exec(|| {
                let limit = libc::rlimit { rlim_cur: 123, rlim_max: 456 };
                libc::signal(libc::SIGCHLD, libc::SIG_IGN);
                if libc::setrlimit(libc::RLIMIT_NOFILE, &limit) == 0 {
                    Ok(())
                } else {
                    Err(std::io::Error::last_os_error())
                }
            });
        }
    };
    let rig = Rig::start_as("lend", &[], limited);
    let mut host = rig.host();
    host.hello();
    let script = "ulimit -Sn; ulimit -Hn; cat /proc/self/oom_score_adj; ls /proc/self/fd | tr '\\n' ' '; \
                  grep -E 'Sig(Blk|Ign)' /proc/self/status; ps -o sid= -p $$ | tr -d ' '";
    let pid = host.spawn(id(1), &Script::new(script));
    let output = read_output(host.wait_for_held(id(1)).output.unwrap());
    let score = fs::read_to_string("/proc/self/oom_score_adj").unwrap();
    // Number 3 is the folder that `ls` reads.
    let expected =
        format!("123\n456\n{score}0 1 2 3 SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n{pid}\n");
    assert_eq!(output, expected);
    assert_eq!(
        host.wait_for_end(id(1)).status,
        Some(0),
        "a starter that ignores the ends of children changes nothing"
    );
    let limits = fs::read_to_string(format!("/proc/{}/limits", rig.pid())).unwrap();
    let limit = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert_eq!(limit.split_whitespace().nth(3), Some("456"), "the keeper has raised its own");
}

#[test]
fn a_variable_that_asks_for_it_has_the_process_id_of_the_child() {
    let rig = Rig::start(&[]);
    let mut host = rig.host();
    host.hello();
    let variable = [b"LISTEN_PID=", OWN_PID].concat();
    let long = [&[b'N'; 21], b"=".as_slice(), OWN_PID].concat();
    for slot in 0..2 {
        let mut script = Script::new("echo $LISTEN_PID $$ $OTHER $NNNNNNNNNNNNNNNNNNNNN");
        (script.output, script.error) = (Output::Given, Output::Null);
        let script = script.variable(variable.clone()).variable("OTHER=x").variable(long.clone());
        let out = rustix::fs::memfd_create("out", MemfdFlags::CLOEXEC).unwrap();
        let order = Order::Spawn { id: id(slot), spec: script.spec() };
        let (errno, pid) = host.ask(&order, &[&out]);
        assert_eq!(errno, 0);
        host.wait_for_end(id(slot));
        // A name that is too long is left out.
        assert_eq!(crate::rig::read_all(&out), format!("{pid} {pid} x\n").into_bytes());
    }
}

#[test]
fn descriptors_are_passed_on_and_none_is_left_behind() {
    let rig = Rig::start(&[]);
    let mut host = rig.host();
    host.hello();
    host.ask(&Order::Sync, &[]);
    let before = rig.descriptors();
    for slot in 0..30 {
        let files: Vec<OwnedFd> =
            (0..2).map(|_| rustix::fs::memfd_create("given", MemfdFlags::CLOEXEC).unwrap()).collect();
        let mut script = Script::new("echo out; echo three >&3; echo four >&4");
        script.output = Output::Given;
        script.error = Output::Same;
        script.files = 2;
        let out = rustix::fs::memfd_create("out", MemfdFlags::CLOEXEC).unwrap();
        let order = Order::Spawn { id: id(slot), spec: script.spec() };
        assert_eq!(host.ask(&order, &[&out, &files[0], &files[1]]).0, 0);
        let held = host.wait_for_held(id(slot));
        assert_eq!(held.held.descriptors, Descriptors::PIDFD);
        assert_eq!(host.wait_for_end(id(slot)).status, Some(0));
        let texts = [&out, &files[0], &files[1]].map(crate::rig::read_all);
        assert_eq!(texts, [b"out\n".to_vec(), b"three\n".to_vec(), b"four\n".to_vec()]);
        assert_eq!(host.ask(&Order::Forget { id: id(slot) }, &[]).0, 0);
        let piped = host.spawn(id(1_000 + slot), &Script::new("exit 0"));
        host.wait_for_end(id(1_000 + slot));
        assert_eq!(host.ask(&Order::Forget { id: id(1_000 + slot) }, &[]).0, 0);
        assert_eq!(state_of(piped), None);
    }
    assert_eq!(rig.descriptors(), before);
}

#[test]
fn a_spec_that_is_too_long_for_a_message_comes_in_a_sealed_memfd() {
    let rig = Rig::start(&[]);
    let mut host = rig.host();
    host.hello();
    let script = Script::new("echo ${#LONG}").variable(format!("LONG={}", "x".repeat(100_000)));
    let mut buffer = vec![0; 200_000];
    let spec = script.spec().encode(&mut buffer).unwrap();
    let length = u32::try_from(spec.len()).unwrap();
    assert!(Spec::decode(spec).is_ok());
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let memfd = rustix::fs::memfd_create("spec", flags).unwrap();
    rustix::io::write(&memfd, spec).unwrap();
    let order = Order::SpawnLarge { id: id(1), length };
    assert_eq!(host.ask(&order, &[&memfd]).0, Errno::INVAL.raw_os_error(), "it could still be changed");
    rustix::fs::fcntl_add_seals(&memfd, SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW).unwrap();
    assert_eq!(host.ask(&order, &[&memfd]).0, 0);
    assert_eq!(read_output(host.wait_for_held(id(1)).output.unwrap()), "100000\n");
}

#[test]
fn a_thousand_spawns_without_a_look_at_the_answers_end_in_no_deadlock() {
    let rig = Rig::start(&[]);
    let mut host = rig.host();
    host.hello();
    let script = Script::new("exit 0");
    let (mut sent, mut ended, mut answered) = (0, 0, 0);
    while sent < 1_000 && host.try_send(&Order::Spawn { id: id(sent), spec: script.spec() }, &[]).is_some() {
        sent += 1;
    }
    assert!(sent < 1_000, "the keeper reads more than it can answer");
    while ended < 1_000 {
        // All that can be sent is sent before anything is read.
        while sent < 1_000
            && host.try_send(&Order::Spawn { id: id(sent), spec: script.spec() }, &[]).is_some()
        {
            sent += 1;
        }
        match host.receive().1 {
            Report::Done { errno: 0, .. } => answered += 1,
            Report::Ended { id, .. } => {
                ended += 1;
                while host.try_send(&Order::Forget { id }, &[]).is_none() {
                    let (_, report, _) = host.receive();
                    ended += i32::from(matches!(report, Report::Ended { .. }));
                    answered += i32::from(matches!(report, Report::Done { errno: 0, .. }));
                }
            }
            Report::Spawned { .. } | Report::Ping => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(answered >= 1_000);
}

#[test]
fn an_orphan_comes_to_the_keeper_is_reaped_and_counted() {
    let rig = Rig::start(&[]);
    let mut host = rig.host();
    host.hello();
    let script = "(sleep 1000 >/dev/null 2>&1 & echo $!)";
    host.spawn(id(1), &Script::new(script));
    let slot = host.wait_for_held(id(1));
    host.wait_for_end(id(1));
    let orphan: u32 = read_output(slot.output.unwrap()).trim().parse().unwrap();
    let list = format!("/proc/{0}/task/{0}/children", rig.pid());
    eventually("the list of the main thread has the orphan and nothing else", || {
        fs::read_to_string(&list).unwrap().trim() == orphan.to_string()
    });
    kill(orphan, Signal::KILL);
    let (counted, _) = host.wait(|_, report| match report {
        Report::Orphans { count, pid, status } => Some((*count, *pid, *status)),
        _ => None,
    });
    assert_eq!(counted, (1, orphan, 9));
    assert_eq!(state_of(orphan), None);
}

#[test]
fn a_writer_meets_no_broken_pipe_when_nobody_reads_any_more() {
    let rig = Rig::start(&[]);
    let mut host = rig.host();
    host.hello();
    let fifo = rig.fifo();
    let out = rig.dir.path().join("out");
    let script = format!("read x <{}; echo a; echo $? >{}", fifo.display(), out.display());
    host.spawn(id(1), &Script::new(&script));
    let slot = host.wait_for_held(id(1));
    // The host has no reading end any more, and neither has the keeper.
    drop(slot);
    kill(host.pid, Signal::STOP);
    rig.signal(Signal::KILL);
    eventually("the keeper is gone", || state_of(rig.pid()).is_none_or(|state| state == 'Z'));
    fs::write(&fifo, "x\n").unwrap();
    eventually("it has written", || fs::read_to_string(&out).is_ok_and(|text| text == "0\n"));
    kill(host.pid, Signal::KILL);
}

#[test]
fn what_is_held_of_a_refused_process_says_so_to_the_next_host() {
    let rig = Rig::start(&[]);
    let mut host = rig.host();
    host.hello();
    host.spawn(id(1), &Script::program(&rig.dir.path().join("none")));
    host.wait(|_, report| matches!(report, Report::Refused { .. }).then_some(()));
    host.kill();
    let mut host = rig.host();
    let (_, held, _) = host.hello();
    assert_eq!(held.len(), 1);
    assert_eq!(held[0].held.state, SlotState::Refused);
    assert_eq!(held[0].held.refusal.unwrap().errno, NOENT);
}
