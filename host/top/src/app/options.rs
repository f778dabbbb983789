//! What the program around the view chooses.

use crate::input::View;

/// What the program around the view chooses.
#[derive(Clone, Debug)]
pub struct Options {
    /// Names, `GROUP:*` or `all`; everything if it is empty.
    pub targets: Vec<String>,
    /// The shortest pause between two changes on the screen, in milliseconds.
    pub every_ms: u64,
    /// Whether there are colours.
    pub colors: bool,
    /// Whether the groups are shown as a tree at the beginning.
    pub tree: bool,
    /// The first view.
    pub view: View,
}

/// The size of a single frame, in columns and rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The columns.
    pub columns: u16,
    /// The rows; `None` for as many as there are processes, or 24 in another view.
    pub rows: Option<u16>,
}
