//! A forecast as people read it.

use std::fmt::Write as _;

use provost_simulation::Made;
use provost_state::{PhaseKind, RulingAction};

use super::beginning::{Beginning, First};
use super::branch::Branch;
use crate::render::humane::{counted, delay, one_line, precise, span};
use crate::render::page::Page;
use crate::render::style::Style;
use crate::render::table::{Cell, Table};

/// The most decisions of one run that are shown.
const DECISIONS_SHOWN: usize = 10;

/// Renders what `policy` would decide, and what those decide that judge now.
pub(crate) fn text(
    beginning: &Beginning,
    policy: &str,
    (ours, present): (&Branch, &Branch),
    lasts_ms: u64,
    page: &Page,
) -> String {
    let mut text = page.sentence(Style::Plain, &assumed(beginning, lasts_ms));
    let _ = write!(text, "\n{}", branch(&format!("what if: {policy}"), ours, page));
    let now = match &present.policies[..] {
        [] => "as it is: no policy, so that the failsafe decides".to_owned(),
        names => format!("as it is: {}", names.join(", ")),
    };
    let _ = write!(text, "\n{}", branch(&now, present, page));
    let _ = write!(text, "\n{}", page.sentence(Style::Plain, &difference(ours, present)));
    text
}

/// Says what is assumed.
fn assumed(it: &Beginning, lasts_ms: u64) -> String {
    let (name, lived, in_a_row) = (&it.name, precise(it.lived_ms), counted(it.failures.into(), "failure"));
    let first = match it.first {
        First::Life => format!(
            "{name} has lived for {lived}, after {in_a_row} in a row. It is assumed to end now ({}),",
            it.first_exit
        ),
        First::LastEnd => format!(
            "{name} has ended ({}) after {lived}, with {in_a_row} in a row. That end is decided again,",
            it.first_exit
        ),
    };
    let later = match it.exit {
        provost_state::Exit::NotSpawned(_) => format!("no later start succeeds ({})", it.exit),
        _ => format!("each later life ends after {} ({})", precise(it.uptime_ms), it.exit),
    };
    one_line(&format!("{first} and {later}, for {}. Nothing is changed in the host.", precise(lasts_ms)))
}

fn branch(title: &str, branch: &Branch, page: &Page) -> String {
    let mut text = format!("{}\n", page.paint.text(Style::Bold, &one_line(title)));
    let mut table = Table::new(&["AT", "FAILURES", "DECISION", "REASON"]);
    for made in branch.decisions.iter().take(DECISIONS_SHOWN) {
        table.row(vec![
            Cell::new(format!("+{}", precise(made.at_ms))),
            Cell::new(made.failures.to_string()),
            Cell::styled(action(made.action), style(made.action)),
            Cell::new(reason(made)),
        ]);
    }
    if !branch.decisions.is_empty() {
        text += &table.render(page);
    }
    text += &page.sentence(Style::Plain, &rest(branch));
    text
}

fn action(action: RulingAction) -> String {
    match action {
        RulingAction::Restart { delay_ms: 0, scope } => format!("restart{scope} now"),
        RulingAction::Restart { delay_ms, scope } => format!("restart{scope} in {}", delay(delay_ms)),
        other => other.to_string(),
    }
}

fn style(action: RulingAction) -> Style {
    match action {
        RulingAction::GiveUp(_) => Style::BoldRed,
        _ => Style::Plain,
    }
}

fn reason(made: &Made) -> String {
    match &made.overruled {
        Some(overruled) => format!("{}: {} ({overruled})", made.by, made.reason),
        None => format!("{}: {}", made.by, made.reason),
    }
}

/// Says what the table does not show, and how it ends.
fn rest(branch: &Branch) -> String {
    let count = branch.decisions.len();
    let mut said = Vec::new();
    if let (true, Some(last)) = (count > DECISIONS_SHOWN, branch.decisions.last()) {
        let more = counted((count - DECISIONS_SHOWN) as u64, "more decision");
        said.push(format!("{more}, the last one at +{}: {}", span(last.at_ms), action(last.action)));
    } else if count == 0 {
        said.push("no decision".to_owned());
    }
    if let Some(longest_ms) = branch.longest_delay_ms() {
        said.push(format!("the longest delay is {}", delay(longest_ms)));
    }
    said.push(match branch.phase {
        PhaseKind::Fatal => "it is given up at the end".to_owned(),
        PhaseKind::Waiting => format!("it is waiting at the end: {}", branch.reason),
        phase => format!("it is {phase} at the end"),
    });
    if let Some(code) = branch.shut_down {
        said.push(format!("the host is shut down with exit code {code}"));
    }
    if let Some(fault) = &branch.first_fault {
        said.push(format!("{} of a policy, the first one: {fault}", counted(branch.faults, "failed call")));
    }
    one_line(&format!("({})", said.join("; ")))
}

fn difference(ours: &Branch, present: &Branch) -> String {
    let Some(number) = ours.first_difference(present) else {
        return "Both decide the same.".to_owned();
    };
    let said = |branch: &Branch| {
        branch
            .decisions
            .get(number)
            .map_or_else(|| "nothing to decide".to_owned(), |made| action(made.action))
    };
    format!("They first differ in decision {}: {} instead of {}.", number + 1, said(ours), said(present))
}

#[cfg(test)]
mod tests {
    use provost_state::{Escalation, Exit, Scope};

    use super::super::beginning::{Live, Wish};
    use super::*;

    fn made(at_ms: u64, failures: u32, action: RulingAction) -> Made {
        Made {
            at_ms,
            incarnation: failures.into(),
            exit: Exit::Code(7),
            uptime_ms: 20,
            failures,
            action,
            by: "judge".into(),
            reason: format!("failure {failures}").into(),
            overruled: None,
        }
    }

    fn restart(delay_ms: u64) -> RulingAction {
        RulingAction::Restart { delay_ms, scope: Scope::Itself }
    }

    fn branch(decisions: Vec<Made>, phase: PhaseKind) -> Branch {
        Branch {
            policies: vec!["backoff".into()],
            decisions,
            phase,
            reason: "again".into(),
            shut_down: None,
            first_fault: None,
            faults: 0,
        }
    }

    fn beginning() -> Beginning {
        let process = provost_api::Process {
            name: "web".into(),
            phase: provost_api::Phase::Running,
            cause: provost_api::Cause::Policy,
            health: provost_api::Health::Unknown,
            incarnation: 3,
            failures: 2,
            started_at: Some("2026-01-05T08:00:00.000Z".into()),
            ..provost_api::Process::default()
        };
        let subject = provost_api::SnapshotProcess { process, deaths: Some(Vec::new()) };
        let live = Live { subject, others: Vec::new(), generation: 4, now_ms: 1_767_600_002_000 };
        Beginning::of(&live, &Wish { exit: Some(Exit::Code(7)), uptime_ms: Some(20) }).unwrap()
    }

    #[test]
    fn both_runs_are_shown_with_what_is_assumed_and_where_they_differ() {
        let give_up = RulingAction::GiveUp(Escalation::Nothing);
        let ours = branch(vec![made(0, 3, restart(0)), made(20, 4, give_up)], PhaseKind::Fatal);
        let many = (0..12).map(|number| made(u64::from(number) * 1_020, 3 + number, restart(1_000)));
        let present = branch(many.collect(), PhaseKind::Backoff);
        let shown = text(&beginning(), "bundled:strict", (&ours, &present), 3_600_000, &Page::plain());
        assert_eq!(
            shown,
            "\
web has lived for 2.000s, after 2 failures in a row. It is assumed to end now (exited with code 7), and each later life ends after 20ms (exited with code 7), for 1h00m. Nothing is changed in the host.

what if: bundled:strict
AT     FAILURES  DECISION     REASON
+0ms   3         restart now  judge: failure 3
+20ms  4         give up      judge: failure 4
(the longest delay is now; it is given up at the end)

as it is: backoff
AT       FAILURES  DECISION         REASON
+0ms     3         restart in 1.0s  judge: failure 3
+1.020s  4         restart in 1.0s  judge: failure 4
+2.040s  5         restart in 1.0s  judge: failure 5
+3.060s  6         restart in 1.0s  judge: failure 6
+4.080s  7         restart in 1.0s  judge: failure 7
+5.100s  8         restart in 1.0s  judge: failure 8
+6.120s  9         restart in 1.0s  judge: failure 9
+7.140s  10        restart in 1.0s  judge: failure 10
+8.160s  11        restart in 1.0s  judge: failure 11
+9.180s  12        restart in 1.0s  judge: failure 12
(2 more decisions, the last one at +11s: restart in 1.0s; the longest delay is 1.0s; it is backoff at the end)

They first differ in decision 1: restart now instead of restart in 1.0s.
"
        );
    }

    #[test]
    fn runs_that_are_the_same_are_said_to_be() {
        let same = branch(vec![made(0, 3, restart(5))], PhaseKind::Running);
        assert_eq!(difference(&same, &same), "Both decide the same.");
        let none = branch(Vec::new(), PhaseKind::Exited);
        assert_eq!(
            difference(&same, &none),
            "They first differ in decision 1: restart in 5ms instead of nothing to decide."
        );
    }
}
