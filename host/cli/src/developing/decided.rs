//! A decision of the plugin as a line: when, about which process, on what occasion, what was decided, and why.

use provost_state::{Answer, Judged, Trigger};
use provost_supervisor::rfc3339;

use crate::render::humane::{counted, one_line, precise, size};
use crate::render::local::Times;

/// Renders a decision at `wall_ms` for which the plugin `name` was asked; `None` if it was not.
pub(super) fn line(name: &str, wall_ms: u64, judged: &Judged, times: &mut Times) -> Option<String> {
    let asked = judged.asked.iter().find(|asked| &*asked.name == name)?;
    let Judged { action, by, reason, overruled, .. } = judged;
    let decision = match &asked.answer {
        // What was clamped is in `overruled`.
        Answer::Wanted(_) if &**by == name => {
            let bounded = overruled.as_deref().map(|why| format!(" ({why})")).unwrap_or_default();
            format!("{action}: {reason}{bounded}")
        }
        Answer::Wanted(wanted) => format!("{wanted}, which was not taken; {by} says {action}: {reason}"),
        Answer::Passed => format!("passed on; {by} says {action}: {reason}"),
        Answer::Failed { why, .. } => format!("no answer: {why}; {by} says {action}: {reason}"),
    };
    let at = times.shown(&rfc3339(wall_ms));
    let process = judged.trigger.name();
    let text = format!("{at}  {process}  {} -> {decision}", occasion(&judged.trigger));
    Some(one_line(&text))
}

/// Describes a trigger in a few words.
fn occasion(trigger: &Trigger) -> String {
    match trigger {
        Trigger::Exit(it) => {
            let streak = match it.failures {
                0 => String::new(),
                failures => format!(", failure {failures}"),
            };
            format!("{} after {}{streak}", it.exit, precise(it.uptime_ms))
        }
        Trigger::Start(it) => {
            format!("start ({}), waited {}", it.cause.as_str(), precise(it.waited_ms))
        }
        Trigger::Probe(it) => {
            let result = if it.passed { "passed" } else { "failed" };
            format!("check {result}, {} in a row: {}", it.in_a_row, it.detail)
        }
        Trigger::Scale(it) => {
            format!("{} wanted, {} running", counted(it.wanted.into(), "replica"), it.running)
        }
        Trigger::Usage(it) => {
            format!("uses {} and {} millicores", size(it.usage.rss_bytes), it.usage.cpu_millis)
        }
    }
}
