//! A record in words.

use provost_journal::{Entry, Gap, Record};
use provost_state::{Answer, Asked, Judged, Noted, Trigger};
use provost_supervisor::rfc3339;

use super::object::event;
use crate::render::humane::{counted, precise, size};

/// A record, as a line shows it.
#[derive(Debug)]
pub(crate) enum Shown {
    /// A change, which is shown like those of a running host.
    Event(Box<provost_api::Event>),
    /// Anything else.
    Other {
        /// When it happened (RFC 3339).
        at: String,
        /// The process that it is about; empty for the host.
        name: String,
        /// Its kind as a word.
        kind: &'static str,
        /// The rest, in words.
        what: String,
    },
}

/// Returns how a record is shown.
pub(crate) fn shown(entry: &Entry) -> Shown {
    let record = &entry.record;
    let what = match record {
        Record::Commit(commit) => return Shown::Event(Box::new(event(commit))),
        Record::Checkpoint { processes, .. } => counted((*processes).into(), "process"),
        Record::Standing(state) => state.reason.to_string(),
        Record::Gap(gap) => self::gap(gap),
        Record::Note(note) => noted(&note.what),
    };
    Shown::Other {
        at: rfc3339(record.at().wall_ms),
        name: record.name().unwrap_or_default().to_owned(),
        kind: record.kind().as_str(),
        what,
    }
}

fn gap(gap: &Gap) -> String {
    match gap.count {
        0 => format!("records may be missing: {}", gap.reason.words()),
        count => format!("{} missing: {}", counted(count, "record"), gap.reason.words()),
    }
}

fn noted(what: &Noted) -> String {
    match what {
        Noted::Decision(judged) => decided(judged),
        Noted::Order(ordered) => format!("{}: {}", ordered.order, ordered.detail),
        Noted::Plugin(plugin) => match plugin.version {
            Some(version) => format!("{} {}: version {version}", plugin.action, plugin.name),
            None => format!("{} {}", plugin.action, plugin.name),
        },
        Noted::Reload { outcome } => outcome.to_string(),
        Noted::Backend { before, now } => format!(
            "{} at {}%, before {} at {}%",
            now.backend,
            now.rollout.percent(),
            before.backend,
            before.rollout.percent()
        ),
        Noted::HostStarted { pid, version } => format!("pid {pid}, version {version}"),
        Noted::HostEnded { code } => format!("exit code {code}"),
    }
}

fn decided(judged: &Judged) -> String {
    let overruled = judged.overruled.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
    format!("{}, says {}: {}{overruled}", judged.action, judged.by, judged.reason)
}

/// Describes a decision with all of its inputs, one line for each.
pub(crate) fn decision(judged: &Judged) -> Vec<String> {
    let mut lines = vec![decided(judged)];
    lines.extend(trigger(&judged.trigger));
    lines.extend(judged.asked.iter().flat_map(asked));
    lines
}

fn trigger(trigger: &Trigger) -> Vec<String> {
    let (words, seed) = match trigger {
        Trigger::Exit(it) => {
            let ready = if it.was_ready { "had been ready" } else { "had never been ready" };
            let (failures, restarts) =
                (counted(it.failures.into(), "failure"), counted(it.restarts, "restart"));
            let words = format!(
                "asked because incarnation {} {} after {}; it {ready}; {failures} in a row, {restarts}",
                it.incarnation,
                it.exit,
                precise(it.uptime_ms)
            );
            (words, it.seed)
        }
        Trigger::Start(it) => {
            let words = format!(
                "asked before incarnation {} (cause: {}), which had waited {}; {} in a row",
                it.incarnation,
                it.cause.as_str(),
                precise(it.waited_ms),
                counted(it.failures.into(), "failure")
            );
            (words, it.seed)
        }
        Trigger::Probe(it) => {
            let result = if it.passed { "passed" } else { "failed" };
            let words = format!(
                "asked because a check {result} in {}, {} in a row, of a process that was {}: {}",
                precise(it.took_ms),
                it.in_a_row,
                it.before.as_str(),
                it.detail
            );
            (words, it.seed)
        }
        Trigger::Scale(it) => {
            let words = format!(
                "asked about {} replicas, of which {} run; {} to {} are allowed",
                it.wanted, it.running, it.least, it.most
            );
            (words, it.seed)
        }
        Trigger::Usage(it) => {
            let mut lines = vec![format!(
                "asked about the usage of incarnation {}, which had lasted {}; seed {}",
                it.incarnation,
                precise(it.uptime_ms),
                it.seed
            )];
            lines.extend(std::iter::once(&it.usage).chain(it.former.iter()).map(usage));
            return lines;
        }
    };
    vec![format!("{words}; seed {seed}")]
}

fn usage(usage: &provost_state::Usage) -> String {
    let pss = usage.pss_bytes.map(|bytes| format!(", {} proportional", size(bytes))).unwrap_or_default();
    let fds = usage.fds.map(|fds| format!(", {}", counted(fds.into(), "descriptor"))).unwrap_or_default();
    format!(
        "  {}: {} resident{pss}, {}.{}% of a core, {} of CPU time, {}, {}{fds}",
        rfc3339(usage.at.wall_ms),
        size(usage.rss_bytes),
        usage.cpu_millis / 10,
        usage.cpu_millis % 10,
        precise(usage.cpu_ms),
        counted(usage.threads.into(), "thread"),
        counted(usage.members.into(), "process")
    )
}

fn asked(asked: &Asked) -> Option<String> {
    let answer = match &asked.answer {
        Answer::Wanted(action) => format!("wanted: {action}"),
        Answer::Passed => "passed the question on".to_owned(),
        Answer::Failed { why, .. } => format!("gave no answer: {why}"),
    };
    let basis = asked.basis.as_ref().map(|basis| {
        let digest: String =
            basis.source.component.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        format!("; component {digest}…, memory version {}, {} fuel", basis.memory_version, basis.fuel)
    });
    Some(format!("{} (version {}) {answer}{}", asked.name, asked.version, basis.unwrap_or_default()))
}
