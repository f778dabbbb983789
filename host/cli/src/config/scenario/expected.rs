//! The first stage of `[[expect]]`: any number of invariants, each for the same processes.

use provost_simulation::{Expectation, Fault, Invariant, Targets};

use super::targets::{self, Targeted};
use super::values;
use crate::config::report::{Collector, choices};
use crate::config::section::Section;

const WHILE: &str = "never_gives_up_while";

/// The keys of the invariants.
const KEYS: [&str; 10] = [
    "max_restarts_per_minute",
    "max_restarts_per_hour",
    "recovers_within",
    "gives_up_after",
    WHILE,
    "never_restarts_a_success",
    "never_fails",
    "no_thundering_herd",
    "delay_never_shrinks_in_a_streak",
    "back_to_first_delay_after",
];

pub(super) fn read(mut section: Section<'_>) -> Option<Vec<Targeted<Expectation>>> {
    let words = targets::read(&mut section);
    let tolerance = values::share(&mut section, "tolerance").unwrap_or(0.0);
    let invariants = [
        count(&mut section, "max_restarts_per_minute").map(Invariant::MaxRestartsPerMinute),
        count(&mut section, "max_restarts_per_hour").map(Invariant::MaxRestartsPerHour),
        section.duration_ms("recovers_within").map(Invariant::RecoversWithin),
        count(&mut section, "gives_up_after").map(Invariant::GivesUpAfter),
        section.text(WHILE).map(|fault| Invariant::NeverGivesUpWhile(fault.into_inner().into())),
        wanted(&mut section, "never_restarts_a_success", Invariant::NeverRestartsASuccess),
        wanted(&mut section, "never_fails", Invariant::NeverFails),
        herd(&mut section),
        wanted(
            &mut section,
            "delay_never_shrinks_in_a_streak",
            Invariant::DelayNeverShrinksInAStreak { tolerance },
        ),
        section
            .duration_ms("back_to_first_delay_after")
            .map(|uptime_ms| Invariant::BackToFirstDelayAfter { uptime_ms, tolerance }),
    ];
    // One that is misspelt is a problem itself.
    if KEYS.iter().all(|key| section.lacks(key)) {
        let hint = "write max_restarts_per_minute = 6, recovers_within = \"1m\", or another invariant";
        section.problem(section.span.clone(), "[[expect]] expects nothing", hint);
    }
    let span = section.key_span(WHILE);
    section.finish();
    let expectation = |invariant| Targeted {
        what: Expectation { of: Targets::All, invariant },
        words: words.clone(),
        span: span.clone(),
    };
    Some(invariants.into_iter().flatten().map(expectation).collect())
}

fn count(section: &mut Section<'_>, key: &'static str) -> Option<u32> {
    section.count(key).map(|count| u32::try_from(count).unwrap_or(u32::MAX))
}

/// Returns the invariant if its key is `true`.
fn wanted(section: &mut Section<'_>, key: &'static str, invariant: Invariant) -> Option<Invariant> {
    section.flag(key).filter(|is_wanted| *is_wanted).map(|_| invariant)
}

fn herd(section: &mut Section<'_>) -> Option<Invariant> {
    let hint = "write no_thundering_herd = { processes = 10, within = \"1s\" }";
    let mut herd = section.table("no_thundering_herd", hint)?;
    let (processes, within_ms) = (count(&mut herd, "processes"), herd.duration_ms("within"));
    if herd.lacks("processes") || herd.lacks("within") {
        herd.problem(herd.span.clone(), "a herd is a number of `processes` and the time `within`", hint);
    }
    herd.finish();
    Some(Invariant::NoThunderingHerd { processes: processes?, within_ms: within_ms? })
}

/// Adds a problem if an expectation names a fault that does not exist.
pub(in crate::config) fn check_fault(
    expectation: &Targeted<Expectation>,
    faults: &[Fault],
    problems: &Collector,
) {
    let Invariant::NeverGivesUpWhile(name) = &expectation.what.invariant else { return };
    if !faults.iter().any(|fault| fault.name == *name) {
        problems.add_with(expectation.span.clone(), || {
            let what = format!("`never_gives_up_while` names the fault `{name}`, which does not exist");
            let named: Vec<&str> =
                faults.iter().map(|fault| &*fault.name).filter(|name| !name.is_empty()).collect();
            let hint = choices(name, "named faults", named.iter().copied());
            (what, format!("{hint}; a fault is named by name = \"…\""))
        });
    }
}
