//! What the host has put into force and what cannot be asked of the supervisor or of the plugin host later. Only the reload that
//! has its turn changes it.

use std::sync::Arc;

use provost_supervisor::Settings;

use crate::difference::{HostKeys, Shape};

/// What is in force.
#[derive(Clone, Debug)]
pub(super) struct InForce {
    /// What the config asked for that was loaded last, completely.
    pub(super) loaded: Arc<Shape>,
    /// The settings of the host that are asked of nobody else.
    pub(super) host: HostKeys,
    /// The settings of the supervisor. Its routing is asked of the state core.
    pub(super) supervising: Settings,
}
