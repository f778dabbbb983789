//! What `up` shows in the foreground: the output of all processes behind their names, and what becomes of them. The lines go
//! through a queue, so that a slow terminal delays nothing but itself.

use std::sync::Arc;
use std::time::Duration;

use provost_state::{Change, ChangeKind, EventKind, Generation, Health, Phase, ProcessId, RulingAction};
use provost_supervisor::{LogItem, LogLine, LogReader, LogStream, Supervisor};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::output::{Entry, Output};
use crate::render::humane::{delay, one_line, span};
use crate::render::style::{Paint, Style};

/// Changes that are read at once.
const CHANGES_AT_ONCE: usize = 256;

/// How lines look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) paint: Paint,
    /// Columns of the longest name.
    pub(crate) width: usize,
}

/// What is shown, until it is finished.
#[derive(Debug)]
pub(crate) struct Screen {
    /// Dropped to say that no more changes are to be waited for.
    changes: oneshot::Sender<()>,
    shown: [JoinHandle<()>; 2],
}

impl Screen {
    /// Sees to it that everything is in the queue that is still to be shown, for at most `limit`. The logs must have ended
    /// before.
    pub(crate) async fn finish(self, limit: Duration) {
        drop(self.changes);
        let _ = tokio::time::timeout(limit, async {
            for shown in self.shown {
                let _ = shown.await;
            }
        })
        .await;
    }
}

/// Shows everything until the host ends.
pub(crate) fn start(supervisor: &Supervisor, output: &Output, look: Look) -> Screen {
    let world = supervisor.reader().snapshot();
    let ids: Vec<ProcessId> = world.iter().map(|state| state.id).collect();
    let printed = tokio::spawn(show_output(supervisor.logs().follow(&ids, 0, true), output.clone(), look));
    let (changes, ended) = oneshot::channel();
    let changed = tokio::spawn(show_changes(supervisor.clone(), output.clone(), look, ended));
    Screen { changes, shown: [printed, changed] }
}

async fn show_output(mut items: LogReader, output: Output, look: Look) {
    while let Some(item) = items.recv().await {
        let line = match item {
            LogItem::Line(line) => look.output(&line),
            LogItem::Missed { process, lines } => {
                look.note(&process, Style::Yellow, &format!("{lines} lines skipped; they are in its log"))
            }
        };
        if output.push(Entry::Raw(line.into())).is_err() {
            return;
        }
    }
}

async fn show_changes(supervisor: Supervisor, output: Output, look: Look, mut ended: oneshot::Receiver<()>) {
    let mut changed = supervisor.changed();
    let mut cursor = Generation(0);
    let mut last_look = false;
    loop {
        changed.mark_unchanged();
        loop {
            let page = supervisor.reader().changes_since(cursor, CHANGES_AT_ONCE);
            if page.cursor == cursor {
                break;
            }
            cursor = page.cursor;
            for line in page.changes.iter().filter_map(|change| look.change(change)) {
                if output.push(Entry::Raw(line.into())).is_err() {
                    return;
                }
            }
        }
        if last_look {
            return;
        }
        tokio::select! {
            rung = changed.changed() => last_look = rung.is_err(),
            _ = &mut ended => last_look = true,
        }
    }
}

impl Look {
    fn prefix(self, name: &str, mark: &str) -> String {
        let padded = format!("{name:<width$} {mark} ", width = self.width);
        self.paint.text(Style::of_name(name), &padded)
    }

    /// `web    | what it printed`, with all its bytes.
    fn output(self, line: &LogLine) -> Vec<u8> {
        let mark = match line.stream {
            LogStream::Out => "|",
            LogStream::Err => "!",
        };
        let mut bytes = self.prefix(&line.process, mark).into_bytes();
        bytes.extend_from_slice(&line.text);
        bytes.push(b'\n');
        bytes
    }

    /// `web    ▸ what became of it`.
    fn note(self, name: &str, style: Style, text: &str) -> Vec<u8> {
        let text = self.paint.text(style, &one_line(text));
        format!("{}{text}\n", self.prefix(name, "▸")).into_bytes()
    }

    /// What a change means to somebody who watches; nothing, if it is only a step on the way.
    fn change(self, change: &Arc<Change>) -> Option<Vec<u8>> {
        let ChangeKind::Event(event) = change.kind else { return None };
        let state = &change.state;
        let (style, text) = match (event, &state.phase) {
            (EventKind::Spawned, Phase::Starting { pid } | Phase::Running { pid }) => {
                (Style::Dim, format!("started (pid {pid})"))
            }
            (EventKind::Ready, Phase::Running { pid }) => (Style::Green, format!("running (pid {pid})")),
            (EventKind::Wait, _) => (Style::Cyan, state.reason.to_string()),
            (EventKind::NotReady, _) => (Style::Yellow, state.reason.to_string()),
            (EventKind::Overdue, _) => (Style::Red, state.reason.to_string()),
            (EventKind::Stop, _) if change.moved() => {
                (Style::Cyan, format!("{}: {}", state.phase.kind(), state.reason))
            }
            (EventKind::Exited | EventKind::SpawnFailed, _) => {
                let exit = state.exit.as_ref()?;
                let good = state.has_completed() || change.from == provost_state::PhaseKind::Stopping;
                let lived = match (state.started_at, state.ended_at) {
                    (Some(from), Some(to)) if event == EventKind::Exited => {
                        format!(" after {}", span(to.ms_since(from)))
                    }
                    _ => String::new(),
                };
                let done = if state.is_done() { "done: " } else { "" };
                (if good { Style::Dim } else { Style::Red }, format!("{done}{exit}{lived}"))
            }
            (EventKind::Decided, _) => {
                let ruling = state.decision.as_ref()?;
                let (style, action) = match ruling.action {
                    RulingAction::Restart { delay_ms: 0, scope } => {
                        (Style::Yellow, format!("restart{scope} now"))
                    }
                    RulingAction::Restart { delay_ms, scope } => {
                        (Style::Yellow, format!("restart{scope} in {}", delay(delay_ms)))
                    }
                    RulingAction::StayDown => (Style::Dim, "stays down".to_owned()),
                    RulingAction::GiveUp(escalation) => (Style::BoldRed, format!("given up{escalation}")),
                };
                (style, format!("{action} ({}: {})", ruling.by, state.reason))
            }
            (EventKind::Refused, _) => (Style::BoldRed, format!("given up: {}", state.reason)),
            (EventKind::TakenOver, _) => (Style::Yellow, state.reason.to_string()),
            (EventKind::Health, _) => {
                let well = state.health == Health::Healthy;
                (
                    if well { Style::Green } else { Style::Red },
                    format!("{}: {}", state.health.as_str(), state.reason),
                )
            }
            _ => return None,
        };
        Some(self.note(state.name(), style, &text))
    }
}

#[cfg(test)]
mod tests {
    use provost_state::{At, Cause, Escalation, Event, Exit, Identity, Moment, Ruling, Scope, registry};

    use super::*;

    const LOOK: Look = Look { paint: Paint::OFF, width: 6 };

    fn reason(text: &str) -> Arc<str> {
        text.into()
    }

    /// What is shown while these events happen, a second between each two.
    fn shown(events: Vec<Event>) -> String {
        let (registry, reader) = registry(|| 0);
        let identity = Identity::new("web", "");
        let id = registry.add(identity, Moment::default()).unwrap().id;
        for (event, second) in events.iter().zip(1_u64..) {
            let state = reader.snapshot().get(id).unwrap().clone();
            let at = At { incarnation: state.incarnation, version: state.version };
            registry.commit(id, at, event, Moment::default().plus_ms(second * 1_000)).unwrap();
        }
        let page = reader.changes_since(Generation(0), 100);
        let lines = page.changes.iter().filter_map(|change| LOOK.change(change));
        lines.map(|line| String::from_utf8(line).unwrap()).collect()
    }

    fn decided(action: RulingAction) -> Event {
        let ruling = Ruling { action, by: "calm".into(), reason: "a failure".into(), overruled: None };
        Event::Decided { ruling: Arc::new(ruling) }
    }

    #[test]
    fn a_life_is_told_from_start_to_end() {
        let start = || Event::Start { cause: Cause::User, reason: reason("asked for") };
        assert_eq!(
            shown(vec![
                start(),
                Event::Wait { cause: Cause::Dependency, reason: reason("waiting for db to be ready") },
                Event::Spawned { pid: 7, reason: reason("db is ready") },
                Event::Ready { reason: reason("it answers") },
                Event::Health { health: Health::Degraded, reason: reason("slow"), failing: None },
                Event::Exited { exit: Exit::Code(3) },
                decided(RulingAction::Restart { delay_ms: 1_500, scope: Scope::Group }),
                Event::SpawnFailed { error: reason("no such\nfile") },
                decided(RulingAction::GiveUp(Escalation::Nothing)),
                start(),
                Event::Spawned { pid: 8, reason: reason("asked for") },
                Event::Stop { cause: Cause::User, reason: reason("enough"), kill_at: Moment::default() },
                Event::Exited { exit: Exit::Signal(15) },
            ]),
            "\
web    ▸ waiting for db to be ready
web    ▸ started (pid 7)
web    ▸ running (pid 7)
web    ▸ degraded: slow
web    ▸ exited with code 3 after 3s
web    ▸ restart with its whole group in 1.5s (calm: a failure)
web    ▸ could not be started: no such\u{fffd}file
web    ▸ given up (calm: a failure)
web    ▸ started (pid 8)
web    ▸ stopping: enough
web    ▸ killed by SIGTERM after 2s
"
        );
    }

    #[test]
    fn output_keeps_its_bytes_behind_its_name() {
        let line = |stream, text: &'static [u8]| LogLine {
            process: "web".into(),
            stream,
            at_ms: 0,
            text: text.into(),
            partial: false,
        };
        assert_eq!(LOOK.output(&line(LogStream::Out, b"a\xff\x1b[0m")), b"web    | a\xff\x1b[0m\n");
        assert_eq!(LOOK.output(&line(LogStream::Err, b"")), b"web    ! \n");
    }
}
