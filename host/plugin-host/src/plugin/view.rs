//! A plugin as a view: a fresh instance per rendering.

use std::sync::Arc;

use provost_state::{Fault, Snapshot, View, ViewRequest, ViewResponse};

use super::slot::Plugin;

/// Renders status through a component, or answers every request with the reason for which that component was refused.
#[derive(Debug)]
pub(crate) struct PluginView(pub(crate) Arc<Plugin>);

impl View for PluginView {
    fn name(&self) -> &Arc<str> {
        &self.0.name
    }

    fn render(&self, request: &ViewRequest, world: &Arc<Snapshot>) -> Result<ViewResponse, Fault> {
        self.0.ask(request, world, None)
    }
}
