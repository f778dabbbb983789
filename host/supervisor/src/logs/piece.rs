//! Some of the stored lines, as they are handed to a reader.

use super::item::LogItem;
use super::position::Positions;

/// Some of what a reader is handed out.
#[derive(Debug, Default)]
pub(crate) struct Piece {
    pub(crate) items: Vec<LogItem>,
    /// The places that are known after these items, in addition to those after each line.
    pub(crate) positions: Positions,
}
