//! Which process waits for which.
//!
//! | room | owns |
//! |---|---|
//! | `text` | the tree for a terminal |
//! | `dot` | the language of Graphviz |
//! | `svg` | the picture |
//! | `layers` | where the picture has its boxes and curves |
//! | `model` | the processes and their dependencies |

mod dot;
mod layers;
mod model;
mod svg;
mod text;

pub(crate) use dot::dot;
#[cfg(test)]
pub(crate) use model::tests;
pub(crate) use model::{Graph, Node, UnknownTarget};
pub(crate) use svg::svg;
pub(crate) use text::text;
