//! The catalog of all plugins: which are loaded, in the order of the config.

use std::sync::Arc;

use arc_swap::ArcSwap;
use provost_state::PluginReport;

use crate::guest::Reports;

use super::slot::Plugin;

/// All plugins that are loaded. Published whole at each change, so that listing them takes no lock: status does it.
#[derive(Debug, Default)]
pub(crate) struct Catalog(ArcSwap<Vec<Arc<Plugin>>>);

impl Catalog {
    /// Those that are loaded at one instant, wait-free.
    pub(crate) fn loaded(&self) -> Arc<Vec<Arc<Plugin>>> {
        self.0.load_full()
    }

    /// The plugin of this name.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<Plugin>> {
        self.0.load().iter().find(|plugin| &*plugin.name == name).cloned()
    }

    /// Puts a plugin behind the others. One caller at a time: the host sees to it.
    pub(crate) fn append(&self, plugin: Arc<Plugin>) {
        let mut all = Vec::clone(&self.0.load());
        all.push(plugin);
        self.0.store(Arc::new(all));
    }

    /// Takes a plugin out, and with it all of it that nobody is using any more. One caller at a time, as above.
    pub(crate) fn remove(&self, plugin: &Arc<Plugin>) {
        let mut all = Vec::clone(&self.0.load());
        all.retain(|other| !Arc::ptr_eq(other, plugin));
        self.0.store(Arc::new(all));
    }
}

impl Reports for Catalog {
    fn reports(&self) -> Vec<PluginReport> {
        self.0.load().iter().map(|plugin| plugin.report()).collect()
    }
}
