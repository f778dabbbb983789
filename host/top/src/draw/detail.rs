//! Why a process is in its state, the finding of its checks, and its last lines.

use provost_api::ProcessUsage;

use super::canvas::Canvas;
use super::logs;
use super::scene::Scene;
use crate::words::Words;

/// The number of lines of an explanation that come before its history.
const FACTS: usize = 6;

/// Draws the detail pane of the selected process.
pub(super) fn draw(canvas: &mut Canvas<'_>, scene: &Scene<'_>) {
    let theme = scene.theme;
    let Some(process) = scene.ui.list.process(scene.model) else {
        canvas.text(0, 0, "a group has no details: select one of its processes", theme.dim());
        return;
    };
    if canvas.height() < 4 {
        return;
    }
    let rule = "─".repeat(canvas.width());
    canvas.text(0, 0, &rule, theme.dim());
    let title = format!(" {} ", scene.words.one_line(&process.name));
    let x = canvas.text(2, 0, &title, theme.head());
    canvas.text(x, 0, &format!("{} ", process.phase), theme.phase(&process.phase));
    let mut lines = explanation(scene, canvas.width());
    if let Some(failing) = &process.failing {
        let why = scene.words.one_line(&failing.why);
        lines.insert(1.min(lines.len()), format!("  {:<13}  {why}", "check fails"));
    }
    let needs = scene.model.depends_on(&process.name);
    if !needs.is_empty() {
        let needs = needs.iter().map(|name| match scene.model.process(name) {
            Some(needed) => format!("{name} ({})", needed.phase),
            None => name.clone(),
        });
        let needs = scene.words.one_line(&needs.collect::<Vec<_>>().join(", "));
        lines.insert(1.min(lines.len()), format!("  {:<13}  {needs}", "depends on"));
    }
    if let Some(used) = scene.model.usages.of(&process.name) {
        let uses = uses(&used.now, scene.words);
        lines.insert(1.min(lines.len()), format!("  {:<13}  {uses}", "uses"));
    }
    let room = canvas.height().saturating_sub(1);
    let tail = tail(scene, canvas.width(), (room * 4 / 10).max(2));
    let explained = room.saturating_sub(tail.len());
    if lines.len() > explained {
        // The latest events are the last ones.
        let facts = FACTS.min(explained / 2);
        let rest = lines.split_off(lines.len() + facts + 1 - explained);
        lines.truncate(facts);
        lines.push("  …".to_owned());
        lines.extend(rest);
    }
    for (row, line) in lines.iter().enumerate() {
        canvas.text(0, row + 1, line, if row == 0 { theme.head() } else { ratatui::style::Style::new() });
    }
    let from = canvas.height() - tail.len();
    for (row, (line, style)) in tail.iter().enumerate() {
        canvas.text(0, from + row, line, *style);
    }
}

/// Describes what a process with its descendants uses.
fn uses(usage: &ProcessUsage, words: &dyn Words) -> String {
    let mut text = format!("{} CPU, {} resident", words.cpu(usage.cpu), words.size(usage.rss_bytes));
    if let Some(pss) = usage.pss_bytes {
        text.push_str(&format!(", {} proportional", words.size(pss)));
    }
    text.push_str(&format!("; processes {}, threads {}", usage.members, usage.threads));
    if let Some(fds) = usage.fds {
        text.push_str(&format!(", descriptors {fds}"));
    }
    text
}

fn explanation(scene: &Scene<'_>, columns: usize) -> Vec<String> {
    let selected = scene.ui.list.selected();
    let known = scene.model.explained.as_ref().filter(|known| Some(&*known.name) == selected);
    match known.map(|known| &known.outcome) {
        None => vec!["…".to_owned()],
        Some(Err(why)) => vec![scene.words.one_line(why)],
        Some(Ok(explanation)) => {
            scene.words.explanation(explanation, columns).lines().map(str::to_owned).collect()
        }
    }
}

/// Returns the last lines with a heading; only the heading if there are none.
fn tail(scene: &Scene<'_>, columns: usize, room: usize) -> Vec<(String, ratatui::style::Style)> {
    let lines = &scene.model.tail;
    let selected = scene.ui.list.selected().unwrap_or_default();
    let count = match lines.are_of(&[selected]) {
        true => (lines.end() - lines.first()).min(u64::try_from(room - 1).unwrap_or(0)),
        false => 0,
    };
    let head = if count == 0 { "It has printed nothing yet." } else { "Its last lines:" };
    let mut shown = vec![(head.to_owned(), scene.theme.head())];
    for number in lines.end() - count..lines.end() {
        let Some(line) = lines.get(number) else { continue };
        let (text, style) = logs::shown(line, scene.words, scene.theme);
        shown.push((format!("  {}", super::wrapping::cut(&text, columns.saturating_sub(2))), style));
    }
    shown
}
