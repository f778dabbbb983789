//! Who calls: the API as a client of the protocol may use it.

use std::sync::Arc;

use provost_api::client::Client;

/// What a caller may do, from the least to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grant {
    /// Reading only.
    Read,
    /// Also starting, stopping, restarting and signalling processes.
    Operate,
    /// Also reloading the config and changing plugins.
    Admin,
}

/// The sentences for a caller that depend on the way it is connected.
#[derive(Clone, Debug)]
pub struct Wording {
    /// What to do when no host can be reached.
    pub start_hint: Arc<str>,
    /// What to do to be allowed to change something.
    pub allow_hint: Arc<str>,
}

/// A caller: the API as it may use it.
#[derive(Clone, Debug)]
pub struct Caller {
    /// A client of the host, whose requests have at most the rights of the caller.
    pub client: Client,
    /// What it may do. Tools beyond that are not listed, and are refused.
    pub grant: Grant,
    /// How advice to it is worded.
    pub wording: Wording,
}
