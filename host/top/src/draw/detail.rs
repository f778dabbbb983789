//! Why a process is in its state, what is known about it otherwise, and its last lines.

use provost_api::{Process, ProcessUsage};
use ratatui::style::Style;

use super::canvas::Canvas;
use super::scene::Scene;
use super::wrapping::{Fact, Labels};
use super::{checks, logs};
use crate::views::{Pane, TAIL};
use crate::words::Words;

/// The labels of the facts.
const LABELS: Labels = Labels { indent: 2, width: 15 };

/// A line and its style.
type Styled = (String, Style);

/// Draws the detail pane of the selected process.
pub(super) fn draw(canvas: &mut Canvas<'_>, scene: &mut Scene<'_>) {
    let Some(process) = scene.ui.list.process(scene.model) else {
        canvas.text(0, 0, "a group has no details: select one of its processes", scene.theme.dim());
        return;
    };
    if canvas.height() < 4 {
        return;
    }
    title(canvas, process, scene);
    let (columns, room) = (canvas.width(), canvas.height() - 1);
    let (facts, environment) = (facts(process, scene), environment(process, scene));
    let shown = match scene.ui.detail {
        Pane::Whole(mut cursor) => {
            let mut all = about(process, scene, columns, labelled(&facts, scene, columns, usize::MAX));
            // The many variables stand below what led here.
            all.extend(labelled(&environment, scene, columns, usize::MAX));
            all.push(Styled::default());
            all.extend(tail(process, scene, TAIL + 1));
            let visible = cursor.page(all.len(), room);
            (scene.ui.detail, scene.ui.page) = (Pane::Whole(cursor), room);
            all[visible].to_vec()
        }
        Pane::Shared | Pane::Closed => {
            let facts: Vec<Fact> = facts.into_iter().chain(environment).collect();
            let about = about(process, scene, columns, labelled(&facts, scene, columns, 1));
            fitted(about, tail(process, scene, (room * 4 / 10).max(2)), room)
        }
    };
    for (row, (line, style)) in shown.iter().enumerate() {
        canvas.text(0, row + 1, line, *style);
    }
}

fn title(canvas: &mut Canvas<'_>, process: &Process, scene: &Scene<'_>) {
    let theme = scene.theme;
    canvas.text(0, 0, &"─".repeat(canvas.width()), theme.dim());
    let name = format!(" {} ", scene.words.one_line(&process.name));
    let x = canvas.text(2, 0, &name, theme.head());
    let x = canvas.text(x, 0, &format!("{} ", process.phase), theme.phase(&process.phase));
    let keys = match scene.ui.detail {
        Pane::Whole(_) => " ↑↓ scroll  z list ",
        Pane::Shared | Pane::Closed => " z all ",
    };
    if x + keys.chars().count() + 2 < canvas.width() {
        canvas.part(canvas.cells(0, 0, canvas.width() - 2)).right(0, x, keys, theme.dim());
    }
}

/// Chooses what has room: the beginning of the text about the process, its end, which has the latest events, and the last lines.
fn fitted(mut about: Vec<Styled>, tail: Vec<Styled>, room: usize) -> Vec<Styled> {
    let rows = room.saturating_sub(tail.len());
    if about.len() > rows {
        let begin = rows * 6 / 10;
        let end = about.split_off(about.len() + begin + 1 - rows);
        about.truncate(begin);
        about.push(("  …".to_owned(), Style::new()));
        about.extend(end);
    }
    about.resize(rows, Styled::default());
    about.extend(tail);
    about
}

/// Returns why the process is in its state, with these facts below the first sentence.
fn about(process: &Process, scene: &Scene<'_>, columns: usize, facts: Vec<Styled>) -> Vec<Styled> {
    let text = explanation(process, scene, columns);
    let lines: Vec<&str> = text.lines().collect();
    // The sentence may take several lines; what follows is indented.
    let is_over = |line: &&str| line.starts_with(' ') || line.is_empty();
    let (sentence, rest) = lines.split_at(lines.iter().position(is_over).unwrap_or(lines.len()));
    let styled = |line: &&str, style| ((*line).to_owned(), style);
    let mut about: Vec<Styled> = sentence.iter().map(|line| styled(line, scene.theme.head())).collect();
    about.extend(facts);
    about.extend(rest.iter().map(|line| styled(line, Style::new())));
    about
}

/// Returns the lines of facts, at most so many for each.
fn labelled(facts: &[Fact], scene: &Scene<'_>, columns: usize, lines_max: usize) -> Vec<Styled> {
    let lines = LABELS.lines(facts, scene.words, columns, lines_max);
    lines.into_iter().map(|line| (line, Style::new())).collect()
}

fn explanation(process: &Process, scene: &Scene<'_>, columns: usize) -> String {
    let known = scene.model.explained.as_ref().filter(|known| known.name == process.name);
    match known.map(|known| &known.outcome) {
        None => "…".to_owned(),
        Some(Err(why)) => scene.words.one_line(why),
        Some(Ok(explanation)) => scene.words.explanation(explanation, columns),
    }
}

/// Returns its checks, what it uses and what it depends on.
fn facts(process: &Process, scene: &Scene<'_>) -> Vec<Fact> {
    let model = scene.model;
    let mut facts = Vec::new();
    let detail = model.detail_of(&process.name);
    if let Some(failing) = &process.failing
        && !detail.is_some_and(|detail| checks::fails(&detail.checks))
    {
        facts.push(("check fails", failing.why.clone()));
    }
    facts.extend(detail.map(|detail| checks::described(&detail.checks, scene.words)).unwrap_or_default());
    if let Some(used) = model.usages.of(&process.name) {
        facts.push(("uses", uses(&used.now, scene.words)));
    }
    let needs = model.depends_on(&process.name).iter().map(|name| match model.process(name) {
        Some(needed) => format!("{name} ({})", needed.phase),
        None => name.clone(),
    });
    let needs: Vec<String> = needs.collect();
    if !needs.is_empty() {
        facts.push(("depends on", needs.join(", ")));
    }
    facts
}

/// Returns the names of its variables, if they are known.
fn environment(process: &Process, scene: &Scene<'_>) -> Vec<Fact> {
    let names = scene.model.detail_of(&process.name).and_then(|detail| detail.environment.as_ref());
    let said = |names: &Vec<String>| {
        ("environment", format!("{} variables, values hidden: {}", names.len(), names.join(", ")))
    };
    names.map(said).into_iter().collect()
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

/// Returns the last lines, with their heading at most `rows`; only the heading if there are none.
fn tail(process: &Process, scene: &Scene<'_>, rows: usize) -> Vec<Styled> {
    let lines = &scene.model.tail;
    let count = match lines.are_of(&[&process.name]) {
        true => (lines.end() - lines.first()).min(u64::try_from(rows - 1).unwrap_or(u64::MAX)),
        false => 0,
    };
    let head = if count == 0 { "It has printed nothing yet." } else { "Its last lines:" };
    let mut shown = vec![(head.to_owned(), scene.theme.head())];
    for number in lines.end() - count..lines.end() {
        let Some(line) = lines.get(number) else { continue };
        let (text, style) = logs::shown(line, scene.words, scene.theme);
        shown.push((format!("  {text}"), style));
    }
    shown
}
