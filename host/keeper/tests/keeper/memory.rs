//! How much memory the keeper takes.

use provost_keeper::protocol::Output;

use crate::rig::{Rig, Script, eventually, id};

/// The number of processes that are held.
const PROCESSES: u32 = 1_000;

/// The memory that is the keeper's own, without its program, in KiB.
pub(crate) fn own_kib(pid: u32) -> u64 {
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let field = rollup.lines().find_map(|line| line.strip_prefix("Pss_Anon:")).unwrap();
    field.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn a_thousand_processes_with_gap_files_take_less_than_a_mebibyte() {
    let rig = Rig::start(&[]);
    let mut host = rig.host();
    host.hello();
    let before = own_kib(rig.pid());
    let dir = "/var/lib/a-directory-of-usual-length/.provost/logs/gaps";
    for number in 0..PROCESSES {
        let mut script = Script::new("exec sleep 1000");
        let path = |stream| std::path::PathBuf::from(format!("{dir}/worker.{number}.1.{stream}"));
        script = script.with_gap(&path("out"));
        script.gaps[1] = Some(crate::rig::path_of(&path("err")));
        script.error = Output::Pipe;
        host.spawn(id(number), &script);
        host.wait_for_held(id(number));
    }
    assert_eq!(rig.ask(false).0.held, PROCESSES);
    let after = own_kib(rig.pid());
    assert!(after < 1_024, "{before} KiB, then {after} KiB");
    // Ended at once, so that the rig need not wait for them one by one.
    for number in 0..PROCESSES {
        let kill = provost_keeper::protocol::Order::Signal {
            id: id(number),
            number: 9,
            scope: provost_keeper::protocol::Scope::Group,
            kill_at: 0,
        };
        assert_eq!(host.ask(&kill, &[]).0, 0);
    }
    eventually("all have ended", || rig.ask(false).1.iter().all(|(_, held)| held.end.is_some()));
}
