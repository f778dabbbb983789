//! The figures of the state core, and the events.

use provost_api::EventKind;
use provost_api::columns::width;
use ratatui::style::Style;

use super::canvas::Canvas;
use super::scene::Scene;
use super::wrapping::without;

/// The most columns that are kept for the names of processes.
const NAMES_MAX: usize = 16;

/// Draws the figures of the state core.
pub(super) fn state(canvas: &mut Canvas<'_>, scene: &mut Scene<'_>) {
    let height = canvas.height();
    scene.ui.page = height;
    let Some(core) = &scene.model.state_core else {
        canvas.text(0, 0, "…", scene.theme.dim());
        return;
    };
    let text = scene.words.state_core(core, canvas.width());
    let lines: Vec<&str> = text.lines().collect();
    let visible = &lines[scene.ui.state.page(lines.len(), height)];
    for (row, line) in visible.iter().enumerate() {
        canvas.text(0, row, line, Style::new());
    }
    scene.ui.visible = visible.iter().map(|line| (*line).to_owned()).collect();
}

/// Draws the events, the newest last.
pub(super) fn events(canvas: &mut Canvas<'_>, scene: &mut Scene<'_>) {
    let model = scene.model;
    let (first, end) = (model.events_first(), model.events_end());
    let state = match scene.ui.events_bottom {
        None => "events · following".to_owned(),
        Some(bottom) => format!("events · {} newer", end.saturating_sub(bottom + 1)),
    };
    canvas.text(0, 0, &state, scene.theme.dim());
    let height = canvas.height().saturating_sub(1);
    scene.ui.page = height;
    let last = scene.ui.events_bottom.map_or(end, |bottom| (bottom + 1).clamp(first, end));
    let from = last.saturating_sub(u64::try_from(height).unwrap_or(0)).max(first);
    let names =
        (from..last).filter_map(|number| model.event(number)).map(|event| width(&event.process)).max();
    let names = names.unwrap_or(0).min(NAMES_MAX);
    scene.ui.visible.clear();
    for (row, number) in (from..last).enumerate() {
        let Some(event) = model.event(number) else { continue };
        let line = scene.words.event(event, names);
        let style = match event.kind {
            EventKind::Missed | EventKind::Overdue | EventKind::SpawnFailed => scene.theme.warning(),
            EventKind::Exited | EventKind::Decided => scene.theme.phase(&event.phase),
            _ => Style::new(),
        };
        canvas.text(0, row + 1, without(&line, scene.ui.left), style);
        scene.ui.visible.push(line);
    }
    if last == first {
        canvas.text(0, 1, "nothing has happened yet", scene.theme.dim());
    }
}
