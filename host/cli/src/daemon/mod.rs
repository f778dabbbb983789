//! The host: `provost up`. One to a runtime directory; in the foreground for people who watch, in the background
//! for everybody else. Here the crates are plugged together, and nothing is decided.

mod detach;
mod host_log;
mod limits;
mod runtime_dir;
mod screen;
pub(crate) mod wire;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use provost_control::{Desk, Listening};
use provost_plugin_host::PluginHost;
use provost_state::{Cause, Plugins};
use provost_supervisor::{Clock, Degraded, Settings, Supervisor};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot, watch};

use crate::args::{ColorWhen, UpArgs};
use crate::config::{CONFIG_NAME, Config, Processes, SOCKET_NAME};
use crate::failure::Failure;
use crate::render::humane::timestamp;
use crate::render::style::Paint;
use detach::Detached;
use runtime_dir::{RuntimeDir, TakeError};
use screen::Look;

/// The log of a host in the background, in the runtime directory.
const HOST_LOG_NAME: &str = "provost.log";

/// How long requests under way have to finish when everything else has ended.
const FAREWELL: Duration = Duration::from_secs(1);

/// Signals within this time are one.
const ONE_SIGNAL: Duration = Duration::from_millis(300);

/// Runs the host until it is told to stop.
pub(crate) fn up(args: &UpArgs, color: ColorWhen) -> Result<(), Failure> {
    let path = args.config.file.clone().unwrap_or_else(|| PathBuf::from(CONFIG_NAME));
    if args.detach {
        return to_background(&path);
    }
    if args.background {
        detach::leave_session();
    }
    let config = Config::load(&path)?;
    let runtime_dir = RuntimeDir::take(&config.runtime_dir, SOCKET_NAME).map_err(|error| refusal(&error))?;
    let look = look(&config, color);
    let host_log = config.runtime_dir.join(HOST_LOG_NAME);
    if args.background {
        host_log::to_file(&host_log)?;
    } else {
        host_log::to_terminal(Paint::wanted(color, &io::stderr()), look.width);
    }
    let plugins = wire::plugins(&config)?;
    let processes = wire::specs(&config, &plugins)?;
    if args.background {
        // The log is elsewhere, and this is what the one who waits for us should know.
        for problem in wire::refusals(&config, &plugins) {
            writeln!(io::stderr(), "warning: {}\nhint: {}", problem.what, problem.hint)?;
        }
    }
    limits::raise_open_files(processes.specs.len());
    let presence = if args.background { Presence::Background(host_log) } else { Presence::Foreground(look) };
    let host = Host { config, socket: runtime_dir.socket.clone(), plugins, processes, presence };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(host.run());
    // A plugin or a slow disk may hold a thread; all processes have ended.
    runtime.shutdown_timeout(FAREWELL);
    done
}

fn to_background(path: &Path) -> Result<(), Failure> {
    match detach::spawn(path)? {
        Detached::Up { pid } => {
            let mut out = io::stdout().lock();
            Ok(writeln!(out, "up: the host runs in the background (pid {pid}); `provost down` stops it")?)
        }
        Detached::Ended(code) => Err(Failure::silent(code)),
    }
}

fn refusal(error: &TakeError) -> Failure {
    match error {
        TakeError::Owned { .. } => {
            Failure::failed(error, "`provost status` shows it and `provost down` stops it")
        }
        TakeError::Io { .. } => Failure::failed(error, "set another `host.runtime_dir` in the config"),
    }
}

fn look(config: &Config, color: ColorWhen) -> Look {
    let plugins = config.plugins().map(|plugin| plugin.name.chars().count());
    let names = config.process_names().map(|name| name.chars().count());
    let host = "provost".len();
    let width = plugins.chain(names).chain(std::iter::once(host)).max().unwrap_or(host);
    Look { paint: Paint::wanted(color, &io::stdout()), width }
}

/// Who watches.
#[derive(Debug)]
enum Presence {
    /// Somebody, at a terminal.
    Foreground(Look),
    /// Nobody: everything is said to this file.
    Background(PathBuf),
}

/// Everything that is needed to run.
#[derive(Debug)]
struct Host {
    config: Config,
    socket: PathBuf,
    plugins: PluginHost,
    processes: Processes,
    presence: Presence,
}

impl Host {
    /// Listens first: a host that nobody could ask starts nothing.
    async fn run(self) -> Result<(), Failure> {
        let listening = Listening::bind(&self.socket).map_err(|error| {
            Failure::failed(reason(&error), "set another `host.runtime_dir` in the config")
        })?;
        let mut asked = Asked::listen()?;
        let settings = Settings {
            log_dir: self.config.log_dir.clone(),
            decision_deadline_ms: self.config.decision_deadline_ms,
            restart_delay_ms_min: self.config.restart_delay_min_ms,
            restart_delay_ms_max: self.config.restart_delay_max_ms,
            restart_budget: self.config.restart_budget,
            routing: self.config.routing,
            degraded: Degraded::default(),
        };
        let Processes { specs, replica_sets } = self.processes;
        let supervisor = Supervisor::boot(settings, specs, replica_sets, self.plugins.consumers())
            .map_err(|error| Failure::failed(reason(&error), "set another `host.log_dir` in the config"))?;
        if let Err(error) = supervisor.adopt_orphans() {
            tracing::warn!(%error, "orphans of processes go to pid 1");
        }
        let (shutdown, told) = mpsc::channel(1);
        asked.told = Some(told);
        let (end, ended) = oneshot::channel::<()>();
        let desk = Desk {
            supervisor: supervisor.clone(),
            plugins: Arc::new(self.plugins.clone()) as Arc<dyn Plugins>,
            host: described(&self.config, &self.socket),
            shutdown,
            connections_max: provost_control::CONNECTIONS_MAX,
        };
        let server = tokio::spawn(provost_control::serve(listening, desk, async {
            // Ends as well if this task is gone.
            let _ = ended.await;
        }));
        let screen = match &self.presence {
            Presence::Foreground(look) => {
                tracing::info!("{} processes, Ctrl-C stops them", supervisor.reader().look().len());
                Some(screen::start(&supervisor, *look)?)
            }
            Presence::Background(log) => {
                detach::say_ready(log)?;
                None
            }
        };
        let mut wanted = supervisor.shutdown_wanted();
        let why = loop {
            let next = tokio::select! {
                why = asked.next() => why,
                code = judged(&mut wanted) => Why::Judged(code),
            };
            match next {
                // There is no terminal to be lost, and no other meaning for it yet.
                Why::HungUp if screen.is_none() => {
                    tracing::info!("SIGHUP does nothing to a host in the background")
                }
                why => break why,
            }
        };
        stop(&supervisor, &mut asked, why).await;
        if let Some(screen) = screen {
            screen.finish(FAREWELL).await;
        }
        let _ = end.send(());
        if let Ok(Ok(Err(error))) = tokio::time::timeout(FAREWELL, server).await {
            tracing::warn!(%error, "the control socket failed");
        }
        match why {
            Why::Judged(code) if code != 0 => Err(Failure::silent(code)),
            _ => Ok(()),
        }
    }
}

/// The exit code, once a policy wants the host to end.
async fn judged(wanted: &mut watch::Receiver<Option<u8>>) -> u8 {
    match wanted.wait_for(Option::is_some).await.map(|code| *code) {
        Ok(Some(code)) => code,
        // Nobody is left who could want it.
        _ => std::future::pending().await,
    }
}

/// Stops all processes; kills them if somebody asks a second time.
async fn stop(supervisor: &Supervisor, asked: &mut Asked, why: Why) {
    tracing::info!("{why}: stopping all processes in reverse order; ask again to kill them");
    let asked_first = tokio::time::Instant::now();
    let shutdown = supervisor.shutdown(Cause::Shutdown);
    tokio::pin!(shutdown);
    let mut killing = false;
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            again = asked.next() => {
                // Whoever signals the process and then its group means one signal; and to ask twice by
                // `provost down` is patience, not haste.
                let haste = matches!(again, Why::Interrupted | Why::Terminated);
                if haste && !killing && asked_first.elapsed() >= ONE_SIGNAL {
                    killing = true;
                    tracing::warn!("{again}: killing all processes");
                    supervisor.kill_all().await;
                }
            }
        }
    }
    tracing::info!("all processes have ended");
}

fn described(config: &Config, socket: &Path) -> provost_control::wire::Host {
    let path = std::path::absolute(config.path()).unwrap_or_else(|_| config.path().to_owned());
    provost_control::wire::Host {
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: timestamp(Clock::new().now().wall_ms),
        socket: socket.display().to_string(),
        config: path.display().to_string(),
        ..provost_control::wire::Host::default()
    }
}

/// An error with what caused it.
fn reason(error: &(dyn std::error::Error + 'static)) -> String {
    match error.source() {
        Some(cause) if !error.to_string().contains(&cause.to_string()) => {
            format!("{error}: {}", reason(cause))
        }
        _ => error.to_string(),
    }
}

/// Why the host stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    Interrupted,
    Terminated,
    HungUp,
    Told,
    /// A policy gave up on a process, and with it on the host, which is to end with this code.
    Judged(u8),
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Interrupted => f.write_str("interrupted"),
            Self::Terminated => f.write_str("terminated"),
            Self::HungUp => f.write_str("the terminal was closed"),
            Self::Told => f.write_str("told to stop"),
            Self::Judged(code) => write!(f, "a policy shuts the host down with code {code}"),
        }
    }
}

/// All that can ask the host to stop.
#[derive(Debug)]
struct Asked {
    interrupt: Signal,
    terminate: Signal,
    /// The terminal is gone, or somebody pressed Ctrl-\\.
    hangup: Signal,
    quit: Signal,
    told: Option<mpsc::Receiver<()>>,
}

impl Asked {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            quit: signal(SignalKind::quit())?,
            told: None,
        })
    }

    async fn next(&mut self) -> Why {
        let told = async {
            match &mut self.told {
                Some(told) => match told.recv().await {
                    Some(()) => Why::Told,
                    None => std::future::pending().await,
                },
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => Why::Interrupted,
            _ = self.terminate.recv() => Why::Terminated,
            _ = self.hangup.recv() => Why::HungUp,
            _ = self.quit.recv() => Why::Terminated,
            why = told => why,
        }
    }
}
