//! The port of views, which render status on request.

use std::fmt;
use std::sync::Arc;

use super::fault::Fault;
use crate::process::{Incarnation, Usage};
use crate::registry::Snapshot;

/// What one process uses, for a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewUsage {
    /// The name of the process.
    pub name: Arc<str>,
    /// Its group; empty if it is in none.
    pub group: Arc<str>,
    /// The life that was read.
    pub incarnation: Incarnation,
    /// What it used.
    pub usage: Usage,
}

/// A request to a view.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ViewRequest {
    /// The path after the name of the view, without a leading slash.
    pub path: String,
    /// The query, without the question mark.
    pub query: String,
    /// What the processes use.
    pub usages: Arc<[ViewUsage]>,
    /// What the host itself uses.
    pub host_usage: Option<Usage>,
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
