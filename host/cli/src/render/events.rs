//! Renders events as lines, for `events` and `explain`.

use provost_api::columns::{padded, width, wrapped};
use provost_api::{Event, EventKind, Exit, Phase};

use super::decision;
use super::humane::{no_longer_remembered, one_line};
use super::local::Times;
use super::page::Page;
use super::style::Style;

/// The number of columns of the longest kind.
const KIND: usize = 12;

/// The description of an event has at least this many columns; otherwise it continues below the name.
const WHAT_MIN: usize = 24;

/// Renders events one after the other.
#[derive(Debug)]
pub(crate) struct Lines<'p> {
    page: &'p Page,
    times: Times,
    /// The number of columns of the longest name.
    names: usize,
    /// The number of columns before the time.
    indent: usize,
}

impl<'p> Lines<'p> {
    /// Creates a renderer for the time `now_ms` (milliseconds since the Unix epoch); names take `names` columns.
    pub(crate) fn new(page: &'p Page, now_ms: u64, names: usize) -> Self {
        Self { page, times: Times::new(&page.zone, now_ms), names, indent: 0 }
    }

    /// Indents the lines by two columns.
    pub(crate) fn indented(mut self) -> Self {
        self.indent = 2;
        self
    }

    /// Renders one event with its newline. A description that does not fit continues below.
    pub(crate) fn line(&mut self, event: &Event) -> String {
        let (paint, indent) = (self.page.paint, " ".repeat(self.indent));
        if event.kind == EventKind::Missed {
            let text = no_longer_remembered(event.count.unwrap_or_default(), "change");
            return format!("{indent}{}\n", paint.text(Style::Yellow, &text));
        }
        let at = self.times.shown(&event.at);
        let (what, name) = (one_line(&what(event)), one_line(&event.process));
        let mut before = self.indent + width(&at) + 2 + self.names.max(width(&name)) + 2 + KIND + 2;
        let columns = self.page.columns.unwrap_or(usize::MAX);
        let beneath = columns.saturating_sub(before) < WHAT_MIN.min(width(&what));
        if beneath {
            before = self.indent + 4;
        }
        let parts = wrapped(&what, columns.saturating_sub(before), usize::MAX);
        let mut text = format!(
            "{indent}{}  {}  {}",
            paint.text(Style::Dim, &at),
            paint.text(Style::of_name(&name), &padded(&name, self.names)),
            paint.text(
                style(event),
                &if what.is_empty() || beneath {
                    one_line(event.kind.as_str())
                } else {
                    padded(&one_line(event.kind.as_str()), KIND)
                }
            ),
        );
        for (at, part) in parts.iter().filter(|part| !part.is_empty()).enumerate() {
            match at == 0 && !beneath {
                true => text.push_str("  "),
                false => text.push_str(&format!("\n{:before$}", "")),
            }
            text.push_str(part);
        }
        text.push('\n');
        text
    }
}

fn style(event: &Event) -> Style {
    match event.kind {
        EventKind::Ready => Style::Green,
        EventKind::Exited => match event.exit {
            Some(Exit::Code { code: 0 }) => Style::Plain,
            _ if event.before == Phase::Stopping => Style::Plain,
            _ => Style::Red,
        },
        EventKind::SpawnFailed | EventKind::Refused | EventKind::Overdue => Style::Red,
        EventKind::NotReady => Style::Yellow,
        EventKind::Decided if event.phase == Phase::Fatal => Style::BoldRed,
        EventKind::Decided => Style::Yellow,
        EventKind::Waiting | EventKind::Start | EventKind::Stop => Style::Cyan,
        EventKind::Added
        | EventKind::Removed
        | EventKind::Spawned
        | EventKind::Health
        | EventKind::TakenOver
        | EventKind::Missed
        | EventKind::Other(_) => Style::Plain,
    }
}

fn what(event: &Event) -> String {
    let reason = &event.reason;
    match (&event.kind, &event.exit, &event.decision, event.pid) {
        (EventKind::Exited | EventKind::SpawnFailed, Some(exit), _, _) => {
            format!("incarnation {}: {}", event.incarnation, self::exit(exit))
        }
        (EventKind::Decided, _, Some(decision), _) => decision::said(decision),
        (EventKind::Spawned, _, _, Some(pid)) => {
            format!("incarnation {}: pid {pid}; {reason}", event.incarnation)
        }
        _ => reason.clone(),
    }
}

/// Describes an exit.
pub(crate) fn exit(exit: &Exit) -> String {
    match exit {
        Exit::Code { code } => format!("exited with code {code}"),
        Exit::Signal { name, .. } => format!("killed by {name}"),
        Exit::Error { error } => error.clone(),
        Exit::Unknown => "ended in an unknown way".to_owned(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use provost_api::{Action, Cause, Decision, Escalation, Scope};

    use super::*;

    pub(crate) fn event(kind: EventKind) -> Event {
        Event {
            generation: 9,
            at: "2026-10-23T06:26:17.123Z".into(),
            process: "web".into(),
            incarnation: 2,
            kind,
            phase: Phase::Exited,
            before: Phase::Running,
            cause: Cause::Crash,
            reason: "a reason".into(),
            ..Event::default()
        }
    }

    fn shown(event: &Event) -> String {
        Lines::new(&Page::plain(), 1_792_736_777_123, 6).line(event).trim_end().to_owned()
    }

    #[test]
    fn each_kind_shows_its_own_details() {
        let decision = Decision {
            action: Action::Restart,
            delay_ms: Some(1_500),
            scope: Some(Scope::Rest),
            escalation: None,
            by: "failsafe".into(),
            reason: "second failure".into(),
            overruled: Some("backoff: trapped".into()),
        };
        let give_up = Decision {
            action: Action::GiveUp,
            delay_ms: None,
            scope: None,
            escalation: Some(Escalation::ShutDown),
            overruled: None,
            ..decision.clone()
        };
        for (event, text) in [
            (event(EventKind::Added), "06:26:17.123Z  web     added         a reason"),
            (
                Event { exit: Some(Exit::Code { code: 3 }), ..event(EventKind::Exited) },
                "06:26:17.123Z  web     exited        incarnation 2: exited with code 3",
            ),
            (
                Event {
                    exit: Some(Exit::Signal { signal: 9, name: "SIGKILL".into() }),
                    ..event(EventKind::Exited)
                },
                "06:26:17.123Z  web     exited        incarnation 2: killed by SIGKILL",
            ),
            (
                Event {
                    exit: Some(Exit::Error { error: "no such\nfile".into() }),
                    ..event(EventKind::SpawnFailed)
                },
                "06:26:17.123Z  web     spawn_failed  incarnation 2: no such\u{fffd}file",
            ),
            (
                Event { decision: Some(decision), ..event(EventKind::Decided) },
                "06:26:17.123Z  web     decided       restart with the rest of its group in 1.5s, says failsafe: second failure (backoff: trapped)",
            ),
            (
                Event { decision: Some(give_up), ..event(EventKind::Decided) },
                "06:26:17.123Z  web     decided       give up and shut the host down, says failsafe: second failure",
            ),
            (
                Event { pid: Some(7), ..event(EventKind::Spawned) },
                "06:26:17.123Z  web     spawned       incarnation 2: pid 7; a reason",
            ),
            (Event { count: Some(5), ..event(EventKind::Missed) }, "5 changes are no longer remembered"),
            (Event { count: Some(1), ..event(EventKind::Missed) }, "1 change is no longer remembered"),
        ] {
            assert_eq!(shown(&event), text);
        }
    }

    #[test]
    fn on_a_narrow_page_the_description_continues_below() {
        let page = Page::narrow(60);
        let mut lines = Lines::new(&page, 1_792_736_777_123, 6);
        let long =
            Event { reason: "it waits for `db`, which is not ready yet".into(), ..event(EventKind::Waiting) };
        let name = "a-process-with-a-name".into();
        let beneath = Event { process: name, ..long.clone() };
        let old = Event { at: "2026-10-22T06:26:17.123Z".into(), ..event(EventKind::Ready) };
        let text = [event(EventKind::Ready), long, beneath, old].map(|event| lines.line(&event)).concat();
        insta::assert_snapshot!(text, @"
        06:26:17.123Z  web     ready         a reason
        06:26:17.123Z  web     waiting
            it waits for `db`, which is not ready yet
        06:26:17.123Z  a-process-with-a-name  waiting
            it waits for `db`, which is not ready yet
        2026-10-22 06:26:17.123Z  web     ready         a reason
        ");
    }
}
