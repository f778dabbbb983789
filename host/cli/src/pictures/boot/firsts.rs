//! The first times of each process: when it was asked to start, when it was first spawned, ready and completed.

use std::collections::HashMap;

use provost_api::{Cause, Event, EventKind, Exit, Phase, Process, ProcessType, Status};

use crate::pictures::graph::Graph;
use crate::render::humane::unix_ms;

/// What a boot is known from: the status, and the remembered changes, oldest first.
#[derive(Debug)]
pub(crate) struct Known<'a> {
    pub(crate) status: &'a Status,
    pub(crate) events: &'a [Event],
}

/// Where the times of a process are from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Source {
    /// From its changes.
    Events,
    /// From its status, because the changes are no longer remembered: only the start of its only life, or the end of a job.
    Status,
    /// They are not known any more.
    #[default]
    Forgotten,
}

impl Source {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Status => "status",
            Self::Forgotten => "forgotten",
        }
    }
}

/// The first times of a process, in milliseconds since the start of the host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct First {
    pub(super) source: Source,
    /// Whether the start of the host asked it to start. `None` if that is not known any more.
    pub(super) at_boot: Option<bool>,
    pub(super) asked: Option<u64>,
    /// When its first life began.
    pub(super) spawned: Option<u64>,
    /// When it was ready for the first time; a job, when it was done.
    pub(super) ready: Option<u64>,
    /// When it ended with success for the first time.
    pub(super) completed: Option<u64>,
    /// The number of lives until it was ready, or so far.
    pub(super) lives: u64,
    /// The last phase that is known.
    pub(super) phase: Phase,
}

/// The start of a host.
#[derive(Debug)]
pub(crate) struct Boot {
    pub(super) graph: Graph,
    /// The first times of the processes of the graph, in its order.
    pub(super) firsts: Vec<First>,
    /// When the host was started, as a time of the API.
    pub(super) started_at: String,
    /// The number of changes that are no longer remembered.
    pub(super) forgotten: u64,
}

impl Boot {
    /// Reconstructs the start of a host.
    pub(crate) fn of(graph: Graph, known: &Known<'_>) -> Self {
        let started_at = known.status.host.started_at.clone();
        let start_ms = unix_ms(&started_at).unwrap_or(0);
        let since = |time: &str| unix_ms(time).map(|ms| ms.saturating_sub(start_ms));
        let processes = known.status.processes.iter().map(|process| (process.name.as_str(), process));
        let processes: HashMap<&str, &Process> = processes.collect();
        let mut of_each: HashMap<&str, Vec<&Event>> = HashMap::new();
        let mut forgotten = 0;
        for event in known.events {
            match event.kind {
                EventKind::Missed => forgotten += event.count.unwrap_or(0),
                _ => of_each.entry(event.process.as_str()).or_default().push(event),
            }
        }
        let first = |name: &str| {
            let events = of_each.get(name).map_or(&[][..], Vec::as_slice);
            match processes.get(name) {
                _ if is_whole(events) => from_events(events, since),
                Some(process) => from_status(process, since),
                None => First::default(),
            }
        };
        let firsts = graph.nodes().iter().map(|node| first(&node.name)).collect();
        Self { graph, firsts, started_at, forgotten }
    }

    /// Returns those of `places` whose processes belong to the start of the host.
    pub(crate) fn of_boot(&self, places: Vec<usize>) -> Vec<usize> {
        places.into_iter().filter(|at| self.is_of_boot(*at)).collect()
    }

    /// Returns whether a process belongs to the start of the host: it was asked to start by it, or that is not known.
    pub(super) fn is_of_boot(&self, at: usize) -> bool {
        self.firsts.get(at).is_some_and(|first| first.at_boot != Some(false))
    }

    /// Returns the process that was ready last, and when.
    pub(super) fn last_ready(&self) -> Option<(usize, u64)> {
        let ready = self.firsts.iter().enumerate().filter(|(at, _)| self.is_of_boot(*at));
        ready.filter_map(|(at, first)| Some((at, first.ready?))).max_by_key(|(_, ready)| *ready)
    }

    /// Returns the places of the processes of the start that have not been ready, or of which that is not known.
    pub(super) fn not_ready(&self) -> Vec<usize> {
        let is_due = |at: &usize| self.is_of_boot(*at) && self.firsts[*at].ready.is_none();
        (0..self.firsts.len()).filter(is_due).collect()
    }
}

/// Whether the changes of a process are remembered from the first on.
fn is_whole(events: &[&Event]) -> bool {
    events.first().is_some_and(|event| event.kind == EventKind::Added)
}

fn from_events(events: &[&Event], since: impl Fn(&str) -> Option<u64>) -> First {
    let mut first = First { source: Source::Events, at_boot: Some(false), ..First::default() };
    for event in events {
        let at = since(&event.at);
        first.phase = event.phase.clone();
        match event.kind {
            EventKind::Start if first.asked.is_none() => {
                first.asked = at;
                first.at_boot = Some(event.cause == Cause::Boot);
            }
            EventKind::Spawned => first.spawned = first.spawned.or(at),
            EventKind::Ready => first.ready = first.ready.or(at),
            EventKind::Exited if succeeded(event) => {
                first.completed = first.completed.or(at);
                // Only a job ends with success without having been reported ready.
                first.ready = first.ready.or(at);
            }
            _ => {}
        }
        if first.ready.is_none_or(|ready| at.is_some_and(|at| at <= ready)) {
            first.lives = event.incarnation;
        }
    }
    first
}

/// Whether a process has ended with success: with the code 0, or a job with one that is a success for it.
fn succeeded(event: &Event) -> bool {
    match event.exit {
        Some(Exit::Code { code: 0 }) => true,
        Some(Exit::Code { .. }) => {
            event.before != Phase::Stopping && event.cause != Cause::Crash && event.phase == Phase::Exited
        }
        _ => false,
    }
}

fn from_status(process: &Process, since: impl Fn(&str) -> Option<u64>) -> First {
    let unknown = First { phase: process.phase.clone(), lives: process.incarnation, ..First::default() };
    if process.incarnation != 1 {
        // What began its first life is not known, or it never had one.
        let never = (process.incarnation == 0).then_some(Source::Status);
        return First { source: never.unwrap_or_default(), ..unknown };
    }
    let time = |time: &Option<String>| time.as_deref().and_then(&since);
    let is_done = process.process_type == ProcessType::Job && process.ready;
    let ended = time(&process.ended_at).filter(|_| is_done);
    First {
        source: Source::Status,
        spawned: time(&process.started_at),
        ready: ended,
        completed: ended,
        ..unknown
    }
}

#[cfg(test)]
pub(super) mod tests {
    use provost_api::{Condition, Host};

    use super::*;
    use crate::pictures::graph::Node;
    use crate::pictures::graph::tests::node;

    const START: &str = "2026-11-26T11:55:03.000Z";

    fn event(process: &str, ms: u64, kind: EventKind, incarnation: u64) -> Event {
        let phase = match kind {
            EventKind::Spawned => Phase::Starting,
            EventKind::Ready => Phase::Running,
            EventKind::Exited => Phase::Exited,
            EventKind::Decided => Phase::Backoff,
            _ => Phase::Waiting,
        };
        let exit = (kind == EventKind::Exited).then(|| Exit::Code { code: i32::from(process != "migrate") });
        let cause = if process == "worker" && exit.is_some() { Cause::Crash } else { Cause::Boot };
        let at = format!("2026-11-26T11:55:03.{ms:03}Z");
        Event { process: process.to_owned(), at, kind, phase, incarnation, cause, exit, ..Event::default() }
    }

    fn nodes() -> Vec<Node> {
        vec![
            node("migrate", "", Some(Phase::Exited), &[]),
            node("db", "data", Some(Phase::Running), &[]),
            node(
                "web",
                "front",
                Some(Phase::Running),
                &[("db", Condition::Ready), ("migrate", Condition::Completed)],
            ),
            node("worker", "", Some(Phase::Backoff), &[("db", Condition::Ready)]),
            node("late", "", Some(Phase::Waiting), &[("worker", Condition::Completed)]),
            node("off", "", Some(Phase::Stopped), &[]),
        ]
    }

    fn status() -> Status {
        let process = |name: &str, incarnation, started: Option<&str>| Process {
            name: name.to_owned(),
            incarnation,
            started_at: started.map(str::to_owned),
            phase: Phase::Running,
            ready: true,
            ..Process::default()
        };
        Status {
            host: Host { started_at: START.to_owned(), ..Host::default() },
            processes: vec![
                process("db", 1, Some("2026-11-26T11:55:03.006Z")),
                process("web", 7, Some("2026-11-26T12:55:03.006Z")),
            ],
            ..Status::default()
        }
    }

    /// Returns a boot with a job, a process that fails, and one that waits for it.
    pub(in crate::pictures) fn shop() -> Boot {
        use EventKind::{Added, Decided, Exited, Ready, Spawned, Start, Waiting};
        let mut events: Vec<Event> =
            ["migrate", "db", "web", "worker", "late", "off"].map(|name| event(name, 0, Added, 0)).to_vec();
        for (process, ms, kind, life) in [
            ("migrate", 4, Start, 0),
            ("db", 4, Start, 0),
            ("web", 4, Start, 0),
            ("web", 4, Waiting, 0),
            ("worker", 5, Start, 0),
            ("late", 5, Start, 0),
            ("db", 6, Spawned, 1),
            ("migrate", 13, Spawned, 1),
            ("migrate", 319, Exited, 1),
            ("db", 510, Ready, 1),
            ("worker", 511, Spawned, 1),
            ("worker", 512, Exited, 1),
            ("worker", 512, Decided, 1),
            ("web", 513, Spawned, 1),
            ("web", 514, Ready, 1),
            ("worker", 814, Spawned, 2),
            ("worker", 815, Exited, 2),
            ("worker", 815, Decided, 2),
        ] {
            events.push(event(process, ms, kind, life));
        }
        let status = status();
        Boot::of(Graph::of(nodes()), &Known { status: &status, events: &events })
    }

    /// Returns a boot whose changes are no longer remembered.
    pub(in crate::pictures) fn forgetful() -> Boot {
        let missed = Event { kind: EventKind::Missed, count: Some(9), ..Event::default() };
        let events = [missed, event("web", 900, EventKind::Ready, 7)];
        let status = status();
        let nodes = nodes().into_iter().filter(|node| ["db", "web", "migrate"].contains(&node.name.as_str()));
        Boot::of(Graph::of(nodes.collect()), &Known { status: &status, events: &events })
    }
}
