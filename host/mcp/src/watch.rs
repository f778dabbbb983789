//! Notifications of changes, driven by the commits of the host: one watch for each client that asked for them. It follows the
//! stream of the status, in which the host coalesces the changes of each process, and the output of processes whose logs were
//! asked for. The client is notified of changes at most once in [`PAUSE`].

use std::collections::BTreeSet;
use std::time::Duration;

use provost_api::client::{Client, ClientError, Known, Lines, LogsAsked, LogsOf, StatusAsked};
use provost_api::{LogItem, Status, StatusPart};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::caller::Caller;
use crate::resources::Uri;
use crate::time;

/// The shortest time between two notifications of changes.
const PAUSE: Duration = Duration::from_millis(200);

/// The time before another attempt to reach a host that is gone, and the longest such time.
const AGAIN: Duration = Duration::from_millis(200);
const AGAIN_MAX: Duration = Duration::from_secs(2);

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

/// What is known of the host.
#[derive(Debug)]
struct Seen {
    /// When the client asked for notifications.
    asked_at: String,
    /// The last message of the stream; `None` before the first one.
    known: Option<Known>,
    /// Whether the host could not be reached since the client asked.
    gap: bool,
    /// The names of all processes.
    names: BTreeSet<String>,
    pending: Pending,
}

/// Notifies `audience` of what it wants, until it is gone. A host that is gone is awaited: it may have changed meanwhile.
pub(crate) async fn run(caller: Caller, mut wanted: watch::Receiver<Wanted>, audience: impl Audience) {
    let mut seen = Seen::since(time::shown(time::now()));
    let mut pause = AGAIN;
    loop {
        let begun = Instant::now();
        if let Err(Ended::Client) = connected(&caller.client, &mut wanted, &audience, &mut seen).await {
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

/// Notifies the client for as long as the host is there.
async fn connected(
    client: &Client,
    wanted: &mut watch::Receiver<Wanted>,
    audience: &impl Audience,
    seen: &mut Seen,
) -> Result<(), Ended> {
    let asked = StatusAsked {
        parts: vec![StatusPart::Processes],
        fields: vec!["name".to_owned()],
        since: seen.known.clone(),
        every_ms: u64::try_from(PAUSE.as_millis()).ok(),
        ..StatusAsked::default()
    };
    let mut statuses = client.watch_status(&asked).await?;
    let mut logs = Logs::default();
    // What is followed depends on what is wanted and on the processes that there are, and not on their lines.
    let mut may_differ = true;
    loop {
        if may_differ && seen.known.is_some() {
            let now_wanted = wanted.borrow_and_update().clone();
            logs.follow(client, &now_wanted, seen).await?;
            may_differ = false;
        }
        let due = seen.pending.due;
        tokio::select! {
            status = statuses.next() => {
                seen.take(status?.ok_or(Ended::Host)?, &wanted.borrow());
                may_differ = true;
                // The host has coalesced these.
                seen.pending.tell(audience).await?;
            }
            item = logs.next() => match item? {
                Some(process) => seen.pending.add(Uri::Logs(process), &wanted.borrow()),
                None => return Err(Ended::Host),
            },
            changed = wanted.changed() => {
                changed.map_err(|_| Ended::Client)?;
                may_differ = true;
            }
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
    fn since(asked_at: String) -> Self {
        let (known, names, pending) = (None, BTreeSet::new(), Pending::default());
        Self { asked_at, known, gap: false, names, pending }
    }

    /// Records a message of the host: everything, or what has changed since the one before.
    fn take(&mut self, status: Status, wanted: &Wanted) {
        let Status { generation, boot, taken_at, whole, removed, processes, .. } = status;
        let changed = processes.into_iter().map(|process| process.name);
        if whole == Some(false) {
            if self.gap {
                // Output is not among what the host remembers.
                self.pending.logs(wanted);
            }
            let removed = removed.unwrap_or_default();
            let mut list = !removed.is_empty();
            removed.iter().for_each(|name| list |= self.names.remove(name));
            for name in changed {
                self.pending.add(Uri::Processes, wanted);
                self.pending.add(Uri::Process(name.clone()), wanted);
                list |= self.names.insert(name);
            }
            if list {
                self.pending.add(Uri::Processes, wanted);
                self.pending.list_changed(wanted);
            }
        } else {
            let names: BTreeSet<String> = changed.collect();
            // Nothing is compared with what was before the first message, unless the host has changed since the client asked.
            let is_new = self.known.is_none() && !self.gap && taken_at < self.asked_at;
            if !is_new {
                self.pending.everything(wanted, self.known.is_none() || self.names != names);
            }
            self.names = names;
        }
        self.gap = false;
        self.known = Some(Known { generation, boot });
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

    fn logs(&mut self, wanted: &Wanted) {
        for uri in wanted.uris.iter().filter(|uri| matches!(uri, Uri::Logs(_))) {
            self.add(uri.clone(), wanted);
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
    async fn follow(&mut self, client: &Client, wanted: &Wanted, seen: &Seen) -> Result<(), ClientError> {
        let wanted = wanted.uris.iter().filter_map(|uri| match uri {
            Uri::Logs(name) => Some(name),
            Uri::Processes | Uri::Process(_) => None,
        });
        let names: BTreeSet<String> = wanted.filter(|name| seen.names.contains(*name)).cloned().collect();
        if names == self.names {
            return Ok(());
        }
        self.lines = match names.is_empty() {
            true => None,
            false => {
                // Also a line since the client asked.
                let since = Some(seen.asked_at.clone());
                let of = LogsOf::Processes(names.iter().cloned().collect());
                let asked = LogsAsked { of, lines: 1, follow: true, since, until: None, grep: None };
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
    use provost_api::Process;

    use super::*;

    fn wanted(list: bool, uris: &[&str]) -> Wanted {
        Wanted { list, uris: uris.iter().filter_map(|uri| Uri::parse(uri)).collect() }
    }

    fn status(generation: u64, boot: &str, whole: bool, names: &[&str], removed: &[&str]) -> Status {
        let processes = names.iter().map(|name| Process { name: (*name).to_owned(), ..Process::default() });
        Status {
            generation,
            boot: boot.to_owned(),
            taken_at: "2026-11-26T12:00:00.000Z".to_owned(),
            whole: Some(whole),
            removed: (!whole).then(|| removed.iter().map(|name| (*name).to_owned()).collect()),
            processes: processes.collect(),
            ..Status::default()
        }
    }

    /// Returns what the client is notified of because of a message.
    fn told(seen: &mut Seen, wanted: &Wanted, status: Status) -> (bool, Vec<String>) {
        seen.take(status, wanted);
        let Pending { list, uris, .. } = std::mem::take(&mut seen.pending);
        (list, uris.iter().map(ToString::to_string).collect())
    }

    const BEFORE: &str = "2026-11-26T11:00:00.000Z";
    const AFTER: &str = "2026-11-26T13:00:00.000Z";

    #[tokio::test]
    async fn only_wanted_changes_are_told_and_nothing_of_before_the_subscription() {
        let wanted = wanted(true, &["provost://processes/web", "provost://logs/web"]);
        let mut seen = Seen::since(AFTER.to_owned());
        let nothing = (false, vec![]);
        assert_eq!(told(&mut seen, &wanted, status(5, "a", true, &["web", "db"], &[])), nothing);
        assert_eq!(told(&mut seen, &wanted, status(6, "a", false, &["db"], &[])), nothing);
        let web = vec!["provost://processes/web".to_owned()];
        assert_eq!(
            told(&mut seen, &wanted, status(7, "a", false, &["db", "web"], &[])),
            (false, web.clone())
        );
        assert_eq!(told(&mut seen, &wanted, status(8, "a", false, &["new"], &[])), (true, vec![]));
        assert_eq!(told(&mut seen, &wanted, status(9, "a", false, &["new"], &["db"])), (true, vec![]));
        // The other process of a removed one's name is a change of it as well.
        assert_eq!(told(&mut seen, &wanted, status(10, "a", false, &["web"], &["web"])), (true, web));
    }

    #[tokio::test]
    async fn what_may_have_changed_unseen_counts_as_changed() {
        let wanted = wanted(true, &["provost://processes", "provost://logs/web"]);
        let both = || vec!["provost://processes".to_owned(), "provost://logs/web".to_owned()];
        // There was a commit since the client asked, and before the first message.
        let mut seen = Seen::since(BEFORE.to_owned());
        assert_eq!(told(&mut seen, &wanted, status(5, "a", true, &["web"], &[])), (true, both()));
        // There was no host at first.
        let mut seen = Seen::since(AFTER.to_owned());
        seen.gap = true;
        assert_eq!(told(&mut seen, &wanted, status(5, "a", true, &["web"], &[])), (true, both()));
        // It is another host, with the same processes and with others.
        assert_eq!(told(&mut seen, &wanted, status(2, "b", true, &["web"], &[])), (false, both()));
        assert_eq!(told(&mut seen, &wanted, status(2, "c", true, &["db"], &[])), (true, both()));
    }
}
