//! What a former host has written down, as far as the next one needs it before there is a supervisor.

use provost_state::MemoryChange;
use provost_supervisor::FormerStash;

use super::config::NotedConfig;
use super::plugins::NotedPlugins;

/// What a former host has written down. The default value is that of a first host, which finds nothing.
#[derive(Clone, Debug, Default)]
pub(in crate::daemon) struct FormerHost {
    stash: FormerStash,
    pub(in crate::daemon) plugins: NotedPlugins,
}

impl FormerHost {
    /// Reads it.
    pub(in crate::daemon) fn of(stash: FormerStash) -> Self {
        let plugins = NotedPlugins::read(stash.note(NotedPlugins::KEY));
        Self { stash, plugins }
    }

    /// Whether there was one. What cannot be loaded keeps its successor from nothing: its processes run.
    pub(in crate::daemon) fn is_there(&self) -> bool {
        !self.stash.is_empty()
    }

    /// Returns the config that it had in force.
    pub(in crate::daemon) fn config(&self) -> Option<NotedConfig> {
        NotedConfig::read(self.stash.note(NotedConfig::KEY)?)
    }

    /// Returns what its policies have written into their memories.
    pub(in crate::daemon) fn memories(&self) -> Vec<MemoryChange> {
        self.stash.memories()
    }
}
