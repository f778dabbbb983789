//! What a view is to the rest of the host.

use std::fmt;
use std::sync::Arc;

use super::fault::Fault;
use crate::registry::Snapshot;

/// What somebody wants to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ViewRequest {
    /// The path behind the view's name, without a leading slash.
    pub path: String,
    /// The query behind it, without the question mark.
    pub query: String,
}

/// What a view shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewResponse {
    /// A media type.
    pub content_type: String,
    /// The rendered bytes.
    pub body: Vec<u8>,
}

/// Renders the world on request. Called on a blocking thread.
pub trait View: Send + Sync + fmt::Debug {
    /// The name in the config.
    fn name(&self) -> &Arc<str>;

    /// Renders `world`.
    ///
    /// # Errors
    /// [`Fault`] if it could not.
    fn render(&self, request: &ViewRequest, world: &Arc<Snapshot>) -> Result<ViewResponse, Fault>;
}
