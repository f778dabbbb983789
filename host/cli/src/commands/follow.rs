//! `events`: prints what happens, line by line. What the running host remembers comes from the host, and what is older from the
//! journal.

use std::collections::HashMap;
use std::path::Path;

use provost_api::client::EventsAsked;
use provost_api::columns::width;
use provost_api::{Event, EventKind};
use provost_journal::{Entry, History, Record, Wanted};
use provost_state::{Note, Noted};

use super::context::{Context, now_ms};
use super::journal;
use super::printing::{NAME_WIDTH, json, write_line};
use crate::args::{EventsArgs, LineFormat};
use crate::failure::Failure;
use crate::past::{self, Choice, WantedKind};
use crate::render::events::Lines;
use crate::render::humane::unix_ms;

pub(super) async fn events(context: &Context, args: EventsArgs) -> Result<(), Failure> {
    let targets = args.targets.iter().chain(&args.names).cloned().collect();
    let choice = Choice { targets, kinds: args.kinds.clone() };
    // The host remembers changes only.
    let is_recorded = choice.kinds.iter().any(|kind| matches!(kind, WantedKind::Record(_)));
    let asks_past = args.since.is_some() || args.until.is_some() || !args.names.is_empty() || is_recorded;
    if asks_past {
        return past(context, &args, &choice).await;
    }
    let failure = match present(context, &args, &choice).await {
        Err(failure) if failure.is_not_running() && !args.follow => failure,
        other => return other,
    };
    let dir = context.outline()?.journal_dir;
    if !History::new(&dir).exists() {
        return Err(failure);
    }
    context.note("no host is running: this is from the journal");
    past(context, &args, &choice).await
}

/// Prints what the running host remembers.
async fn present(context: &Context, args: &EventsArgs, choice: &Choice) -> Result<(), Failure> {
    let client = context.client()?;
    let processes = client.status(&args.targets).await?.processes;
    let names_width = processes.iter().map(|process| width(&process.name)).max().unwrap_or(NAME_WIDTH);
    let mut lines = Lines::new(&context.page, now_ms(), names_width);
    let select = args.targets.clone();
    let asked = EventsAsked { select, follow: args.follow, ..EventsAsked::default() };
    let mut events = client.events_of(&asked).await?;
    while let Some(event) = events.next().await? {
        if event.kind == EventKind::Missed || choice.has_kind_of(&event) {
            print(&event, args.output, &mut lines)?;
        }
    }
    Ok(())
}

fn print(event: &Event, output: LineFormat, lines: &mut Lines<'_>) -> Result<(), Failure> {
    match output {
        LineFormat::Text => write_line(lines.line(event).as_bytes()),
        LineFormat::Json => write_line(&json(event)?),
    }
}

/// Prints what the journal has, and then what a running host has committed since.
async fn past(context: &Context, args: &EventsArgs, choice: &Choice) -> Result<(), Failure> {
    let dir = context.outline()?.journal_dir;
    let is_there = History::new(&dir).exists();
    let client = context.client()?;
    // Asked first, so that nothing is committed in between that neither of them shows.
    let running = if args.until.is_none() { Some(client.ping().await) } else { None };
    if !is_there && !matches!(running, Some(Ok(_))) {
        return Err(journal::none(&dir));
    }
    let names_width = choice.targets.iter().map(|name| width(name)).max().unwrap_or(NAME_WIDTH);
    let mut lines = Lines::new(&context.page, now_ms(), names_width);
    let last = recorded(&dir, args, choice, &mut lines)?;
    match running {
        Some(Ok(_)) => {}
        Some(Err(error)) if args.follow => return Err(error.into()),
        Some(Err(_)) | None => return Ok(()),
    }
    let processes = client.status(&[]).await?.processes;
    let groups: HashMap<String, Option<String>> =
        processes.into_iter().map(|process| (process.name, process.group)).collect();
    let mut events = client.events(last, args.follow).await?;
    while let Some(event) = events.next().await? {
        let group = groups.get(&event.process).and_then(Option::as_deref);
        let is_later = args.since.is_none_or(|since| unix_ms(&event.at).is_none_or(|at| at >= since));
        if is_later && choice.has_event(&event, group) {
            print(&event, args.output, &mut lines)?;
        }
    }
    Ok(())
}

/// Prints what is wanted of the journal. Returns the last generation of the host that has written last.
fn recorded(dir: &Path, args: &EventsArgs, choice: &Choice, lines: &mut Lines<'_>) -> Result<u64, Failure> {
    let name = match &choice.targets[..] {
        [name] if name != "all" && !name.ends_with(":*") => Some(name.clone()),
        _ => None,
    };
    let wanted = Wanted { since_ms: args.since, until_ms: args.until, name };
    let mut last = 0;
    journal::read(dir, &wanted, |entry| {
        match &entry.record {
            Record::Commit(commit) => last = commit.state.generation.0,
            Record::Note(Note { what: Noted::HostStarted { .. }, .. }) => last = 0,
            _ => {}
        }
        if choice.has(entry) { tell(entry, args.output, lines) } else { Ok(()) }
    })?;
    Ok(last)
}

fn tell(entry: &Entry, output: LineFormat, lines: &mut Lines<'_>) -> Result<(), Failure> {
    match output {
        LineFormat::Text => write_line(past::line(entry, lines).as_bytes()),
        LineFormat::Json => write_line(&json(&past::object(entry))?),
    }
}
