//! The exec stage as a program: it sets what it is told and becomes the program, or reports the step that failed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ffi::{CString, OsStr};
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use provost_keeper::stage::{
    CapabilitySets, IoPriority, Limit, Limited, STAGE_NAME, Step, StepFailure, Steps,
};
use provost_posix::{Launch, Target, spawn};
use rustix::process::{Pid, WaitOptions, waitpid};

fn text(text: impl AsRef<OsStr>) -> CString {
    CString::new(text.as_ref().as_bytes()).unwrap()
}

/// Runs a command through the stage. Returns what it printed, the failure that was reported, and its exit code.
fn run(
    mut steps: Steps,
    command: &[&str],
    procs: Option<BorrowedFd<'_>>,
) -> (String, Option<StepFailure>, i32) {
    let (output, printed) = std::io::pipe().unwrap();
    let (report, reported) = std::io::pipe().unwrap();
    let above = |fd: BorrowedFd<'_>| rustix::io::fcntl_dupfd_cloexec(fd, 64).unwrap();
    let files: Vec<OwnedFd> = std::iter::once(above(reported.as_fd())).chain(procs.map(above)).collect();
    steps.report = 3;
    steps.cgroup = procs.map(|_| 4);
    let own = [text(STAGE_NAME), text(steps.to_string()), text(command[0])];
    let arguments: Vec<CString> = own.into_iter().chain(command.iter().map(text)).collect();
    let given: Vec<BorrowedFd<'_>> = files.iter().map(AsFd::as_fd).collect();
    let pid = spawn(&Launch {
        program: &text(env!("CARGO_BIN_EXE_provost-keeper")),
        arguments: &arguments,
        environment: &[text("PATH=/bin:/usr/bin"), text("A=b=c")],
        directory: None,
        stdio: [Target::Null, Target::Fd(printed.as_fd()), Target::Fd(printed.as_fd())],
        files: &given,
    })
    .unwrap();
    drop((printed, reported, files));
    let (mut said, mut bytes) = (String::new(), Vec::new());
    File::from(OwnedFd::from(report)).read_to_end(&mut bytes).unwrap();
    File::from(OwnedFd::from(output)).read_to_string(&mut said).unwrap();
    let pid = Pid::from_raw(i32::try_from(pid).unwrap());
    let (_, status) = waitpid(pid, WaitOptions::empty()).unwrap().unwrap();
    (said, StepFailure::read(&bytes), status.exit_status().unwrap_or(-1))
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn it_sets_what_every_user_may_set_and_becomes_the_program() {
    let steps = Steps {
        umask: Some(0o27),
        nice: Some(7),
        io_priority: Some(IoPriority::Idle),
        oom_score_adj: Some(900),
        limits: vec![
            (Limited::Nofile, Limit::Soft(Some(40))),
            (Limited::Core, Limit::Both(Some(0), Some(0))),
            (Limited::As, Limit::Soft(Some(4 << 30))),
        ],
        no_new_privs: true,
        ..Steps::default()
    };
    let line = "umask; ulimit -Sn; ulimit -c; cat /proc/self/oom_score_adj; nice; grep NoNewPrivs /proc/self/status; \
                echo $A; ls /proc/self/fd | wc -w; echo \"$0 $1\"";
    let (said, failure, code) = run(steps, &["/bin/sh", "-c", line, "name", "x y"], None);
    assert_eq!((failure, code), (None, 0), "{said}");
    let lines: Vec<&str> = said.lines().collect();
    // `ls` has its directory open beside the three.
    assert_eq!(lines, ["0027", "40", "0", "900", "7", "NoNewPrivs:\t1", "b=c", "4", "name x y"]);
}

#[test]
fn it_becomes_another_user_with_the_capabilities_that_it_keeps() {
    if !is_root() {
        return;
    }
    let steps = Steps {
        groups: Some((100..200).collect()),
        gid: Some(54_322),
        uid: Some(54_321),
        capabilities: Some(CapabilitySets { bounding: 1 << 10 | 1 << 5, ambient: 1 << 10 }),
        ..Steps::default()
    };
    let (said, failure, _) = run(steps, &["/bin/cat", "/proc/self/status"], None);
    assert_eq!(failure, None);
    let has =
        |line: &str| assert!(said.lines().any(|one| one.trim_end() == line), "{line} is not in:\n{said}");
    has("Uid:\t54321\t54321\t54321\t54321");
    has("Gid:\t54322\t54322\t54322\t54322");
    let groups: Vec<String> = (100..200).map(|group: u32| group.to_string()).collect();
    has(&format!("Groups:\t{}", groups.join(" ")));
    has("CapEff:\t0000000000000400");
    has("CapPrm:\t0000000000000400");
    has("CapBnd:\t0000000000000420");
    has("CapAmb:\t0000000000000400");
}

#[test]
fn a_limit_on_memory_leaves_enough_for_many_groups() {
    if !is_root() {
        return;
    }
    // The list does not fit beside the stage below this limit, and the program does.
    let limits = vec![(Limited::As, Limit::Soft(Some(4 << 20)))];
    let groups = Some(vec![1; 60_000]);
    let steps = Steps { limits, groups, ..Steps::default() };
    let (_, failure, code) = run(steps, &["/bin/true"], None);
    assert_eq!((failure, code), (None, 0));
}

#[test]
fn root_keeps_what_is_within_the_bounds() {
    if !is_root() {
        return;
    }
    let capabilities = Some(CapabilitySets { bounding: 1 << 5, ambient: 0 });
    let steps = Steps { capabilities, ..Steps::default() };
    let (said, failure, _) = run(steps, &["/bin/cat", "/proc/self/status"], None);
    assert_eq!(failure, None);
    assert!(
        said.contains("CapEff:\t0000000000000020") && said.contains("CapBnd:\t0000000000000020"),
        "{said}"
    );
}

#[test]
fn it_enters_its_cgroup_by_the_file_that_it_was_given() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cgroup.procs");
    let procs = OwnedFd::from(File::create(&path).unwrap());
    let (said, failure, _) =
        run(Steps::default(), &["/bin/sh", "-c", "ls /proc/self/fd | wc -w"], Some(procs.as_fd()));
    assert_eq!((failure, said.trim()), (None, "4"), "the program does not have the file");
    assert_eq!(std::fs::read_to_string(path).unwrap(), "0");
    let read_only = OwnedFd::from(File::open("/dev/null").unwrap());
    let (_, failure, code) = run(Steps::default(), &["/bin/true"], Some(read_only.as_fd()));
    assert_eq!((failure, code), (Some(StepFailure { step: Step::Cgroup, errno: libc::EBADF }), 127));
}

#[test]
fn the_step_that_failed_is_reported_with_its_error() {
    let (_, failure, code) = run(Steps::default(), &["/no/such/program"], None);
    assert_eq!((failure, code), (Some(StepFailure { step: Step::Exec, errno: libc::ENOENT }), 127));
    // A file without a first line for an interpreter is not given to a shell.
    let dir = tempfile::tempdir().unwrap();
    let script = dir.path().join("script");
    std::fs::write(&script, "echo hi\n").unwrap();
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let (_, failure, _) = run(Steps::default(), &[script.to_str().unwrap()], None);
    assert_eq!(failure, Some(StepFailure { step: Step::Exec, errno: libc::ENOEXEC }));
    let limits = vec![(Limited::Nofile, Limit::Both(Some(2), Some(1)))];
    let (_, failure, _) = run(Steps { limits, ..Steps::default() }, &["/bin/true"], None);
    assert_eq!(failure, Some(StepFailure { step: Step::Limit(Limited::Nofile), errno: libc::EINVAL }));
    let (_, failure, _) = run(Steps { oom_score_adj: Some(5_000), ..Steps::default() }, &["/bin/true"], None);
    assert_eq!(failure, Some(StepFailure { step: Step::OomScore, errno: libc::EINVAL }));
}

#[test]
fn a_limit_that_leaves_no_memory_for_the_program_is_its_end_and_no_hang() {
    let limits = vec![(Limited::As, Limit::Both(Some(4096), Some(4096)))];
    let (_, failure, code) = run(Steps { limits, ..Steps::default() }, &["/bin/true"], None);
    assert!(failure.is_some() || code != 0);
}
