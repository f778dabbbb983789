//! How outcomes and measurements are shown to people.

use std::fmt::Write as _;

use provost_plugin_host::{Bench, Limit, Measure, Outcome, PluginLine, Reply};
use provost_state::text;

use super::case::Case;
use super::measuring::{Measured, tightest};
use crate::render::humane::{counted, one_line, size};
use crate::render::page::Page;
use crate::render::style::Style;
use crate::render::table::{Cell, Table};

/// Formats nanoseconds with three digits: `12.3 us`, `1.2 ms`.
fn short_time(ns: u64) -> String {
    let (value, unit) = match ns {
        0..1_000_000 => (ns as f64 / 1e3, "us"),
        1_000_000..1_000_000_000 => (ns as f64 / 1e6, "ms"),
        _ => (ns as f64 / 1e9, "s"),
    };
    format!("{value:.1} {unit}")
}

/// Returns a line of a plugin as it is shown.
pub(crate) fn shown_line(line: &PluginLine) -> String {
    format!("{}: {}", line.level, one_line(&line.text))
}

/// Renders what one call did.
pub(crate) fn outcome_text(outcome: &Outcome, case: &Case, bench: &Bench, page: &Page) -> String {
    let paint = page.paint;
    let mut told = String::new();
    let mut line = |head: &str, value: &str| {
        // Writing to a string does not fail.
        let _ = writeln!(told, "{}  {value}", paint.text(Style::Bold, &format!("{head:<8}")));
    };
    line("role", case.role.as_str());
    let mut body = None;
    match &outcome.reply {
        Ok(Reply::Decision { action, reason }) => {
            let action = action.as_ref().map_or_else(|| "pass".to_owned(), ToString::to_string);
            line("decision", &paint.text(Style::Green, &action));
            line("reason", &one_line(reason));
        }
        Ok(Reply::View(view)) => {
            let (bytes, kind) = (view.body.len() as u64, one_line(&view.content_type));
            line("answer", &paint.text(Style::Green, &format!("{} {kind}, {}", view.status, size(bytes))));
            body = Some(text::lines(&String::from_utf8_lossy(&view.body)));
        }
        Ok(Reply::Taken) => line("answer", &paint.text(Style::Green, "taken")),
        Err(fault) => {
            let what = format!("{}: {}", fault.kind.as_str(), one_line(&fault.message));
            line("fault", &paint.text(Style::Red, &what));
        }
    }
    let limits = bench.limits();
    line("time", &format!("{} of {} ms", short_time(outcome.ns), limits.call_ms(case.role)));
    line("fuel", &format!("{} of {}", outcome.fuel, limits.fuel_max));
    line("memory", &format!("{} of {}", size(outcome.memory_bytes), size(limits.memory_bytes_max as u64)));
    outcome.lines.iter().for_each(|one| line("log", &shown_line(one)));
    if outcome.lines_dropped > 0 {
        line(
            "log",
            &format!(
                "{} dropped: more than {} a second",
                counted(outcome.lines_dropped, "line"),
                limits.lines_per_second
            ),
        );
    }
    for (key, value) in &outcome.written {
        let value = value.as_ref().map(|value| one_line(&String::from_utf8_lossy(value)));
        let discarded = if outcome.reply.is_err() { " (discarded)" } else { "" };
        let value = value.map_or_else(|| "deleted".to_owned(), |value| format!("= {value}"));
        line("wrote", &format!("{} {value}{discarded}", one_line(key)));
    }
    case.notes.iter().for_each(|note| line("note", &one_line(note)));
    if let Some(body) = body {
        told.push('\n');
        told.push_str(&body);
        if !body.ends_with('\n') {
            told.push('\n');
        }
    }
    told
}

/// Renders measurements: a table of the cases, and one of the limits with the least head-room of all cases.
pub(crate) fn measured_text(measured: &[Measured], page: &Page) -> String {
    let mut table = Table::new(&["CALLS", "P50", "P95", "P99", "FUEL", "MEMORY", "PER SECOND", "CASE"]);
    for one in measured {
        let case = match &one.fault {
            Some(fault) => Cell::styled(format!("{}: {fault}", one.name), Style::Red),
            None => Cell::new(&one.name),
        };
        table.row(vec![
            Cell::new(one.calls.to_string()),
            Cell::new(short_time(one.p50_ns)),
            Cell::new(short_time(one.p95_ns)),
            Cell::new(short_time(one.p99_ns)),
            Cell::new(one.fuel_max.to_string()),
            Cell::new(size(one.memory_bytes_max)),
            Cell::new(one.per_second.to_string()),
            case,
        ]);
    }
    let mut rooms = Table::new(&["LIMIT", "USED", "MOST", "HEAD-ROOM"]);
    for room in tightest(measured) {
        let factor = room.factor().map(|factor| format!("{factor:.1} times"));
        let figure = |figure| figured(room.limit, figure);
        rooms.row(vec![
            Cell::new(room.limit.name()),
            Cell::new(figure(room.used)),
            Cell::new(figure(room.most)),
            Cell::maybe(factor),
        ]);
    }
    format!("{}\n{}", table.render(page), rooms.render(page))
}

fn figured(limit: Limit, figure: u64) -> String {
    match limit.measure() {
        Measure::Bytes => size(figure),
        Measure::Milliseconds => short_time(figure),
        Measure::Count => figure.to_string(),
    }
}
