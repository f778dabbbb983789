//! The data of a plugin that a running guest needs: name, settings, limits, grants, log lines, memory, figures, and the
//! reports of all plugins.

use std::fmt;
use std::sync::{Arc, Weak};

use provost_state::PluginReport;

use crate::limits::Limits;
use crate::limits::grants::Grants;
use crate::memory::Memory;
use crate::notice::Notice;

use super::bindings::log::Level;
use super::encoded::Encoded;
use super::figures::Figures;
use super::lines::LogLines;
use super::wasi::{Reach, Waiting, Watch};

/// A source of reports on all loaded plugins.
pub(crate) trait Reports: fmt::Debug + Send + Sync {
    /// Returns one report for each plugin, in the order of the config. Takes no lock.
    fn reports(&self) -> Vec<PluginReport>;
}

/// The data that all versions of a plugin share which one section of a config has made.
#[derive(Debug)]
pub(crate) struct Common {
    pub(crate) name: Arc<str>,
    /// Shared by all versions of the plugin, so that its lines are limited as a whole.
    pub(crate) lines: Arc<LogLines>,
    pub(crate) memory: Arc<Memory>,
    /// The only digest that the operator accepts, in hex.
    pub(crate) pin: Option<String>,
    /// The access to the outside that it was granted.
    pub(crate) grants: Arc<Grants>,
    /// The threads that wait for the outside on its behalf, shared by all versions of the plugin.
    pub(crate) waiting: Arc<Waiting>,
    /// Notified when the plugin is quarantined.
    pub(crate) notice: Notice,
    /// The reports of all plugins, for views. Weak, because the plugins own their versions, which own this.
    pub(crate) reports: Weak<dyn Reports>,
    /// The columns that all plugins of the host share.
    pub(crate) encoded: Arc<Encoded>,
}

/// The data that all instances of one version share.
pub(crate) struct Context {
    pub(crate) common: Arc<Common>,
    /// The settings, as the text of a JSON object.
    pub(crate) settings: Arc<str>,
    pub(crate) limits: Arc<Limits>,
    /// The resources outside that it was granted, if any.
    pub(crate) reach: Option<Reach>,
    pub(crate) figures: Figures,
}

impl Context {
    /// Returns the name of the plugin.
    pub(crate) fn name(&self) -> &Arc<str> {
        &self.common.name
    }

    /// Writes a line into the host's log, or counts it as dropped.
    pub(crate) fn write_line(&self, level: Level, line: &str) {
        let written = self.common.lines.write(self.name(), level, line, self.limits.lines_per_second);
        if !written {
            self.figures.line_dropped();
        }
    }
}

impl Watch for Context {
    fn denied(&self, what: &str) {
        self.figures.denied(1);
        self.write_line(Level::Warn, &format!("denied: {what}"));
    }

    fn line(&self, level: Level, line: &str) {
        self.write_line(level, line);
    }
}
