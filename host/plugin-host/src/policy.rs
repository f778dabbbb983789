//! A plugin as a restart policy: a fresh instance per decision.

use std::sync::Arc;

use provost_state::{Decision, Ended, Fault, Policy, Snapshot};

use crate::admission::Role;
use crate::convert;
use crate::plugin::Plugin;
use crate::snapshot::Lent;

/// Judges restarts through a component, or answers every trigger with the reason for which that was refused.
#[derive(Debug)]
pub(crate) struct PluginPolicy(pub(crate) Arc<Plugin>);

impl PluginPolicy {
    fn ask(&self, ended: &Ended, world: &Arc<Snapshot>) -> Result<Decision, Fault> {
        let plugin = &self.0;
        let role = Role::RestartPolicy;
        let pre = plugin.admitted()?.policy.as_ref().ok_or_else(|| plugin.lacks(role))?;
        let mut store = plugin.store(role);
        let answer = plugin.call(&mut store, role, world, |store| {
            let judge = pre.instantiate(&mut *store)?;
            judge.provost_plugin_restart_policy().call_on_exit(store, &convert::ended(ended), Lent::handle())
        })?;
        Ok(convert::decision(&answer))
    }
}

impl Policy for PluginPolicy {
    fn name(&self) -> &Arc<str> {
        &self.0.name
    }

    fn on_exit(&self, ended: &Ended, world: &Arc<Snapshot>) -> Result<Decision, Fault> {
        self.0.counted(self.ask(ended, world))
    }
}
