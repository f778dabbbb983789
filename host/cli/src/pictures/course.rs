//! The picture of a simulated scenario: for each process a band of its lives and of the pauses between them, its failures and what was
//! decided, over virtual time. Where more happens than pixels show, what happens within one pixel is drawn once.

use provost_simulation::{Course, Fault, Life, Track};
use provost_state::RulingAction;

use super::axis::marks;
use super::svg::{Area, MARGIN, Svg, span as pixels, width};
use crate::render::humane::{precise, span};

/// The width of the bands, the height of a row and of its band, in pixels.
const CHART: f64 = 860.0;
const ROW: f64 = 34.0;
const BAND: f64 = 20.0;
/// The place of the first row from the top.
const TOP: f64 = 58.0;

/// The most processes that are drawn.
const ROWS_MAX: usize = 40;

/// Draws the course of the scenario called `name`.
pub(crate) fn svg(name: &str, seed: u64, faults: &[Fault], course: &Course) -> String {
    let tracks = &course.tracks[..course.tracks.len().min(ROWS_MAX)];
    let names = tracks.iter().map(|track| width(&track.name)).fold(60.0, f64::max);
    let (left, total) = (MARGIN + names + 16.0, pixels(course.lasted_ms.max(1)));
    let x = |ms: u64| left + CHART * (pixels(ms) / total).min(1.0);
    let bottom = TOP + ROW * pixels(tracks.len() as u64);
    let mut svg = Svg::default();
    let title = format!("{name}: {} of virtual time, seed {seed}", precise(course.lasted_ms));
    svg.text(MARGIN, MARGIN + 12.0, "title", &title);
    windows(&mut svg, faults, course.lasted_ms, &x, bottom);
    for mark in marks(0, course.lasted_ms) {
        svg.upright(x(mark), TOP - 8.0, bottom, "tick", "");
        svg.text(x(mark) + 2.0, bottom + 14.0, "dim", &span(mark));
    }
    for (row, track) in tracks.iter().enumerate() {
        let y = TOP + ROW * pixels(row as u64);
        svg.text(MARGIN, y + 14.0, "strong", &track.name);
        rows(&mut svg, track, course, y, &x);
    }
    let mut place = MARGIN;
    for (class, meaning) in [
        ("p-running", "ready"),
        ("p-starting", "starts"),
        ("p-backoff", "waits for its restart"),
        ("p-fatal", "given up"),
        ("p-stopped", "down"),
        ("p-waiting", "a fault is there"),
    ] {
        place = svg.sample(place, bottom + 38.0, class, meaning);
    }
    let more = course.tracks.len() - tracks.len();
    if more > 0 {
        svg.text(place + 10.0, bottom + 38.0, "dim", &format!("and {more} more processes"));
    }
    let total_width = (left + CHART + 60.0).max(place).max(MARGIN + width(&title) * 1.2);
    svg.document(&title, total_width + MARGIN, bottom + 52.0)
}

/// Draws when faults are there, behind everything else.
fn windows(svg: &mut Svg, faults: &[Fault], lasted_ms: u64, x: &impl Fn(u64) -> f64, bottom: f64) {
    for fault in faults {
        let Some(window) = fault.kind.window() else { continue };
        let until_ms = window.until_ms.unwrap_or(lasted_ms);
        if window.from_ms == 0 && until_ms >= lasted_ms {
            continue;
        }
        let area = Area {
            x: x(window.from_ms),
            y: TOP - 12.0,
            width: (x(until_ms) - x(window.from_ms)).max(1.0),
            height: 4.0,
        };
        let name = if fault.name.is_empty() { fault.kind.as_str() } else { &fault.name };
        svg.area(area, "p-waiting", &format!("{name}, from {} to {}", span(window.from_ms), span(until_ms)));
        svg.upright(x(window.from_ms), TOP - 12.0, bottom, "tick", "");
    }
}

/// Draws one process.
fn rows(svg: &mut Svg, track: &Track, course: &Course, y: f64, x: &impl Fn(u64) -> f64) {
    let mut band = |from_ms: u64, until_ms: u64, class: &str, title: &str| {
        let area = Area { x: x(from_ms), y, width: (x(until_ms) - x(from_ms)).max(0.8), height: BAND };
        svg.area(area, class, title);
    };
    // What was drawn up to now, so that no two things are drawn into one pixel.
    let mut drawn = f64::MIN;
    for (at, life) in track.lives.iter().enumerate() {
        let end_ms = life.end.as_ref().map_or(course.lasted_ms, |end| end.at_ms);
        let next_ms = track.lives.get(at + 1).map_or(course.lasted_ms, |next| next.started_ms);
        if x(next_ms) - drawn < 0.5 {
            continue;
        }
        drawn = x(life.started_ms);
        let ready_ms = life.ready_ms.unwrap_or(end_ms).min(end_ms);
        if ready_ms > life.started_ms {
            band(life.started_ms, ready_ms, "p-starting", &format!("life {} starts", life.incarnation));
        }
        if end_ms > ready_ms {
            band(ready_ms, end_ms, "p-running", &format!("life {}: {}", life.incarnation, ended(life)));
        }
        if next_ms > end_ms {
            let (class, title) = pause(track, life, (end_ms, next_ms));
            band(end_ms, next_ms, class, &title);
        }
    }
    let mut drawn = f64::MIN;
    for made in &track.decisions {
        let place = x(made.at_ms);
        if place - drawn < 1.0 {
            continue;
        }
        drawn = place;
        let title =
            format!("{} {}: {} ({}: {})", span(made.at_ms), made.exit, made.action, made.by, made.reason);
        svg.upright(place, y + BAND - 6.0, y + BAND + 4.0, "bad", &title);
    }
}

fn ended(life: &Life) -> String {
    let length = |until_ms: u64| span(until_ms.saturating_sub(life.started_ms));
    match &life.end {
        Some(end) => format!("{} after {}", end.exit, length(end.at_ms)),
        None => "it lives".to_owned(),
    }
}

/// Returns the class and the title of the pause after a life, which has this begin and this end.
fn pause(track: &Track, life: &Life, (from_ms, until_ms): (u64, u64)) -> (&'static str, String) {
    let length_ms = until_ms - from_ms;
    match track.decision_on(life.incarnation).map(|made| (made.action, &made.reason)) {
        Some((RulingAction::Restart { .. }, reason)) => {
            ("p-backoff", format!("waits {}: {reason}", span(length_ms)))
        }
        Some((RulingAction::GiveUp(_), reason)) => ("p-fatal", format!("given up: {reason}")),
        Some((RulingAction::StayDown, reason)) => ("p-stopped", format!("stays down: {reason}")),
        // It was told to end, maybe because its group was given up.
        None => match track.given_up.iter().find(|given_up| (from_ms..until_ms).contains(&given_up.at_ms)) {
            Some(given_up) => ("p-fatal", format!("given up: {}", given_up.reason)),
            None => ("p-stopped", format!("down for {}", span(length_ms))),
        },
    }
}
