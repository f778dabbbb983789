//! What the user can do, and the views.

/// One view of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// The processes, as a list or as a tree.
    Processes,
    /// Lines of logs.
    Logs,
    /// The plugins with their figures.
    Plugins,
    /// The figures of the state core.
    State,
    /// What happened.
    Events,
}

impl View {
    /// All views, in the order of their numbers.
    pub const ALL: [Self; 5] = [Self::Processes, Self::Logs, Self::Plugins, Self::State, Self::Events];

    /// Returns its title.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Processes => "Processes",
            Self::Logs => "Logs",
            Self::Plugins => "Plugins",
            Self::State => "State",
            Self::Events => "Events",
        }
    }
}

/// What the user can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Show a view.
    Show(View),
    Up,
    Down,
    PageUp,
    PageDown,
    Top,
    Bottom,
    Left,
    Right,
    /// Open or close the detail pane.
    Detail,
    /// Give the detail pane all the room, or only its share.
    Zoom,
    /// Close what is open, or take back a filter or marks.
    Back,
    /// Mark the selected process for the next order, or take the mark away.
    Mark,
    /// Narrow the list, or search in the logs.
    Find,
    /// Show only the lines that contain a text.
    Filter,
    FindNext,
    FindPrevious,
    Tree,
    Sort,
    Reverse,
    Hide,
    Logs,
    Start,
    Stop,
    Restart,
    Signal,
    Scale,
    Reload,
    Swap,
    Freeze,
    Wrap,
    Times,
    MarkLines,
    Clear,
    Copy,
    Mouse,
    Palette,
    Help,
    Redraw,
    Suspend,
    Quit,
}
