//! The port that the API calls. One reload, or one change of a number of replicas, has its turn at a time; what only reads never
//! waits for one.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use provost_api as api;
use provost_control::{Answer, ConfigFile, ConfigRefusal, LiveConfig, RulesInForce, Scaling, Step};
use provost_plugin_host::PluginHost;
use provost_state::Cause;
use provost_supervisor::{Lost, Stash, Supervisor};
use tokio::sync::{Mutex as Turn, OwnedMutexGuard, mpsc};

use super::carrying::Carrying;
use super::checked::{Checked, Host};
use super::file::FileWatch;
use super::in_force::InForce;
use super::noting::{Noted, Noting};
use super::scaling;
use super::steps::Steps;
use crate::config::Config;
use crate::daemon::noted::NotedConfig;
use crate::daemon::service_manager::ServiceManager;
use crate::difference::{Read, Unread, difference, host_keys, wanted};

/// The config of a running host. Clones share it.
#[derive(Clone)]
pub(crate) struct Live(Arc<Shared>);

struct Shared {
    supervisor: Supervisor,
    plugins: PluginHost,
    /// What the config says about requests of the API.
    rules: RulesInForce,
    file: FileWatch,
    in_force: Mutex<InForce>,
    noting: Noting,
    /// Where the config in force is written down, and the path that the host was started with.
    stash: Option<(Stash, PathBuf)>,
    /// Held by the reload, or by the change of a number of replicas, that has its turn.
    turn: Arc<Turn<()>>,
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("file", &self.0.file).finish_non_exhaustive()
    }
}

impl Live {
    /// Creates the live config of a host that was started with `config`.
    pub(crate) fn new(
        config: &Config,
        supervisor: Supervisor,
        plugins: PluginHost,
        rules: RulesInForce,
        noted: Option<Noted>,
    ) -> Self {
        let stash = noted.as_ref().map(|noted| (noted.stash.clone(), noted.started_with.clone()));
        if let Some((stash, started_with)) = &stash {
            NotedConfig::of(config, started_with).write(stash);
        }
        let in_force = InForce {
            // Of what was loaded only the texts are compared.
            loaded: Arc::new(wanted(config, &Unread)),
            host: tokio::task::block_in_place(|| host_keys(config, &Read)),
            supervising: config.settings.clone(),
        };
        Self(Arc::new(Shared {
            noting: Noting::start(noted, supervisor.clone(), plugins.clone()),
            stash,
            supervisor,
            plugins,
            rules,
            file: FileWatch::new(config.absolute_path(), &config.source().text),
            in_force: Mutex::new(in_force),
            turn: Arc::default(),
        }))
    }

    /// Returns everything that a config is compared with.
    fn host(&self) -> Host {
        Host {
            supervisor: self.0.supervisor.clone(),
            plugins: self.0.plugins.clone(),
            in_force: self.0.in_force.lock().clone(),
        }
    }

    async fn compared(&self, path: Option<PathBuf>) -> Result<api::Difference, ConfigRefusal> {
        let path = path.unwrap_or_else(|| self.0.file.path());
        let host = self.host();
        let compare = move || {
            let compared = host.compare(&path)?;
            Ok(difference(&compared.plan, &path))
        };
        self.0.supervisor.jobs().reading.run(compare).await.map_err(lost)?
    }

    /// Returns the path of the config in force, which a reload may have changed. The next host reads it.
    pub(crate) fn path(&self) -> PathBuf {
        self.0.file.path()
    }

    /// Takes the turn, so that nothing changes the config as long as it is held; `None` if something changes it now.
    pub(crate) fn turn(&self) -> Option<OwnedMutexGuard<()>> {
        self.0.turn.clone().try_lock_owned().ok()
    }

    /// Checks the config, and starts to carry it out.
    async fn begin(&self, order: api::ReloadOrder) -> Result<mpsc::UnboundedReceiver<Step>, ConfigRefusal> {
        let turn = self.0.turn.clone().lock_owned().await;
        let path = order.config.map_or_else(|| self.0.file.path(), PathBuf::from);
        let (host, no_restart) = (self.host(), order.no_restart);
        let file = path.clone();
        let checked = self.0.supervisor.jobs().loads.run(move || host.check(&file, no_restart));
        let checked = checked.await.map_err(lost)??;
        let (client, steps) = mpsc::unbounded_channel();
        let carrying = Carrying {
            supervisor: self.0.supervisor.clone(),
            plugins: self.0.plugins.clone(),
            rules: self.0.rules.clone(),
            steps: Steps::new(client),
            no_restart,
        };
        // It goes on if the client goes away.
        tokio::spawn(self.clone().carry(carrying, checked, path, turn));
        Ok(steps)
    }

    async fn carry(self, carrying: Carrying, checked: Checked, path: PathBuf, turn: OwnedMutexGuard<()>) {
        let text = checked.compared.config.source().text.clone();
        let file = self.0.file.clone();
        let noted = self.0.stash.as_ref().map(|(stash, started_with)| {
            (stash.clone(), NotedConfig::of(&checked.compared.config, started_with))
        });
        let complete = || {
            file.loaded(path, &text);
            if let Some((stash, config)) = noted {
                config.write(&stash);
            }
        };
        carrying.run(checked, &self.0.in_force, complete, &self.0.noting).await;
        drop(turn);
    }

    /// Reloads the config for each signal that asks for it, until the host ends, and tells the service manager.
    pub(crate) async fn reload_for_signals(self, mut signals: mpsc::Receiver<()>, manager: ServiceManager) {
        while signals.recv().await.is_some() {
            manager.reloading();
            self.reload_for_signal().await;
            manager.reloaded();
        }
    }

    /// Reloads the config because of a signal. What is done, and what is not, is in the log of the host.
    async fn reload_for_signal(&self) {
        match self.begin(api::ReloadOrder::default()).await {
            Ok(mut steps) => while steps.recv().await.is_some() {},
            Err(refusal) => {
                tracing::error!("the config is not reloaded, and nothing was changed: {}", told(&refusal))
            }
        }
    }
}

/// Returns the words of a refusal for the log.
fn told(refusal: &ConfigRefusal) -> String {
    match refusal {
        ConfigRefusal::BadConfig(report) | ConfigRefusal::NeedsNewHost(report) => report.whole.clone(),
        ConfigRefusal::NotScalable { message, .. }
        | ConfigRefusal::BadRequest(message)
        | ConfigRefusal::Internal(message) => message.clone(),
        ConfigRefusal::ShuttingDown => "the host is shutting down".to_owned(),
    }
}

fn lost(lost: Lost) -> ConfigRefusal {
    match lost {
        Lost::Ending => ConfigRefusal::ShuttingDown,
        Lost::Panicked(said) => ConfigRefusal::Internal(said),
    }
}

impl LiveConfig for Live {
    fn difference(&self, config: Option<PathBuf>) -> Answer<'_, Result<api::Difference, ConfigRefusal>> {
        Box::pin(self.compared(config))
    }

    fn reload(
        &self,
        order: api::ReloadOrder,
    ) -> Answer<'_, Result<mpsc::UnboundedReceiver<Step>, ConfigRefusal>> {
        Box::pin(self.begin(order))
    }

    fn scale(&self, name: String, count: u32, cause: Cause) -> Answer<'_, Result<Scaling, ConfigRefusal>> {
        let live = self.clone();
        let scaled = async move {
            let _turn = live.0.turn.lock().await;
            let scaled = scaling::scale(&live.0.supervisor, &name, count, cause).await;
            live.0.noting.again().await;
            scaled
        };
        // It is not cut in the middle if the client goes away.
        Box::pin(async {
            tokio::spawn(scaled).await.unwrap_or_else(|error| Err(ConfigRefusal::Internal(error.to_string())))
        })
    }

    fn plugin_changed(&self, name: String) -> Answer<'_, ()> {
        Box::pin(self.0.noting.changed(name))
    }

    fn file(&self) -> Answer<'_, ConfigFile> {
        Box::pin(self.0.file.look(self.0.supervisor.jobs()))
    }
}
