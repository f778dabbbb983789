//! Lines of logs: from the last visible one upwards, until the room is full.

use provost_api::columns::{cut, padded, width};
use ratatui::style::Style;

use super::canvas::Canvas;
use super::scene::Scene;
use super::theme::Theme;
use super::wrapping::{expanded, pieces, without};
use crate::model::Line;
use crate::words::Words;

/// The least and the most columns that a name takes.
const NAME_LEAST: usize = 10;
const NAME_MAX: usize = 16;

/// One row of the screen.
struct Shown {
    /// What stands before the text: the time and the name.
    before: Vec<(String, Style)>,
    text: String,
    style: Style,
    found: bool,
    /// Whether it is a further piece of the line above it.
    continues: bool,
}

/// Draws the state of the reading, and below it the lines.
pub(super) fn draw(canvas: &mut Canvas<'_>, scene: &mut Scene<'_>) {
    scene.ui.reading.look(&scene.model.logs);
    heading(canvas, scene);
    let height = canvas.height().saturating_sub(1);
    scene.ui.page = height;
    let rows = rows(scene, canvas.width(), height);
    let from = 1 + height - rows.len();
    let mut visible: Vec<String> = Vec::with_capacity(rows.len());
    for (at, row) in rows.iter().enumerate() {
        let y = from + at;
        let mut x = 0;
        for (text, style) in &row.before {
            x = canvas.text(x, y, text, *style);
        }
        canvas.text(x, y, &row.text, row.style);
        highlight(canvas, x, y, &row.text, &scene.ui.reading.search, scene.theme);
        if row.found {
            canvas.style(y, scene.theme.head());
        }
        match visible.last_mut() {
            Some(line) if row.continues => *line += &row.text,
            _ => {
                visible.push(row.before.iter().map(|(text, _)| text.as_str()).collect::<String>() + &row.text)
            }
        }
    }
    if rows.is_empty() {
        let text = if scene.ui.reading.targets.is_empty() {
            "l in the list of processes follows the logs of the selected or marked ones"
        } else {
            "no lines yet"
        };
        canvas.text(0, 1, text, scene.theme.dim());
    }
    scene.ui.visible = visible;
}

fn heading(canvas: &mut Canvas<'_>, scene: &Scene<'_>) {
    let reading = &scene.ui.reading;
    let mut text = format!("logs of {}", reading.targets.join(", "));
    match reading.newer() {
        _ if reading.bottom.is_none() => text.push_str(" · following"),
        0 => text.push_str(" · frozen"),
        newer => text.push_str(&format!(" · frozen, {newer} newer")),
    }
    if !reading.filter.is_empty() {
        text.push_str(&format!(" · with `{}`", reading.filter));
    }
    if !reading.search.is_empty() {
        text.push_str(&format!(" · search `{}`", reading.search));
    }
    let style = if reading.bottom.is_some() { scene.theme.warning() } else { scene.theme.dim() };
    canvas.text(0, 0, &scene.words.one_line(&text), style);
}

/// Returns the rows of the screen, the newest last.
fn rows(scene: &Scene<'_>, columns: usize, height: usize) -> Vec<Shown> {
    let (reading, lines) = (&scene.ui.reading, &scene.model.logs);
    let mut rows: Vec<Shown> = Vec::new();
    if !lines.are_of(&reading.targets) {
        return rows;
    }
    for number in reading.upwards() {
        if rows.len() >= height {
            break;
        }
        let Some(line) = lines.get(number) else { continue };
        let before = before(line, scene);
        let taken: usize = before.iter().map(|(text, _)| width(text)).sum();
        let (text, style) = shown(line, scene.words, scene.theme);
        let room = columns.saturating_sub(taken).max(8);
        let found = reading.found == Some(number) && !reading.search.is_empty();
        if !reading.wraps {
            let text = without(&text, scene.ui.left).to_owned();
            rows.push(Shown { before, text, style, found, continues: false });
            continue;
        }
        let parts = pieces(&text, room);
        for (at, part) in parts.iter().enumerate().rev() {
            let before = match at {
                0 => before.clone(),
                _ => vec![(" ".repeat(taken), Style::new())],
            };
            rows.push(Shown { before, text: (*part).to_owned(), style, found, continues: at > 0 });
        }
    }
    rows.truncate(height);
    rows.reverse();
    rows
}

/// Returns what stands before the text of a line: its time, and the name of its process.
fn before(line: &Line, scene: &Scene<'_>) -> Vec<(String, Style)> {
    let Line::Output { process, at, .. } = line else { return Vec::new() };
    let reading = &scene.ui.reading;
    let mut before = Vec::new();
    if reading.times {
        before.push((format!("{} ", scene.words.time(at)), scene.theme.dim()));
    }
    if reading.has_names() {
        let name = scene.words.one_line(process);
        let name = padded(&cut(&name, NAME_MAX), NAME_LEAST);
        before.push((format!("{name} "), scene.theme.name(process)));
    }
    before
}

/// Returns the text of a line as it is shown.
pub(super) fn shown(line: &Line, words: &dyn Words, theme: Theme) -> (String, Style) {
    match line {
        Line::Output { text, is_error, .. } => {
            let style = if *is_error { theme.warning() } else { Style::new() };
            (expanded(&words.log_line(text)), style)
        }
        Line::Note(text) => (words.one_line(text), theme.bad()),
        Line::Mark(at_ms) => {
            let ago = words.span(words.now_ms().saturating_sub(*at_ms));
            (format!("──── mark, {ago} ago ────"), theme.head())
        }
    }
}

/// Inverts each place of the searched text.
fn highlight(canvas: &mut Canvas<'_>, x: usize, y: usize, text: &str, wanted: &str, theme: Theme) {
    if wanted.is_empty() {
        return;
    }
    let (bytes, wanted) = (text.as_bytes(), wanted.as_bytes());
    let mut from = 0;
    while let Some(at) = bytes[from..].windows(wanted.len()).position(|it| it.eq_ignore_ascii_case(wanted)) {
        let (begin, end) = (from + at, from + at + wanted.len());
        if let (Some(before), Some(found)) = (text.get(..begin), text.get(begin..end)) {
            canvas.text(x + width(before), y, found, theme.selected());
        }
        from = end;
    }
}
