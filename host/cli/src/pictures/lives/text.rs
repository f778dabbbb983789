//! The table for a terminal: a strip of the phases, the lives, and what else happened.

use provost_api::columns::width;
use provost_api::{EventKind, Phase};
use provost_supervisor::rfc3339;

use super::history::{History, Life, Span};
use crate::render::decision::{self, Tense};
use crate::render::events::{Lines, exit};
use crate::render::humane::{counted, no_longer_remembered, one_line, precise, span};
use crate::render::local::Times;
use crate::render::page::Page;
use crate::render::style::Style;
use crate::render::table::{Cell, Table};

/// The largest number of lives and of other events that are shown; JSON has all of them.
const INCARNATIONS_MAX: usize = 100;
/// The widest strip, in columns, and that of a page without a width.
const STRIP_MAX: usize = 100;
const STRIP: usize = 72;

/// Renders the history.
pub(crate) fn text(history: &History, page: &Page) -> String {
    let mut times = Times::new(&page.zone, history.to);
    let mut text = String::new();
    let from = times.shown(&rfc3339(history.from));
    let process = &history.process;
    let summary = format!(
        "{}: {} between {from} and {} ({}){}; now {}.",
        one_line(&process.name),
        counted(history.lives.len() as u64, "incarnation"),
        times.shown(&rfc3339(history.to)),
        span(history.to - history.from),
        history.ready_ms().map(|ms| format!(", ready for {} of it", span(ms))).unwrap_or_default(),
        process.phase,
    );
    text.push_str(&page.sentence(Style::Bold, &summary));
    if history.forgotten > 0 {
        let forgotten = format!("{}.", no_longer_remembered(history.forgotten, "older change"));
        text.push_str(&page.sentence(Style::Yellow, &forgotten));
    }
    text.push_str(&strip(history, page));
    if !history.lives.is_empty() {
        text.push('\n');
        text.push_str(&lives(history, &mut times).render(page));
    }
    text.push_str(&others(history, page));
    text
}

/// Renders the phases as a line of characters, each of which stands for the phase that took most of its time.
fn strip(history: &History, page: &Page) -> String {
    let columns = page.columns.map_or(STRIP, |columns| columns.saturating_sub(1)).min(STRIP_MAX);
    let total = (history.to - history.from).max(1);
    let at = |column: usize| history.from + total * (column as u64) / (columns as u64).max(1);
    let mut line = String::new();
    let mut used: Vec<&Phase> = Vec::new();
    let mut next = 0;
    for column in 0..columns {
        let (from, to) = (at(column), at(column + 1).max(at(column) + 1));
        // Spans that ended before this column are not looked at again.
        while history.phases.get(next).is_some_and(|span| span.to <= from) && next + 1 < history.phases.len()
        {
            next += 1;
        }
        let within =
            history.phases[next.min(history.phases.len())..].iter().take_while(|span| span.from < to);
        let longest = within.max_by_key(|span| share(span, from, to));
        let Some(Span { what, .. }) = longest else {
            line.push(' ');
            continue;
        };
        if !used.contains(&what) {
            used.push(what);
        }
        line.push_str(&page.paint.text(Style::of_phase(what), mark(what)));
    }
    let legend: Vec<String> = used.iter().map(|phase| format!("{} {phase}", mark(phase))).collect();
    format!("\n{line}\n{}\n", legend.join("  "))
}

/// Returns how much of the time from `from` to `to` is in the span.
fn share<T>(span: &Span<T>, from: u64, to: u64) -> u64 {
    span.to.min(to).saturating_sub(span.from.max(from))
}

fn mark(phase: &Phase) -> &'static str {
    match phase {
        Phase::Running => "█",
        Phase::Starting => "▓",
        Phase::Stopping => "▒",
        Phase::Waiting => "░",
        Phase::Backoff => "▁",
        Phase::Fatal => "x",
        Phase::Stopped | Phase::Exited | Phase::Other(_) => "·",
    }
}

fn lives(history: &History, times: &mut Times) -> Table {
    let mut table = Table::new(&["INCARNATION", "PID", "SPAWNED", "READY AFTER", "RAN", "END", "THEN"])
        .leaving(&["PID", "READY AFTER", "SPAWNED", "RAN"])
        .lines_max(3);
    let skipped = history.lives.len().saturating_sub(INCARNATIONS_MAX);
    if skipped > 0 {
        table.row(vec![Cell::styled(format!("({skipped} older)"), Style::Dim)]);
    }
    for life in &history.lives[skipped..] {
        let then = life
            .decision
            .as_ref()
            .map(|it| format!("{} ({}: {})", decision::action(it, Tense::ToDo), it.by, it.reason));
        table.row(vec![
            Cell::new(life.number.to_string()),
            Cell::maybe(life.pid.map(|pid| pid.to_string())),
            Cell::maybe(life.spawned.map(|ms| times.shown(&rfc3339(ms)))),
            Cell::maybe(between(life.spawned, life.ready).map(precise)),
            Cell::maybe(lived(life, history.to).map(span)),
            end(life),
            Cell::new(then.unwrap_or_default()),
        ]);
    }
    table
}

fn between(from: Option<u64>, to: Option<u64>) -> Option<u64> {
    Some(to?.saturating_sub(from?))
}

/// Returns how long a life was, or has been so far.
fn lived(life: &Life, now: u64) -> Option<u64> {
    between(life.spawned, Some(life.ended.unwrap_or(now)))
}

fn end(life: &Life) -> Cell {
    use provost_api::Exit;
    match (&life.exit, life.ended) {
        (Some(Exit::Code { code: 0 }), _) => Cell::new("exited with code 0"),
        (Some(how), _) => Cell::styled(exit(how), Style::Red),
        (None, Some(_)) => Cell::new("unknown"),
        (None, None) => Cell::maybe(None::<String>),
    }
}

/// Renders the events that the table of lives does not have: orders, checks, refusals.
fn others(history: &History, page: &Page) -> String {
    let is_other = |kind: &EventKind| {
        !matches!(
            kind,
            EventKind::Spawned
                | EventKind::SpawnFailed
                | EventKind::Ready
                | EventKind::Exited
                | EventKind::Decided
                | EventKind::Added
        )
    };
    let others: Vec<_> = history.events.iter().filter(|event| is_other(&event.kind)).collect();
    if others.is_empty() {
        return String::new();
    }
    let skipped = others.len().saturating_sub(INCARNATIONS_MAX);
    let mut text = format!("\n{}\n", page.paint.text(Style::Bold, "What else happened, oldest first:"));
    if skipped > 0 {
        text.push_str(&format!("  ({} left out)\n", counted(skipped as u64, "older event")));
    }
    let mut lines = Lines::new(page, history.to, width(&history.process.name)).indented();
    others[skipped..].iter().for_each(|event| text.push_str(&lines.line(event)));
    text
}

#[cfg(test)]
mod tests {
    use super::super::history::tests::{forgotten, history};
    use super::*;

    #[test]
    fn incarnations_are_in_a_table_below_a_strip_of_the_phases() {
        insta::assert_snapshot!(text(&history(None), &Page::plain()), @r#"
        web: 2 incarnations between 11:00:01.000Z and 11:02:00.000Z (1m59s), ready for 1m30s of it; now running.

        ·░░░░▓▓▓▓▓▓█████████████████████████▁▁▁▓▓▓██████████████████████████████
        · stopped  ░ waiting  ▓ starting  █ running  ▁ backoff

        INCARNATION  PID  SPAWNED        READY AFTER  RAN  END                THEN
        1            41   11:00:10.000Z  10.000s      50s  killed by SIGKILL  restart in 5.0s (backoff: failure 1)
        2            42   11:01:05.000Z  5.000s       55s  -

        What else happened, oldest first:
          11:00:02.000Z  web  start         start <& it>
          11:00:50.000Z  web  health        health <& it>
          11:00:55.000Z  web  health        health <& it>
        "#);
        insta::assert_snapshot!(text(&history(Some(50)), &Page::narrow(60)), @r#"
        web: 2 incarnations between 11:00:50.000Z and 11:02:00.000Z
        (1m10s), ready for 1m00s of it; now running.

        ████████▁▁▁▁▁▓▓▓▓██████████████████████████████████████████
        █ running  ▁ backoff  ▓ starting

        INCARNATION  END                THEN
        1            killed by SIGKILL  restart in 5.0s (backoff:
                                        failure 1)
        2            -

        What else happened, oldest first:
          11:00:50.000Z  web  health        health <& it>
          11:00:55.000Z  web  health        health <& it>
        "#);
    }

    #[test]
    fn a_history_that_is_no_longer_remembered_says_so() {
        insta::assert_snapshot!(text(&forgotten(), &Page::plain()), @r#"
        web: 1 incarnation between 11:01:05.000Z and 11:02:00.000Z (55s); now running.
        9000 older changes are no longer remembered.

        ████████████████████████████████████████████████████████████████████████
        █ running

        INCARNATION  PID  SPAWNED        READY AFTER  RAN  END  THEN
        2            42   11:01:05.000Z  -            55s  -
        "#);
    }
}
