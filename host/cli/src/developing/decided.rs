//! A decision of the plugin as a line: when, about which process, on what occasion, what was decided, and why.

use provost_state::{Answer, Judged, Trigger};
use provost_supervisor::rfc3339;

use crate::render::humane::{counted, one_line, precise, size};
use crate::render::local::Times;

/// Renders a decision at `wall_ms` for which the plugin `name` was asked; `None` if it was not.
pub(super) fn line(name: &str, wall_ms: u64, judged: &Judged, times: &mut Times) -> Option<String> {
    let asked = judged.asked.iter().find(|asked| &*asked.name == name)?;
    let Judged { action, by, reason, overruled, .. } = judged;
    let is_own = &**by == name;
    let verdict = match is_own {
        true => format!("its former version says {action}: {reason}"),
        false => format!("{by} says {action}: {reason}"),
    };
    let bounded = || overruled.as_deref().map(|why| format!(" ({why})")).unwrap_or_default();
    let decision = match &asked.answer {
        Answer::Wanted(_) if is_own => format!("{action}: {reason}{}", bounded()),
        Answer::Wanted(wanted) => format!("the answer `{wanted}` was refused; {verdict}{}", bounded()),
        Answer::Passed => format!("passed on; {verdict}"),
        Answer::Failed { why, .. } => format!("no answer: {why}; {verdict}"),
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use provost_state::{Asked, Ended, Exit, Generation, Incarnation, JudgedAction, Moment, RulingAction};

    use super::*;
    use crate::render::page::Page;

    /// 2026-10-23T06:26:17.123Z.
    const AT_MS: u64 = 1_792_736_777_123;

    fn told(answer: Answer, by: &str, overruled: Option<&str>) -> String {
        let ended = Ended {
            name: "web".into(),
            group: "".into(),
            incarnation: Incarnation(2),
            exit: Exit::Code(7),
            uptime_ms: 1_514,
            was_ready: true,
            failures: 2,
            restarts: 1,
            now: Moment { mono_ns: 0, wall_ms: AT_MS },
            seed: 1,
        };
        let judged = Judged {
            world: Generation(1),
            trigger: Trigger::Exit(ended),
            asked: vec![Asked { name: "judge".into(), version: 3, basis: None, answer }],
            action: JudgedAction::Exit(RulingAction::StayDown),
            by: by.into(),
            reason: "why".into(),
            overruled: overruled.map(Arc::from),
        };
        let mut times = Times::new(&Page::plain().zone, AT_MS);
        assert_eq!(line("another", AT_MS, &judged, &mut times), None, "it was not asked");
        line("judge", AT_MS, &judged, &mut times).unwrap()
    }

    #[test]
    fn a_line_has_the_time_the_process_the_occasion_the_decision_and_the_reason() {
        let down = || Answer::Wanted(JudgedAction::Exit(RulingAction::StayDown));
        let before = "06:26:17.123Z  web  exited with code 7 after 1.514s, failure 2 -> ";
        for (line, after) in [
            (told(down(), "judge", None), "stay down: why"),
            (told(down(), "judge", Some("judge: raised")), "stay down: why (judge: raised)"),
            (
                told(down(), "failsafe", Some("policy judge: too long")),
                "the answer `stay down` was refused; failsafe says stay down: why (policy judge: too long)",
            ),
            (told(Answer::Passed, "second", None), "passed on; second says stay down: why"),
        ] {
            assert_eq!(line, format!("{before}{after}"));
        }
    }

    #[test]
    fn a_fault_is_shown_with_who_has_decided_instead() {
        let failed = || Answer::Failed { kind: None, why: "trapped:\nat line 3".into() };
        let line = told(failed(), "failsafe", None);
        assert!(
            line.ends_with("-> no answer: trapped:\u{fffd}at line 3; failsafe says stay down: why"),
            "{line}"
        );
        let line = told(failed(), "judge", None);
        assert!(line.ends_with("; its former version says stay down: why"), "{line}");
    }
}
