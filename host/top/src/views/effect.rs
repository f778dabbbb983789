//! What an action asks of the program.

use crate::request::Request;

/// What an action asks of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// A request to the host.
    Ask(Request),
    /// A text is copied to the clipboard of the terminal.
    Copy(String),
    /// A mark is set below the last line of the logs.
    MarkLines,
    /// The lines of the logs are forgotten.
    ClearLines,
    /// The mouse is taken, or given back to the terminal.
    Mouse(bool),
    /// The screen is drawn anew.
    Redraw,
    /// The program is suspended.
    Suspend,
    /// The view ends.
    Quit,
}
