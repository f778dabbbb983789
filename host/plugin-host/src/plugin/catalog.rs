//! The catalog of all loaded plugins, in the order of the config.

use std::sync::Arc;

use arc_swap::ArcSwap;
use provost_state::PluginReport;

use crate::guest::Reports;

use super::slot::Plugin;

/// All loaded plugins. The list is replaced as a whole at each change, so that status lists it without a lock.
#[derive(Debug, Default)]
pub(crate) struct Catalog(ArcSwap<Vec<Arc<Plugin>>>);

impl Catalog {
    /// Returns the plugins that are loaded at this instant, wait-free.
    pub(crate) fn loaded(&self) -> Arc<Vec<Arc<Plugin>>> {
        self.0.load_full()
    }

    /// Returns the plugin of this name.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<Plugin>> {
        self.0.load().iter().find(|plugin| &*plugin.name == name).cloned()
    }

    /// Appends a plugin. The host ensures that there is one caller at a time.
    pub(crate) fn append(&self, plugin: Arc<Plugin>) {
        let mut all = Vec::clone(&self.0.load());
        all.push(plugin);
        self.0.store(Arc::new(all));
    }

    /// Sorts the plugins by the place of their names; those with the same place keep their order. One caller at a time, as above.
    pub(crate) fn arrange(&self, place: impl Fn(&str) -> usize) {
        let mut all = Vec::clone(&self.0.load());
        all.sort_by_key(|plugin| place(&plugin.name));
        self.0.store(Arc::new(all));
    }

    /// Removes a plugin; its versions are freed once no call uses them. One caller at a time, as above.
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
