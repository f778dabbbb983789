//! What a process is set to before its program is executed: its user, its limits, its capabilities, its cgroup. With a keeper and
//! without one.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};

use provost_tests::{Host, Setup, eventually, is_alive};
use rustix::process::Signal;
use serde_json::Value;

use crate::PROVOST;

/// The numbers of `nobody` and its group.
const NOBODY: u32 = 65_534;

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Says why a test shows nothing on this machine.
#[expect(clippy::print_stderr, reason = "a test that shows nothing says so")]
fn skipped(why: &str) {
    eprintln!("skipped: {why}");
}

fn hosts(config: &str) -> [Host; 2] {
    [true, false].map(|keeper| Host::up(PROVOST, &format!("[host]\nkeeper = {keeper}\n{config}")))
}

/// Returns a file of a process below `/proc`; it is empty if the process is gone.
fn file(pid: &Value, name: &str) -> String {
    String::from_utf8_lossy(&fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default()).into_owned()
}

/// Returns the words after the name of a line.
fn line(text: &str, name: &str) -> Vec<String> {
    let found = text.lines().find_map(|line| line.strip_prefix(name));
    assert!(found.is_some(), "{name} is not in:\n{text}");
    found.unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

/// Returns why a process could not be started.
fn refusal(host: &Host, name: &str) -> String {
    let told = host.until(name, "could not be started", |it| it["exit"]["error"].is_string());
    told["exit"]["error"].as_str().unwrap().to_owned()
}

#[test]
fn a_process_is_what_its_config_says_when_its_program_begins() {
    if !is_root() {
        return skipped("only root can change the user");
    }
    let config = r#"
[process.web]
command = ["/bin/sleep", "1000"]
cwd = "/"
user = "nobody"
groups = ["4"]
umask = "027"
nice = 5
ioprio = "idle"
oom_score_adj = 500
limits = { nofile = { soft = 123, hard = 456 }, core = 0, as = "2GiB" }
no_new_privs = true
capabilities = ["NET_BIND_SERVICE"]
"#;
    for host in hosts(config) {
        let pid = host.until_phase("web", "running")["pid"].clone();
        let status = file(&pid, "status");
        let nobody = vec![NOBODY.to_string(); 4];
        assert_eq!((line(&status, "Uid:"), line(&status, "Gid:")), (nobody.clone(), nobody));
        assert_eq!(line(&status, "Groups:"), ["4", "65534"]);
        assert_eq!(line(&status, "Umask:"), ["0027"]);
        assert_eq!(line(&status, "NoNewPrivs:"), ["1"]);
        for set in ["CapBnd:", "CapPrm:", "CapEff:", "CapInh:", "CapAmb:"] {
            assert_eq!(line(&status, set), ["0000000000000400"], "{set}");
        }
        let limits = file(&pid, "limits");
        assert_eq!(line(&limits, "Max open files")[..2], ["123", "456"]);
        assert_eq!(line(&limits, "Max core file size")[..2], ["0", "0"]);
        assert_eq!(line(&limits, "Max address space")[..2], ["2147483648", "2147483648"]);
        assert_eq!(file(&pid, "oom_score_adj").trim(), "500");
        let stat = file(&pid, "stat");
        let nice = stat.rsplit(')').next().unwrap().split_whitespace().nth(16).unwrap();
        assert_eq!(nice, "5");
        let environ = file(&pid, "environ");
        for variable in ["USER=nobody", "LOGNAME=nobody", "HOME=", "SHELL="] {
            assert!(environ.split('\0').any(|one| one.starts_with(variable)), "{variable}: {environ:?}");
        }
        let open = || fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count();
        eventually("nothing of the stage is open", open, |open| *open == 3);
        assert!(file(&pid, "cmdline").starts_with("/bin/sleep"), "its name is its own");
        host.down();
    }
}

#[test]
fn the_groups_of_a_user_stay_with_it_and_its_output_can_be_opened_by_name() {
    if !is_root() {
        return skipped("only root can change the user");
    }
    let config = "[process.web]\nuser = \"nobody:4\"\ncwd = \"/\"\nenv = { HOME = \"/own\" }\n\
                  command = \"echo again > /dev/stderr; id -un; id -gn; echo $HOME; exec sleep 1000\"\n";
    for host in hosts(config) {
        let log = || host.ok(&["logs", "web"]);
        let log = eventually("it has printed", log, |log| log.contains("/own"));
        assert!(log.contains("again") && log.contains("nobody"), "{log}");
        host.down();
    }
}

#[test]
fn what_the_program_or_the_machine_lacks_is_said_as_without_the_stage() {
    let config = "[process.no]\ncommand = [\"./no-such-program\"]\nnice = 3\n\
                  [process.script]\ncommand = [\"./script\"]\nnice = 3\n\
                  [process.who]\ncommand = \"exec sleep 1000\"\nuser = \"no-such-user\"\n\
                  [process.which]\ncommand = \"exec sleep 1000\"\ngroups = [\"no-such-group\"]\n";
    let setup = Setup::new(PROVOST, config);
    let ran = setup.run(&["validate"]);
    assert_eq!(ran.code, 0, "it may be another machine: {ran:#?}");
    for warning in
        ["provost.toml:9:8", "there is no user `no-such-user`", "there is no group `no-such-group`"]
    {
        assert!(ran.stderr.contains(warning), "{}", ran.stderr);
    }
    for host in hosts(config) {
        assert!(refusal(&host, "no").contains("./no-such-program: no such program"));
        let script = host.setup().dir().join("script");
        fs::write(&script, "no first line\n").unwrap();
        fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let is_neither =
            |it: &Value| it["exit"]["error"].as_str().is_some_and(|why| why.contains("it is neither"));
        host.until("script", "is no program", is_neither);
        assert_eq!(refusal(&host, "who"), "there is no user `no-such-user`");
        assert_eq!(refusal(&host, "which"), "there is no group `no-such-group`");
        host.down();
    }
}

#[test]
fn a_host_that_may_not_change_the_user_says_so_before_and_at_the_start() {
    if !is_root() {
        return skipped("only root can run a host as another user");
    }
    for keeper in [true, false] {
        let config = format!(
            "[host]\nkeeper = {keeper}\n[process.web]\ncommand = [\"/bin/sleep\", \"1000\"]\nuser = \"root\"\n\
             [process.score]\ncommand = [\"/bin/sleep\", \"1000\"]\nnice = -7\n"
        );
        let setup = Setup::new(PROVOST, &config);
        for path in [setup.dir().to_owned(), setup.dir().join("provost.toml")] {
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let as_nobody =
            "exec setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all \"$PROVOST\"";
        let validate = setup.shell(&format!("{as_nobody} validate")).output().unwrap();
        let warned = String::from_utf8_lossy(&validate.stderr).into_owned();
        assert!(warned.contains("the user cannot be changed: the host does not run as root"), "{warned}");
        let mut shell = setup.shell(&format!("{as_nobody} up"));
        let log = fs::File::create(setup.dir().join("up.log")).unwrap();
        shell.stdout(log.try_clone().unwrap()).stderr(log);
        let host = setup.up_by(shell);
        let refused = refusal(&host, "web");
        assert!(refused.starts_with("the user cannot be changed: EPERM"), "{refused}");
        let refused = refusal(&host, "score");
        assert!(refused.starts_with("the nice value cannot be set: "), "{refused}");
        host.down();
    }
}

/// Returns the mount of cgroup v2, if this test may make cgroups in it.
fn real_cgroups() -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let mount = mounts.lines().find(|line| line.contains(" - cgroup2 "))?;
    let root = PathBuf::from(mount.split(' ').nth(4)?);
    let probe = root.join(format!("provost-test-{}", std::process::id()));
    fs::create_dir(&probe).ok()?;
    fs::remove_dir(&probe).ok()?;
    Some(root)
}

/// Returns the directory of the cgroup that a process is in.
fn cgroup_of(root: &Path, pid: &Value) -> PathBuf {
    let path = line(&file(pid, "cgroup"), "0::").join(" ");
    root.join(path.trim_start_matches('/'))
}

/// A command that leaves a descendant with its own session and without a variable of the host, whose parent is gone.
const LEAVES_SLEEP: &str =
    "command = \"env -i /bin/sh -c 'setsid sleep 1000 &'; sleep 0.1; exec sleep 1000\"\n";

/// Waits until the two processes of that command are in a cgroup, and returns them.
fn until_both_sleep(cgroup: &Path) -> Vec<u64> {
    let members = || -> Vec<u64> {
        let procs = fs::read_to_string(cgroup.join("cgroup.procs")).unwrap();
        procs.lines().filter_map(|pid| pid.parse().ok()).collect()
    };
    eventually("both are there", members, |members| {
        members.len() == 2 && members.iter().all(|pid| file(&(*pid).into(), "comm") == "sleep\n")
    })
}

#[test]
fn a_process_with_a_cgroup_leaves_nothing_behind_whatever_its_descendants_have_done() {
    let Some(root) = real_cgroups() else {
        return skipped("there is no cgroup v2 in which a cgroup can be made");
    };
    let config = format!("[process.web]\ncgroup = {{}}\n{LEAVES_SLEEP}");
    for keeper in [true, false] {
        let config = format!("[host]\nkeeper = {keeper}\ncgroup = \"{}\"\n{config}", root.display());
        let host = Host::up(PROVOST, &config);
        let pid = host.until_phase("web", "running")["pid"].clone();
        let cgroup = cgroup_of(&root, &pid);
        assert_eq!(cgroup.file_name().unwrap(), "web@1");
        let members = until_both_sleep(&cgroup);
        if keeper {
            let former = host.pid();
            Host::kill(&former.into(), Signal::KILL);
            host.setup().until_another_host(former.into());
        }
        host.ok(&["stop", "--wait", "web"]);
        assert!(!members.into_iter().any(is_alive), "{}", host.log());
        eventually("its cgroup is gone", || cgroup.exists(), |exists| !exists);
        host.down();
        let dir = cgroup.parent().unwrap();
        eventually("so is that of the host", || dir.exists(), |exists| !exists);
    }
}

#[test]
fn what_a_killed_host_without_a_keeper_has_left_in_its_cgroups_is_ended_by_the_next() {
    let Some(root) = real_cgroups() else {
        return skipped("there is no cgroup v2 in which a cgroup can be made");
    };
    let config = format!(
        "[host]\nkeeper = false\ncgroup = \"{}\"\n[process.web]\ncgroup = {{}}\n{LEAVES_SLEEP}",
        root.display()
    );
    let host = Host::up(PROVOST, &config);
    let first = host.until_phase("web", "running")["pid"].clone();
    let members = until_both_sleep(&cgroup_of(&root, &first));
    let stray = members.into_iter().find(|pid| *pid != first).unwrap();
    let setup = host.crash();
    assert!(is_alive(stray), "it is in no group that was killed");
    let host = setup.up();
    eventually("it is ended", || is_alive(stray), |alive| !alive);
    let second = host.until_phase("web", "running")["pid"].clone();
    assert_eq!(cgroup_of(&root, &second).file_name().unwrap(), "web@1");
    host.down();
}

/// Returns a setup whose cgroups are a made-up tree of files, with these controllers.
fn made_up(config: &str, controllers: &str) -> Setup {
    let setup = Setup::new(PROVOST, config);
    fs::create_dir(setup.dir().join("tree")).unwrap();
    fs::write(setup.dir().join("tree/cgroup.controllers"), controllers).unwrap();
    setup
}

/// Returns the directory of a cgroup in the made-up tree.
fn made_up_cgroup(host: &Host, name: &str) -> PathBuf {
    let tree = host.setup().dir().join("tree");
    let dirs = fs::read_dir(tree).unwrap().map(|entry| entry.unwrap().path());
    let dir = dirs.into_iter().find(|path| path.is_dir()).unwrap();
    dir.join(name)
}

#[test]
fn a_process_whose_memory_ran_out_ends_with_that_cause() {
    for keeper in [true, false] {
        let config = format!(
            "[host]\nkeeper = {keeper}\ncgroup = \"tree\"\n[process.web]\ncommand = [\"/bin/sleep\", \"1000\"]\n\
             cgroup = {{ cpu = \"150%\", memory = \"64MiB\", memory_high = \"48MiB\", pids = 10 }}\n"
        );
        let host = made_up(&config, "cpu memory pids\n").up();
        let pid = host.until_phase("web", "running")["pid"].clone();
        let cgroup = made_up_cgroup(&host, "web@1");
        let read = |name: &str| fs::read_to_string(cgroup.join(name)).unwrap();
        assert_eq!((read("cpu.max"), read("memory.max")), ("150000 100000".into(), "67108864".into()));
        assert_eq!((read("memory.high"), read("pids.max")), ("50331648".into(), "10".into()));
        assert_eq!(read("cgroup.procs"), "0", "the child has entered it itself");
        fs::write(cgroup.join("memory.events"), "oom 1\noom_kill 1\n").unwrap();
        Host::kill(&pid, Signal::KILL);
        let second = host.until("web", "runs again", |it| it["incarnation"] == 2 && it["phase"] == "running");
        let events = host.events("web");
        let end = events.iter().find(|event| event["kind"] == "exited").unwrap();
        assert_eq!((end["cause"].as_str(), &end["exit"]["signal"]), (Some("oom"), &Value::from(9)), "{end}");
        let reason = end["reason"].as_str().unwrap();
        assert!(reason.ends_with(": its memory ran out"), "{reason}");
        // One that is killed by somebody is a crash.
        Host::kill(&second["pid"], Signal::KILL);
        host.until("web", "runs again", |it| it["incarnation"] == 3 && it["phase"] == "running");
        let events = host.events("web");
        let end = events.iter().rfind(|event| event["kind"] == "exited").unwrap();
        assert_eq!(end["cause"], "crash", "{end}");
        host.down();
    }
}

#[test]
fn a_cgroup_that_cannot_be_had_fails_the_start_unless_it_is_optional() {
    let config = "[host]\ncgroup = \"tree\"\n\
                  [process.must]\ncommand = [\"/bin/sleep\", \"1000\"]\ncgroup = { memory = \"64MiB\" }\n\
                  [process.may]\ncommand = [\"/bin/sleep\", \"1000\"]\ncgroup = { memory = \"64MiB\", optional = true }\n";
    let setup = made_up(config, "cpu pids\n");
    let warned = setup.run(&["validate"]).stderr;
    assert!(
        warned.contains("`must` could not start here: the controller `memory` is not available"),
        "{warned}"
    );
    assert!(!warned.contains("`may`"), "{warned}");
    let host = setup.up();
    host.until_phase("may", "running");
    let why = refusal(&host, "must");
    assert!(
        why.starts_with("it cannot have its cgroup: the controller `memory` is not available in "),
        "{why}"
    );
    assert!(why.ends_with("which has: cpu, pids"), "{why}");
    let degraded = host.status()["host"]["degraded"].to_string();
    assert!(degraded.contains("may runs without its cgroup"), "{degraded}");
    host.ok(&["stop", "may"]);
    host.until_phase("may", "stopped");
    let degraded = host.status()["host"]["degraded"].clone();
    let lacks = |lack: &Value| lack["what"] == "the cgroup of may";
    assert!(!degraded.as_array().unwrap().iter().any(lacks), "it does not run any more: {degraded}");
    host.down();
}
