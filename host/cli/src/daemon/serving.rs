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
use provost_control::{ApiContext, Listening, Mount, PastEvents, RulesInForce, TcpListening, TcpWanted};
use provost_plugin_host::PluginHost;
use provost_state::{Consumer, Plugins};
use provost_supervisor::{
    Adopted, Degraded, Keeper, LogReader, Served, Settings, StageProgram, Stash, Supervisor,
};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::asked::{Asked, Why};
use super::boot::{self, Booted};
use super::done::When;
use super::errors::{DEFECT_HINT, SHORTAGE_HINT, not_booted, not_listening_on_tcp, reason};
use super::faults::{fails, set_up_fails};
use super::host_log::HostLog;
use super::journal::Recording;
use super::keeper::{Copies, Course, End, Leaving, Means, Parent, Successor, settle, stage};
use super::last_words;
use super::limits;
use super::live::{Live, Noted};
#[cfg(feature = "mcp")]
use super::mcp::Mcp;
use super::output::Output;
use super::screen::{self, Screen, ScreenStyle};
use super::service::{Found, Service, see_off};
use super::service_manager::ServiceManager;
use super::upgrading::HostPlace;
#[cfg(feature = "web")]
use super::web;
use super::{described, detach, ending, keeping};
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
    /// Runs the host until it ends, and returns how it does, with the exit code.
    pub(super) async fn run(self, parent: Parent) -> End<Result<u8, Failure>> {
        let has_former = parent.has_former();
        let end = self.begin(parent).await.unwrap_or_else(|failure| End::failed(failure, has_former));
        if let End::Ended(Err(failure)) | End::GoesOn(Err(failure)) = &end {
            last_words::say_report(failure.report());
        }
        end
    }

    /// Attaches, loads everything and serves. Where it fails, it has stopped nothing.
    async fn begin(self, parent: Parent) -> Result<End<Result<u8, Failure>>, Failure> {
        let has_former = parent.has_former();
        let (reload, reloads) = mpsc::channel(1);
        let served = parent.serve(&self.degraded)?;
        if fails() {
            return Err(Failure::failed("this program is broken", "a test says so"));
        }
        let (signals, found) = match served {
            Some(Served { keeper, signals, adopted, last_end, .. }) => {
                (Some(signals), Found { keeper: Some(keeper), adopted, last_end, has_former })
            }
            None => (None, Found::default()),
        };
        let mut asked =
            Asked::arm(self.screen.is_some(), self.ignore_hangup, self.log.terminal_gone(), reload, signals)
                .map_err(|error| Failure::failed(format!("cannot handle signals: {error}"), SHORTAGE_HINT))?;
        let booted = tokio::select! {
            biased;
            why = asked.next() => {
                tracing::info!("{why} before anything was started: the host ends");
                return Ok(End::Ended(Ok(0)));
            }
            booted = boot::boot(
                self.path.clone(),
                (self.paint, self.log.clone()),
                self.degraded.clone(),
                found.adopted.stash.clone(),
            ) => booted?,
        };
        self.serve(booted, found, asked, reloads).await
    }

    /// Runs the loaded config until the host is to stop, and returns how it ends, with the exit code.
    async fn serve(
        self,
        booted: Booted,
        found: Found,
        mut asked: Asked,
        reloads: mpsc::Receiver<()>,
    ) -> Result<End<Result<u8, Failure>>, Failure> {
        let Found { keeper, adopted, last_end, has_former } = found;
        let Booted {
            config,
            runtime_dir,
            plugins,
            noted,
            quarantined,
            consumers,
            loading,
            processes,
            children_open_files,
            width,
        } = booted;
        let listening = self.listen(&runtime_dir.socket)?;
        let tcp = self.listen_on_tcp(&config.api.tcp)?;
        let recording = Recording::begin(&config, &plugins);
        let settings = self.settings(&config, children_open_files, &recording, keeper.clone());
        let noted = settings.stash.clone().map(|stash| Noted {
            stash,
            started_with: self.path.clone(),
            former: noted,
            quarantined,
        });
        let (copies, stash) = (Copies::within(runtime_dir.path()), settings.stash.clone());
        let former = (keeper.as_ref(), adopted, &copies);
        let (supervisor, lines) = self.prepare(settings, processes, consumers, former).await?;
        recording.follow(&supervisor);
        loading.serve(&supervisor);
        let socket = runtime_dir.socket.clone();
        let host = described::described(&config, &socket, tcp.as_ref(), last_end.as_ref());
        let restore = Copies::restorer(keeper.clone(), stash.clone());
        keeping::start(runtime_dir, listening.place(), self.degraded.clone(), restore);
        let means = Means::of(&config, children_open_files);
        let course = Course::default();
        let mut successor = Successor::await_need(keeper.clone(), means, &supervisor, course.clone());
        let rules = RulesInForce::from(config.api.rules.clone());
        let live = Live::new(&config, supervisor.clone(), plugins.clone(), rules.clone(), noted);
        let manager = ServiceManager::of_environment();
        tokio::spawn(live.clone().reload_for_signals(reloads, manager.clone()));
        let leaving = keeper.clone().map(|keeper| {
            let (leaving, left) = Leaving::of(keeper, course.clone());
            asked.end_when_left(left);
            leaving
        });
        let (settled, is_settled) = watch::channel(false);
        let place = HostPlace {
            leaving: leaving.clone(),
            settled: is_settled,
            live: live.clone(),
            jobs: supervisor.jobs().clone(),
        };
        let mut running = start(
            supervisor,
            (listening, tcp),
            plugins,
            (host, live, rules, recording.past(), place),
            &mut asked,
            &self.api.unix,
        );
        let service =
            Service { keeper, stash, copies, leaving, course, settled, socket, manager, has_former };
        match self.until_end(&mut running, (lines, width), &mut asked, &service, &mut successor).await {
            Ok((why, failure)) => {
                let end = (why, failure);
                Ok(running.stop_or_leave(&mut asked, &service, &mut successor, &recording, end).await)
            }
            Err(failure) => Ok(End::GoesOn(Err(failure))),
        }
    }

    /// Finds what there is of a former host, and starts the supervisor. Returns it with the reader of the lines for the screen.
    async fn prepare(
        &self,
        settings: Settings,
        Processes { specs, replica_sets }: Processes,
        consumers: Vec<Box<dyn Consumer>>,
        (keeper, mut adopted, copies): (Option<&Keeper>, Adopted, &Copies),
    ) -> Result<(Supervisor, Option<LogReader>), Failure> {
        self.done.check(&specs)?;
        copies.recover(keeper, &mut adopted).await?;
        copies.keep(keeper, settings.stash.as_ref(), &self.degraded);
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
        // What happens from now on is safe from the end of this host, and of both, or the keeper has ended.
        let _ = tokio::join!(timeout(FAREWELL, prepared.kept()), Copies::begun(keeper));
        Ok((prepared.start(), lines))
    }

    /// Waits until the host is to end, and returns why. An error means that the next host goes on with everything.
    async fn until_end(
        &self,
        running: &mut Running,
        (lines, width): (Option<LogReader>, usize),
        asked: &mut Asked,
        service: &Service,
        successor: &mut Successor,
    ) -> Result<(Why, Option<Failure>), Failure> {
        let panicked = || Failure::failed("the host panicked", DEFECT_HINT);
        let set_up = caught(self.set_up(running, lines, width)).await.unwrap_or_else(|| Err(panicked()));
        if let Err(failure) = set_up {
            let goes_on = service.has_former && service.may_go_on();
            return if goes_on { Err(service.let_go(failure)) } else { Ok((Why::Failed, Some(failure))) };
        }
        service.manager.ready(running.supervisor.reader().look().len());
        if let Some(keeper) = &service.keeper {
            settle(keeper.clone(), service.socket.clone(), service.settled.clone());
        }
        match caught(running.until_asked(asked, &self.done, successor)).await {
            Some(why) => Ok((why, None)),
            None if service.may_go_on() => Err(service.let_go(panicked())),
            None => Ok((Why::Failed, Some(panicked()))),
        }
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

    /// Listens on the Unix socket.
    fn listen(&self, socket: &Path) -> Result<Listening, Failure> {
        // The readiness of the socket is noticed where it is served.
        let _within = self.api.unix.enter();
        Listening::bind(socket)
            .map_err(|error| Failure::failed(reason(&error), "set another `host.runtime_dir` in the config"))
    }

    /// Listens on TCP if the config says so.
    fn listen_on_tcp(&self, wanted: &TcpWanted) -> Result<Option<TcpListening>, Failure> {
        if wanted.listen.is_empty() {
            return Ok(None);
        }
        // The readiness of the sockets is noticed where they are served.
        let _within = self.api.tcp.enter();
        let listening = TcpListening::bind(wanted).map_err(not_listening_on_tcp)?;
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

/// Runs a future and returns `None` if it panics. The panic hook has logged it then.
async fn caught<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(poll) => poll.map(Some),
        Err(_) => Poll::Ready(None),
    })
    .await
}

/// Starts the server, and connects requests to stop with `asked`.
fn start(
    supervisor: Supervisor,
    (listening, tcp): (Listening, Option<TcpListening>),
    plugins: PluginHost,
    (host, live, rules, past, place): (
        provost_api::Host,
        Live,
        RulesInForce,
        Option<Arc<dyn PastEvents>>,
        HostPlace,
    ),
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
        place: Some(Arc::new(place)),
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
    async fn until_asked(&mut self, asked: &mut Asked, when: &When, successor: &mut Successor) -> Why {
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
                _ = successor.is_in_place() => return Why::Handed,
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

    /// Stops all processes and ends, unless the host has left: then they go on with the next one.
    async fn stop_or_leave(
        self,
        asked: &mut Asked,
        service: &Service,
        successor: &mut Successor,
        recording: &Recording,
        (why, failure): (Why, Option<Failure>),
    ) -> End<Result<u8, Failure>> {
        if let Some(followed) = service.stop(why).await {
            fail::fail_point!("serving.leaves");
            tracing::info!("the host leaves, and its processes go on: {followed}");
            self.supervisor.end_checks();
            self.leave().await;
            recording.write_all(FAREWELL);
            let seen_off = see_off(successor, asked, followed != why && why != Why::Failed).await;
            service.follow_up(seen_off, recording, FAREWELL);
            return End::GoesOn(Ok(0));
        }
        service.manager.stopping(&why.to_string());
        let left = ending::stop(&self.supervisor, asked, why).await;
        service.discard_copies();
        let judged = *self.supervisor.shutdown_wanted().borrow();
        let code = ending::exit_code(!left.is_empty(), why, judged);
        recording.end(&self.supervisor, code, FAREWELL);
        self.finish(Ended { pid: std::process::id(), code, left }).await;
        End::Ended(failure.map_or(Ok(code), Err))
    }

    /// Publishes the report of the end, and ends the server and the screen. Waits for each at most [`FAREWELL`].
    async fn finish(self, report: Ended) {
        // Clients that wait for the report get it before the server ends, because it completes the requests in progress.
        self.ended.send_replace(Some(report));
        if let Some(screen) = self.end_server().await {
            screen.finish(FAREWELL).await;
        }
    }

    /// Ends the server and the screen, while the processes go on. Waits for each at most [`FAREWELL`].
    async fn leave(self) {
        if let Some(screen) = self.end_server().await {
            screen.leave(FAREWELL).await;
        }
    }

    /// Ends the server, and returns the screen. Requests in progress are answered, for at most [`FAREWELL`].
    async fn end_server(self) -> Option<Screen> {
        drop(self.end);
        if let Some(server) = self.server
            && timeout(FAREWELL, server).await.is_err()
        {
            tracing::debug!("some requests were not answered completely");
        }
        self.screen
    }
}
