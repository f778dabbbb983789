//! The steps before anything is started: reads the config, takes the runtime directory, loads the plugins. They run on a separate
//! thread, so that a signal ends the host at once, even while it waits for a plugin.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use provost_plugin_host::PluginHost;
use provost_state::Consumer;
use provost_supervisor::{Degraded, FormerStash};
use tokio::sync::{Notify, oneshot};

use super::errors::{DEFECT_HINT, SHORTAGE_HINT, already_running};
use super::host_log::{HOST_LOG_NAME, HostLog};
use super::keeper::Copies;
use super::limits;
use super::loading::{Loaded, Loading};
use super::noted::{FormerHost, NotedConfig, NotedPlugins};
use super::plugins::{self, Refusals};
use super::runtime_dir::{RuntimeDir, TakeError};
use crate::config::{Config, Outline, Processes, SOCKET_NAME};
use crate::failure::Failure;
use crate::render::style::Paint;

/// Everything that the host needs to start.
pub(super) struct Booted {
    pub(super) config: Config,
    pub(super) runtime_dir: RuntimeDir,
    pub(super) plugins: PluginHost,
    /// What a former host has written down of the plugins.
    pub(super) noted: NotedPlugins,
    /// Notified when a plugin is quarantined.
    pub(super) quarantined: Arc<Notify>,
    /// The consumers that are notified of all changes from the first one on.
    pub(super) consumers: Vec<Box<dyn Consumer>>,
    /// Plugins that are not ready yet.
    pub(super) loading: Loading,
    pub(super) processes: Processes,
    /// The limit on open files that is restored in children, if the host has raised its own.
    pub(super) children_open_files: Option<u64>,
    /// The width of the longest name, in columns.
    pub(super) width: usize,
}

/// Loads everything. If the returned future is dropped, the thread runs on and its result is discarded.
pub(super) async fn boot(
    path: PathBuf,
    (paint, log): (Paint, HostLog),
    degraded: Degraded,
    stash: FormerStash,
) -> Result<Booted, Failure> {
    let (done, booted) = oneshot::channel();
    let thread = std::thread::Builder::new().name("provost-boot".into());
    let started = thread.spawn(move || {
        // The receiver may be gone.
        let _ = done.send(load(&path, (paint, &log), &degraded, stash));
    });
    started.map_err(|error| Failure::failed(format!("cannot start the host: {error}"), SHORTAGE_HINT))?;
    match booted.await {
        Ok(booted) => booted,
        Err(_) => Err(Failure::failed("the host could not be set up: it panicked", DEFECT_HINT)),
    }
}

fn load(
    path: &Path,
    (paint, log): (Paint, &HostLog),
    degraded: &Degraded,
    stash: FormerStash,
) -> Result<Booted, Failure> {
    let stash = match stash.is_empty() {
        // What plugins are loaded by is read before the directory is locked, because the config follows from it.
        true => Copies::within(&Outline::of(path).runtime_dir).former_stash(),
        false => stash,
    };
    let former = FormerHost::of(stash);
    let config = NotedConfig::load(former.config(), path)?;
    let path = config.path();
    let taken =
        RuntimeDir::take(&config.runtime_dir, config.owners(), SOCKET_NAME).and_then(|mut runtime_dir| {
            runtime_dir.take_logs(&config.settings.log_dir, config.owners())?;
            Ok(runtime_dir)
        });
    let runtime_dir = taken.map_err(|error| refusal(&error, &config.runtime_dir.join(SOCKET_NAME), path))?;
    let width = width(&config);
    log.set_width(width);
    log.keep_in(config.runtime_dir.join(HOST_LOG_NAME))
        .map_err(|error| Failure::failed(format!("cannot start the host's log: {error}"), SHORTAGE_HINT))?;
    if let Some(problem) = config.writable_by_others() {
        let what = format!("{}: {}", path.display(), problem.what);
        tracing::warn!("{what}: {}", problem.hint);
        log.tell_starter(&paint.report(&format!("warning: {what}\nhint: {}", problem.hint)));
    }
    fail::fail_point!("boot.plugins");
    config.check_certificate()?;
    keep_tokens(&config)?;
    let quarantined = Arc::<Notify>::default();
    let run = plugins::Run { degraded, former: &former, quarantined: &quarantined };
    let plugins = plugins::plugin_host(&config, plugins::Purpose::Run(run))?;
    let Loaded { consumers, notes, loading } = Loading::load(&config, &plugins, &former)?;
    let processes = plugins::specs_after(&former.plugins, &config, &plugins)?;
    let Refusals { mut lasting, mut passing } = plugins::refusals(&config, &plugins);
    if former.is_there() {
        // Its processes run, and are kept, whatever has become of a plugin.
        passing.append(&mut lasting);
    } else if !lasting.is_empty() {
        return Err(config.problems(lasting).into());
    }
    for problem in passing {
        log.tell_starter(&paint.report(&format!("warning: {}\nhint: {}", problem.what, problem.hint)));
    }
    for note in notes {
        tracing::info!("{note}");
        log.tell_starter(&format!("{note}\n"));
    }
    let children_open_files = limits::make_room(processes.specs.len());
    Ok(Booted {
        config,
        runtime_dir,
        plugins,
        noted: former.plugins,
        quarantined,
        consumers,
        loading,
        processes,
        children_open_files,
        width,
    })
}

/// Creates the directory of the tokens of the API if it is needed, so that nobody else can.
fn keep_tokens(config: &Config) -> Result<(), Failure> {
    let tcp = &config.api.tcp;
    if tcp.listen.is_empty() {
        return Ok(());
    }
    provost_files::own_dir_in_safe_place(&tcp.tokens, config.owners()).map_err(|error| {
        let hint = "it must belong to the user of the host alone: set another `tokens` in [api]";
        Failure::failed(format!("cannot use the directory of the tokens: {error}"), hint)
    })
}

fn refusal(error: &TakeError, socket: &Path, config: &Path) -> Failure {
    match error {
        TakeError::Owned { pid } => already_running(pid, socket, config),
        TakeError::LogsOwned { .. } => Failure::failed(
            error,
            "two hosts cannot write the same files: set another `host.log_dir` in the config, such as a separate directory below that one",
        ),
        TakeError::Unfit { .. } | TakeError::Io { .. } => Failure::failed(
            error,
            "the runtime directory must belong to the user of the host, below directories that belong to that user, to root or to the \
             owner of the config and that are not writable by everybody: set another `host.runtime_dir` in the config, such as one \
             below /run or your home",
        ),
    }
}

fn width(config: &Config) -> usize {
    let plugins = config.plugins().map(|plugin| plugin.name.chars().count());
    let names = config.process_names().map(|name| name.chars().count());
    let host = "provost".len();
    plugins.chain(names).chain(std::iter::once(host)).max().unwrap_or(host)
}
