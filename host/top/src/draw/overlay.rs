//! What is open above a view: a window in the middle of the screen.

use provost_api::columns::{cut, width};
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use super::canvas::Canvas;
use super::scene::Scene;
use super::wrapping::pieces;
use crate::input::{BINDINGS, named};
use crate::views::{Hit, Overlay, SIGNALS, entries};

/// The most columns of a window: those of a difference, and its frame.
const COLUMNS_MAX: usize = 104;

/// A window: its title, its rows, its last line, and how its cursor moves.
struct Window {
    title: String,
    /// What stands above the rows: the query of the palette.
    head: Option<(String, String)>,
    rows: Vec<(String, Style)>,
    foot: &'static str,
    /// Whether a row is selected, instead of the text being scrolled.
    chooses: bool,
}

/// Draws what is open. Returns the place of a text cursor in it.
pub(super) fn draw(canvas: &mut Canvas<'_>, scene: &mut Scene<'_>) -> Option<Position> {
    let window = window(scene, canvas.width().min(COLUMNS_MAX).saturating_sub(4))?;
    let inner = window.rows.iter().map(|(row, _)| width(row)).max().unwrap_or(0);
    let inner =
        inner.max(width(&window.title) + 2).max(width(window.foot)).max(if window.chooses { 40 } else { 0 });
    let columns = (inner + 4).min(canvas.width()).min(COLUMNS_MAX);
    let around = 2 + usize::from(window.head.is_some());
    let wanted = window.rows.len() + around;
    let wanted = if window.head.is_some() { canvas.height() } else { wanted };
    let rows = wanted.min(canvas.height().saturating_sub(2)).max(around);
    let area = middle(canvas.area, columns, rows);
    let mut canvas = canvas.part(area);
    canvas.clear();
    border(&mut canvas, &window, scene);
    let mut first = 1;
    let mut place = None;
    if let Some((before, after)) = &window.head {
        let x = canvas.text(2, 1, &format!("> {before}"), scene.theme.head());
        canvas.text(x, 1, after, scene.theme.head());
        place = Some(canvas.place(x.min(canvas.width().saturating_sub(1)), 1));
        first = 2;
    }
    let height = canvas.height().saturating_sub(around);
    scene.ui.overlay_page = height;
    let cursor = scene.ui.overlay.as_mut()?.cursor()?;
    let count = window.rows.len();
    let visible = if window.chooses { cursor.window(count, height) } else { cursor.page(count, height) };
    let selected = cursor.selected;
    let room = canvas.width().saturating_sub(4);
    for (line, at) in visible.enumerate() {
        let (text, style) = &window.rows[at];
        let y = first + line;
        canvas.text(2, y, &cut(text, room), *style);
        if window.chooses {
            let row = canvas.cells(1, y, canvas.width().saturating_sub(2));
            if at == selected {
                canvas.part(row).style(0, scene.theme.selected());
            }
            scene.ui.hits.add(row, Hit::Choice(at));
        }
    }
    place
}

fn window(scene: &Scene<'_>, room: usize) -> Option<Window> {
    let (theme, words) = (scene.theme, scene.words);
    let plain = |text: &String| (text.clone(), Style::new());
    let wrapped = |text: &str| -> Vec<(String, Style)> {
        pieces(text, room).into_iter().map(|piece| (piece.to_owned(), Style::new())).collect()
    };
    let window = |title: String, rows, foot| Window { title, head: None, rows, foot, chooses: false };
    Some(match scene.ui.overlay.as_ref()? {
        Overlay::Help(_) => window("Keys".into(), help(scene), "Esc closes"),
        Overlay::Confirm { question, text, .. } => {
            let mut rows = wrapped(&words.one_line(question));
            for row in &mut rows {
                row.1 = theme.head();
            }
            if !text.is_empty() {
                rows.push((String::new(), Style::new()));
            }
            rows.extend(text.iter().map(plain));
            window("Confirm".into(), rows, "y yes  n no")
        }
        Overlay::Note { title, text, .. } => {
            let rows = text.iter().flat_map(|line| wrapped(line)).collect();
            window(title.clone(), rows, "Esc closes")
        }
        Overlay::Signals { targets, .. } => {
            let rows = SIGNALS.iter().map(|name| (format!("SIG{name}"), Style::new())).collect();
            let title = words.one_line(&format!("Signal to {}", targets.join(", ")));
            Window { title, head: None, rows, foot: "Enter chooses  Esc closes", chooses: true }
        }
        Overlay::Palette { field, .. } => {
            let found = entries(&field.text(), scene.ui.view, scene.model);
            let rows = found.into_iter().map(|(text, key, _)| {
                let text = words.one_line(&text);
                let gap = room.saturating_sub(width(&text) + width(&key)).max(1);
                (if key.is_empty() { text } else { format!("{text}{:gap$}{key}", "") }, Style::new())
            });
            Window {
                title: "Commands".into(),
                head: Some(field.parts()),
                rows: rows.collect(),
                foot: "Enter does it  Esc closes",
                chooses: true,
            }
        }
        Overlay::Edit { .. } => return None,
    })
}

fn help(scene: &Scene<'_>) -> Vec<(String, Style)> {
    let bound = BINDINGS.iter().filter(|binding| binding.works_in(scene.ui.view));
    bound
        .map(|binding| {
            let keys: Vec<String> = binding.keys.iter().map(|key| named(*key)).collect();
            (format!("{:<10} {}", keys.join(" "), binding.long), Style::new())
        })
        .collect()
}

fn middle(area: Rect, columns: usize, rows: usize) -> Rect {
    let (width, height) =
        (u16::try_from(columns).unwrap_or(u16::MAX), u16::try_from(rows).unwrap_or(u16::MAX));
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height }
}

fn border(canvas: &mut Canvas<'_>, window: &Window, scene: &Scene<'_>) {
    let theme = scene.theme;
    let (columns, rows) = (canvas.width(), canvas.height());
    let line = "─".repeat(columns.saturating_sub(2));
    canvas.text(0, 0, &format!("┌{line}┐"), theme.dim());
    for row in 1..rows.saturating_sub(1) {
        canvas.text(0, row, "│", theme.dim());
        canvas.text(columns.saturating_sub(1), row, "│", theme.dim());
    }
    canvas.text(0, rows.saturating_sub(1), &format!("└{line}┘"), theme.dim());
    let title = cut(&window.title, columns.saturating_sub(6));
    canvas.text(2, 0, &format!(" {title} "), theme.head());
    let foot = cut(window.foot, columns.saturating_sub(6));
    canvas.text(2, rows.saturating_sub(1), &format!(" {foot} "), theme.head());
}
