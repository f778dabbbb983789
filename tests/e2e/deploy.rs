//! The host below a service manager, and as process 1 of a namespace.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use provost_tests::{Ends, Host, Setup, children, eventually};
use rustix::process::Signal;
use serde_json::Value;

use crate::PROVOST;

/// A service manager, which receives messages.
struct Manager(UnixDatagram);

impl Manager {
    /// Returns the next message that is no sign of life.
    fn next(&self) -> String {
        loop {
            let mut buffer = [0; 1024];
            let length = self.0.recv(&mut buffer).unwrap();
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if text != "WATCHDOG=1" {
                return text;
            }
        }
    }
}

#[test]
fn a_service_manager_is_told_what_the_host_does_and_processes_do_not_reach_it() {
    let config = "[host]\nkeeper = true\n[process.web]\ncommand = 'env > seen; exec sleep 1000'\n";
    let setup = Setup::new(PROVOST, config);
    let path = setup.dir().join("manager.sock");
    let manager = Manager(UnixDatagram::bind(&path).unwrap());
    manager.0.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let env = [("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "100000"), ("LISTEN_FDS", "1")];
    let host = setup.up_with(&env);
    assert_eq!(manager.next(), "READY=1\nSTATUS=supervises 1 processes");
    host.until_phase("web", "running");
    let seen = host.setup().dir().join("seen");
    let seen =
        eventually("it", || fs::read_to_string(&seen).unwrap_or_default(), |seen| seen.contains("PATH="));
    for name in ["NOTIFY_SOCKET", "WATCHDOG_", "LISTEN_"] {
        assert!(!seen.contains(name), "{seen}");
    }
    host.signal(Signal::HUP);
    assert!(manager.next().starts_with("RELOADING=1\nMONOTONIC_USEC="));
    assert_eq!(manager.next(), "READY=1");
    let former = host.pid();
    Host::kill(&former.into(), Signal::KILL);
    host.setup().until_another_host(former.into());
    assert!(manager.next().starts_with("READY=1\n"));
    host.signal(Signal::TERM);
    assert_eq!(manager.next(), "STOPPING=1\nSTATUS=stops: terminated");
    assert_eq!(host.ended(), Some(0));
}

/// `provost up` as process 1 of a namespace of processes, whose end ends everything in it.
struct Container {
    // It ends before its directory is removed.
    outside: Ends,
    setup: Setup,
}

impl Container {
    /// Starts it; `None` if this user may not make namespaces.
    #[expect(clippy::print_stderr, reason = "a test that is skipped says why")]
    fn up(config: &str) -> Option<Self> {
        let isolated = ["--pid", "--fork", "--kill-child", "--mount-proc"];
        let may = Command::new("unshare").args(isolated).arg("true").output();
        if !may.as_ref().is_ok_and(|ran| ran.status.success()) {
            eprintln!("skipped: a namespace of processes cannot be made here: {may:?}");
            return None;
        }
        let setup = Setup::new(PROVOST, config);
        let log = fs::File::create(setup.dir().join("up.log")).unwrap();
        let up = setup.command(&["up"]);
        let mut command = Command::new("unshare");
        command.args(isolated).arg(up.get_program()).args(up.get_args()).current_dir(setup.dir());
        command.envs(up.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.stdout(log.try_clone().unwrap()).stderr(log);
        let outside = Ends(command.spawn().unwrap());
        let container = Self { outside, setup };
        container.until_host(0);
        Some(container)
    }

    /// Waits for a host with another number than this; returns its number within.
    fn until_host(&self, other: u64) -> u64 {
        self.setup.until_another_host(other)["host"]["pid"].as_u64().unwrap()
    }

    /// Returns the number of process 1 as seen from outside.
    fn first(&self) -> u32 {
        children(self.outside.0.id())[0]
    }

    /// Returns the number from outside of a child of process 1 by its number within.
    fn number_outside(&self, within: u64) -> u32 {
        let is_it = |pid: &u32| {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            let numbers = status.lines().find(|line| line.starts_with("NSpid:"));
            numbers.and_then(|line| line.split_whitespace().last()?.parse().ok()) == Some(within)
        };
        children(self.first()).into_iter().find(is_it).unwrap()
    }

    fn ended(&mut self) -> ExitStatus {
        self.outside.0.wait().unwrap()
    }
}

#[test]
fn as_process_1_it_reaps_orphans_survives_its_host_passes_no_signal_on_and_ends_everything_in_order() {
    let config = "[host]\nkeeper = true\n[process.web]\n\
                  command = \"trap 'touch usr1' USR1; trap 'echo last > ended; exit 0' TERM; (setsid sleep 0.1 &); touch runs; while :; do sleep 0.05; done\"\n";
    let Some(mut container) = Container::up(config) else { return };
    let dir = container.setup.dir().to_owned();
    eventually("it runs", || dir.join("runs").exists(), |runs| *runs);
    let first = container.first();
    let web = |status: &Value| status["processes"][0]["pid"].clone();
    let before = web(&container.setup.status_if_any());
    let states = || -> Vec<(u32, String)> {
        let state = |pid: u32| Some((pid, fs::read_to_string(format!("/proc/{pid}/stat")).ok()?));
        children(first).into_iter().filter_map(state).collect()
    };
    // The host and the process are its only children once the orphan has ended; no zombie is left.
    eventually("orphans are reaped", states, |all| {
        all.len() == 2 && !all.iter().any(|(_, it)| it.contains(") Z "))
    });
    Host::kill(&first.into(), Signal::USR1);
    let host = container.until_host(0);
    Host::kill(&container.number_outside(host).into(), Signal::KILL);
    container.until_host(host);
    assert_eq!(web(&container.setup.status_if_any()), before, "the process goes on");
    assert!(!dir.join("usr1").exists());
    Host::kill(&first.into(), Signal::TERM);
    let ended = container.ended();
    assert_eq!(ended.code(), Some(0), "{}", fs::read_to_string(dir.join("up.log")).unwrap_or_default());
    assert_eq!(fs::read_to_string(dir.join("ended")).unwrap(), "last\n");
}
