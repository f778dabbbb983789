//! Notifications of changes, driven by the commits of the host: one watch for each client that asked for them. It follows the
//! changes of the host, and the output of processes whose logs were asked for, and tells the client what has changed, at most
//! once in [`PAUSE`].

use std::collections::BTreeSet;
use std::time::Duration;

use provost_api::client::{Client, ClientError, Lines, LogsAsked, LogsOf};
use provost_api::{Event, EventKind, LogItem};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::caller::Caller;
use crate::resources::Uri;
use crate::time;

/// The shortest time between two notifications of the same change.
pub(crate) const PAUSE: Duration = Duration::from_millis(200);

/// The time before another attempt to reach a host that is gone, and the longest such time.
const AGAIN: Duration = Duration::from_millis(500);
const AGAIN_MAX: Duration = Duration::from_secs(10);

/// What a client wants to be notified of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Whether processes are added or removed.
    pub(crate) list: bool,
    /// The resources whose contents change.
    pub(crate) uris: BTreeSet<Uri>,
}

/// The client is gone.
pub(crate) struct Gone;

/// A client that is notified.
pub(crate) trait Audience: Send {
    /// Notifies it that processes were added or removed.
    fn list_changed(&self) -> impl Future<Output = Result<(), Gone>> + Send;

    /// Notifies it that a resource has other contents.
    fn updated(&self, uri: &Uri) -> impl Future<Output = Result<(), Gone>> + Send;
}

/// The changes that the client has not been notified of.
#[derive(Debug, Default, PartialEq, Eq)]
struct Pending {
    list: bool,
    uris: BTreeSet<Uri>,
    /// When it is notified.
    due: Option<Instant>,
}

/// What is known of the host between two connections.
#[derive(Debug, Default)]
struct Seen {
    /// The names of all processes; `None` before the first connection.
    names: Option<BTreeSet<String>>,
    /// Whether changes may have been missed since the client asked, because a connection failed or ended.
    gap: bool,
    pending: Pending,
}

/// Notifies `audience` of what it wants, until it is gone. A host that is gone is awaited: it may have changed meanwhile.
pub(crate) async fn run(caller: Caller, mut wanted: watch::Receiver<Wanted>, audience: impl Audience) {
    // Changes between the client's request and the first connection count.
    let asked_at = time::shown(time::now());
    let (mut seen, mut pause) = (Seen::default(), AGAIN);
    loop {
        let begun = Instant::now();
        if let Err(Ended::Client) =
            connected(&caller.client, &mut wanted, &audience, &mut seen, &asked_at).await
        {
            return;
        }
        seen.gap = true;
        pause = if begun.elapsed() > AGAIN_MAX { AGAIN } else { (pause * 2).min(AGAIN_MAX) };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            // The client wants something else: it is there, and the host may be as well.
            changed = wanted.changed() => if changed.is_err() { return },
        }
    }
}

/// Why a connection to the host ended.
enum Ended {
    Client,
    Host,
}

impl From<Gone> for Ended {
    fn from(_: Gone) -> Self {
        Self::Client
    }
}

impl From<ClientError> for Ended {
    fn from(_: ClientError) -> Self {
        Self::Host
    }
}

/// Notifies the client for as long as the host is there and the wanted logs stay the same.
async fn connected(
    client: &Client,
    wanted: &mut watch::Receiver<Wanted>,
    audience: &impl Audience,
    seen: &mut Seen,
    asked_at: &str,
) -> Result<(), Ended> {
    let status = client.status(&[]).await?;
    let names: BTreeSet<String> = status.processes.into_iter().map(|process| process.name).collect();
    let before = seen.names.replace(names.clone());
    let since = if std::mem::take(&mut seen.gap) {
        seen.pending.everything(&wanted.borrow(), before.is_none_or(|before| before != names));
        status.generation
    } else {
        0
    };
    let mut events = client.events(since, true).await?;
    let mut logs = Logs::default();
    loop {
        let now_wanted = wanted.borrow_and_update().clone();
        logs.follow(client, &now_wanted, seen.names.as_ref()).await?;
        let due = seen.pending.due;
        tokio::select! {
            event = events.next() => {
                let Some(event) = event? else { return Err(Ended::Host) };
                if since > 0 || event.at.as_str() >= asked_at {
                    seen.take(&event, &wanted.borrow());
                }
            }
            item = logs.next() => match item? {
                Some(process) => seen.pending.add(Uri::Logs(process), &wanted.borrow()),
                None => return Err(Ended::Host),
            },
            changed = wanted.changed() => changed.map_err(|_| Ended::Client)?,
            () = until(due) => seen.pending.tell(audience).await?,
        }
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

impl Seen {
    /// Records a change of the host.
    fn take(&mut self, event: &Event, wanted: &Wanted) {
        let names = self.names.get_or_insert_default();
        match event.kind {
            EventKind::Missed => return self.pending.everything(wanted, true),
            EventKind::Added => {
                names.insert(event.process.clone());
                self.pending.list_changed(wanted);
            }
            EventKind::Removed => {
                names.remove(&event.process);
                self.pending.list_changed(wanted);
            }
            _ => {}
        }
        self.pending.add(Uri::Processes, wanted);
        self.pending.add(Uri::Process(event.process.clone()), wanted);
    }
}

impl Pending {
    fn add(&mut self, uri: Uri, wanted: &Wanted) {
        if wanted.uris.contains(&uri) && self.uris.insert(uri) {
            self.due.get_or_insert_with(|| Instant::now() + PAUSE);
        }
    }

    fn list_changed(&mut self, wanted: &Wanted) {
        if wanted.list {
            self.list = true;
            self.due.get_or_insert_with(|| Instant::now() + PAUSE);
        }
    }

    fn everything(&mut self, wanted: &Wanted, list: bool) {
        if list {
            self.list_changed(wanted);
        }
        for uri in &wanted.uris {
            self.add(uri.clone(), wanted);
        }
    }

    /// Sends the notifications.
    async fn tell(&mut self, audience: &impl Audience) -> Result<(), Gone> {
        let Self { list, uris, .. } = std::mem::take(self);
        if list {
            audience.list_changed().await?;
        }
        for uri in &uris {
            audience.updated(uri).await?;
        }
        Ok(())
    }
}

/// The output of the processes whose logs are wanted.
#[derive(Default)]
struct Logs {
    names: BTreeSet<String>,
    lines: Option<Lines<LogItem>>,
}

impl Logs {
    /// Follows the wanted logs of the processes that there are.
    async fn follow(
        &mut self,
        client: &Client,
        wanted: &Wanted,
        there: Option<&BTreeSet<String>>,
    ) -> Result<(), ClientError> {
        let wanted = wanted.uris.iter().filter_map(|uri| match uri {
            Uri::Logs(name) => Some(name),
            Uri::Processes | Uri::Process(_) => None,
        });
        let names: BTreeSet<String> =
            wanted.filter(|name| there.is_some_and(|there| there.contains(*name))).cloned().collect();
        if names == self.names {
            return Ok(());
        }
        self.lines = match names.is_empty() {
            true => None,
            false => {
                let of = LogsOf::Processes(names.iter().cloned().collect());
                let asked = LogsAsked { of, lines: 0, follow: true, since: None, until: None, grep: None };
                Some(client.logs(&asked).await?)
            }
        };
        self.names = names;
        Ok(())
    }

    /// Returns the process whose log has changed, or `None` if the host is gone.
    async fn next(&mut self) -> Result<Option<String>, ClientError> {
        let Some(lines) = &mut self.lines else { return std::future::pending().await };
        Ok(lines.next().await?.map(|item| match item {
            LogItem::Text { process, .. }
            | LogItem::Binary { process, .. }
            | LogItem::Missed { process, .. }
            | LogItem::Cleared { process, .. }
            | LogItem::Unknown { process } => process,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(list: bool, uris: &[&str]) -> Wanted {
        Wanted { list, uris: uris.iter().filter_map(|uri| Uri::parse(uri)).collect() }
    }

    fn event(kind: EventKind, process: &str) -> Event {
        Event { kind, process: process.to_owned(), ..Event::default() }
    }

    fn told(seen: &Seen) -> (bool, Vec<String>) {
        (seen.pending.list, seen.pending.uris.iter().map(ToString::to_string).collect())
    }

    #[tokio::test]
    async fn only_wanted_changes_are_pending_and_each_once() {
        let wanted = wanted(true, &["provost://processes/web", "provost://logs/web"]);
        let mut seen = Seen::default();
        seen.take(&event(EventKind::Exited, "db"), &wanted);
        assert_eq!((told(&seen), seen.pending.due), ((false, vec![]), None));
        for _ in 0..1_000 {
            seen.take(&event(EventKind::Exited, "web"), &wanted);
        }
        assert_eq!(told(&seen), (false, vec!["provost://processes/web".to_owned()]));
        seen.take(&event(EventKind::Added, "new"), &wanted);
        assert!(seen.pending.list && seen.pending.due.is_some());
    }

    #[tokio::test]
    async fn a_gap_changes_everything_that_is_wanted() {
        let wanted = wanted(false, &["provost://processes", "provost://logs/web"]);
        let mut seen = Seen::default();
        seen.take(&event(EventKind::Missed, ""), &wanted);
        let both = vec!["provost://processes".to_owned(), "provost://logs/web".to_owned()];
        assert_eq!(told(&seen), (false, both));
    }
}
