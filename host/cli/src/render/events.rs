//! Events as lines, for `events` and `explain`.

use provost_control::wire::{Decision, Event, Exit};

use super::humane::{delay, one_line, time_of_day, unix_ms};
use super::style::{Paint, Style};

/// One line, without the newline; names take `width` columns.
pub(crate) fn line(event: &Event, width: usize, paint: Paint) -> String {
    if event.kind == "missed" {
        let text = format!("{} changes are no longer remembered", event.count.unwrap_or_default());
        return paint.text(Style::Yellow, &text);
    }
    let at = unix_ms(&event.at).map(time_of_day).unwrap_or_default();
    let name = format!("{:<width$}", event.process);
    let kind = format!("{:<12}", event.kind);
    format!(
        "{}  {}  {}  {}",
        paint.text(Style::Dim, &at),
        paint.text(Style::of_name(&event.process), &name),
        paint.text(style(event), &kind),
        one_line(&what(event))
    )
    .trim_end()
    .to_owned()
}

fn style(event: &Event) -> Style {
    match event.kind.as_str() {
        "ready" => Style::Green,
        "exited" => match event.exit {
            Some(Exit::Code { code: 0 }) => Style::Plain,
            _ if event.before == "stopping" => Style::Plain,
            _ => Style::Red,
        },
        "spawn_failed" | "refused" | "overdue" => Style::Red,
        "not_ready" => Style::Yellow,
        "decided" if event.phase == "fatal" => Style::BoldRed,
        "decided" => Style::Yellow,
        "waiting" | "start" | "stop" => Style::Cyan,
        _ => Style::Plain,
    }
}

fn what(event: &Event) -> String {
    let reason = &event.reason;
    match (event.kind.as_str(), &event.exit, &event.decision, event.pid) {
        ("exited" | "spawn_failed", Some(exit), _, _) => {
            format!("life {}: {}", event.incarnation, self::exit(exit))
        }
        ("decided", _, Some(decision), _) => self::decision(decision),
        ("spawned", _, _, Some(pid)) => format!("life {}: pid {pid}; {reason}", event.incarnation),
        _ => reason.clone(),
    }
}

/// How a life ended.
pub(crate) fn exit(exit: &Exit) -> String {
    match exit {
        Exit::Code { code } => format!("exited with code {code}"),
        Exit::Signal { name, .. } => format!("killed by {name}"),
        Exit::Error { error } => error.clone(),
    }
}

/// What was decided, by whom and why.
pub(crate) fn decision(decision: &Decision) -> String {
    let with = match decision.scope.as_deref() {
        Some("group") => " with its whole group",
        Some("rest") => " with the rest of its group",
        _ => "",
    };
    let and = match decision.escalation.as_deref() {
        Some("stop-dependents") => " and stop its dependents",
        Some("give-up-group") => " with its whole group",
        Some("shut-down") => " and shut the host down",
        _ => "",
    };
    let action = match (decision.action.as_str(), decision.delay_ms) {
        ("restart", Some(0) | None) => format!("restart{with} now"),
        ("restart", Some(ms)) => format!("restart{with} in {}", delay(ms)),
        ("stay-down", _) => "stay down".to_owned(),
        ("give-up", _) => format!("give up{and}"),
        (other, _) => other.to_owned(),
    };
    let overruled = decision.overruled.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
    format!("{action}, says {}: {}{overruled}", decision.by, decision.reason)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn event(kind: &str) -> Event {
        Event {
            generation: 9,
            at: "2026-10-23T06:26:17.123Z".into(),
            process: "web".into(),
            incarnation: 2,
            kind: kind.into(),
            phase: "exited".into(),
            before: "running".into(),
            cause: "crash".into(),
            reason: "a reason".into(),
            ..Event::default()
        }
    }

    fn shown(event: &Event) -> String {
        line(event, 6, Paint::OFF)
    }

    #[test]
    fn each_kind_says_what_matters() {
        let decision = Decision {
            action: "restart".into(),
            delay_ms: Some(1_500),
            scope: Some("rest".into()),
            escalation: None,
            by: "failsafe".into(),
            reason: "second failure".into(),
            overruled: Some("backoff: trapped".into()),
        };
        let give_up = Decision {
            action: "give-up".into(),
            delay_ms: None,
            scope: None,
            escalation: Some("shut-down".into()),
            overruled: None,
            ..decision.clone()
        };
        for (event, text) in [
            (event("added"), "06:26:17.123  web     added         a reason"),
            (
                Event { exit: Some(Exit::Code { code: 3 }), ..event("exited") },
                "06:26:17.123  web     exited        life 2: exited with code 3",
            ),
            (
                Event { exit: Some(Exit::Signal { signal: 9, name: "SIGKILL".into() }), ..event("exited") },
                "06:26:17.123  web     exited        life 2: killed by SIGKILL",
            ),
            (
                Event { exit: Some(Exit::Error { error: "no such\nfile".into() }), ..event("spawn_failed") },
                "06:26:17.123  web     spawn_failed  life 2: no such\u{fffd}file",
            ),
            (
                Event { decision: Some(decision), ..event("decided") },
                "06:26:17.123  web     decided       restart with the rest of its group in 1.5s, says failsafe: second failure (backoff: trapped)",
            ),
            (
                Event { decision: Some(give_up), ..event("decided") },
                "06:26:17.123  web     decided       give up and shut the host down, says failsafe: second failure",
            ),
            (
                Event { pid: Some(7), ..event("spawned") },
                "06:26:17.123  web     spawned       life 2: pid 7; a reason",
            ),
            (Event { count: Some(5), ..event("missed") }, "5 changes are no longer remembered"),
        ] {
            assert_eq!(shown(&event), text);
        }
    }
}
