//! The picture: a band of the phases, a band of the health, and marks of what happened, over time.

use provost_api::{Event, EventKind, Exit, Health, Phase};
use provost_supervisor::rfc3339;

use super::history::{History, Span};
use crate::pictures::axis::marks;
use crate::pictures::svg::{Area, MARGIN, Svg, class, span as pixels, width};
use crate::render::decision;
use crate::render::events::exit;
use crate::render::humane::{no_longer_remembered, span, unix_ms};
use crate::render::local::Zone;

/// The width of the bands, their height, and the space at their left for their names, in pixels.
const CHART: f64 = 860.0;
const BAND: f64 = 26.0;
const LEFT: f64 = 84.0;
/// The places of the bands from the top.
const PHASES: f64 = 62.0;
const HEALTH: f64 = 98.0;
const EVENTS: f64 = 134.0;
const AXIS: f64 = 178.0;

/// Draws the history, with times in `zone`.
pub(crate) fn svg(history: &History, zone: &Zone) -> String {
    let total = pixels((history.to - history.from).max(1));
    let x = |ms: u64| MARGIN + LEFT + CHART * pixels(ms.saturating_sub(history.from)) / total;
    let mut svg = Svg::default();
    let title = format!(
        "{}: {} until {}{}",
        history.process.name,
        span(history.to - history.from),
        zone.stamp(&rfc3339(history.to)),
        history.ready_ms().map(|ms| format!(", ready for {} of it", span(ms))).unwrap_or_default()
    );
    svg.text(MARGIN, MARGIN + 12.0, "title", &title);
    if history.forgotten > 0 {
        svg.text(MARGIN, MARGIN + 30.0, "dim", &no_longer_remembered(history.forgotten, "older change"));
    }
    for mark in marks(history.from, history.to) {
        svg.upright(x(mark), PHASES - 6.0, AXIS - 12.0, "tick", "");
        let at = zone.at(mark);
        let time = if pixels(mark % 1_000) > 0.0 { "%H:%M:%S%.3f" } else { "%H:%M:%S" };
        svg.text(x(mark) + 2.0, AXIS, "dim", &at.strftime(time).to_string());
    }
    for (y, name) in [(PHASES, "phase"), (HEALTH, "health"), (EVENTS, "events")] {
        svg.text(MARGIN, y + 17.0, "strong", name);
    }
    for one in &history.phases {
        band(&mut svg, PHASES, one, class(&one.what), &x);
    }
    for one in &history.healths {
        band(&mut svg, HEALTH, one, health_class(&one.what), &x);
    }
    if history.healths.is_empty() {
        svg.text(MARGIN + LEFT, HEALTH + 17.0, "dim", "no findings");
    }
    for event in &history.events {
        if let (Some(at), Some(what)) = (unix_ms(&event.at), what(event)) {
            let title = format!("{} {what}", zone.stamp(&event.at));
            let class = if is_bad(event) { "bad" } else { "mark" };
            svg.upright(x(at), EVENTS + 4.0, EVENTS + BAND - 4.0, class, &title);
        }
    }
    let mut place = MARGIN;
    for phase in Phase::ALL {
        if history.phases.iter().any(|span| span.what == *phase) {
            place = svg.sample(place, AXIS + 26.0, class(phase), phase.as_str());
        }
    }
    let width = (MARGIN + LEFT + CHART + 60.0).max(place).max(MARGIN + width(&title) * 1.2);
    svg.document(&title, width + MARGIN, AXIS + 40.0)
}

fn band<T: std::fmt::Display>(svg: &mut Svg, y: f64, span: &Span<T>, class: &str, x: &impl Fn(u64) -> f64) {
    let area = Area { x: x(span.from), y, width: (x(span.to) - x(span.from)).max(0.8), height: BAND };
    let title = format!("{} for {}: {}", span.what, self::span(span.to - span.from), span.reason);
    svg.area(area, class, &title);
}

fn health_class(health: &Health) -> &'static str {
    class(match health {
        Health::Healthy => &Phase::Running,
        Health::Degraded => &Phase::Backoff,
        Health::Unhealthy => &Phase::Fatal,
        Health::Unknown | Health::Other(_) => &Phase::Stopped,
    })
}

/// Whether a life failed, or a policy gave the process up.
fn is_bad(event: &Event) -> bool {
    match event.kind {
        EventKind::Exited => event.before != Phase::Stopping && event.exit != Some(Exit::Code { code: 0 }),
        EventKind::SpawnFailed | EventKind::Overdue | EventKind::Refused => true,
        EventKind::Decided => event.phase == Phase::Fatal,
        _ => false,
    }
}

/// Describes an event that gets a mark.
fn what(event: &Event) -> Option<String> {
    Some(match (&event.kind, &event.exit, &event.decision) {
        (EventKind::Exited | EventKind::SpawnFailed, Some(how), _) => {
            format!("incarnation {}: {}", event.incarnation, exit(how))
        }
        (EventKind::Decided, _, Some(decision)) => decision::said(decision),
        (EventKind::Spawned, ..) => format!("incarnation {} begins: {}", event.incarnation, event.reason),
        (EventKind::Added | EventKind::Missed, ..) => return None,
        (kind, ..) => format!("{kind}: {}", event.reason),
    })
}

#[cfg(test)]
mod tests {
    use super::super::history::tests::{forgotten, history};
    use super::*;
    use crate::pictures::svg::tests::is_sound;

    #[test]
    fn the_picture_is_sound_and_has_bands_and_marks() {
        let picture = svg(&history(None), &Zone::utc());
        is_sound(&picture);
        for part in [
            "running for 40s: ready &lt;&amp; it&gt;",
            "degraded for 5s",
            "incarnation 1: killed by SIGKILL",
            "restart in 5.0s, says backoff: failure 1",
            ">11:01:00<",
        ] {
            assert!(picture.contains(part), "{part}: {picture}");
        }
    }

    #[test]
    fn a_history_that_is_no_longer_remembered_says_so() {
        let picture = svg(&forgotten(), &Zone::utc());
        is_sound(&picture);
        assert!(picture.contains("9000 older changes are no longer remembered"), "{picture}");
    }
}
