//! What the events say about a process: spans of phases and of health, lives, and single moments.

use provost_api::{Decision, Event, EventKind, Exit, Health, Phase, Process};

use crate::render::humane::unix_ms;

/// A span of time in which something was so, in milliseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span<T> {
    pub(super) what: T,
    pub(super) from: u64,
    pub(super) to: u64,
    /// The reason when it began, if that is remembered.
    pub(super) reason: String,
}

/// One life of the process. What is not remembered is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Life {
    pub(super) number: u64,
    pub(super) pid: Option<u32>,
    pub(super) spawned: Option<u64>,
    pub(super) ready: Option<u64>,
    pub(super) ended: Option<u64>,
    pub(super) exit: Option<Exit>,
    /// What was decided about its end.
    pub(super) decision: Option<Decision>,
    /// Whether its begin is no longer remembered, and so perhaps its being ready.
    pub(super) is_partial: bool,
}

/// The history of a process.
#[derive(Debug)]
pub(crate) struct History {
    pub(super) process: Process,
    /// The first and the last moment that is shown, in milliseconds since the Unix epoch.
    pub(super) from: u64,
    pub(super) to: u64,
    /// The number of changes, of all processes, that are no longer remembered.
    pub(super) forgotten: u64,
    pub(super) phases: Vec<Span<Phase>>,
    pub(super) healths: Vec<Span<Health>>,
    pub(super) lives: Vec<Life>,
    /// The events in that time, oldest first.
    pub(super) events: Vec<Event>,
}

impl History {
    /// Reconstructs the history of a process from the remembered events, oldest first, of which those of other processes are
    /// ignored. It begins at `since`, or with the first event, and ends at `now` (milliseconds since the Unix epoch).
    pub(crate) fn of(process: Process, events: Vec<Event>, since: Option<u64>, now: u64) -> Self {
        let missed = events.iter().filter(|event| event.kind == EventKind::Missed);
        let forgotten = missed.filter_map(|event| event.count).sum();
        let events: Vec<Event> = events.into_iter().filter(|event| event.process == process.name).collect();
        // The clock of this command may be behind that of the host, or behind the last event by a moment.
        let now = events.iter().filter_map(|event| unix_ms(&event.at)).fold(now, u64::max);
        let known = events.first().and_then(|event| unix_ms(&event.at));
        let began = known.or_else(|| unix_ms(process.started_at.as_deref()?)).unwrap_or(now);
        let from = since.map_or(began, |since| since.max(began)).min(now);
        let mut history = Self {
            from,
            to: now,
            forgotten,
            phases: phases(&process, &events, began, now),
            healths: healths(&process, &events, now),
            lives: lives(&process, &events),
            process,
            events,
        };
        history.cut();
        history
    }

    /// Leaves out what was over before the first moment.
    fn cut(&mut self) {
        let from = self.from;
        fn clip<T>(spans: &mut Vec<Span<T>>, from: u64) {
            spans.retain(|span| span.to > from);
            spans.iter_mut().for_each(|span| span.from = span.from.max(from));
        }
        clip(&mut self.phases, from);
        clip(&mut self.healths, from);
        self.lives.retain(|life| life.ended.is_none_or(|ended| ended >= from));
        self.events.retain(|event| unix_ms(&event.at).is_some_and(|at| at >= from));
    }

    /// Returns how long the process was ready in this time, in milliseconds: in which a life was ready and had not ended. `None`
    /// if that is no longer remembered of one of them.
    pub(super) fn ready_ms(&self) -> Option<u64> {
        if self.lives.iter().any(|life| life.is_partial && life.ready.is_none()) {
            return None;
        }
        let spans = self.lives.iter().filter_map(|life| {
            let ready = life.ready?.max(self.from);
            Some(life.ended.unwrap_or(self.to).saturating_sub(ready))
        });
        Some(spans.sum())
    }
}

/// Returns the spans of phases. Until its first event the process had the phase before it, if that is remembered.
fn phases(process: &Process, events: &[Event], began: u64, now: u64) -> Vec<Span<Phase>> {
    let mut spans: Vec<Span<Phase>> = Vec::new();
    for event in events {
        let Some(at) = unix_ms(&event.at) else { continue };
        // A new life in the same phase is a new span: a process without a check is running as soon as it is spawned.
        let same = spans.last().is_some_and(|span| span.what == event.phase);
        if same && event.kind != EventKind::Spawned {
            continue;
        }
        if let Some(last) = spans.last_mut() {
            last.to = at;
        }
        spans.push(Span { what: event.phase.clone(), from: at, to: now, reason: event.reason.clone() });
    }
    if spans.is_empty() {
        let reason = process.reason.clone();
        spans.push(Span { what: process.phase.clone(), from: began, to: now, reason });
    }
    spans.retain(|span| span.to > span.from || span.to == now);
    spans
}

/// Returns the spans of findings of health checks; each ends with the next finding, or with its life.
fn healths(process: &Process, events: &[Event], now: u64) -> Vec<Span<Health>> {
    let mut spans: Vec<Span<Health>> = Vec::new();
    let mut open = false;
    for event in events {
        let Some(at) = unix_ms(&event.at) else { continue };
        let ends = matches!(event.kind, EventKind::Exited | EventKind::SpawnFailed | EventKind::Spawned);
        if open
            && (ends || event.kind == EventKind::Health)
            && let Some(last) = spans.last_mut()
        {
            last.to = at;
            open = false;
        }
        if let (EventKind::Health, Some(health)) = (&event.kind, &event.health) {
            spans.push(Span { what: health.clone(), from: at, to: now, reason: event.reason.clone() });
            open = true;
        }
    }
    if spans.is_empty()
        && matches!(process.health, Health::Healthy | Health::Degraded | Health::Unhealthy)
        && let Some(from) = process.started_at.as_deref().and_then(unix_ms)
    {
        // The finding is older than what is remembered.
        spans.push(Span { what: process.health.clone(), from, to: now, reason: String::new() });
    }
    spans
}

/// Returns the lives, the last of which is from the status if it is older than what is remembered.
fn lives(process: &Process, events: &[Event]) -> Vec<Life> {
    let mut lives: Vec<Life> = Vec::new();
    for event in events.iter().filter(|event| event.incarnation > 0) {
        if lives.last().is_none_or(|life| life.number != event.incarnation) {
            lives.push(Life { number: event.incarnation, is_partial: true, ..Life::default() });
        }
        let Some(life) = lives.last_mut() else { continue };
        let at = unix_ms(&event.at);
        match event.kind {
            EventKind::Spawned => {
                (life.spawned, life.pid) = (at, event.pid);
                life.is_partial = false;
            }
            EventKind::Ready => life.ready = life.ready.or(at),
            EventKind::Exited | EventKind::SpawnFailed => {
                (life.ended, life.exit) = (at, event.exit.clone());
                // A life that was never spawned is whole.
                life.is_partial &= event.kind == EventKind::Exited;
            }
            EventKind::Decided => life.decision = event.decision.clone(),
            _ => {}
        }
    }
    let is_current = |life: &Life| life.number == process.incarnation;
    if process.pid.is_some() && !lives.last().is_some_and(is_current) {
        let (number, pid) = (process.incarnation, process.pid);
        let spawned = process.started_at.as_deref().and_then(unix_ms);
        lives.push(Life { number, pid, spawned, is_partial: true, ..Life::default() });
    }
    lives
}

#[cfg(test)]
pub(super) mod tests {
    use provost_api::{Action, Cause, Scope};

    use super::*;

    /// 2026-11-26T11:00:00Z.
    pub(in crate::pictures) const ELEVEN: u64 = 1_795_690_800_000;

    fn event(second: u64, kind: EventKind, life: u64, phase: Phase) -> Event {
        Event {
            at: format!("2026-11-26T11:{:02}:{:02}.000Z", second / 60, second % 60),
            process: "web".to_owned(),
            incarnation: life,
            reason: format!("{kind} <& it>"),
            kind,
            phase,
            cause: Cause::Policy,
            ..Event::default()
        }
    }

    /// Returns the events of a process with two lives: one that was killed after it was degraded, and one that runs.
    fn events() -> Vec<Event> {
        let decision = Decision {
            action: Action::Restart,
            delay_ms: Some(5_000),
            scope: Some(Scope::Itself),
            escalation: None,
            by: "backoff".to_owned(),
            reason: "failure 1".to_owned(),
            overruled: None,
        };
        let exit = Exit::Signal { signal: 9, name: "SIGKILL".to_owned() };
        vec![
            Event { process: "other".to_owned(), ..event(0, EventKind::Ready, 1, Phase::Running) },
            event(1, EventKind::Added, 0, Phase::Stopped),
            event(2, EventKind::Start, 0, Phase::Waiting),
            Event { pid: Some(41), ..event(10, EventKind::Spawned, 1, Phase::Starting) },
            event(20, EventKind::Ready, 1, Phase::Running),
            Event { health: Some(Health::Degraded), ..event(50, EventKind::Health, 1, Phase::Running) },
            Event { health: Some(Health::Healthy), ..event(55, EventKind::Health, 1, Phase::Running) },
            Event { exit: Some(exit), ..event(60, EventKind::Exited, 1, Phase::Exited) },
            Event { decision: Some(decision), ..event(60, EventKind::Decided, 1, Phase::Backoff) },
            Event { pid: Some(42), ..event(65, EventKind::Spawned, 2, Phase::Starting) },
            event(70, EventKind::Ready, 2, Phase::Running),
        ]
    }

    fn process() -> Process {
        Process {
            name: "web".to_owned(),
            phase: Phase::Running,
            ready: true,
            pid: Some(42),
            incarnation: 2,
            restarts: 1,
            started_at: Some("2026-11-26T11:01:05.000Z".to_owned()),
            ..Process::default()
        }
    }

    /// Returns the history of these events, from `since` (seconds after eleven) until two minutes after eleven.
    pub(in crate::pictures) fn history(since: Option<u64>) -> History {
        History::of(process(), events(), since.map(|second| ELEVEN + second * 1_000), ELEVEN + 120_000)
    }

    /// Returns a history of which nothing is remembered.
    pub(in crate::pictures) fn forgotten() -> History {
        let missed = Event { kind: EventKind::Missed, count: Some(9_000), ..Event::default() };
        History::of(Process { health: Health::Healthy, ..process() }, vec![missed], None, ELEVEN + 120_000)
    }

    fn seconds<T: std::fmt::Display>(spans: &[Span<T>]) -> Vec<String> {
        let second = |ms: u64| (ms - ELEVEN) / 1_000;
        spans.iter().map(|span| format!("{} {}..{}", span.what, second(span.from), second(span.to))).collect()
    }

    #[test]
    fn phases_and_health_follow_each_other_without_gaps() {
        let all = history(None);
        assert_eq!(
            seconds(&all.phases),
            [
                "stopped 1..2",
                "waiting 2..10",
                "starting 10..20",
                "running 20..60",
                "backoff 60..65",
                "starting 65..70",
                "running 70..120"
            ]
        );
        assert_eq!(seconds(&all.healths), ["degraded 50..55", "healthy 55..60"]);
        assert_eq!(all.ready_ms(), Some(90_000));
    }

    #[test]
    fn what_was_over_before_the_first_moment_is_left_out() {
        let late = history(Some(62));
        assert_eq!(seconds(&late.phases), ["backoff 62..65", "starting 65..70", "running 70..120"]);
        assert_eq!(late.lives.iter().map(|life| life.number).collect::<Vec<_>>(), [2]);
        assert_eq!((late.healths.len(), late.events.len(), late.ready_ms()), (0, 2, Some(50_000)));
        let during = history(Some(30));
        assert_eq!((during.lives.len(), during.ready_ms()), (2, Some(80_000)));
    }

    #[test]
    fn of_what_is_no_longer_remembered_the_status_is_left() {
        let history = forgotten();
        assert_eq!((history.forgotten, history.lives.len(), history.ready_ms()), (9_000, 1, None));
        assert_eq!(seconds(&history.phases), ["running 65..120"]);
        assert_eq!(seconds(&history.healths), ["healthy 65..120"]);
    }
}
