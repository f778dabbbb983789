//! The host as `status` describes it, with how the one before it has ended.

use std::path::Path;

use provost_control::TcpListening;
use provost_supervisor::{Clock, HostEnding, LastEnd, rfc3339};

use crate::config::Config;

/// Describes the host for `status`.
pub(super) fn described(
    config: &Config,
    socket: &Path,
    tcp: Option<&TcpListening>,
    last_end: Option<&LastEnd>,
) -> provost_api::Host {
    provost_api::Host {
        last_end: last_end.and_then(last_end_told),
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: rfc3339(Clock::new().now().wall_ms),
        socket: socket.display().to_string(),
        listen: tcp.map(TcpListening::urls).unwrap_or_default(),
        config: config.absolute_path().display().to_string(),
        ..provost_api::Host::default()
    }
}

/// Returns how the host before this one has ended in the words of the API.
fn last_end_told(end: &LastEnd) -> Option<provost_api::LastEnd> {
    let kind = match end.kind {
        HostEnding::None => return None,
        HostEnding::Died => provost_api::HostEnding::Died,
        HostEnding::Silent => provost_api::HostEnding::Silent,
        HostEnding::Late => provost_api::HostEnding::Late,
        HostEnding::Faulty => provost_api::HostEnding::Faulty,
        HostEnding::Left => provost_api::HostEnding::Left,
        HostEnding::RolledBack => provost_api::HostEnding::RolledBack,
        HostEnding::Handed => provost_api::HostEnding::Handed,
    };
    Some(provost_api::LastEnd { kind, reason: end.reason.to_string(), at: rfc3339(end.at.wall_ms) })
}
