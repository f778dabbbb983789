//! A record in words.

use provost_journal::{Entry, Gap, Record};
use provost_plugin_host::hex;
use provost_state::{Answer, Asked, Judged, Noted, PluginNote, Trigger};
use provost_supervisor::rfc3339;

use super::object::event;
use crate::render::decision::says;
use crate::render::events::Lines;
use crate::render::humane::{counted, precise, size};

/// Renders a record as a line; a change is shown like those of a running host.
pub(crate) fn line(entry: &Entry, lines: &mut Lines<'_>) -> String {
    let record = &entry.record;
    let what = match record {
        Record::Commit(commit) => return lines.line(&event(commit)),
        Record::Checkpoint { processes, .. } => counted((*processes).into(), "process"),
        Record::Standing(state) => state.reason.to_string(),
        Record::InForce { plugin, .. } => changed(plugin),
        Record::Gap(gap) => missing(gap),
        Record::Note(note) => noted(&note.what),
    };
    let at = rfc3339(record.at().wall_ms);
    lines.note(&at, record.name().unwrap_or_default(), record.kind().as_str(), &what)
}

/// Describes what a gap stands for, and why.
pub(crate) fn missing(gap: &Gap) -> String {
    match gap.count {
        0 => format!("records may be missing: {}", gap.reason.words()),
        count => format!("{} missing: {}", counted(count, "record"), gap.reason.words()),
    }
}

fn noted(what: &Noted) -> String {
    match what {
        Noted::Decision(judged) => {
            let Judged { action, by, reason, overruled, .. } = &**judged;
            says(&action.to_string(), by, reason, overruled.as_deref())
        }
        Noted::Order(ordered) => format!("{}: {}", ordered.order, ordered.detail),
        Noted::Plugin(plugin) => changed(plugin),
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

fn changed(plugin: &PluginNote) -> String {
    match plugin.version {
        Some(version) => format!("{} {}: version {version}", plugin.action, plugin.name),
        None => format!("{} {}", plugin.action, plugin.name),
    }
}

/// Describes all inputs of a decision, one line for each.
pub(super) fn inputs(judged: &Judged) -> Vec<String> {
    let mut lines = trigger(&judged.trigger);
    lines.extend(judged.asked.iter().map(asked));
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

fn asked(asked: &Asked) -> String {
    let answer = match &asked.answer {
        Answer::Wanted(action) => format!("wanted: {action}"),
        Answer::Passed => "passed the question on".to_owned(),
        Answer::Failed { why, .. } => format!("gave no answer: {why}"),
    };
    let basis = asked.basis.as_ref().map(|basis| {
        let digest = hex(&basis.source.component[..6]);
        format!("; component {digest}…, memory version {}, {} fuel", basis.memory_version, basis.fuel)
    });
    format!("{} (version {}) {answer}{}", asked.name, asked.version, basis.unwrap_or_default())
}
