//! The host that the plugin is put into: one that runs and has it loaded, or one that the session starts with a sample and that ends
//! with it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use provost_api::client::{Client, ClientError, Unconnected};
use provost_api::{
    OrderCause, Phase, Plugin, PluginOrder, PluginRole, PluginStatus, ProcessOrder, ReloadOrder,
    ReloadStepKind,
};
use tokio::time::{sleep, timeout};

use super::sample::{self, Subject};
use crate::config::Outline;
use crate::daemon::{self, Detached};
use crate::failure::Failure;
use crate::render;

/// The pause between two looks at a host.
const AGAIN: Duration = Duration::from_millis(50);

/// How long a host that is gone is waited for, in such pauses. Its keeper starts another one meanwhile.
const LOOKS_MAX: usize = 60;

/// How long a host that was started here may take to end.
const END_MAX: Duration = Duration::from_secs(20);

/// Where a host is looked for.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// Its socket.
    pub(crate) socket: PathBuf,
    /// Its directories.
    pub(crate) outline: Outline,
    /// Whether the user has named it, so that no other one will do.
    pub(crate) is_named: bool,
}

/// A host that runs.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) client: Client,
    /// The directory of its journal.
    pub(super) journal: PathBuf,
    runtime_dir: PathBuf,
    /// The config, if the session has started it.
    pub(super) own: Option<PathBuf>,
}

/// What came of the search for a host.
#[derive(Debug)]
pub(super) enum Found {
    /// It has the plugin.
    Host(Host),
    /// It runs and does not have the plugin.
    Stranger,
    /// None runs.
    Nobody,
}

/// What a change has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// The host has this component already, as this version.
    Same(u64),
    /// One version has followed another one.
    Swapped(u64, u64),
}

impl Host {
    /// Looks for a host that has the plugin `name`.
    ///
    /// # Errors
    /// [`Failure`] if it cannot be asked, or the user has named it and it does not run or does not have the plugin.
    pub(super) async fn find(place: &Place, name: &str) -> Result<Found, Failure> {
        daemon::wait_for_socket(&place.socket);
        let client = Client::new(place.socket.clone());
        match client.plugins().await {
            Ok(list) if list.plugins.iter().any(|plugin| plugin.name == name) => {
                let Outline { journal_dir: journal, runtime_dir, .. } = place.outline.clone();
                Ok(Found::Host(Self { client, journal, runtime_dir, own: None }))
            }
            Ok(_) if place.is_named => Err(Failure::usage(
                format!("the host has no plugin `{name}`"),
                format!(
                    "`provost plugin load {name} ./{name}.wasm` loads it; `--as NAME` says what the plugin is called there"
                ),
            )),
            Ok(_) => Ok(Found::Stranger),
            Err(ClientError::Unconnected(Unconnected::Missing(_) | Unconnected::Abandoned(_)))
                if !place.is_named =>
            {
                Ok(Found::Nobody)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Starts a host with the example of the project in `dir` if `may_use_example` and it has the plugin, or with a sample; it ends when
    /// the calling thread does.
    ///
    /// # Errors
    /// [`Failure`] if it cannot be started; the host itself has said why.
    pub(super) async fn start(
        dir: &Path,
        subject: &Subject<'_>,
        may_use_example: bool,
    ) -> Result<Self, Failure> {
        let example = sample::example(dir, subject.name).filter(|_| may_use_example);
        let config = match example {
            Some(config) => config,
            None => sample::write(dir, subject)?,
        };
        let started = daemon::spawn_tied(&config).map_err(|error| {
            Failure::failed(format_args!("cannot start a host: {error}"), "are there too many processes?")
        })?;
        if let Detached::Ended(_) = started {
            let what = format!("the host for {} has ended; its messages are above", config.display());
            return Err(Failure::failed(what, "correct the config; it is tried again at the next change"));
        }
        let outline = Outline::of(&config);
        let client = Client::new(outline.socket());
        let Outline { journal_dir: journal, runtime_dir, .. } = outline;
        Ok(Self { client, journal, runtime_dir, own: Some(config) })
    }

    /// Returns the plugin, once it is compiled.
    ///
    /// # Errors
    /// [`Failure`] if the host does not answer or does not have it.
    pub(super) async fn plugin(&self, name: &str) -> Result<Plugin, Failure> {
        loop {
            let plugin = self.client.plugin(name).await?;
            if plugin.status != PluginStatus::Compiling {
                return Ok(plugin);
            }
            sleep(AGAIN).await;
        }
    }

    /// Returns whether it answers, or does so again soon.
    pub(super) async fn answers(&self) -> bool {
        for _ in 0..LOOKS_MAX {
            if self.client.ping().await.is_ok() {
                return true;
            }
            sleep(AGAIN).await;
        }
        false
    }

    /// Puts a component, an absolute path, in the place of the version in force, unless that is the same one already. With `accept` it
    /// may ask for more than that.
    ///
    /// # Errors
    /// [`Failure`] if the host refuses it or does not answer; the version in force stays.
    pub(super) async fn take(
        &self,
        name: &str,
        component: &Path,
        digest: &str,
        accept: bool,
    ) -> Result<(Taken, Plugin), Failure> {
        let before = self.plugin(name).await?;
        let version = before.active.version;
        if before.active.digest == digest && before.status == PluginStatus::Active {
            return Ok((Taken::Same(version), before));
        }
        let order = PluginOrder {
            component: Some(component.display().to_string()),
            accept_more: accept,
            ..PluginOrder::default()
        };
        let changed = self.client.change_plugin(name, "swap", &order).await?;
        let after = match changed.plugin {
            Some(after) => after,
            None => self.plugin(name).await?,
        };
        Ok((Taken::Swapped(version, after.active.version), after))
    }

    /// Applies the config of the host, which has changed.
    ///
    /// # Errors
    /// [`Failure`] if it is refused or a step fails.
    pub(super) async fn reload(&self) -> Result<(), Failure> {
        let order = ReloadOrder { config: None, no_restart: false, wait: false, timeout_ms: None };
        let mut steps = self.client.reload(&order).await?;
        let mut failed = Vec::new();
        while let Some(step) = steps.next().await? {
            if step.kind == ReloadStepKind::Failed {
                failed.push(step);
            }
        }
        if failed.is_empty() {
            return Ok(());
        }
        Err(Failure::with_report(1, render::reload::failures(&failed)))
    }

    /// Starts the processes that a former version has given up or left down, so that there is something to decide, and returns their
    /// names. Only for a host that was started here.
    ///
    /// # Errors
    /// [`Failure`] if the host does not answer.
    pub(super) async fn start_what_is_down(&self) -> Result<Vec<String>, Failure> {
        let processes = self.client.status(&[]).await?.processes;
        let is_down = |phase: &Phase| matches!(phase, Phase::Fatal | Phase::Exited);
        let down: Vec<String> =
            processes.into_iter().filter(|process| is_down(&process.phase)).map(|it| it.name).collect();
        if !down.is_empty() {
            let order =
                ProcessOrder { select: down.clone(), cause: OrderCause::User, ..ProcessOrder::default() };
            self.client.order("start", &order).await?;
        }
        Ok(down)
    }

    /// Ends a host that was started here, with its processes. Returns whether it has ended in time.
    pub(super) async fn end(&self) -> bool {
        let ended = timeout(END_MAX, async {
            // A host that does not answer has ended, or ends with this process.
            let _ = self.client.shutdown_and_wait().await;
            while daemon::holder(&self.runtime_dir).is_some() {
                sleep(AGAIN).await;
            }
        });
        ended.await.is_ok()
    }
}

/// Returns how what the plugin does can be seen where it does not decide.
pub(super) fn hint(name: &str, plugin: &Plugin) -> Option<String> {
    let plays = |role: &PluginRole| plugin.active.roles.contains(role);
    match (plays(&PluginRole::StatusView), plays(&PluginRole::StatusConsumer)) {
        (true, _) => Some(format!("a view decides nothing: `provost view {name}` shows what it renders")),
        (_, true) => Some("a consumer decides nothing: what it logs is shown".to_owned()),
        _ => None,
    }
}
