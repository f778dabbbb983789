//! How the vectors and the scenarios of a project are shown to people.

use std::fmt::Write as _;

use super::scenarios::Played;
use super::suite::{Found, Report, Tried};
use super::text::shown_line;
use super::vector::Deviation;
use crate::config::{Place, Problem, SourceFile};
use crate::render::humane::{counted, one_line, precise};
use crate::render::style::{Paint, Style};
use crate::simulating::unheld;

/// The most characters of a value that are shown where it is not as expected.
const VALUE_CHARS: usize = 400;

/// Renders everything that was tested: a line for each, what is not as expected, and the sum.
pub(crate) fn report_text(report: &Report, paint: Paint) -> String {
    let mut told = String::new();
    report.tried.iter().for_each(|tried| tried_text(&mut told, tried, paint));
    report.played.iter().for_each(|played| played_text(&mut told, played, paint));
    let sum = if report.is_good() {
        paint.text(Style::Green, &passes(report))
    } else {
        let good = counts(report).map(|(_, good, _)| good).iter().sum::<usize>();
        let all = counts(report).map(|(_, _, all)| all).iter().sum::<usize>();
        paint.text(Style::Red, &format!("{good} passed, {} failed", all - good))
    };
    told + &sum + "\n"
}

/// Renders what has not passed.
pub(crate) fn failed_text(report: &Report, paint: Paint) -> String {
    let mut told = String::new();
    let tried = report.tried.iter().filter(|tried| !tried.is_good());
    tried.for_each(|tried| tried_text(&mut told, tried, paint));
    let played = report.played.iter().filter(|played| !played.is_good());
    played.for_each(|played| played_text(&mut told, played, paint));
    told
}

/// Says how much has passed if everything has: `4 vectors and 1 scenario passed`.
pub(crate) fn passes(report: &Report) -> String {
    let parts = counts(report).into_iter().filter(|(_, _, all)| *all > 0);
    let parts: Vec<_> = parts.map(|(noun, _, all)| counted(all as u64, noun)).collect();
    format!("{} passed", parts.join(" and "))
}

/// Says how much has failed: `1 vector of 4 and 1 scenario of 1 failed`.
pub(crate) fn failures(report: &Report) -> String {
    let parts = counts(report).into_iter().filter(|(_, good, all)| good < all);
    let of_all =
        |(noun, good, all): (&str, usize, usize)| format!("{} of {all}", counted((all - good) as u64, noun));
    format!("{} failed", parts.map(of_all).collect::<Vec<_>>().join(" and "))
}

/// Returns what there is, each with the number of those that are good and the number of all.
fn counts(report: &Report) -> [(&'static str, usize, usize); 2] {
    let Report { tried, played } = report;
    [
        ("vector", tried.iter().filter(|tried| tried.is_good()).count(), tried.len()),
        ("scenario", played.iter().filter(|played| played.is_good()).count(), played.len()),
    ]
}

/// Renders the first line of a vector or a scenario, with some notes.
fn head(told: &mut String, is_good: bool, name: &str, notes: &[String], paint: Paint) {
    let (word, style) = if is_good { ("ok  ", Style::Green) } else { ("FAIL", Style::Red) };
    let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join(", ")) };
    // Writing to a string does not fail.
    let _ = writeln!(told, "{}  {}{}", paint.text(style, word), one_line(name), one_line(&notes));
}

fn tried_text(told: &mut String, tried: &Tried, paint: Paint) {
    let place = || format!("{}:{}", tried.file.display(), tried.line);
    let notes: Vec<String> = (!tried.is_good()).then(place).into_iter().collect();
    head(told, tried.is_good(), &tried.name, &notes, paint);
    let mut below = |text: &str| {
        let _ = writeln!(told, "      {text}");
    };
    match &tried.found {
        Found::Passed => return,
        Found::Deviates(deviations) => deviations.iter().for_each(|it| deviation(it, &mut below, paint)),
        Found::Impure(why) => below(&one_line(why)),
        Found::Unusable { why, hint } => {
            below(&one_line(why));
            below(&one_line(hint));
        }
    }
    for line in tried.outcome.iter().flat_map(|outcome| &outcome.lines) {
        below(&format!("log {}", shown_line(line)));
    }
    if let Some(advice) = tried.advice() {
        below(&format!("hint: {advice}"));
    }
}

fn deviation(deviation: &Deviation, below: &mut impl FnMut(&str), paint: Paint) {
    let short = |value: &str| -> String { one_line(value).chars().take(VALUE_CHARS).collect() };
    let expected = &deviation.expected;
    let how = if expected.contains { "contains" } else { "is" };
    below(&paint.text(Style::Green, &format!("- {} {how} {}", expected.fact, short(&expected.value))));
    let actual = deviation.actual.as_deref().map_or_else(|| "(none)".to_owned(), short);
    below(&paint.text(Style::Red, &format!("+ {} is {actual}", expected.fact)));
}

/// Renders a warning about the file of a scenario, in the columns of the verdicts.
fn warned(source: &SourceFile, warning: &Problem, paint: Paint) -> String {
    let Place { line, column } = source.place(warning.span.start);
    let place = format!("{}:{line}:{column}", source.path.display());
    let word = paint.text(Style::Yellow, "warning");
    format!(
        "{word}  {}\n         {}\n",
        one_line(&format!("{place}: {}", warning.what)),
        one_line(&warning.hint)
    )
}

/// Renders a scenario: how long it is, what does not hold, and how a broken one is played again.
fn played_text(told: &mut String, played: &Played, paint: Paint) {
    let is_good = played.is_good();
    let file = played.source.path.display();
    let mut notes: Vec<String> = (!is_good).then(|| file.to_string()).into_iter().collect();
    let below = match &played.outcome {
        Ok(outcome) => {
            notes.push(precise(outcome.played.course.lasted_ms));
            notes.push(format!("seed {}", outcome.seed));
            let warnings = outcome.warnings.iter().map(|warning| warned(&played.source, warning, paint));
            unheld(outcome, paint) + &warnings.collect::<String>()
        }
        Err(why) => why.to_string(),
    };
    head(told, is_good, &played.name(), &notes, paint);
    for line in below.lines() {
        let _ = writeln!(told, "      {line}");
    }
    if !is_good {
        let _ = writeln!(told, "      again: {}", one_line(&played.again));
    }
}
