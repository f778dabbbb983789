//! The host's own log. It goes to `provost.log` in the runtime directory, as soon as that is known, and in the foreground also to
//! standard error. Logging never blocks: see [`super::output`].

mod log;
mod subscriber;

pub(crate) use log::{HOST_LOG_NAME, Home, HostLog};
pub(super) use subscriber::install;
