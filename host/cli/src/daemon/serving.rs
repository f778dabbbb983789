//! The host while it runs. It listens first, because a host that cannot be reached must not start anything; then it starts the
//! processes, and waits for a reason to stop. A failure after the first start goes through the same stop sequence.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use provost_api::Ended;
use provost_control::{
    ApiContext, Listening, Mount, PastEvents, RulesInForce, TcpError, TcpListening, TcpWanted,
};
use provost_plugin_host::PluginHost;
use provost_state::Plugins;
use provost_supervisor::{
    Adopted, BootError, Clock, Degraded, Keeper, LogReader, Served, Settings, StageProgram, Stash,
    Supervisor, rfc3339,
};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::asked::{Asked, Why};
use super::boot::{self, Booted};
use super::done::When;
use super::errors::{DEFECT_HINT, SHORTAGE_HINT, reason};
use super::host_log::HostLog;
use super::journal::Recording;
use super::keeper::{Parent, stage};
use super::limits;
use super::live::Live;
#[cfg(feature = "mcp")]
use super::mcp::Mcp;
use super::output::Output;
use super::screen::{self, Screen, ScreenStyle};
use super::service_manager::ServiceManager;
#[cfg(feature = "web")]
use super::web;
use super::{detach, ending, keeping};
use crate::config::{Config, Processes};
use crate::failure::Failure;
use crate::render::humane::counted;
use crate::render::style::{ColorWhen, Paint};

/// The time limit for each of the last steps: requests in progress, the last lines of output, threads that hang.
pub(super) const FAREWELL: Duration = Duration::from_secs(1);

/// Everything that is known before the config is read.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) path: PathBuf,
    /// The conditions under which it ends without being asked.
    pub(super) done: When,
    pub(super) color: ColorWhen,
    /// The colours of standard error.
    pub(super) paint: Paint,
    /// Whether SIGHUP is ignored, as `nohup` arranges it.
    pub(super) ignore_hangup: bool,
    pub(super) log: HostLog,
    /// The output for the lines of processes, in the foreground.
    pub(super) screen: Option<Output>,
    pub(super) degraded: Degraded,
    pub(super) api: ApiThreads,
}

/// The runtimes of the API, whose threads do nothing else.
#[derive(Clone, Debug)]
pub(super) struct ApiThreads {
    /// The one of the Unix socket.
    pub(super) unix: Handle,
    /// The one of TCP.
    pub(super) tcp: Handle,
}

/// The parts of a running host.
struct Running {
    supervisor: Supervisor,
    /// The server; `None` once it has ended.
    server: Option<JoinHandle<()>>,
    /// Dropped to end the server.
    end: oneshot::Sender<()>,
    ended: watch::Sender<Option<Ended>>,
    screen: Option<Screen>,
}

impl Host {
    /// Runs the host until it ends, and returns the exit code.
    pub(super) async fn run(self, parent: Parent) -> Result<u8, Failure> {
        let (reload, reloads) = mpsc::channel(1);
        let (keeper, signals, adopted) = match parent.serve(&self.degraded)? {
            Some(Served { keeper, signals, adopted }) => (Some(keeper), Some(signals), adopted),
            None => (None, None, Adopted::default()),
        };
        let mut asked =
            Asked::arm(self.screen.is_some(), self.ignore_hangup, self.log.terminal_gone(), reload, signals)
                .map_err(|error| Failure::failed(format!("cannot handle signals: {error}"), SHORTAGE_HINT))?;
        let booted = tokio::select! {
            biased;
            why = asked.next() => {
                tracing::info!("{why} before anything was started: the host ends");
                return Ok(0);
            }
            booted = boot::boot(self.path.clone(), self.paint, self.log.clone(), self.degraded.clone()) => booted?,
        };
        self.serve(booted, (keeper, adopted), asked, reloads).await
    }

    /// Runs the loaded config until the host is to stop, and returns the exit code.
    async fn serve(
        self,
        booted: Booted,
        (keeper, adopted): (Option<Keeper>, Adopted),
        mut asked: Asked,
        reloads: mpsc::Receiver<()>,
    ) -> Result<u8, Failure> {
        let Booted {
            config,
            runtime_dir,
            plugins,
            consumers,
            loading,
            processes,
            children_open_files,
            width,
        } = booted;
        let listening = {
            // The readiness of the socket is noticed where it is served.
            let _within = self.api.unix.enter();
            Listening::bind(&runtime_dir.socket)
        }
        .map_err(|error| Failure::failed(reason(&error), "set another `host.runtime_dir` in the config"))?;
        let tcp = self.listen_on_tcp(&config.api.tcp)?;
        let recording = Recording::begin(&config);
        let settings = self.settings(&config, children_open_files, &recording, keeper);
        let Processes { specs, replica_sets } = processes;
        self.done.check(&specs)?;
        // A partial failure may drop a runtime, which is not allowed in an async context.
        let prepared = tokio::task::block_in_place(|| {
            Supervisor::prepare(settings, specs, replica_sets, consumers, adopted)
        })
        .map_err(|error| not_booted(&error))?;
        // Subscribed before the start, because the first process may write its first line at once.
        let lines = self.screen.is_some().then(|| prepared.follow_output());
        // Before the first process is started, because it may leave orphans at once.
        if let Err(error) = prepared.adopt_orphans() {
            tracing::warn!("orphans of processes go to pid 1: {error}");
        }
        // What happens from now on is safe from the end of this host, or the keeper has ended.
        let _ = timeout(FAREWELL, prepared.kept()).await;
        let supervisor = prepared.start();
        recording.follow(&supervisor);
        loading.serve(&supervisor);
        let host = described(&config, &runtime_dir.socket, tcp.as_ref());
        keeping::start(runtime_dir, listening.place(), self.degraded.clone());
        let rules = RulesInForce::from(config.api.rules.clone());
        let live = Live::new(&config, supervisor.clone(), plugins.clone(), rules.clone());
        let manager = ServiceManager::of_environment();
        tokio::spawn(reload_for_signals(live.clone(), reloads, manager.clone()));
        let mut running = start(
            supervisor,
            (listening, tcp),
            plugins,
            (host, live, rules, recording.past()),
            &mut asked,
            &self.api.unix,
        );
        let runs = async {
            match self.set_up(&mut running, lines, width).await {
                Ok(()) => {
                    manager.ready(running.supervisor.reader().look().len());
                    (running.until_asked(&mut asked, &self.done).await, None)
                }
                Err(failure) => (Why::Failed, Some(failure)),
            }
        };
        let (why, failure) = caught(runs)
            .await
            .unwrap_or_else(|| (Why::Failed, Some(Failure::failed("the host panicked", DEFECT_HINT))));
        manager.stopping(&why.to_string());
        let left = ending::stop(&running.supervisor, &mut asked, why).await;
        let judged = *running.supervisor.shutdown_wanted().borrow();
        let code = exit_code(!left.is_empty(), why, judged);
        recording.end(&running.supervisor, code, FAREWELL);
        running.finish(Ended { pid: std::process::id(), code, left }).await;
        failure.map_or(Ok(code), Err)
    }

    /// Returns the settings of the supervisor.
    fn settings(
        &self,
        config: &Config,
        children_open_files: Option<u64>,
        recording: &Recording,
        keeper: Option<Keeper>,
    ) -> Settings {
        let stash = keeper.clone().map(|keeper| Stash::new(Arc::new(keeper), self.degraded.clone()));
        Settings {
            recorder: recording.recorder(),
            degraded: self.degraded.clone(),
            children_open_files,
            stage: StageProgram::new(stage),
            host_log: self.log.for_readers(),
            keeper,
            stash,
            ..config.settings.clone()
        }
    }

    /// Listens on TCP if the config says so.
    fn listen_on_tcp(&self, wanted: &TcpWanted) -> Result<Option<TcpListening>, Failure> {
        if wanted.listen.is_empty() {
            return Ok(None);
        }
        // The readiness of the sockets is noticed where they are served.
        let _within = self.api.tcp.enter();
        let listening = TcpListening::bind(wanted).map_err(|error| {
            let hint = match &error {
                TcpError::Listen { .. } => {
                    "does another program listen there? `listen` of [api] names the address; nothing was started"
                }
                TcpError::Tls(_) => "`tls` of [api] names the files; nothing was started",
                TcpError::Tokens(_) => "`tokens` of [api] names the directory; nothing was started",
            };
            Failure::failed(error, hint)
        })?;
        for url in listening.urls() {
            tracing::info!("the API listens on {url}");
        }
        Ok(Some(listening))
    }

    /// Does what remains after the processes were started: starts the screen or goes to the background.
    async fn set_up(
        &self,
        running: &mut Running,
        lines: Option<LogReader>,
        width: usize,
    ) -> Result<(), Failure> {
        let supervisor = &running.supervisor;
        set_up_fails().map_err(|error| Failure::failed(error, "a test says so"))?;
        if let (Some(output), Some(lines)) = (&self.screen, lines) {
            let processes = supervisor.reader().look().len() as u64;
            tracing::info!("{}, Ctrl-C stops them", counted(processes, "process"));
            let look = ScreenStyle { paint: Paint::wanted(self.color, &std::io::stdout()), width };
            running.screen = Some(screen::start(supervisor, lines, output, look));
            return Ok(());
        }
        self.say_ready(supervisor).await
    }

    /// Notifies the process that waits for the host to go to the background. Waits for that process and for the disk of the log
    /// for at most [`FAREWELL`] each.
    async fn say_ready(&self, supervisor: &Supervisor) -> Result<(), Failure> {
        let gone = |error: &dyn std::fmt::Display| {
            let what = format!("the process that started the host is not waiting any more: {error}");
            Failure::failed(what, "`provost up --detach` returns when the host is set up")
        };
        match timeout(FAREWELL, supervisor.jobs().reading.run(detach::say_ready)).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => return Err(gone(&error)),
            Ok(Err(lost)) => return Err(gone(&lost)),
            Err(_) => return Err(gone(&"it does not read")),
        }
        self.log.let_streams_follow();
        detach::drop_streams()
            .map_err(|error| Failure::failed(format!("cannot open /dev/null: {error}"), SHORTAGE_HINT))?;
        if let Some(path) = self.log.path().cloned() {
            let redirected = supervisor.jobs().reading.run(move || detach::redirect_streams_to(&path));
            // If the file cannot be opened now, the log reports why, and the streams follow when it can.
            let _ = timeout(FAREWELL, redirected).await;
        }
        Ok(())
    }
}

/// Reloads the config for each signal that asks for it, until the host ends.
async fn reload_for_signals(live: Live, mut reloads: mpsc::Receiver<()>, manager: ServiceManager) {
    while reloads.recv().await.is_some() {
        manager.reloading();
        live.reload_for_signal().await;
        manager.reloaded();
    }
}

/// Runs a future and returns `None` if it panics. The panic hook has logged it then.
async fn caught<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(poll) => poll.map(Some),
        Err(_) => Poll::Ready(None),
    })
    .await
}

fn not_booted(error: &BootError) -> Failure {
    let hint = match error {
        BootError::Io(error)
            if matches!(
                error.raw_os_error(),
                Some(libc::EAGAIN | libc::ENOMEM | libc::EMFILE | libc::ENFILE)
            ) =>
        {
            SHORTAGE_HINT
        }
        _ => "set another `host.log_dir` in the config",
    };
    Failure::failed(reason(error), hint)
}

/// Starts the server, and connects requests to stop with `asked`.
fn start(
    supervisor: Supervisor,
    (listening, tcp): (Listening, Option<TcpListening>),
    plugins: PluginHost,
    (host, live, rules, past): (provost_api::Host, Live, RulesInForce, Option<Arc<dyn PastEvents>>),
    asked: &mut Asked,
    api: &Handle,
) -> Running {
    let (shutdown, requests) = mpsc::channel(1);
    asked.listen_to(requests, supervisor.shutdown_wanted());
    let (end, to_end) = oneshot::channel::<()>();
    let (ended, report) = watch::channel(None);
    #[cfg(feature = "mcp")]
    let mcp = Mcp::new();
    let services: Vec<Option<Mount>> = vec![
        #[cfg(feature = "mcp")]
        Some(mcp.mount()),
        // Browsers reach the host by TCP only.
        #[cfg(feature = "web")]
        tcp.is_some().then(web::mount),
    ];
    let context = ApiContext {
        supervisor: supervisor.clone(),
        plugins: Arc::new(plugins) as Arc<dyn Plugins>,
        config: Arc::new(live),
        rules,
        past,
        host,
        shutdown,
        ended: report,
        connections_max: limits::connections(),
        mounts: services.into_iter().flatten().collect(),
    };
    let server = api.spawn(provost_control::serve(listening, tcp, context, async move {
        // Also ends the server if the sender is gone.
        let _ = to_end.await;
        #[cfg(feature = "mcp")]
        mcp.end();
    }));
    Running { supervisor, server: Some(server), end, ended, screen: None }
}

impl Running {
    async fn until_asked(&mut self, asked: &mut Asked, when: &When) -> Why {
        let supervisor = self.supervisor.clone();
        let mut done = pin!(when.done(&supervisor));
        loop {
            let served = async {
                match &mut self.server {
                    Some(server) => server.await,
                    None => std::future::pending().await,
                }
            };
            let served = tokio::select! {
                why = asked.next() => return why,
                code = &mut done => return Why::Done(code),
                served = served => served,
            };
            self.server = None;
            let why = match served {
                Ok(()) => "it returned".to_owned(),
                Err(error) => error.to_string(),
            };
            self.supervisor.degraded().set("the API", format!("the host cannot be reached any more: {why}"));
        }
    }

    /// Publishes the report of the end, and ends the server and the screen. Waits for each at most [`FAREWELL`].
    async fn finish(self, report: Ended) {
        // Clients that wait for the report get it before the server ends, because it completes the requests in progress.
        self.ended.send_replace(Some(report));
        drop(self.end);
        if let Some(server) = self.server
            && timeout(FAREWELL, server).await.is_err()
        {
            tracing::debug!("some requests were not answered completely");
        }
        if let Some(screen) = self.screen {
            screen.finish(FAREWELL).await;
        }
    }
}

/// Returns the exit code of the host: 1 if anything is left or the host could not be set up; else the code of a policy; else that
/// of `--exit-code-from` or `--exit-when-done`; else 0.
fn exit_code(is_left: bool, why: Why, judged: Option<u8>) -> u8 {
    match (is_left, why) {
        (true, _) | (false, Why::Failed) => 1,
        (false, Why::Judged(code)) => code,
        // A policy may give up on the host with the last process that ends.
        (false, Why::Done(code)) => judged.unwrap_or(code),
        (false, Why::Interrupted | Why::Terminated | Why::HungUp | Why::TerminalGone | Why::Requested) => 0,
    }
}

/// Describes the host for `status`.
fn described(config: &Config, socket: &Path, tcp: Option<&TcpListening>) -> provost_api::Host {
    provost_api::Host {
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: rfc3339(Clock::new().now().wall_ms),
        socket: socket.display().to_string(),
        listen: tcp.map(TcpListening::urls).unwrap_or_default(),
        config: config.absolute_path().display().to_string(),
        ..provost_api::Host::default()
    }
}

/// Fails if a test injects that.
fn set_up_fails() -> std::io::Result<()> {
    fail::fail_point!("daemon.set_up", |_| Err(std::io::Error::other("the host cannot be set up")));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leftovers_take_precedence_over_a_policys_code_and_that_over_the_code_of_an_exit_option() {
        assert_eq!(exit_code(true, Why::Judged(7), Some(7)), 1);
        assert_eq!(exit_code(true, Why::Done(3), None), 1);
        assert_eq!(exit_code(false, Why::Judged(7), Some(7)), 7);
        assert_eq!(
            exit_code(false, Why::Done(3), Some(7)),
            7,
            "the policy has given up with the last of them"
        );
        assert_eq!(exit_code(false, Why::Done(3), None), 3);
        assert_eq!(exit_code(false, Why::Terminated, Some(7)), 0, "the signal came first");
        assert_eq!(exit_code(false, Why::Failed, None), 1);
    }
}
