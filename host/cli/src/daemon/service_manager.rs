//! What the host says to the service manager that has started it, such as systemd: that it is ready, that it reloads, that it
//! stops, and that it is alive. The main process is the keeper, where there is one, so the unit accepts messages of all processes
//! (`NotifyAccess=all`). The supervised processes do not get the socket.

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The variable that names the socket.
const SOCKET_VARIABLE: &str = "NOTIFY_SOCKET";

/// The variable that says how often the service manager wants to be told that the host is alive, in microseconds.
const WATCHDOG_VARIABLE: &str = "WATCHDOG_USEC";

/// The service manager, if there is one. Clones are the same one.
#[derive(Clone, Debug)]
pub(super) struct ServiceManager(Option<Arc<Connection>>);

#[derive(Debug)]
struct Connection {
    socket: UnixDatagram,
    address: SocketAddr,
    /// The pause between two signs of life, if they are wanted.
    alive_every: Option<Duration>,
}

impl ServiceManager {
    /// Returns the service manager that the environment names.
    pub(super) fn of_environment() -> Self {
        let Some(name) = std::env::var_os(SOCKET_VARIABLE) else { return Self(None) };
        let within = std::env::var(WATCHDOG_VARIABLE).ok();
        match Connection::open(&name.to_string_lossy(), within.as_deref()) {
            Ok(connection) => Self(Some(Arc::new(connection))),
            Err(error) => {
                tracing::warn!("the service manager cannot be told anything ({SOCKET_VARIABLE}): {error}");
                Self(None)
            }
        }
    }

    /// Says that the host is set up, and begins to say that it is alive, if that is wanted. Must be called within the runtime.
    pub(super) fn ready(&self, processes: usize) {
        self.say(&format!("READY=1\nSTATUS=supervises {processes} processes"));
        let Some(every) = self.0.as_ref().and_then(|connection| connection.alive_every) else { return };
        let manager = self.clone();
        tokio::spawn(async move {
            let mut every = tokio::time::interval(every);
            loop {
                every.tick().await;
                manager.say("WATCHDOG=1");
            }
        });
    }

    /// Says that the host reads its config anew.
    pub(super) fn reloading(&self) {
        let now = clock_gettime(ClockId::Monotonic);
        let now_us = now.tv_sec.saturating_mul(1_000_000).saturating_add(now.tv_nsec / 1_000);
        self.say(&format!("RELOADING=1\nMONOTONIC_USEC={now_us}"));
    }

    /// Says that the reload is over.
    pub(super) fn reloaded(&self) {
        self.say("READY=1");
    }

    /// Says that the host ends.
    pub(super) fn stopping(&self, why: &str) {
        self.say(&format!("STOPPING=1\nSTATUS=stops: {why}"));
    }

    /// Sends a message. It is dropped if it cannot be sent at once: the host never waits for its service manager.
    fn say(&self, message: &str) {
        let Some(connection) = &self.0 else { return };
        if let Err(error) = connection.socket.send_to_addr(message.as_bytes(), &connection.address) {
            tracing::debug!("a message to the service manager is dropped: {error}");
        }
    }
}

impl Connection {
    fn open(name: &str, within: Option<&str>) -> io::Result<Self> {
        let address = match name.strip_prefix('@') {
            Some(name) => SocketAddr::from_abstract_name(name)?,
            None => SocketAddr::from_pathname(name)?,
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        let within = within.and_then(|within| within.parse().ok()).filter(|within| *within > 1);
        // Half of the time, as systemd recommends it.
        let alive_every = within.map(|within: u64| Duration::from_micros(within / 2));
        Ok(Self { socket, address, alive_every })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_thing_is_said_in_one_message_and_signs_of_life_only_if_they_are_wanted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let theirs = UnixDatagram::bind(&path).unwrap();
        let next = || {
            let mut buffer = [0; 256];
            let length = theirs.recv(&mut buffer).unwrap();
            String::from_utf8_lossy(&buffer[..length]).into_owned()
        };
        let connection = Connection::open(path.to_str().unwrap(), Some("20000")).unwrap();
        assert_eq!(connection.alive_every, Some(Duration::from_millis(10)));
        assert_eq!(Connection::open("@any", Some("x")).unwrap().alive_every, None);
        let manager = ServiceManager(Some(Arc::new(connection)));
        manager.reloading();
        assert!(next().starts_with("RELOADING=1\nMONOTONIC_USEC="));
        manager.reloaded();
        assert_eq!(next(), "READY=1");
        manager.stopping("it was asked to");
        assert_eq!(next(), "STOPPING=1\nSTATUS=stops: it was asked to");
        manager.ready(2);
        assert_eq!(next(), "READY=1\nSTATUS=supervises 2 processes");
        let alive = tokio::task::spawn_blocking(move || {
            let mut buffer = [0; 256];
            theirs.recv(&mut buffer).map(|length| buffer[..length].to_vec())
        });
        assert_eq!(alive.await.unwrap().unwrap(), b"WATCHDOG=1");
        // With nobody there, nothing happens.
        ServiceManager(None).reloaded();
    }
}
