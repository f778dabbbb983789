//! A keeper that runs already, as others than its host see it: it listens in the runtime directory.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use provost_keeper::protocol::{Held, HostState, Id, MESSAGE_MAX, Order, Report, SlotState, Welcome};
use provost_keeper::socket;
use provost_state::{Incarnation, Moment};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};

use super::greeting::next;
use super::kept::told;
use super::keys::NAMES_KEY;
use super::names::Names;
use crate::clock::Clock;

/// A keeper that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunningKeeper {
    /// Its process id.
    pub pid: u32,
    /// The number of processes that it holds, those included whose end no host has recorded.
    pub held: u32,
    /// Whether it starts no host any more, because its hosts have died too often.
    pub is_alone: bool,
}

/// A process that a keeper holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// Its name.
    pub name: Arc<str>,
    /// Which life of it.
    pub incarnation: Incarnation,
    /// Its process id, or that which it had.
    pub pid: u32,
    /// What has become of it, in words: `running`, or how it has ended.
    pub state: String,
    /// When it was started.
    pub started_at: Moment,
}

impl RunningKeeper {
    /// Asks at this path; `None` if no keeper answers there.
    #[must_use]
    pub fn at(path: &Path) -> Option<Self> {
        let (_, welcome) = greeted(path)?;
        let is_alone = welcome.state == HostState::Down;
        Some(Self { pid: welcome.keeper_pid, held: welcome.held, is_alone })
    }

    /// Asks the keeper at this path what it holds: the processes by their names, those that are over and not yet recorded
    /// included. Empty if it does not answer.
    #[must_use]
    pub fn holdings(path: &Path) -> Vec<Holding> {
        let mut buffer = vec![0; MESSAGE_MAX];
        let Some((keeper, _)) = greeted(path) else { return Vec::new() };
        let (mut held, mut names) = (Vec::new(), None);
        while let Ok((report, _, files)) = next(&keeper, &mut buffer) {
            match report {
                Report::Held { id, held: one } => held.push((id, one)),
                Report::Stashed { key: NAMES_KEY, .. } => names = files.into_iter().next(),
                _ => {}
            }
        }
        let is_held = |id| held.iter().any(|(other, _)| *other == id);
        let Ok(names) = Names::read(names, is_held) else { return Vec::new() };
        let clock = Clock::of_boot();
        let holding = |(id, held): (Id, Held)| {
            let (name, incarnation) = names.life(id)?;
            let state = match held.state {
                SlotState::Free | SlotState::Refused => return None,
                SlotState::Starting => "starting".into(),
                SlotState::Running if held.kill_at != 0 => "stopping".into(),
                SlotState::Running => "running".into(),
                SlotState::Ended | SlotState::Reaped => {
                    held.end.map_or_else(|| "ended".to_owned(), |end| told(&end).to_string())
                }
            };
            let started_at = clock.at_boottime(held.started_at);
            Some(Holding { name, incarnation, pid: held.pid, state, started_at })
        };
        let mut holdings: Vec<Holding> = held.into_iter().filter_map(holding).collect();
        holdings.sort_by(|one, other| (&one.name, one.incarnation).cmp(&(&other.name, other.incarnation)));
        holdings
    }

    /// Asks the keeper at this path for a host. Returns false if it does not answer.
    #[must_use]
    pub fn ask_for_host(path: &Path) -> bool {
        let mut buffer = vec![0; MESSAGE_MAX];
        let Some((keeper, _)) = greeted(path) else { return false };
        // A message that is unread when this end is closed would hide what was asked. The keeper ends its side first.
        while next(&keeper, &mut buffer).is_ok() {}
        let Ok(message) = Order::Sync.encode(1, &mut buffer) else { return false };
        socket::send(keeper.as_fd(), message, &[]).is_ok()
    }
}

/// Connects to the keeper at this path.
fn greeted(path: &Path) -> Option<(OwnedFd, Welcome)> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let keeper = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).ok()?;
    connect(&keeper, &SocketAddrUnix::new(path).ok()?).ok()?;
    match next(&keeper, &mut vec![0; MESSAGE_MAX]) {
        Ok((Report::Welcome(welcome), _, _)) => Some((keeper, welcome)),
        _ => None,
    }
}
