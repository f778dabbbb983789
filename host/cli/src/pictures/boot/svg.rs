//! The picture: one line for each process, with what it waited for, and how long it took to be ready.

use provost_api::Phase;
use provost_api::columns::cut;

use super::firsts::{Boot, First, Source};
use crate::pictures::axis::marks;
use crate::pictures::svg::{Area, MARGIN, Svg, class, number, span, width};
use crate::render::humane::{one_line, precise};

/// The height of a line, the width of the part with the times, and the space above the lines, in pixels.
const LINE: f64 = 22.0;
const CHART: f64 = 720.0;
const HEAD: f64 = 58.0;
/// The longest name, in columns.
const NAME_MAX: usize = 32;

/// Draws the start of a host.
pub(crate) fn svg(boot: &Boot, title: &str) -> String {
    let times = |first: &First| [first.asked, first.spawned, first.ready].into_iter().flatten().max();
    let mut rows: Vec<usize> = (0..boot.firsts.len())
        .filter(|at| boot.is_of_boot(*at) && times(&boot.firsts[*at]).is_some())
        .collect();
    rows.sort_by_key(|at| (boot.firsts[*at].spawned.unwrap_or(u64::MAX), *at));
    let end = rows.iter().filter_map(|at| times(&boot.firsts[*at])).max().unwrap_or(0).max(1);
    let name = |at: usize| cut(&one_line(boot.graph.name(at)), NAME_MAX).into_owned();
    let names = rows.iter().map(|at| width(&name(*at))).fold(0.0, f64::max);
    let left = MARGIN + names + 12.0;
    let x = |ms: u64| left + CHART * span(ms) / span(end);
    let bottom = MARGIN + HEAD + number(rows.len()) * LINE;
    let mut svg = Svg::default();
    svg.text(MARGIN, MARGIN + 12.0, "title", title);
    for mark in marks(0, end) {
        svg.upright(x(mark), MARGIN + HEAD - 8.0, bottom, "tick", "");
        svg.text(x(mark) + 3.0, MARGIN + HEAD - 12.0, "dim", &precise(mark));
    }
    for (line, at) in rows.iter().enumerate() {
        let y = MARGIN + HEAD + number(line) * LINE;
        svg.text(MARGIN, y + 15.0, "strong", &name(*at));
        bars(&mut svg, &boot.firsts[*at], &name(*at), x, (y, end));
    }
    let mut place = MARGIN;
    for (phase, meaning) in
        [(Phase::Waiting, "waits"), (Phase::Starting, "spawned, not ready"), (Phase::Running, "ready")]
    {
        place = svg.sample(place, bottom + 24.0, class(&phase), meaning);
    }
    if boot.forgotten > 0 {
        let note = "times with a ~ are from the status: the changes are no longer remembered";
        svg.text(MARGIN, bottom + 42.0, "dim", note);
    }
    svg.document(title, left + CHART + 140.0, bottom + if boot.forgotten > 0 { 54.0 } else { 36.0 })
}

/// Draws the bars of one process at the height `y`; the picture ends at the time `end`.
fn bars(svg: &mut Svg, first: &First, name: &str, x: impl Fn(u64) -> f64, (y, end): (f64, u64)) {
    let mut bar = |from: Option<u64>, to: u64, phase: Phase, what: &str| {
        if let Some(from) = from.filter(|from| *from <= to) {
            let area = Area { x: x(from), y: y + 4.0, width: (x(to) - x(from)).max(1.5), height: LINE - 8.0 };
            let title = format!("{name} {what} from {} to {}", precise(from), precise(to));
            svg.area(area, class(&phase), &title);
        }
    };
    let (ready, spawned) = (first.ready.unwrap_or(end), first.spawned);
    bar(first.asked, spawned.unwrap_or(end), Phase::Waiting, "waits");
    bar(spawned, ready, Phase::Starting, "is spawned and not ready");
    if first.completed.is_none() {
        bar(first.ready, end, Phase::Running, "is ready");
    }
    let about = if first.source == Source::Status { "~" } else { "" };
    let label = match (spawned, first.ready) {
        (Some(spawned), Some(ready)) => format!("{about}{}", precise(ready.saturating_sub(spawned))),
        (Some(_), None) => format!("{about}not ready"),
        (None, _) => "not spawned".to_owned(),
    };
    svg.text(x(end) + 8.0, y + 15.0, "dim", &label);
}

#[cfg(test)]
mod tests {
    use super::super::firsts::tests::{forgetful, shop};
    use super::*;
    use crate::pictures::svg::tests::is_sound;

    #[test]
    fn the_picture_is_sound_and_has_a_bar_for_each_time() {
        let picture = svg(&shop(), "boot");
        is_sound(&picture);
        for part in
            ["web waits from 4ms to 513ms", "db is spawned and not ready from 6ms to 510ms", "not ready"]
        {
            assert!(picture.contains(part), "{part}: {picture}");
        }
        let picture = svg(&forgetful(), "boot & <more>");
        is_sound(&picture);
        assert!(picture.contains("no longer remembered"), "{picture}");
    }
}
