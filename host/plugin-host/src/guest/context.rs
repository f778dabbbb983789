//! What a running guest needs of its plugin: its name, settings and limits, what it was granted, its log lines, its memory, its figures,
//! and a view of all plugins.

use std::fmt;
use std::sync::{Arc, Weak};

use provost_state::PluginReport;

use crate::limits::Limits;
use crate::limits::grants::Grants;
use crate::memory::Memory;

use super::bindings::log::Level;
use super::figures::Figures;
use super::lines::LogLines;
use super::wasi::{Reach, Waiting, Watch};

/// Whoever knows what is loaded.
pub(crate) trait Reports: fmt::Debug + Send + Sync {
    /// One report a plugin, in the order of the config. Takes no lock.
    fn reports(&self) -> Vec<PluginReport>;
}

/// What all versions of a plugin have in common.
#[derive(Debug)]
pub(crate) struct Common {
    pub(crate) name: Arc<str>,
    pub(crate) lines: LogLines,
    pub(crate) memory: Arc<Memory>,
    /// The only digest that the operator wants, in hex.
    pub(crate) pin: Option<String>,
    /// What of the outside it may use.
    pub(crate) grants: Arc<Grants>,
    /// Who waits for the outside on its behalf.
    pub(crate) waiting: Waiting,
    /// All plugins, for views. They hold their versions, which hold this: hence weak.
    pub(crate) reports: Weak<dyn Reports>,
}

/// What one version has for all of its instances.
pub(crate) struct Context {
    pub(crate) common: Arc<Common>,
    /// The text of a JSON object.
    pub(crate) settings: Arc<str>,
    pub(crate) limits: Arc<Limits>,
    /// What it reaches of the outside, if it was granted anything of that.
    pub(crate) reach: Option<Reach>,
    pub(crate) figures: Figures,
}

impl Context {
    /// The name of the plugin.
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
