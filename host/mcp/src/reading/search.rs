//! Searches of the output of processes, by pages. A search reads a few processes at a time, so that one that runs out of time has searched some of them
//! whole and goes on with the others.

use std::collections::VecDeque;
use std::time::Duration;

use provost_api::ErrorCode;
use provost_api::client::{Client, LogsAsked, LogsOf};
use tokio::time::{Instant, timeout_at};

use super::lines::{LogLine, newest};
use super::place::{End, Place};
use super::processes;
use super::ranking::Words;
use crate::fault::Fault;
use crate::page::{self, Page};

/// A search that has taken this long leaves the processes that it has not searched yet to the next page.
const SEARCH_MAX: Duration = Duration::from_secs(10);

/// The longest that the first process of a page may take, or all those of which the page returns older lines. They have to be
/// searched, however long it takes, for a search to go on at all.
const PART_MAX: Duration = Duration::from_secs(45);

/// How long a request for the lines of several processes should take.
const BATCH_TIME: Duration = Duration::from_secs(1);

/// The most processes of one request.
const BATCH_MAX: usize = 256;

/// The most lines that are ranked.
const RANKED_MAX: usize = 2_000;

/// The name of the host's own log among those of processes.
const HOST: &str = "provost";

/// A request for lines.
#[derive(Clone, Debug)]
pub(crate) struct LogsWanted {
    /// The logs to read. No names mean all processes.
    pub(crate) of: LogsOf,
    /// Only lines at or after this time (RFC 3339).
    pub(crate) since: Option<String>,
    /// Only lines that match this regular expression.
    pub(crate) pattern: Option<String>,
    /// The words by which the newest matching lines are ranked; `None` for the newest lines first.
    pub(crate) ranked_by: Option<Words>,
    /// The most lines of the answer.
    pub(crate) limit: usize,
    /// Where the former page ended.
    pub(crate) cursor: Option<String>,
}

/// The lines that were found.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogsFound {
    /// The lines, the newest or the most relevant first.
    pub(crate) lines: Vec<LogLine>,
    /// Where the next page begins, if there are more lines or processes.
    pub(crate) next_cursor: Option<String>,
    /// Whether all processes were searched, and all lines found were ranked if they had to be.
    pub(crate) complete: bool,
    /// The number of lines that were ranked, if they had to be.
    pub(crate) ranked: Option<usize>,
}

/// Reads a page of matching lines.
///
/// # Errors
/// [`Fault`] of the API, of a cursor that no page ended with, or of a process that takes too long.
pub(crate) async fn read(client: &Client, wanted: LogsWanted) -> Result<LogsFound, Fault> {
    let place = Place::of(wanted.cursor.as_deref())?;
    let (part, beyond) = divided(client, &wanted.of, &place).await?;
    let skipped = place.end.as_ref().map_or(0, |end| end.lines);
    let kept = if wanted.ranked_by.is_some() { RANKED_MAX } else { wanted.limit };
    let mut search = Search {
        client,
        asked: LogsAsked {
            of: wanted.of,
            lines: kept + skipped + 1,
            follow: false,
            since: wanted.since,
            until: place.end.as_ref().and_then(End::just_after),
            grep: wanted.pattern,
        },
        may_stop: place.to.is_none(),
        found: Vec::new(),
    };
    let unsearched = search.run(&part).await?;
    let searched = &part[..part.len() - unsearched];
    let to = place.to.clone().or_else(|| searched.last().cloned());
    let more_processes = unsearched > 0 || !beyond.is_empty();
    let rest = search.found.into_iter().rev().skip(skipped);
    let Page { mut items, more } = match &wanted.ranked_by {
        None => page::first(rest, kept),
        Some(_) => {
            let mut items: Vec<LogLine> = rest.collect();
            let more = items.len() > kept;
            items.truncate(kept);
            Page { items, more }
        }
    };
    let next = match (more, more_processes) {
        (true, _) => {
            let end = End::after(&items, place.end.as_ref());
            Some(Place { after: place.after, to, end })
        }
        (false, true) => Some(Place { after: to, ..Place::default() }),
        (false, false) => None,
    };
    let (mut ranked, mut complete) = (None, !more_processes);
    if let Some(words) = &wanted.ranked_by {
        (ranked, complete) = (Some(items.len()), complete && !more);
        items = page::first(words.rank(items), wanted.limit).items;
    }
    Ok(LogsFound { lines: items, next_cursor: next.and_then(|next| next.cursor()), complete, ranked })
}

/// Returns the names of the processes that are searched at this place, and of those after them, in their order.
async fn divided(client: &Client, of: &LogsOf, place: &Place) -> Result<(Vec<String>, Vec<String>), Fault> {
    let mut names = match of {
        LogsOf::Processes(targets) => processes::names(client, targets).await?,
        LogsOf::Host | LogsOf::Plugin(_) => vec![HOST.to_owned()],
    };
    names.sort_unstable();
    names.retain(|name| place.after.as_ref().is_none_or(|after| name > after));
    let part = place.to.as_ref().map_or(names.len(), |to| names.partition_point(|name| name <= to));
    let beyond = names.split_off(part);
    Ok((names, beyond))
}

/// A search of processes.
struct Search<'a> {
    client: &'a Client,
    /// What is asked of each of them.
    asked: LogsAsked,
    /// Whether the search may leave processes to the next page.
    may_stop: bool,
    /// The newest matching lines, oldest first. Those of the same time are by process, on each page in the same order.
    found: Vec<LogLine>,
}

impl Search<'_> {
    /// Searches the processes, and returns how many of them are left because there was no time.
    async fn run(&mut self, names: &[String]) -> Result<usize, Fault> {
        let began = Instant::now();
        let (mut rest, mut size) = (names, 1);
        while !rest.is_empty() {
            let (batch, later) = rest.split_at(size.min(rest.len()));
            let has_to_end = !self.may_stop || rest.len() == names.len();
            let (begins, most) = (Instant::now(), if has_to_end { PART_MAX } else { SEARCH_MAX });
            match timeout_at(began + most, self.lines_of(batch)).await {
                Ok(lines) => self.add(lines?),
                Err(_) if has_to_end => return Err(too_long(batch)),
                Err(_) => break,
            }
            rest = later;
            let took = begins.elapsed();
            if took * 4 < BATCH_TIME {
                size = (size * 4).min(BATCH_MAX);
            } else if took > BATCH_TIME {
                size = (size / 2).max(1);
            }
        }
        Ok(rest.len())
    }

    /// Returns the newest matching lines of some processes. Those that were removed meanwhile have none.
    async fn lines_of(&self, names: &[String]) -> Result<VecDeque<LogLine>, Fault> {
        let mut there = names.to_vec();
        loop {
            let of = match &self.asked.of {
                LogsOf::Processes(_) => LogsOf::Processes(there.clone()),
                of => of.clone(),
            };
            match newest(self.client, &LogsAsked { of, ..self.asked.clone() }).await {
                Err(fault) if fault.0.code == ErrorCode::UnknownProcess => {
                    let known = processes::names(self.client, &[]).await?;
                    let before = there.len();
                    there.retain(|name| known.contains(name));
                    if there.len() == before {
                        return Err(fault);
                    }
                    if there.is_empty() {
                        return Ok(VecDeque::new());
                    }
                }
                lines => return lines,
            }
        }
    }

    fn add(&mut self, lines: VecDeque<LogLine>) {
        self.found.extend(lines);
        self.found.sort_by(|one, other| (&one.at, &one.process).cmp(&(&other.at, &other.process)));
        let older = self.found.len().saturating_sub(self.asked.lines);
        self.found.drain(..older);
    }
}

fn too_long(names: &[String]) -> Fault {
    let names: Vec<_> = names.iter().take(3).map(|name| format!("`{name}`")).collect();
    Fault::timed_out(
        format!("the output of {} was not searched within {} seconds", names.join(", "), PART_MAX.as_secs()),
        "name fewer or other processes in `names`; `provost logs NAME --grep` has no limit",
    )
}
