//! A plugin host with one plugin and a config without a file, for answers that need no others.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use provost_api as api;
use provost_control::{Answer, ConfigFile, ConfigRefusal, LiveConfig, Scaling, Step};
use provost_state::{
    Blame, Cause, Consumer, PluginChange, PluginFigures, PluginRefusal, PluginRefusalKind, PluginReport,
    PluginStatus, PluginVersion, PluginWanted, Plugins, Policy, Replacement, Snapshot, View,
};
use tokio::sync::mpsc;

/// Reports one policy and refuses everything else.
#[derive(Debug)]
pub(crate) struct OnePlugin;

fn refused<T>() -> Result<T, PluginRefusal> {
    let (message, hint) = ("plugins do not change here".to_owned(), String::new());
    Err(PluginRefusal { kind: PluginRefusalKind::Unknown, message, hint })
}

impl Plugins for OnePlugin {
    fn reports(&self) -> Vec<PluginReport> {
        let active = PluginVersion {
            number: 1,
            source: "bundled:backoff".into(),
            digest: "00".into(),
            signed_by: None,
            grants: Vec::new(),
            limits: BTreeMap::new(),
            quarantine: None,
            roles: vec!["restart-policy".into()],
            figures: PluginFigures::default(),
        };
        let name = "backoff".into();
        vec![PluginReport { name, status: PluginStatus::Active, active, former: None, told_until: None }]
    }

    fn view(&self, _: &str) -> Option<Arc<dyn View>> {
        None
    }

    fn policy(&self, _: &str) -> Option<Arc<dyn Policy>> {
        None
    }

    fn consumer(&self, _: &str) -> Option<Box<dyn Consumer>> {
        None
    }

    fn load(&self, _: &PluginWanted, _: &Arc<Snapshot>) -> Result<PluginChange, PluginRefusal> {
        refused()
    }

    fn unload(&self, _: &str) -> Result<PluginChange, PluginRefusal> {
        refused()
    }

    fn swap(&self, _: &str, _: &Replacement, _: &Arc<Snapshot>) -> Result<PluginChange, PluginRefusal> {
        refused()
    }

    fn rollback(&self, _: &str) -> Result<PluginChange, PluginRefusal> {
        refused()
    }

    fn revive(&self, _: &str) -> Result<PluginChange, PluginRefusal> {
        refused()
    }

    fn blame(&self, _: &str) -> Result<Option<Blame>, PluginRefusal> {
        refused()
    }
}

/// A config that never changes.
#[derive(Debug)]
pub(crate) struct Unchanging;

fn unchanging<'a, T: Send + 'a>() -> Answer<'a, Result<T, ConfigRefusal>> {
    Box::pin(std::future::ready(Err(ConfigRefusal::Internal("the config does not change here".to_owned()))))
}

impl LiveConfig for Unchanging {
    fn difference(&self, _: Option<PathBuf>) -> Answer<'_, Result<api::Difference, ConfigRefusal>> {
        unchanging()
    }

    fn reload(
        &self,
        _: api::ReloadOrder,
    ) -> Answer<'_, Result<mpsc::UnboundedReceiver<Step>, ConfigRefusal>> {
        unchanging()
    }

    fn scale(&self, _: String, _: u32, _: Cause) -> Answer<'_, Result<Scaling, ConfigRefusal>> {
        unchanging()
    }

    fn plugin_changed(&self, _: String) -> Answer<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    fn file(&self) -> Answer<'_, ConfigFile> {
        let file = ConfigFile {
            path: "/srv/provost.toml".to_owned(),
            loaded_at: "2026-11-26T00:00:00.000Z".to_owned(),
            changed: Some(false),
        };
        Box::pin(std::future::ready(file))
    }
}
