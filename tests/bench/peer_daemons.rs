//! Provost, supervisord and circus with the same processes, each as its authors start it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use provost_tests::{Host, children, eventually};
use rustix::process::{Pid, Signal};
use serde_json::Value;

use super::PROVOST;
use super::counting::Counting;
use super::peer_wire::{XmlRpc, Zmq};

const EVERYTHING: &[u8] = b"GET /v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// What the processes do while status is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setting {
    /// They sleep.
    Quiet,
    /// Four of them write lines as fast as they are read.
    Flood,
    /// A tenth of them, at most fifty, ends a moment after each start and is restarted.
    Storm,
}

/// The number of processes that write in a flood.
const WRITERS: usize = 4;

/// The most processes that crash in a storm.
const CRASHING_MAX: usize = 50;

/// Returns the number of `all` processes that crash in a storm.
fn crashing(all: usize) -> usize {
    (all / 10).clamp(1, CRASHING_MAX)
}

impl Setting {
    /// Returns the command of one of `all` processes.
    fn command(self, number: usize, all: usize) -> &'static str {
        match self {
            Self::Flood if number < WRITERS => "exec yes a-line-of-output-of-a-service-under-load",
            Self::Storm if number < crashing(all) => "sleep 0.05; exit 1",
            _ => "exec sleep 1000",
        }
    }
}

/// The supervisors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Provost,
    Supervisord,
    Circus,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Provost, Self::Supervisord, Self::Circus];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Provost => "provost",
            Self::Supervisord => "supervisord",
            Self::Circus => "circus",
        }
    }
}

/// A running supervisor.
pub(crate) struct Daemon {
    kind: Kind,
    path: PathBuf,
    held: Held,
}

enum Held {
    Host(Host),
    Peer { child: Child, _dir: tempfile::TempDir },
}

/// A connection to a supervisor.
pub(crate) enum Client {
    Provost(Counting),
    Supervisord(XmlRpc),
    Circus(Zmq),
}

impl Client {
    /// Asks for the status of everything and returns the length of the answer.
    pub(crate) fn ask(&mut self) -> usize {
        match self {
            Self::Provost(client) => client.ask(EVERYTHING).body_bytes,
            Self::Supervisord(client) => client.ask(),
            Self::Circus(client) => client.ask(),
        }
    }
}

impl Daemon {
    /// Starts a supervisor with `all` processes and waits until those that last run. `peers` is the folder of the peers' programs.
    pub(crate) fn start(kind: Kind, setting: Setting, all: usize, peers: &Path) -> Self {
        match kind {
            Kind::Provost => provost(setting, all),
            Kind::Supervisord => supervisord(setting, all, peers),
            Kind::Circus => circus(setting, all, peers),
        }
    }

    pub(crate) fn client(&self) -> Client {
        match self.kind {
            Kind::Provost => Client::Provost(Counting::connect(&self.path)),
            Kind::Supervisord => Client::Supervisord(XmlRpc::connect(&self.path)),
            Kind::Circus => Client::Circus(Zmq::connect(&self.path)),
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        match &self.held {
            Held::Host(host) => host.pid(),
            Held::Peer { child, .. } => child.id(),
        }
    }

    /// Ends the supervisor with its processes.
    pub(crate) fn end(self) {
        match self.held {
            Held::Host(host) => drop(host.down()),
            Held::Peer { mut child, .. } => {
                // A peer may take minutes to end hundreds of processes. It starts none while it is stopped.
                send(child.id(), Signal::STOP);
                for number in children(child.id()) {
                    send(number, Signal::KILL);
                }
                send(child.id(), Signal::KILL);
                child.wait().unwrap();
            }
        }
    }
}

fn send(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    // A child may have ended unprompted meanwhile; it is not reaped, because its parent is stopped.
    rustix::process::kill_process(pid, signal).unwrap();
}

fn provost(setting: Setting, all: usize) -> Daemon {
    // The storm is intended, so neither the budget nor the policy limits it. The peers restart after about as long.
    let mut config = String::from(
        "[host]\nrestart_budget = { restarts = 99, per = \"1ms\" }\n[plugins.again]\ncomponent = \"bundled:backoff\"\n\
         settings = { first = \"10ms\", max = \"10ms\", on = \"always\" }\n",
    );
    for number in 0..all {
        let command = setting.command(number, all);
        config.push_str(&format!("[process.p{number}]\ncommand = \"{command}\"\npolicies = [\"again\"]\n"));
    }
    let host = Host::up(PROVOST, &config);
    let lasting = |status: &Value| {
        let all = status["processes"].as_array().unwrap();
        all.iter().filter(|one| one["pid"].is_u64()).count() >= all.len() - crashing(all.len())
    };
    let status = eventually("the processes run", || host.status(), lasting);
    let path = PathBuf::from(status["host"]["socket"].as_str().unwrap());
    Daemon { kind: Kind::Provost, path, held: Held::Host(host) }
}

/// Starts a peer with this config file and waits until its socket is there.
fn peer(kind: Kind, dir: tempfile::TempDir, mut command: Command, socket: &str) -> Daemon {
    let output = File::create(dir.path().join("output")).unwrap();
    command.current_dir(dir.path()).stdin(Stdio::null()).stderr(output.try_clone().unwrap()).stdout(output);
    let child = command.spawn().unwrap();
    let path = dir.path().join(socket);
    eventually("the peer listens", || std::os::unix::net::UnixStream::connect(&path).is_ok(), |is| *is);
    Daemon { kind, path, held: Held::Peer { child, _dir: dir } }
}

fn supervisord(setting: Setting, all: usize, peers: &Path) -> Daemon {
    let dir = tempfile::tempdir().unwrap();
    let mut config = String::from(
        "[supervisord]\nnodaemon=true\nminfds=8192\nlogfile=supervisord.log\n[unix_http_server]\nfile=s.sock\n\
         [rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n",
    );
    for number in 0..all {
        let command = setting.command(number, all);
        config.push_str(&format!(
            "[program:p{number}]\ncommand=/bin/sh -c '{command}'\nautorestart=true\nstartsecs=0\nstdout_logfile=p{number}.log\nredirect_stderr=true\n"
        ));
    }
    std::fs::write(dir.path().join("s.conf"), config).unwrap();
    let mut command = Command::new(peers.join("supervisord"));
    command.args(["-c", "s.conf"]);
    let daemon = peer(Kind::Supervisord, dir, command, "s.sock");
    let runs = || {
        std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", daemon.pid()))
            .unwrap()
            .split(' ')
            .count()
    };
    eventually("the processes run", runs, |count| *count > all - crashing(all));
    daemon
}

fn circus(setting: Setting, all: usize, peers: &Path) -> Daemon {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| format!("ipc://{}", dir.path().join(name).display());
    let mut config = format!("[circus]\nendpoint = {}\npubsub_endpoint = {}\n", at("c.sock"), at("p.sock"));
    for number in 0..all {
        let command = setting.command(number, all);
        config.push_str(&format!(
            "[watcher:p{number}]\ncmd = /bin/sh -c \"{command}\"\nmax_retry = -1\nwarmup_delay = 0\nstdout_stream.class = FileStream\n\
             stdout_stream.filename = p{number}.log\nstdout_stream.max_bytes = 50000000\nstdout_stream.backup_count = 10\n"
        ));
    }
    std::fs::write(dir.path().join("c.ini"), config).unwrap();
    let mut command = Command::new(peers.join("circusd"));
    command.args(["--log-level", "error", "c.ini"]);
    let daemon = peer(Kind::Circus, dir, command, "c.sock");
    let mut client = Zmq::connect(&daemon.path);
    let active = || {
        client.ask();
        String::from_utf8_lossy(client.answer()).matches("\"active\"").count()
    };
    eventually("the processes run", active, |count| *count >= all - crashing(all));
    daemon
}
