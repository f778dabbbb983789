//! What is shown of a host between the rounds: the decisions of the plugin, as the journal of the host has them, and what the plugin
//! logs. It ends when the host is gone.

use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use provost_api::LogItem;
use provost_api::client::{Client, LogsAsked, LogsOf};
use provost_journal::{Entry, History, Record, Wanted};
use provost_state::{Note, Noted};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::bell::Bell;
use super::decided;
use super::screen::Screen;
use crate::failure::Failure;
use crate::render::humane::one_line;
use crate::render::local::Times;
use crate::render::style::Style;

/// How long the journal of a host is waited for.
const JOURNAL_WITHIN: Duration = Duration::from_secs(5);

/// Shows what happens until it is dropped.
#[derive(Debug)]
pub(super) struct Feed {
    /// Ends with the host.
    lines: JoinHandle<()>,
    decisions: Option<JoinHandle<()>>,
}

/// What a feed shows.
#[derive(Debug)]
pub(super) struct Subject {
    /// The host.
    pub(super) client: Client,
    /// The name of the plugin.
    pub(super) name: String,
    /// The directory of the journal of the host.
    pub(super) journal: PathBuf,
    /// Decisions before this time, in milliseconds since the Unix epoch, are not shown.
    pub(super) since_ms: u64,
}

impl Feed {
    /// Begins to show the decisions and the lines of a plugin.
    ///
    /// # Errors
    /// [`Failure`] if the host does not answer or nothing can be printed. A journal that cannot be followed is not an error: a line says
    /// so.
    pub(super) async fn begin(subject: Subject, screen: &Screen) -> Result<Self, Failure> {
        let Subject { client, name, journal, since_ms } = subject;
        let asked = LogsAsked {
            of: LogsOf::Plugin(name.clone()),
            lines: 0,
            follow: true,
            since: None,
            until: None,
            grep: None,
        };
        let mut lines = client.logs(&asked).await?;
        let shown = screen.clone();
        let lines = tokio::spawn(async move {
            while let Ok(Some(item)) = lines.next().await {
                if let LogItem::Text { text, .. } = item
                    && shown.line(Style::Dim, &format!("log  {}", one_line(&text))).is_err()
                {
                    return;
                }
            }
        });
        until_there(&journal).await;
        let decisions = match Decisions::of(&name, &journal, since_ms, screen) {
            Ok(decisions) => Some(tokio::spawn(decisions.follow())),
            Err(error) => {
                let why = format!("decisions are not shown: the journal {}: {error}", journal.display());
                screen.line(Style::Yellow, &why)?;
                None
            }
        };
        Ok(Self { lines, decisions })
    }

    /// Waits until the host is gone.
    pub(super) async fn ended(&mut self) {
        let _ = (&mut self.lines).await;
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.lines.abort();
        if let Some(decisions) = &self.decisions {
            decisions.abort();
        }
    }
}

/// Waits for the journal of a host, which a host that has just started makes a moment after it answers. If it does not come soon, the
/// host has none.
async fn until_there(journal: &Path) {
    let (Ok(mut bell), Some(above)) = (Bell::new(), journal.parent()) else { return };
    if bell.add(above).is_err() {
        return;
    }
    let end = Instant::now() + JOURNAL_WITHIN;
    while !journal.is_dir() && matches!(timeout_at(end, bell.rung()).await, Ok(Ok(()))) {}
}

/// The decisions of one plugin, as they come into the journal.
struct Decisions {
    name: String,
    journal: PathBuf,
    bell: Bell,
    times: Times,
    screen: Screen,
    /// The time of the last record that was read.
    since_ms: u64,
    /// The number of that record.
    last: Option<u64>,
}

impl Decisions {
    fn of(name: &str, journal: &Path, since_ms: u64, screen: &Screen) -> io::Result<Self> {
        let bell = Bell::new()?;
        bell.add(journal)?;
        Ok(Self {
            name: name.to_owned(),
            journal: journal.to_owned(),
            bell,
            times: Times::new(&screen.page.zone, since_ms),
            screen: screen.clone(),
            since_ms,
            last: None,
        })
    }

    /// Shows decisions until the journal cannot be read or nothing can be printed any more.
    async fn follow(mut self) {
        while self.show().is_ok() && self.bell.rung().await.is_ok() {
            // A decision is several records.
            if self.bell.quiet().await.is_err() {
                return;
            }
        }
    }

    fn show(&mut self) -> Result<(), Failure> {
        let wanted = Wanted { since_ms: Some(self.since_ms), ..Wanted::default() };
        let mut outcome = Ok(());
        let read = History::new(&self.journal).read(&wanted, |entry| {
            outcome = self.entry(&entry);
            if outcome.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        outcome?;
        read.map_err(|error| Failure::failed(error, "run this command as the user who started the host"))
    }

    fn entry(&mut self, entry: &Entry) -> Result<(), Failure> {
        if self.last.is_some_and(|last| entry.seq <= last) {
            return Ok(());
        }
        // A record that was found unfinished is read again.
        if matches!(entry.record, Record::Gap(_)) {
            return Ok(());
        }
        let at_ms = entry.record.at().wall_ms;
        (self.last, self.since_ms) = (Some(entry.seq), self.since_ms.max(at_ms));
        let Record::Note(Note { what: Noted::Decision(judged), .. }) = &entry.record else { return Ok(()) };
        match decided::line(&self.name, at_ms, judged, &mut self.times) {
            Some(line) => self.screen.line(Style::Plain, &line),
            None => Ok(()),
        }
    }
}
