//! The orders that are given at random, and what they ask for.

/// The state that the last order requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// The process is to run.
    Up,
    /// The process is to be stopped.
    Down,
    /// The order got no clear answer and may or may not have been carried out.
    Unclear,
}

/// An order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Start it.
    Start,
    /// Stop it.
    Stop,
    /// Restart it.
    Restart,
    /// Send it a signal.
    Signal,
}

impl Act {
    /// The orders, each as often as it is to be given.
    pub const ALL: [Self; 6] =
        [Self::Start, Self::Start, Self::Stop, Self::Restart, Self::Restart, Self::Signal];

    /// Returns its name in the API and on the command line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::Signal => "signal",
        }
    }

    /// Returns the requested state of a process after this order, if it changes that.
    #[must_use]
    pub fn want(self) -> Option<Want> {
        match self {
            Self::Start | Self::Restart => Some(Want::Up),
            Self::Stop => Some(Want::Down),
            Self::Signal => None,
        }
    }
}
