//! Shows what `up` prints in the foreground: the output of all processes, prefixed with their names, and their changes. The lines
//! go through a queue, so that a slow terminal delays nothing else.

use std::collections::VecDeque;
use std::pin::Pin;
use std::time::Duration;

use provost_state::{Change, ChangeKind, Escalation, EventKind, Generation, Health, Phase, RulingAction};
use provost_supervisor::{LogItem, LogLine, LogReader, LogStream, Supervisor};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::output::{Entry, Output};
use crate::render::decision::{self, Tense};
use crate::render::humane::{one_line, span};
use crate::render::style::{Paint, Style};
use crate::render::terminal;

/// The number of changes read at once.
const CHANGES_AT_ONCE: usize = 256;

/// More lines than wait for a reader at a time.
const LINES_AT_ONCE: usize = 8_192;

/// The style of the lines.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScreenStyle {
    pub(crate) paint: Paint,
    /// The number of columns of the longest name.
    pub(crate) width: usize,
}

/// The longest time that an exit waits for the output written before it. Another process may hold the output open.
const LAST_LINES: Duration = Duration::from_secs(1);

/// The task that shows lines and changes.
#[derive(Debug)]
pub(crate) struct Screen {
    /// Dropped to end the wait for further changes; used when the lines go on with another host.
    changes: oneshot::Sender<()>,
    shown: JoinHandle<()>,
}

impl Screen {
    /// Waits for at most `limit` until all remaining lines and changes are in the queue. The logs must have ended before.
    pub(crate) async fn finish(self, limit: Duration) {
        drop(self.changes);
        let _ = tokio::time::timeout(limit, self.shown).await;
    }

    /// Waits for at most `limit` until the lines and changes that are there by now are in the queue. The processes go on, and so do
    /// their logs.
    pub(crate) async fn leave(self, limit: Duration) {
        let _ = self.changes.send(());
        let _ = tokio::time::timeout(limit, self.shown).await;
    }
}

/// Starts to show `items`, the output of all processes, and all changes until the host ends.
pub(crate) fn start(supervisor: &Supervisor, items: LogReader, output: &Output, look: ScreenStyle) -> Screen {
    let (changes, ended) = oneshot::channel();
    let show = Show {
        items,
        supervisor: supervisor.clone(),
        output: output.clone(),
        look,
        cursor: Generation(0),
        due: VecDeque::new(),
    };
    Screen { changes, shown: tokio::spawn(show.run(ended)) }
}

/// Orders lines and changes: the output of an incarnation comes before its exit.
struct Show {
    items: LogReader,
    supervisor: Supervisor,
    output: Output,
    look: ScreenStyle,
    cursor: Generation,
    /// Changes that have not been shown.
    due: VecDeque<Change>,
}

/// The output is closed.
struct Gone;

impl Show {
    async fn run(mut self, mut ended: oneshot::Receiver<()>) {
        let mut changed = self.supervisor.changed();
        let (mut lines_end, mut changes_end) = (false, false);
        let mut gate = self.gate();
        loop {
            changed.mark_unchanged();
            if gate.is_none() && self.read_changes() {
                gate = self.gate();
            }
            if self.due.is_empty() && lines_end && changes_end {
                return;
            }
            let shown = tokio::select! {
                item = self.items.recv(), if !lines_end => match item {
                    Some(item) => self.line(item),
                    None => {
                        lines_end = true;
                        Ok(())
                    }
                },
                () = open(&mut gate) => {
                    let shown = self.change();
                    gate = self.gate();
                    shown
                }
                rung = changed.changed(), if gate.is_none() && !changes_end => {
                    changes_end = rung.is_err();
                    Ok(())
                }
                left = &mut ended, if !changes_end => {
                    if left.is_ok() {
                        let _ = self.show_what_is_there();
                        return;
                    }
                    changes_end = true;
                    Ok(())
                }
            };
            if shown.is_err() {
                return;
            }
        }
    }

    /// Reads the next changes once all earlier ones have been shown. Returns true if there are changes to show.
    fn read_changes(&mut self) -> bool {
        if self.due.is_empty() {
            let page = self.supervisor.reader().changes_since(self.cursor, CHANGES_AT_ONCE);
            self.cursor = page.cursor;
            self.due.extend(page.changes);
        }
        !self.due.is_empty()
    }

    /// Returns what the next change has to wait for, or `None` if there is no change.
    fn gate(&self) -> Option<Gate> {
        let next = self.due.front()?;
        if next.kind != ChangeKind::Event(EventKind::Exited) {
            return Some(Box::pin(std::future::ready(())));
        }
        let (logs, id, life) = (self.supervisor.logs().clone(), next.state.id, next.state.incarnation);
        Some(Box::pin(async move {
            // Whatever holds the output open longer does not belong to this incarnation.
            let _ = tokio::time::timeout(LAST_LINES, logs.told_to_its_end(id, life)).await;
        }))
    }

    /// Shows the lines and changes that are there, and waits for none.
    fn show_what_is_there(&mut self) -> Result<(), Gone> {
        while self.read_changes() {
            self.change()?;
        }
        self.lines()
    }

    /// Shows the available lines. Those that a busy writer adds meanwhile are not waited for.
    fn lines(&mut self) -> Result<(), Gone> {
        for _ in 0..LINES_AT_ONCE {
            let Some(item) = self.items.try_recv() else { break };
            self.line(item)?;
        }
        Ok(())
    }

    /// Shows the available lines and then the next change.
    fn change(&mut self) -> Result<(), Gone> {
        self.lines()?;
        match self.due.pop_front().and_then(|change| self.look.change(&change)) {
            Some(line) => self.push(line),
            None => Ok(()),
        }
    }

    fn line(&self, item: LogItem) -> Result<(), Gone> {
        self.push(match item {
            LogItem::Line(line) => self.look.output(&line),
            LogItem::Missed { process, lines } => self.look.note(
                &process,
                Style::Yellow,
                &match lines {
                    Some(lines) => format!("{lines} lines skipped; they are in its log"),
                    None => "lines may be missing here; its log has them".to_owned(),
                },
            ),
            LogItem::Cleared { process } => {
                self.look.note(&process, Style::Dim, "its log was cleared; the lines above are not in it")
            }
        })
    }

    fn push(&self, line: Vec<u8>) -> Result<(), Gone> {
        self.output.push(Entry::Raw(line.into())).map_err(|_| Gone)
    }
}

type Gate = Pin<Box<dyn Future<Output = ()> + Send>>;

async fn open(gate: &mut Option<Gate>) {
    match gate {
        Some(gate) => gate.await,
        None => std::future::pending().await,
    }
}

impl ScreenStyle {
    fn prefix(self, name: &str, mark: &str) -> String {
        let padded = format!("{name:<width$} {mark} ", width = self.width);
        self.paint.text(Style::of_name(name), &padded)
    }

    /// Formats `web    | what it printed`. An incomplete line and its continuation are shown as two lines.
    fn output(self, line: &LogLine) -> Vec<u8> {
        let mark = match line.stream {
            LogStream::Out => "|",
            LogStream::Err => "!",
        };
        let text = terminal::shown(&line.text, self.paint.is_on());
        format!("{}{text}\n", self.prefix(&line.process, mark)).into_bytes()
    }

    /// Formats `web    ▸ what happened to it`.
    fn note(self, name: &str, style: Style, text: &str) -> Vec<u8> {
        let text = self.paint.text(style, &one_line(text));
        format!("{}{text}\n", self.prefix(name, "▸")).into_bytes()
    }

    /// Describes a change, or returns `None` for an intermediate step that is not shown.
    fn change(self, change: &Change) -> Option<Vec<u8>> {
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
                let style = match ruling.action {
                    RulingAction::Restart { .. } => Style::Yellow,
                    RulingAction::StayDown => Style::Dim,
                    RulingAction::GiveUp(_) => Style::BoldRed,
                };
                let mut action = decision::action(&provost_control::decision(ruling), Tense::Done);
                if let RulingAction::GiveUp(Escalation::ShutDown { code }) = ruling.action {
                    action.push_str(&format!(" with code {code}"));
                }
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
    use std::sync::Arc;

    use provost_state::{At, Cause, Event, Exit, Identity, Moment, Ruling, Scope, registry};

    use super::*;

    const LOOK: ScreenStyle = ScreenStyle { paint: Paint::OFF, width: 6 };

    fn reason(text: &str) -> Arc<str> {
        text.into()
    }

    /// Returns what is shown for these events, which happen one second apart.
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
    fn an_incarnation_is_shown_from_start_to_end() {
        let start = || Event::Start { cause: Cause::User, reason: reason("asked for") };
        assert_eq!(
            shown(vec![
                start(),
                Event::Wait { cause: Cause::Dependency, reason: reason("waiting for db to be ready") },
                Event::Spawned { pid: 7, reason: reason("db is ready") },
                Event::Ready { reason: reason("it answers") },
                Event::Health { health: Health::Degraded, reason: reason("slow"), failing: None },
                Event::Exited { exit: Exit::Code(3), out_of_memory: false },
                decided(RulingAction::Restart { delay_ms: 1_500, scope: Scope::Group }),
                Event::SpawnFailed { error: reason("no such\nfile") },
                decided(RulingAction::GiveUp(Escalation::Nothing)),
                start(),
                Event::Spawned { pid: 8, reason: reason("asked for") },
                Event::Stop { cause: Cause::User, reason: reason("enough"), kill_at: Moment::default() },
                Event::Exited { exit: Exit::Signal(15), out_of_memory: false },
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
    fn output_is_prefixed_with_its_name_and_cannot_move_the_cursor() {
        let line = |stream, text: &'static [u8]| LogLine {
            process: "web".into(),
            stream,
            at_ms: 0,
            text: text.into(),
            partial: false,
            mark: None,
        };
        assert_eq!(
            LOOK.output(&line(LogStream::Out, b"a\xff\x1b[0m\x1b[2J")),
            b"web    | a\\xff\\u{1b}[2J\n"
        );
        assert_eq!(LOOK.output(&line(LogStream::Err, b"")), b"web    ! \n");
    }
}
