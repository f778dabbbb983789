//! What the connections report to the model.

use provost_api::{Dependencies, Difference, Event, Explanation, LogItem, ProcessDetail, StateCore, Status};

use crate::request::Slot;

/// Something that a connection reports.
#[derive(Debug)]
pub(crate) enum News {
    /// The status: everything, or what has changed.
    Status(Box<Status>),
    /// The host cannot be reached; the sentence says why. It is tried again.
    Lost(String),
    /// The answer to a request for an explanation.
    Explained {
        /// The process.
        name: String,
        /// The explanation, or why there is none.
        outcome: Result<Box<Explanation>, String>,
    },
    /// A process with the names of its variables and its checks.
    Process(Box<ProcessDetail>),
    /// A new stream of lines of these targets begins: what the slot holds is of another one.
    LogsBegin(Slot, Vec<String>),
    /// An item of the stream of lines of this slot.
    Log(Slot, LogItem),
    /// The lines of this slot cannot be had at the moment.
    LogsFailed(Slot, String),
    /// A new stream of events begins.
    EventsBegin,
    /// An event.
    Event(Box<Event>),
    /// What each process depends on.
    Dependencies(Dependencies),
    /// The figures of the state core.
    StateCore(Box<StateCore>),
    /// What a reload would change, or why that is not known.
    Difference(Result<Box<Difference>, String>),
    /// The outcome of an order.
    Done(Told),
}

/// A message to the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// Whether it is about a failure.
    pub(crate) failed: bool,
    /// The message; it may contain foreign text.
    pub(crate) text: String,
}

impl Told {
    /// Creates a message about a success.
    pub(crate) fn done(text: impl Into<String>) -> Self {
        Self { failed: false, text: text.into() }
    }

    /// Creates a message about a failure.
    pub(crate) fn failed(text: impl Into<String>) -> Self {
        Self { failed: true, text: text.into() }
    }
}
