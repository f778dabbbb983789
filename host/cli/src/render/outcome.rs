//! Renders the outcome of an order, one line per process.

use provost_api::{Outcome, ProcessOutcome};

use super::humane::one_line;
use super::style::{Paint, Style};

/// Renders the successes; [`errors`] renders the failures.
pub(crate) fn text(outcome: &Outcome, paint: Paint) -> String {
    let done = outcome.results.iter().filter(|result| result.ok);
    done.map(|result| {
        let phase = paint.text(Style::of_phase(&result.phase), &one_line(result.phase.as_str()));
        format!("{}: {phase} ({})\n", one_line(&result.name), one_line(&result.reason))
    })
    .collect()
}

/// Renders the failures.
pub(crate) fn errors(outcome: &Outcome) -> String {
    let failed = outcome.results.iter().filter(|result| !result.ok);
    failed.map(error).collect::<Vec<_>>().join("\n")
}

fn error(result: &ProcessOutcome) -> String {
    let (message, hint) = match &result.error {
        Some(error) => (error.message.clone(), error.hint.clone()),
        None => ("the host does not say why".to_owned(), None),
    };
    let hint =
        hint.unwrap_or_else(|| format!("it is {}; `provost explain {}` says why", result.phase, result.name));
    let place = if message.starts_with(&result.name) { String::new() } else { format!("{}: ", result.name) };
    format!("error: {}\nhint: {}", one_line(&(place + &message)), one_line(&hint))
}

#[cfg(test)]
mod tests {
    use provost_api::{Error, ErrorCode, Phase};

    use super::*;

    #[test]
    fn successes_and_failures_are_shown_apart() {
        let result = |name: &str, error: Option<Error>| ProcessOutcome {
            name: name.into(),
            ok: error.is_none(),
            phase: Phase::Stopped,
            reason: "asked".into(),
            error,
        };
        let error = Error { code: ErrorCode::NotRunning, message: "it is not running".into(), hint: None };
        let outcome = Outcome { results: vec![result("a", None), result("b", Some(error))] };
        assert_eq!(text(&outcome, Paint::OFF), "a: stopped (asked)\n");
        assert_eq!(
            errors(&outcome),
            "error: b: it is not running\nhint: it is stopped; `provost explain b` says why"
        );
    }
}
