//! Which processes have reached what was asked of them, and the lines about that.

use std::collections::HashMap;

use provost_api::columns::{cut, padded, width};
use provost_api::{Cause, Dependencies, Event, EventKind, Exit, Phase, Process, ProcessType};

use crate::render::humane::{counted, delay, one_line, unix_ms};
use crate::render::style::{Paint, Style};

/// The longest name in a line, in columns.
const NAME_MAX: usize = 32;

/// The number of columns of the longest phase.
const PHASE: usize = 8;

/// What is asked of processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// To be ready; jobs, to be done.
    Ready,
    /// To be ready in a new life.
    ReadyAgain,
    /// To be ready after a start of the host, which has perhaps not begun to start them.
    Up,
    /// To be ready again, of those that something happens to.
    Settled,
    /// To be down.
    Down,
}

impl Goal {
    fn word(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Ready | Self::ReadyAgain | Self::Up | Self::Settled => "ready",
        }
    }
}

/// One process.
#[derive(Debug)]
struct Row {
    name: String,
    is_job: bool,
    phase: Phase,
    cause: Cause,
    reason: String,
    /// Since when it is in its phase, in milliseconds since the Unix epoch.
    since: u64,
    /// The first life in which it can reach its goal.
    life: u64,
    reached: bool,
    /// Whether the reaction to its end is still to be decided.
    is_undecided: bool,
    /// Whether nothing had ever happened to it when the command began.
    is_new: bool,
    /// Whether anything has happened to it since the command began.
    touched: bool,
}

impl Row {
    fn of(process: &Process, goal: Goal, now: u64) -> Self {
        let since = if process.pid.is_some() { &process.started_at } else { &process.ended_at };
        Self {
            name: process.name.clone(),
            is_job: process.process_type == ProcessType::Job,
            phase: process.phase.clone(),
            cause: process.cause.clone(),
            reason: process.reason.clone(),
            since: since.as_deref().and_then(unix_ms).filter(|_| goal == Goal::Up).unwrap_or(now),
            life: if goal == Goal::ReadyAgain { process.incarnation + 1 } else { 0 },
            reached: match goal {
                Goal::Ready | Goal::Up => process.ready,
                Goal::ReadyAgain => false,
                Goal::Settled => true,
                Goal::Down => is_down(&process.phase),
            },
            is_undecided: process.phase == Phase::Exited && process.decision.is_none(),
            is_new: process.incarnation == 0 && process.cause == Cause::Boot,
            touched: false,
        }
    }

    /// Whether it may still reach its goal without anything from outside.
    fn is_moving(&self) -> bool {
        match self.phase {
            Phase::Starting | Phase::Running | Phase::Backoff | Phase::Stopping => true,
            Phase::Waiting => self.cause != Cause::Dependency,
            Phase::Exited => self.is_undecided,
            // The start of the host has not come to it.
            Phase::Stopped => self.is_new && !self.touched,
            Phase::Fatal | Phase::Other(_) => false,
        }
    }
}

fn is_down(phase: &Phase) -> bool {
    matches!(phase, Phase::Stopped | Phase::Exited | Phase::Fatal)
}

/// What has become of the wait for everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outlook {
    /// All have reached their goal.
    Reached,
    /// Some may still reach it.
    Open,
    /// Those that have not reached it cannot reach it any more.
    Hopeless,
}

/// The processes of a command that waits.
#[derive(Debug)]
pub(crate) struct Board {
    /// What the command does, as in `restart: 1 of 2 ready`.
    verb: &'static str,
    goal: Goal,
    rows: Vec<Row>,
    places: HashMap<String, usize>,
    /// For each process, the places of those that it waits for before it is started, as far as they are known.
    needs: Vec<Vec<usize>>,
    /// When the command began, in milliseconds since the Unix epoch.
    began: u64,
}

impl Board {
    /// Creates the board for processes that have this state at `now` (milliseconds since the Unix epoch).
    pub(crate) fn new(verb: &'static str, goal: Goal, processes: &[Process], now: u64) -> Self {
        let rows: Vec<Row> = processes.iter().map(|process| Row::of(process, goal, now)).collect();
        let places = rows.iter().map(|row| row.name.clone()).zip(0..).collect();
        Self { verb, goal, needs: vec![Vec::new(); rows.len()], rows, places, began: now }
    }

    /// Takes notice of what the processes wait for before they are started.
    pub(crate) fn learn(&mut self, dependencies: &Dependencies) {
        for process in &dependencies.processes {
            if let Some(needs) = self.places.get(&process.name).and_then(|at| self.needs.get_mut(*at)) {
                let places = process.depends_on.iter().filter_map(|need| self.places.get(&need.process));
                *needs = places.copied().collect();
            }
        }
    }

    /// Takes notice of an event, and returns the line about it, if it is a change of the phase of one of the processes.
    pub(crate) fn on(&mut self, event: &Event) -> Option<String> {
        let goal = self.goal;
        let row = self.places.get(&event.process).and_then(|at| self.rows.get_mut(*at))?;
        row.touched = true;
        row.is_undecided = event.kind == EventKind::Exited;
        row.cause = event.cause.clone();
        row.reason.clone_from(&event.reason);
        if event.phase != event.before {
            row.phase = event.phase.clone();
            row.since = unix_ms(&event.at).unwrap_or(row.since);
        }
        let is_ready = match event.kind {
            EventKind::Ready => true,
            EventKind::Exited => row.is_job && is_success(event),
            // What else happens to a process that runs does not change whether it is ready.
            _ => row.reached && matches!(event.phase, Phase::Running | Phase::Exited),
        };
        row.reached = match goal {
            Goal::Down => is_down(&event.phase),
            // A process that was stopped is as the config says.
            Goal::Settled => is_ready || event.phase == Phase::Stopped || event.kind == EventKind::Removed,
            Goal::Ready | Goal::ReadyAgain | Goal::Up => is_ready && event.incarnation >= row.life,
        };
        (event.phase != event.before)
            .then(|| one_line(&format!("{}: {} ({})", row.name, event.phase, event.reason)) + "\n")
    }

    /// Returns what has become of the wait.
    pub(crate) fn outlook(&self) -> Outlook {
        let mut open = self.rows.iter().filter(|row| !row.reached).peekable();
        if open.peek().is_none() {
            return Outlook::Reached;
        }
        if open.any(Row::is_moving) || self.awaits_what_is_there() {
            Outlook::Open
        } else {
            Outlook::Hopeless
        }
    }

    /// Whether a process waits only for processes that have reached the goal, or that do so themselves. If nothing moves, it is
    /// about to be started.
    fn awaits_what_is_there(&self) -> bool {
        let waits = |row: &Row| row.phase == Phase::Waiting;
        let mut is_stuck: Vec<bool> = self.rows.iter().map(|row| !row.reached && !waits(row)).collect();
        loop {
            let newly: Vec<usize> = (0..self.rows.len())
                .filter(|at| !is_stuck[*at] && !self.rows[*at].reached)
                .filter(|at| self.needs[*at].iter().any(|need| is_stuck[*need]))
                .collect();
            if newly.is_empty() {
                return self
                    .rows
                    .iter()
                    .zip(&is_stuck)
                    .any(|(row, stuck)| waits(row) && !row.reached && !stuck);
            }
            newly.into_iter().for_each(|at| is_stuck[at] = true);
        }
    }

    /// Returns the number of processes.
    pub(crate) fn count(&self) -> usize {
        self.rows.len()
    }

    /// Returns the processes that have not reached the goal, each with its phase and the reason.
    pub(crate) fn missing(&self) -> impl Iterator<Item = (&str, &Phase, &str)> {
        let missing = self.rows.iter().filter(|row| !row.reached);
        missing.map(|row| (row.name.as_str(), &row.phase, row.reason.as_str()))
    }

    /// Returns the number of processes that the summary counts.
    pub(crate) fn concerned(&self) -> usize {
        self.rows.iter().filter(|row| self.is_concerned(row)).count()
    }

    fn is_concerned(&self, row: &Row) -> bool {
        self.goal != Goal::Settled || row.touched
    }

    /// Returns the line about all processes: `restart: 3 of 5 processes ready after 1.2s`.
    fn summary(&self, now: u64) -> String {
        let reached = self.rows.iter().filter(|row| self.is_concerned(row) && row.reached).count();
        let all = counted(self.concerned() as u64, "process");
        let after = delay(now.saturating_sub(self.began).max(1));
        format!("{}: {reached} of {all} {} after {after}", self.verb, self.goal.word())
    }

    /// Returns the lines for a terminal of this size: the summary, and one for each process that has not reached its goal, as
    /// far as there is room. They are narrower than the terminal.
    pub(crate) fn lines(&self, now: u64, (columns, rows): (usize, usize), paint: Paint) -> Vec<String> {
        let columns = columns.saturating_sub(1);
        let open: Vec<&Row> = self.rows.iter().filter(|row| !row.reached).collect();
        let mut lines = vec![paint.text(Style::Bold, &cut(&self.summary(now), columns))];
        // One row for the summary, and one for the cursor.
        let room = rows.saturating_sub(2);
        let shown = if open.len() > room { room.saturating_sub(1) } else { open.len() };
        let names =
            open[..shown].iter().map(|row| width(&one_line(&row.name))).max().unwrap_or(0).min(NAME_MAX);
        lines.extend(open[..shown].iter().map(|row| line(row, names, now, columns, paint)));
        if shown < open.len() && room > 0 {
            lines.push(cut(&format!("  and {} more", open.len() - shown), columns).into_owned());
        }
        lines
    }
}

fn is_success(event: &Event) -> bool {
    event.before != Phase::Stopping
        && (event.exit == Some(Exit::Code { code: 0 }) || event.cause != Cause::Crash)
        && event.phase == Phase::Exited
}

fn line(row: &Row, names: usize, now: u64, columns: usize, paint: Paint) -> String {
    let name = padded(&cut(&one_line(&row.name), names), names);
    let phase = padded(&one_line(row.phase.as_str()), PHASE);
    let since = padded(&delay(now.saturating_sub(row.since).max(1)), 6);
    let before = format!("  {name}  {phase}  {since}  ");
    if width(&before) > columns {
        return cut(&format!("  {name}  {phase}"), columns).into_owned();
    }
    let reason = one_line(&row.reason);
    format!(
        "  {name}  {}  {}  {}",
        paint.text(Style::of_phase(&row.phase), &phase),
        paint.text(Style::Dim, &since),
        cut(&reason, columns - width(&before))
    )
}

#[cfg(test)]
mod tests {
    use provost_api::{Dependency, Dependent};

    use super::*;

    const NOW: u64 = 1_795_690_800_000;

    fn process(name: &str, phase: Phase) -> Process {
        Process {
            name: name.to_owned(),
            ready: phase == Phase::Running,
            incarnation: 1,
            reason: "asked for".to_owned(),
            phase,
            ..Process::default()
        }
    }

    fn event(process: &str, kind: EventKind, before: Phase, phase: Phase, life: u64) -> Event {
        Event {
            process: process.to_owned(),
            at: "2026-11-26T11:00:01.000Z".to_owned(),
            incarnation: life,
            reason: format!("because of {kind}"),
            kind,
            before,
            phase,
            ..Event::default()
        }
    }

    fn shown(board: &Board, columns: usize, rows: usize) -> String {
        board.lines(NOW + 2_500, (columns, rows), Paint::OFF).join("\n")
    }

    #[test]
    fn a_restart_is_done_when_the_process_is_ready_in_a_new_life() {
        let mut board = Board::new("restart", Goal::ReadyAgain, &[process("web", Phase::Running)], NOW);
        let mut lines = String::new();
        for (kind, before, phase, life) in [
            (EventKind::Stop, Phase::Running, Phase::Stopping, 1),
            (EventKind::Exited, Phase::Stopping, Phase::Stopped, 1),
            (EventKind::Start, Phase::Stopped, Phase::Waiting, 1),
            (EventKind::Waiting, Phase::Waiting, Phase::Waiting, 1),
            (EventKind::Spawned, Phase::Waiting, Phase::Starting, 2),
        ] {
            lines.extend(board.on(&event("web", kind, before, phase, life)));
            assert_eq!(board.missing().count(), 1);
        }
        assert_eq!(board.on(&event("other", EventKind::Ready, Phase::Starting, Phase::Running, 2)), None);
        insta::assert_snapshot!(shown(&board, 80, 24), @r#"
        restart: 0 of 1 process ready after 2.5s
          web  starting  1.5s    because of spawned
        "#);
        lines.extend(board.on(&event("web", EventKind::Ready, Phase::Starting, Phase::Running, 2)));
        insta::assert_snapshot!(lines, @r#"
        web: stopping (because of stop)
        web: stopped (because of exited)
        web: waiting (because of start)
        web: starting (because of spawned)
        web: running (because of ready)
        "#);
        assert_eq!(board.summary(NOW + 2_500), "restart: 1 of 1 process ready after 2.5s");
    }

    #[test]
    fn the_lines_fit_the_terminal() {
        let processes: Vec<Process> =
            (0..100).map(|at| process(&format!("worker-with-a-long-name.{at}"), Phase::Waiting)).collect();
        let board = Board::new("start", Goal::Ready, &processes, NOW);
        for columns in [1, 5, 20, 40, 80, 300] {
            for rows in [1, 2, 3, 5, 24, 200] {
                let lines = board.lines(NOW, (columns, rows), Paint::OFF);
                assert!(lines.len() < rows.max(2), "{columns}x{rows}: {lines:#?}");
                assert!(
                    lines.iter().all(|line| width(line) < columns.max(2)),
                    "{columns}x{rows}: {lines:#?}"
                );
            }
        }
        insta::assert_snapshot!(shown(&board, 60, 6), @r#"
        start: 0 of 100 processes ready after 2.5s
          worker-with-a-long-name.0  waiting   2.5s    asked for
          worker-with-a-long-name.1  waiting   2.5s    asked for
          worker-with-a-long-name.2  waiting   2.5s    asked for
          and 97 more
        "#);
    }

    #[test]
    fn a_start_is_hopeless_when_nothing_can_become_ready_unprompted() {
        let mut waiting = process("late", Phase::Waiting);
        waiting.cause = Cause::Dependency;
        let new = Process { incarnation: 0, cause: Cause::Boot, ..process("web", Phase::Stopped) };
        let mut board = Board::new("up", Goal::Up, &[new, waiting], NOW);
        let need = Dependency { process: "web".to_owned(), ..Dependency::default() };
        let late = Dependent { name: "late".to_owned(), depends_on: vec![need], ..Dependent::default() };
        board.learn(&Dependencies { processes: vec![late], ..Dependencies::default() });
        assert_eq!(board.outlook(), Outlook::Open, "its start has not begun yet");
        board.on(&event("web", EventKind::Exited, Phase::Starting, Phase::Exited, 1));
        assert_eq!(board.outlook(), Outlook::Open, "its end is not judged yet");
        board.on(&event("web", EventKind::Decided, Phase::Exited, Phase::Fatal, 1));
        assert_eq!(board.outlook(), Outlook::Hopeless);
        board.on(&event("web", EventKind::Ready, Phase::Starting, Phase::Running, 2));
        assert_eq!(board.outlook(), Outlook::Open, "what it waits for is ready now");
        board.on(&event("late", EventKind::Ready, Phase::Starting, Phase::Running, 1));
        assert_eq!(board.outlook(), Outlook::Reached);
    }

    #[test]
    fn a_job_is_ready_when_it_is_done_and_a_service_is_not() {
        let job = Process { process_type: ProcessType::Job, ..process("job", Phase::Starting) };
        let mut board = Board::new("up", Goal::Up, &[job, process("web", Phase::Starting)], NOW);
        for name in ["job", "web"] {
            let exit = Some(Exit::Code { code: 0 });
            board.on(&Event { exit, ..event(name, EventKind::Exited, Phase::Running, Phase::Exited, 1) });
        }
        assert_eq!(board.missing().map(|(name, ..)| name).collect::<Vec<_>>(), ["web"]);
    }

    #[test]
    fn a_reload_shows_only_what_something_happens_to() {
        let both = [process("web", Phase::Running), process("db", Phase::Running)];
        let mut board = Board::new("reload", Goal::Settled, &both, NOW);
        assert_eq!(board.summary(NOW), "reload: 0 of 0 processes ready after 1ms");
        board.on(&event("web", EventKind::Stop, Phase::Running, Phase::Stopping, 1));
        assert_eq!(board.summary(NOW + 10), "reload: 0 of 1 process ready after 10ms");
        board.on(&event("web", EventKind::Ready, Phase::Starting, Phase::Running, 2));
        board.on(&event("web", EventKind::Health, Phase::Running, Phase::Running, 2));
        assert_eq!(board.summary(NOW + 10), "reload: 1 of 1 process ready after 10ms");
    }
}
