//! A host with scripted children in a process of its own.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;

use provost_api as api;
use provost_control::{ApiContext, Listening, RulesInForce};
use provost_state::Cause;
use provost_supervisor::{CommandLine, Manner, ProcessSpec, Scripted, Settings};
use tokio::runtime::Builder;
use tokio::sync::{mpsc, watch};

use crate::ports::{OnePlugin, Unchanging};

/// The number of processes that the host runs.
pub(crate) const PROCESSES: usize = 20;

/// A host in another process. It ends with this value.
pub(crate) struct Host {
    child: Child,
    /// The host ends when it is closed.
    input: Option<ChildStdin>,
    dir: tempfile::TempDir,
}

impl Host {
    /// Starts a host that permits as many streams, and waits until it listens.
    pub(crate) fn start(streams: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        // An eighth of the connections is left for requests that do not last.
        let connections = streams * 8 / 7 + 8;
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg("serve")
            .arg(dir.path())
            .arg(connections.to_string())
            // As the host of `provost up` has it.
            .env("MALLOC_ARENA_MAX", "2")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n", "the host has ended");
        Self { child, input, dir }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        socket(self.dir.path())
    }

    /// Returns the resident memory of the host, in bytes.
    pub(crate) fn rss(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.child.wait();
    }
}

fn socket(dir: &Path) -> PathBuf {
    dir.join("provost.sock")
}

/// Serves the API in this process until standard input is closed.
pub(crate) fn serve(dir: &Path, connections_max: usize) {
    let processes = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let api = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let supervisor = processes.block_on(async {
        let children = Scripted::default();
        let names = (0..PROCESSES).map(|number| format!("service-{number:03}"));
        let specs: Vec<_> =
            names.map(|name| ProcessSpec::new(name, CommandLine::Shell("x".to_owned()))).collect();
        specs.iter().for_each(|spec| children.cast(&spec.name, Manner::Obedient));
        children.boot(Settings::new(dir.join("logs")), specs, Vec::new(), Vec::new()).unwrap()
    });
    let (shutdown, _requests) = mpsc::channel(1);
    let (_end, ended) = watch::channel(None);
    let context = ApiContext {
        past: None,
        supervisor: supervisor.clone(),
        plugins: Arc::new(OnePlugin),
        config: Arc::new(Unchanging),
        rules: RulesInForce::default(),
        host: api::Host { pid: std::process::id(), version: "0".to_owned(), ..api::Host::default() },
        shutdown,
        connections_max,
        place: None,
        mounts: Vec::new(),
        ended,
    };
    let listening = {
        let _within = api.enter();
        Listening::bind(&socket(dir)).unwrap()
    };
    let served = api.spawn(provost_control::serve(listening, None, context, std::future::pending()));
    println!("ready");
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    served.abort();
    processes.block_on(supervisor.shutdown(Cause::Shutdown));
}
