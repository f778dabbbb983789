//! Renders `explain`: why a process is in its state.

use std::fmt::Write as _;

use provost_api::Explanation;
use provost_api::columns::{width, wrapped};

use super::decision;
use super::events::{self, Lines};
use super::humane::{counted, no_longer_remembered, one_line};
use super::local::Times;
use super::page::Page;
use super::style::Style;

/// The number of columns of the label of each fact.
const HEAD: usize = 13;

/// Renders the sentence, the last exit and decision, and the history, at the time `now_ms`.
pub(crate) fn text(explanation: &Explanation, now_ms: u64, page: &Page) -> String {
    let (process, paint) = (&explanation.process, page.paint);
    let columns = |taken: usize| page.columns.map_or(usize::MAX, |columns| columns.saturating_sub(taken));
    let mut text = String::new();
    let sentence = Times::new(&page.zone, now_ms).in_text(&explanation.sentence);
    for part in wrapped(&one_line(&sentence), columns(0), usize::MAX) {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{}", paint.text(Style::of_phase(&process.phase), &part));
    }
    let mut line = |head: &str, value: &str| {
        let mut head = paint.text(Style::Bold, &format!("{head:<HEAD$}"));
        for part in wrapped(&one_line(value), columns(HEAD + 4), usize::MAX) {
            let _ = writeln!(text, "  {head}  {part}");
            head = " ".repeat(HEAD);
        }
    };
    line("asked for", process.desired.as_str());
    line(
        "incarnations",
        &format!(
            "{} ({}, {} in a row)",
            process.incarnation,
            counted(process.restarts, "restart"),
            counted(process.failures.into(), "failure")
        ),
    );
    if let Some(exit) = &process.exit {
        line("last exit", &events::exit(exit));
    }
    if let Some(decision) = &process.decision {
        line("last decision", &decision::said(decision));
    }
    if !explanation.history.is_empty() {
        let _ = writeln!(text, "\n{}", paint.text(Style::Bold, "What led here, oldest first:"));
    }
    if explanation.forgotten > 0 {
        let older = no_longer_remembered(explanation.forgotten, "older change");
        let _ = writeln!(text, "  ({older})");
    }
    let mut lines = Lines::new(page, now_ms, width(&process.name)).indented();
    // The oldest event comes first and determines whether dates are needed.
    for event in &explanation.history {
        text.push_str(&lines.line(event));
    }
    text
}

#[cfg(test)]
mod tests {
    use provost_api::{Desired, EventKind, Exit, Phase, Process};

    use super::super::events::tests::event;
    use super::*;

    #[test]
    fn the_history_is_shown_in_order() {
        let explanation = Explanation {
            process: Process {
                name: "web".into(),
                phase: Phase::Backoff,
                desired: Desired::Up,
                incarnation: 2,
                restarts: 1,
                failures: 1,
                exit: Some(Exit::Code { code: 3 }),
                ..Process::default()
            },
            sentence: "web is in backoff.".into(),
            history: vec![event(EventKind::Added), event(EventKind::Ready)],
            forgotten: 4,
            deaths: None,
            policies: None,
        };
        assert_eq!(
            text(&explanation, 1_792_736_777_123, &Page::plain()),
            "\
web is in backoff.
  asked for      up
  incarnations   2 (1 restart, 1 failure in a row)
  last exit      exited with code 3

What led here, oldest first:
  (4 older changes are no longer remembered)
  06:26:17.123Z  web  added         a reason
  06:26:17.123Z  web  ready         a reason
"
        );
    }
}
