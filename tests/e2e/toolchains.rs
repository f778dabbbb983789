//! The programs of a toolchain end with the command that runs them, however that ends, and their ends are told as they are. The toolchain
//! here is a script in the place of cargo.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use provost_tests::{Host, Setup, eventually, is_alive, parent};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::PROVOST;

/// Answers `cargo metadata`, unless that is to hang, and otherwise starts a process beside itself and hangs. It writes the numbers of both.
const CARGO: &str = "#!/bin/sh\n\
    if [ \"$1\" = metadata ] && [ ! -e \"$DESK/mute\" ]; then exec /bin/cat \"$DESK/metadata.json\"; fi\n\
    if [ -e \"$DESK/script\" ]; then . \"$DESK/script\"; fi\n\
    sleep 1000 &\n\
    echo \"$$ $!\" > \"$DESK/pids.new\"\n\
    mv \"$DESK/pids.new\" \"$DESK/pids\"\n\
    wait\n";

/// A compiler with an installed standard library.
const RUSTC: &str = "#!/bin/sh\necho \"$DESK/lib\"\n";

/// A folder with a project and with that toolchain.
fn desk() -> Setup {
    let setup = Setup::new(PROVOST, "");
    let dir = setup.dir().canonicalize().unwrap();
    let project = dir.join("judge");
    for folder in ["bin", "lib", "judge/src"] {
        fs::create_dir_all(dir.join(folder)).unwrap();
    }
    for (name, text) in [("cargo", CARGO), ("rustc", RUSTC)] {
        let path = dir.join("bin").join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    fs::write(dir.join("lib/libstd-1.rlib"), "").unwrap();
    fs::write(project.join("Cargo.toml"), "[package]\nname = \"judge\"\n").unwrap();
    fs::write(project.join("src/lib.rs"), "").unwrap();
    let metadata = json!({
        "packages": [{
            "name": "judge", "version": "0.1.0", "manifest_path": project.join("Cargo.toml"), "dependencies": [],
            "targets": [{ "name": "judge", "kind": ["cdylib"], "crate_types": ["cdylib"] }],
        }],
        "workspace_root": project, "target_directory": project.join("target"),
    });
    fs::write(dir.join("metadata.json"), metadata.to_string()).unwrap();
    setup
}

/// Returns a command that finds that toolchain.
fn command(setup: &Setup, arguments: &[&str]) -> Command {
    let dir = setup.dir().canonicalize().unwrap();
    let path = format!("{}:{}", dir.join("bin").display(), std::env::var("PATH").unwrap());
    let provost = setup.command(arguments);
    // The tests may be run in the background, where a shell ignores signals of the terminal, and a program inherits that.
    let mut command = Command::new("/usr/bin/env");
    command.arg("--default-signal").arg(provost.get_program()).args(provost.get_args()).current_dir(&dir);
    for (name, value) in provost.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.stdin(Stdio::null());
    command.env("PATH", path).env("DESK", &dir).env("RUSTC", dir.join("bin/rustc"));
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Processes that are killed when the test ends, if they live by then.
struct Killed(Vec<u64>);

impl Drop for Killed {
    fn drop(&mut self) {
        let pids = self.0.iter().filter(|pid| is_alive(**pid));
        for pid in pids.filter_map(|pid| Pid::from_raw(i32::try_from(*pid).ok()?)) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// Returns the numbers that the script has written, once it has.
fn pids(dir: &Path) -> Vec<u64> {
    let read = || fs::read_to_string(dir.join("pids")).unwrap_or_default();
    let told = eventually("the toolchain runs", read, |told| !told.is_empty());
    told.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

/// Ends a command by a signal that only this process receives, and checks that the toolchain ends.
fn ends_with(setup: &Setup, mut command: Child, signal: Signal) {
    let pids = Killed(pids(setup.dir()));
    assert!(!pids.0.is_empty() && pids.0.iter().all(|pid| is_alive(*pid)), "{:?}", pids.0);
    Host::kill(&command.id().into(), signal);
    command.wait().unwrap();
    for pid in pids.0.iter().copied() {
        eventually(&format!("{pid} has ended after {signal:?}"), || is_alive(pid), |alive| !alive);
    }
    fs::remove_file(setup.dir().join("pids")).unwrap();
}

#[test]
fn the_toolchain_ends_with_the_command_by_each_signal_that_ends_it() {
    let setup = desk();
    for signal in [Signal::TERM, Signal::HUP, Signal::INT, Signal::KILL] {
        for arguments in
            [&["plugin", "build", "judge"][..], &["plugin", "dev", "judge"], &["plugin", "test", "judge"]]
        {
            ends_with(&setup, command(&setup, arguments).spawn().unwrap(), signal);
        }
    }
}

#[test]
fn a_question_to_the_toolchain_that_is_not_answered_ends_with_the_command() {
    let setup = desk();
    fs::write(setup.dir().join("mute"), "").unwrap();
    // It starts nothing, as cargo starts nothing for this question.
    fs::write(
        setup.dir().join("script"),
        "echo $$ > \"$DESK/pids.new\"; mv \"$DESK/pids.new\" \"$DESK/pids\"; exec sleep 1000\n",
    )
    .unwrap();
    for signal in [Signal::TERM, Signal::KILL] {
        ends_with(&setup, command(&setup, &["plugin", "build", "judge"]).spawn().unwrap(), signal);
    }
}

#[test]
fn what_a_toolchain_has_put_into_another_session_goes_on() {
    let setup = desk();
    let script = "setsid sh -c 'echo $$ > \"$DESK/server.new\"; mv \"$DESK/server.new\" \"$DESK/server\"; exec sleep 1000' &\n";
    fs::write(setup.dir().join("script"), script).unwrap();
    let child = command(&setup, &["plugin", "build", "judge"]).spawn().unwrap();
    let read = || fs::read_to_string(setup.dir().join("server")).unwrap_or_default();
    let server = eventually("the server runs", read, |told| !told.is_empty());
    let server: u64 = server.trim().parse().unwrap();
    let _killed = Killed(vec![server]);
    ends_with(&setup, child, Signal::TERM);
    assert!(is_alive(server), "it serves other builds, too");
}

/// A program that is run in a container has a session and a group whose leaders it cannot see.
#[test]
fn it_is_the_same_where_the_leader_of_the_session_is_in_another_namespace() {
    let unshare = || {
        let mut command = Command::new("unshare");
        command.args(["--pid", "--fork", "--kill-child", "--mount-proc"]);
        command
    };
    let may = unshare().arg("true").output();
    if !may.as_ref().is_ok_and(|ran| ran.status.success()) {
        eprintln!("skipped: a namespace of processes cannot be made here: {may:?}");
        return;
    }
    let tests = [
        "toolchains::the_toolchain_ends_with_the_command_by_each_signal_that_ends_it",
        "toolchains::what_a_toolchain_has_put_into_another_session_goes_on",
    ];
    let within = unshare().arg(std::env::current_exe().unwrap()).args(tests).arg("--exact").output().unwrap();
    let told = String::from_utf8_lossy(&within.stdout);
    assert!(within.status.success() && told.contains("2 passed"), "{told}");
}

#[test]
fn the_program_ends_also_with_the_process_between_it_and_the_command() {
    let setup = desk();
    let mut child = command(&setup, &["plugin", "build", "judge"]).spawn().unwrap();
    let pids = Killed(pids(setup.dir()));
    let guard = parent(u32::try_from(pids.0[0]).unwrap()).unwrap();
    assert_eq!(parent(guard), Some(child.id()));
    kill_process(Pid::from_raw(i32::try_from(guard).unwrap()).unwrap(), Signal::KILL).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    eventually("the program has ended", || is_alive(pids.0[0]), |alive| !alive);
}

#[test]
fn the_end_of_a_toolchain_is_told_as_it_was() {
    let setup = desk();
    let built = |script: &str| -> Output {
        fs::write(setup.dir().join("script"), script).unwrap();
        let mut command = command(&setup, &["plugin", "build", "judge"]);
        command.stderr(Stdio::piped()).output().unwrap()
    };
    for (script, told) in [
        ("echo 'a mistake' >&2; exit 101\n", "cargo build of judge failed (exit status: 101)"),
        ("echo 'a mistake'; kill -SEGV $$\n", "cargo build of judge failed (signal: 11 (SIGSEGV)"),
        ("echo 'a mistake'; kill -KILL $$\n", "cargo build of judge failed (signal: 9 (SIGKILL)"),
    ] {
        let ran = built(script);
        let stderr = String::from_utf8(ran.stderr).unwrap();
        assert_eq!(ran.status.code(), Some(1), "{stderr}");
        assert!(stderr.starts_with("a mistake\n") && stderr.contains(told), "{told}: {stderr}");
    }
    // The first question is answered, and then it is not a program any more.
    let cargo = setup.dir().join("bin/cargo");
    let text = fs::read_to_string(&cargo).unwrap();
    fs::write(&cargo, text.replace("exec /bin/cat", "/bin/rm \"$DESK/bin/cargo\"; exec /bin/cat")).unwrap();
    let mut command = command(&setup, &["plugin", "build", "judge"]);
    // There is no other cargo on this path; a machine may have one in /bin.
    let ran = command.env("PATH", setup.dir().join("bin").to_str().unwrap().to_owned() + ":/nowhere");
    let stderr = String::from_utf8(ran.stderr(Stdio::piped()).output().unwrap().stderr).unwrap();
    assert!(stderr.starts_with("error: cannot run cargo: No such file or directory"), "{stderr}");
}
