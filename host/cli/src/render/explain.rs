//! `explain`: why a process is in its state.

use std::fmt::Write as _;

use provost_control::wire::Explanation;

use super::events;
use super::humane::one_line;
use super::style::{Paint, Style};

/// The sentence, what was decided last, and the chain that led here.
pub(crate) fn text(explanation: &Explanation, paint: Paint) -> String {
    let process = &explanation.process;
    let mut text =
        format!("{}\n", paint.text(Style::of_phase(&process.phase), &one_line(&explanation.sentence)));
    let mut line = |head: &str, value: &str| {
        // Writing into a string does not fail.
        let _ = writeln!(text, "  {}  {}", paint.text(Style::Bold, &format!("{head:<13}")), one_line(value));
    };
    line("asked for", &process.desired);
    line(
        "lives",
        &format!(
            "{} ({} restarts, {} failures in a row)",
            process.incarnation, process.restarts, process.failures
        ),
    );
    if let Some(exit) = &process.exit {
        line("last exit", &events::exit(exit));
    }
    if let Some(decision) = &process.decision {
        line("last decision", &events::decision(decision));
    }
    if !explanation.history.is_empty() {
        let _ = writeln!(text, "\n{}", paint.text(Style::Bold, "What led here, oldest first:"));
    }
    if explanation.forgotten > 0 {
        let _ = writeln!(text, "  ({} older changes are no longer remembered)", explanation.forgotten);
    }
    for event in &explanation.history {
        let _ = writeln!(text, "  {}", events::line(event, process.name.chars().count(), paint));
    }
    text
}

#[cfg(test)]
mod tests {
    use provost_control::wire::{Exit, Process};

    use super::super::events::tests::event;
    use super::*;

    #[test]
    fn the_chain_is_told_in_order() {
        let explanation = Explanation {
            process: Process {
                name: "web".into(),
                phase: "backoff".into(),
                desired: "up".into(),
                incarnation: 2,
                restarts: 1,
                failures: 1,
                exit: Some(Exit::Code { code: 3 }),
                ..Process::default()
            },
            sentence: "web is in backoff.".into(),
            history: vec![event("added"), event("ready")],
            forgotten: 4,
        };
        assert_eq!(
            text(&explanation, Paint::OFF),
            "\
web is in backoff.
  asked for      up
  lives          2 (1 restarts, 1 failures in a row)
  last exit      exited with code 3

What led here, oldest first:
  (4 older changes are no longer remembered)
  06:26:17.123  web  added         a reason
  06:26:17.123  web  ready         a reason
"
        );
    }
}
