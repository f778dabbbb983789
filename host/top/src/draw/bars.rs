//! The head, the tabs, the troubles of the host, the message and the keys.

use provost_api::columns::{cut, width};
use ratatui::layout::Position;
use ratatui::style::Style;

use super::canvas::Canvas;
use super::scene::Scene;
use crate::input::{Action, BINDINGS, View, named};
use crate::model::Link;
use crate::views::{Hit, Overlay};

/// What stands at the beginning of the first line.
const NAME: &str = "provost";

/// Draws the numbers of processes, and the host or why it is not reached.
pub(super) fn head(canvas: &mut Canvas<'_>, scene: &Scene<'_>) {
    let (model, theme) = (scene.model, scene.theme);
    let mut x = canvas.text(0, 0, NAME, theme.head()) + 2;
    let counts = model.counts();
    let all = model.processes().len();
    x = canvas.text(x, 0, &format!("{all} processes"), theme.head()) + 1;
    for (phase, count) in &counts {
        x = canvas.text(x + 1, 0, &format!("{count} {phase}"), theme.phase(phase));
    }
    let text = match &model.link {
        Link::Connecting => "connecting".to_owned(),
        Link::Live => {
            let host = &model.status.host;
            format!("host {} up {}", host.pid, scene.words.ago(&host.started_at).as_deref().unwrap_or("?"))
        }
        // It is more important than the numbers, in whose place it is.
        Link::Lost(why) => {
            let blank = " ".repeat(canvas.width().saturating_sub(NAME.len()));
            canvas.text(NAME.len(), 0, &blank, Style::new());
            canvas.text(NAME.len() + 2, 0, &format!("no host: {}", scene.words.one_line(why)), theme.bad());
            return;
        }
    };
    if x + 2 + width(&text) <= canvas.width() {
        canvas.right(0, x + 2, &text, theme.dim());
    }
}

/// Draws the numbers and titles of the views.
pub(super) fn tabs(canvas: &mut Canvas<'_>, scene: &mut Scene<'_>) {
    let wide = canvas.width() >= 62;
    let mut x = 0;
    for (view, number) in View::ALL.into_iter().zip(1..) {
        let is_shown = view == scene.ui.view;
        let title =
            if wide || is_shown { format!(" {number} {} ", view.title()) } else { format!(" {number} ") };
        let style = if is_shown { scene.theme.selected() } else { scene.theme.dim() };
        let end = canvas.text(x, 0, &title, style);
        button(canvas, scene, x, end, Action::Show(view));
        x = end + 1;
    }
    let list = &scene.ui.list;
    let mut notes = Vec::new();
    if !list.filter.is_empty() {
        notes.push(format!("names with `{}`", list.filter));
    }
    if !list.marked.is_empty() {
        notes.push(format!("{} marked", list.marked.len()));
    }
    if list.hides_down {
        notes.push("down ones hidden".to_owned());
    }
    if scene.ui.view == View::Processes && !notes.is_empty() {
        canvas.right(0, x, &notes.join(", "), scene.theme.warning());
    } else if let Some(used) = used(scene).filter(|used| x + width(used) < canvas.width()) {
        canvas.right(0, x, &used, scene.theme.dim());
    }
}

/// Describes what all processes together use, and what the host itself uses.
fn used(scene: &Scene<'_>) -> Option<String> {
    let (usages, words) = (&scene.model.usages, scene.words);
    let (cpu, bytes) = usages.all()?;
    let all = format!("all {} {}", words.cpu(cpu), words.size(bytes));
    let host =
        usages.host().map(|host| format!("  host {} {}", words.cpu(host.cpu), words.size(host.rss_bytes)));
    Some(all + &host.unwrap_or_default())
}

fn button(canvas: &Canvas<'_>, scene: &mut Scene<'_>, from: usize, end: usize, action: Action) {
    scene.ui.hits.add(canvas.cells(from, 0, end - from), Hit::Button(action));
}

/// Returns what the host lacks, what is left of processes, and whether the config has changed, one line each.
pub(super) fn troubles(scene: &Scene<'_>) -> Vec<String> {
    let (host, words) = (&scene.model.status.host, scene.words);
    let mut lines: Vec<String> = host
        .degraded
        .iter()
        .map(|lack| words.one_line(&format!("degraded: {}: {}", lack.what, lack.reason)))
        .collect();
    lines.extend(host.left.iter().map(|left| {
        let of = left.process.as_deref().unwrap_or("a process");
        words.one_line(&format!("left of {of}: {}", left.reason))
    }));
    if host.config_changed == Some(true) {
        lines.push("the config has changed since it was loaded: R shows what a reload would change".into());
    }
    lines
}

/// Draws the last message, or the text field. Returns the place of its cursor.
pub(super) fn message(canvas: &mut Canvas<'_>, scene: &Scene<'_>) -> Option<Position> {
    let theme = scene.theme;
    if let Some(Overlay::Edit { what, field }) = &scene.ui.overlay {
        let label = scene.words.one_line(&what.label());
        let x = canvas.text(0, 0, &cut(&label, canvas.width() * 2 / 3), theme.head());
        let (before, after) = field.parts();
        // The end of a text that is too long is visible, where it is typed.
        let hidden = (x + width(&before) + 1).saturating_sub(canvas.width());
        let shown: String = before.chars().skip(hidden).collect();
        let cursor = canvas.text(x, 0, &shown, theme.head());
        canvas.text(cursor, 0, &after, theme.head());
        return Some(canvas.place(cursor.min(canvas.width().saturating_sub(1)), 0));
    }
    if let Some(told) = &scene.ui.told {
        let style = if told.failed { theme.bad() } else { theme.head() };
        canvas.text(0, 0, &scene.words.one_line(&told.text), style);
    }
    None
}

/// Draws as many keys as there is room for.
pub(super) fn keys(canvas: &mut Canvas<'_>, scene: &mut Scene<'_>) {
    let mut x = 0;
    let essential = [Action::Help, Action::Quit];
    let here = |action: &Action| !essential.contains(action);
    let bound =
        BINDINGS.iter().filter(|binding| binding.works_in(scene.ui.view) && !binding.short.is_empty());
    let bound: Vec<_> = bound.collect();
    let last = bound.iter().filter(|binding| !here(&binding.action));
    // Help and quit always have their room.
    let reserved: usize = last.clone().map(|binding| binding.short.len() + 4).sum();
    let first = bound.iter().filter(|binding| here(&binding.action));
    let room = canvas.width().saturating_sub(reserved);
    let fits = |x: &mut usize, length: usize, room: usize| {
        let fits = *x + length <= room;
        *x += if fits { length } else { 0 };
        fits
    };
    let mut taken = 0;
    let first: Vec<_> = first
        .filter(|binding| {
            let key = binding.keys.first().map(|key| named(*key)).unwrap_or_default();
            fits(&mut taken, width(&key) + binding.short.len() + 3, room)
        })
        .collect();
    for binding in first.into_iter().chain(last) {
        let key = binding.keys.first().map(|key| named(*key)).unwrap_or_default();
        let from = x;
        x = canvas.text(x, 0, &key, scene.theme.head());
        x = canvas.text(x + 1, 0, binding.short, scene.theme.dim());
        button(canvas, scene, from, x, binding.action);
        x += 2;
    }
}
