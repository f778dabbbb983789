//! Checks of a process in words: the last result, and how and how often is checked.

use provost_api::{Check, Checks};

use super::wrapping::Fact;
use crate::words::Words;

/// Returns the labels and texts of the checks that there are.
pub(super) fn described(checks: &Checks, words: &dyn Words) -> Vec<Fact> {
    let labelled = [("ready check", &checks.readiness), ("health check", &checks.health)];
    let known = labelled.into_iter().filter_map(|(label, check)| Some((label, check.as_ref()?)));
    known.map(|(label, check)| (label, one(check, words))).collect()
}

/// Whether the last try of a check has failed.
pub(super) fn fails(checks: &Checks) -> bool {
    let mut tried = [&checks.readiness, &checks.health].into_iter().flatten();
    tried.any(|check| check.last.as_ref().is_some_and(|last| !last.passed))
}

fn one(check: &Check, words: &dyn Words) -> String {
    let last = match &check.last {
        None => "not tried yet".to_owned(),
        Some(last) => {
            let verdict = if last.passed { "passed" } else { "failed" };
            format!("{verdict} {} ago: {}", words.ago(&last.at).as_deref().unwrap_or("?"), last.found)
        }
    };
    let mut how = vec![format!("{} {}", check.kind, check.target)];
    let spans = [("every", check.every_ms), ("timeout", check.timeout_ms), ("within", check.within_ms)];
    how.extend(spans.into_iter().filter_map(|(word, ms)| Some(format!("{word} {}", words.span(ms?)))));
    if let Some(failures) = check.failures {
        how.push(format!("restart after {failures} failures in a row"));
    }
    format!("{last} ({})", how.join(", "))
}
