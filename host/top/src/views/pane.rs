//! The detail pane: whether it is open, and how much room it has.

use super::cursor::Cursor;

/// The detail pane below the list of processes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Pane {
    /// It is closed.
    #[default]
    Closed,
    /// It shares the room with the list, and shows what has room there.
    Shared,
    /// It has all the room, and is scrolled.
    Whole(Cursor),
}

impl Pane {
    /// Opens or closes it.
    pub(crate) fn toggle(&mut self) {
        *self = match self {
            Self::Closed => Self::Shared,
            Self::Shared | Self::Whole(_) => Self::Closed,
        };
    }

    /// Gives it all the room, or only its share.
    pub(crate) fn zoom(&mut self) {
        *self = match self {
            Self::Whole(_) => Self::Shared,
            Self::Closed | Self::Shared => Self::Whole(Cursor::default()),
        };
    }

    /// Whether it is open.
    pub(crate) fn is_open(&self) -> bool {
        *self != Self::Closed
    }
}
