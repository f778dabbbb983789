//! The port of views, which render status on request.

use std::fmt;
use std::sync::Arc;

use super::fault::Fault;
use crate::registry::Snapshot;

/// A request to a view.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ViewRequest {
    /// The path after the name of the view, without a leading slash.
    pub path: String,
    /// The query, without the question mark.
    pub query: String,
}

/// The response of a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewResponse {
    /// The status code of HTTP: 200 to 299, or 400 to 599.
    pub status: u16,
    /// The media type of the body.
    pub content_type: String,
    /// The rendered bytes.
    pub body: Vec<u8>,
}

/// A view, which renders the state of all processes on request. It is called on a blocking thread.
pub trait View: Send + Sync + fmt::Debug {
    /// Returns the name in the config.
    fn name(&self) -> &Arc<str>;

    /// Renders `world`.
    ///
    /// # Errors
    /// [`Fault`] if the view failed.
    fn render(&self, request: &ViewRequest, world: &Arc<Snapshot>) -> Result<ViewResponse, Fault>;
}
