//! What the host has put into force and what cannot be asked of the supervisor or of the plugin host later. Only the reload that
//! has its turn changes it.

use std::collections::HashMap;
use std::sync::Arc;

use provost_supervisor::{ReplicaSet, Settings};

use crate::difference::{HostKeys, Shape};

/// What is in force.
#[derive(Clone, Debug)]
pub(super) struct InForce {
    /// What the config asked for that was loaded last, completely.
    pub(super) loaded: Arc<Shape>,
    /// The settings of the host that never change while it runs.
    pub(super) host: HostKeys,
    /// The settings of the supervisor. Its routing is asked of the state core.
    pub(super) supervising: Settings,
    /// How often the policies of each replica set are asked, in milliseconds.
    pub(super) every_ms: HashMap<Arc<str>, u64>,
}

impl InForce {
    /// Records a replica set that was put into force.
    pub(super) fn set(&mut self, set: &ReplicaSet) {
        self.every_ms.insert(set.name.clone(), set.every_ms);
    }
}
