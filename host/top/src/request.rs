//! What the view can ask of the host.

use provost_api::StatusPart;
use provost_api::client::StatusAsked;

/// The number of past generations whose events are shown.
pub(crate) const EVENTS: u64 = 1_000;

/// The fields of processes that are shown; `explain` brings the rest.
const FIELDS: [&str; 14] = [
    "name",
    "group",
    "phase",
    "desired",
    "pid",
    "generation",
    "restarts",
    "health",
    "failing",
    "exit",
    "reason",
    "started_at",
    "ended_at",
    "next_action_at",
];

/// Returns the request for the status of these targets, with what is shown of it.
pub(crate) fn status(targets: Vec<String>, plugins: bool) -> StatusAsked {
    let fields = FIELDS.map(str::to_owned).to_vec();
    StatusAsked { select: targets, parts: parts(plugins), fields, ..StatusAsked::default() }
}

/// Returns the parts of the status that are shown. The figures of plugins change with each call, so that they are followed only
/// where they are shown.
pub(crate) fn parts(plugins: bool) -> Vec<StatusPart> {
    let all = [
        StatusPart::Processes,
        StatusPart::Replicas,
        StatusPart::Host,
        StatusPart::Usage,
        StatusPart::Plugins,
    ];
    all.into_iter().filter(|part| plugins || *part != StatusPart::Plugins).collect()
}

/// A request to the host. Its answer comes as news.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// Follow the status, with or without plugins. It replaces the former stream.
    Watch { plugins: bool },
    /// Explain a process.
    Explain(String),
    /// The variables and the checks of a process.
    Process(String),
    /// Follow the lines of these targets, beginning with the last `lines` of each. It replaces the former stream of the slot.
    Follow { slot: Slot, targets: Vec<String>, lines: usize },
    /// End the stream of a slot.
    Unfollow(Slot),
    /// Follow the events after this generation.
    Events { since: u64 },
    /// End the stream of events.
    NoEvents,
    /// What each process depends on.
    Dependencies,
    /// The figures of the state core.
    StateCore,
    /// What a reload would change.
    Difference,
    /// An order to the host.
    Order(Order),
}

/// An order to the host, which is confirmed by the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// An order to processes.
    Processes { verb: Verb, targets: Vec<String> },
    /// The number of replicas of a process.
    Scale { name: String, count: u32 },
    /// Another component for a plugin.
    Swap { plugin: String, component: String },
    /// The config is reloaded.
    Reload,
}

/// What processes are ordered to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    /// Start.
    Start,
    /// Stop.
    Stop,
    /// Restart.
    Restart,
    /// Receive a signal of this name.
    Signal(String),
}

impl Verb {
    /// Returns the action of the API.
    pub(crate) fn action(&self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::Signal(_) => "signal",
        }
    }
}

impl std::fmt::Display for Verb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Signal(name) => write!(f, "send SIG{name} to"),
            _ => f.write_str(self.action()),
        }
    }
}

impl std::fmt::Display for Order {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Processes { verb, targets } => write!(f, "{verb} {}", targets.join(", ")),
            Self::Scale { name, count } => write!(f, "scale {name} to {count}"),
            Self::Swap { plugin, component } => write!(f, "swap plugin {plugin} to {component}"),
            Self::Reload => f.write_str("reload the config"),
        }
    }
}

/// Where lines of logs are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    /// In the view of logs.
    Logs,
    /// In the detail pane.
    Detail,
}
