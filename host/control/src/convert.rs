//! State to wire, and nothing the other way.

use jiff::Timestamp;
use provost_state::{
    Change, ChangeKind, EventKind, Exit, Moment, PluginReport, PluginStatus, ProcessState, Ruling,
    RulingAction, process::signal_name,
};
use provost_supervisor::{LogItem, LogStream};

use crate::wire;

/// RFC 3339 in UTC with milliseconds.
pub(crate) fn time_of_ms(wall_ms: u64) -> String {
    let at =
        i64::try_from(wall_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or_default();
    format!("{at:.3}")
}

pub(crate) fn time(moment: Moment) -> String {
    time_of_ms(moment.wall_ms)
}

pub(crate) fn process(state: &ProcessState) -> wire::Process {
    wire::Process {
        name: state.name().to_string(),
        group: (!state.group().is_empty()).then(|| state.group().to_string()),
        phase: state.phase.kind().as_str().to_owned(),
        desired: state.desired.as_str().to_owned(),
        pid: state.pid(),
        incarnation: state.incarnation.0,
        version: state.version.0,
        generation: state.generation.0,
        restarts: state.restarts,
        failures: state.failures,
        ready: state.ready(),
        exit: state.exit.as_ref().map(exit),
        cause: state.cause.as_str().to_owned(),
        reason: state.reason.to_string(),
        started_at: state.started_at.map(time),
        ended_at: state.ended_at.map(time),
        next_action_at: state.next_action_at().map(time),
        decision: state.decision.as_deref().map(decision),
    }
}

fn exit(exit: &Exit) -> wire::Exit {
    match exit {
        Exit::Code(code) => wire::Exit::Code { code: *code },
        Exit::Signal(signal) => wire::Exit::Signal { signal: *signal, name: signal_name(*signal) },
        Exit::NotSpawned(error) => wire::Exit::Error { error: error.to_string() },
        Exit::Unobserved => wire::Exit::Error { error: exit.to_string() },
    }
}

fn decision(ruling: &Ruling) -> wire::Decision {
    let (action, delay_ms) = match ruling.action {
        RulingAction::Restart { delay_ms } => ("restart", Some(delay_ms)),
        RulingAction::StayDown => ("stay-down", None),
        RulingAction::GiveUp => ("give-up", None),
    };
    wire::Decision {
        action: action.to_owned(),
        delay_ms,
        by: ruling.by.to_string(),
        reason: ruling.reason.to_string(),
        overruled: ruling.overruled.as_deref().map(str::to_owned),
    }
}

fn kind(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Added => "added",
        ChangeKind::Event(EventKind::Start) => "start",
        ChangeKind::Event(EventKind::Stop) => "stop",
        ChangeKind::Event(EventKind::Wait) => "waiting",
        ChangeKind::Event(EventKind::Spawned) => "spawned",
        ChangeKind::Event(EventKind::SpawnFailed) => "spawn_failed",
        ChangeKind::Event(EventKind::Ready) => "ready",
        ChangeKind::Event(EventKind::Exited) => "exited",
        ChangeKind::Event(EventKind::Decided) => "decided",
    }
}

pub(crate) fn event(change: &Change) -> wire::Event {
    let state = &change.state;
    let is = |wanted| change.kind == ChangeKind::Event(wanted);
    wire::Event {
        generation: change.generation.0,
        at: time(state.changed_at),
        process: state.name().to_string(),
        incarnation: state.incarnation.0,
        kind: kind(change.kind).to_owned(),
        phase: state.phase.kind().as_str().to_owned(),
        before: change.from.as_str().to_owned(),
        cause: state.cause.as_str().to_owned(),
        reason: state.reason.to_string(),
        pid: state.pid().filter(|_| is(EventKind::Spawned)),
        exit: state.exit.as_ref().filter(|_| is(EventKind::Exited) || is(EventKind::SpawnFailed)).map(exit),
        decision: state.decision.as_deref().filter(|_| is(EventKind::Decided)).map(decision),
        count: None,
    }
}

/// The line that stands for changes which are no longer remembered.
pub(crate) fn missed(count: u64) -> wire::Event {
    wire::Event { kind: "missed".to_owned(), count: Some(count), ..wire::Event::default() }
}

pub(crate) fn plugin(report: &PluginReport) -> wire::Plugin {
    let (status, reason) = match &report.status {
        PluginStatus::Active => ("active", None),
        PluginStatus::Refused(reason) => ("refused", Some(reason.to_string())),
    };
    wire::Plugin {
        name: report.name.to_string(),
        source: report.source.to_string(),
        digest: report.digest.to_string(),
        roles: report.roles.iter().map(ToString::to_string).collect(),
        status: status.to_owned(),
        reason,
        calls: report.calls,
        faults: report.faults,
        last_fault: report.last_fault.as_ref().map(|fault| wire::Fault {
            kind: fault.kind.as_str().to_owned(),
            message: fault.message.to_string(),
        }),
    }
}

pub(crate) fn log_item(item: LogItem) -> wire::LogItem {
    let line = match item {
        LogItem::Missed { process, lines } => {
            return wire::LogItem::Missed { process: process.to_string(), missed: lines };
        }
        LogItem::Line(line) => line,
    };
    let process = line.process.to_string();
    let stream = match line.stream {
        LogStream::Out => "stdout",
        LogStream::Err => "stderr",
    };
    let (stream, at) = (stream.to_owned(), time_of_ms(line.at_ms));
    match std::str::from_utf8(&line.text) {
        Ok(text) => wire::LogItem::Text { process, stream, at, text: text.to_owned() },
        Err(_) => {
            use base64::Engine as _;
            let base64 = base64::engine::general_purpose::STANDARD.encode(&line.text);
            wire::LogItem::Binary { process, stream, at, base64 }
        }
    }
}
