//! The first stage of `[[fault]]`.

use provost_simulation::{Fault, FaultKind, Span, Targets};
use toml::Spanned;

use super::targets::{self, Targeted};
use super::values;
use crate::config::section::Section;

/// The kinds of faults, by the words of `kind`.
#[derive(Clone, Copy)]
enum Kind {
    Crash,
    Outage,
    Kill,
    NoStart,
    SlowStart,
    Unhealthy,
    Leak,
    ClockStep,
}

const KINDS: [(&str, Kind); 8] = [
    ("crash", Kind::Crash),
    ("outage", Kind::Outage),
    ("kill", Kind::Kill),
    ("no-start", Kind::NoStart),
    ("slow-start", Kind::SlowStart),
    ("unhealthy", Kind::Unhealthy),
    ("leak", Kind::Leak),
    ("clock-step", Kind::ClockStep),
];

/// How long a life lasts that begins in an outage and of which nothing else is said, in milliseconds.
const OUTAGE_AFTER_MS: u64 = 200;

/// What a process uses at first that leaks, if nothing is said, in bytes.
const LEAK_BASE_BYTES: u64 = 32 << 20;

pub(super) fn read(mut section: Section<'_>) -> Option<Targeted<Fault>> {
    let words = targets::read(&mut section);
    let name = section.text("name").map(Spanned::into_inner).unwrap_or_default();
    let kind = section.word("kind", &KINDS);
    if !section.has("kind") {
        let what = "a fault has no `kind`";
        section.problem(section.span.clone(), what, "write kind = \"crash\", or another kind of fault");
    }
    let kind = kind.and_then(|kind| read_kind(&mut section, kind));
    let chance = values::share(&mut section, "chance").unwrap_or(1.0);
    let times = section.count("times").map(|times| u32::try_from(times).unwrap_or(u32::MAX));
    let with_dependents = read_with(&mut section, kind.as_ref());
    let span = section.span.clone();
    section.finish();
    let fault = Fault { name: name.into(), of: Targets::All, kind: kind?, chance, times, with_dependents };
    Some(Targeted { what: fault, words, span })
}

/// Reads `with`: whether the dependents of what the fault ends fail, too.
fn read_with(section: &mut Section<'_>, kind: Option<&FaultKind>) -> bool {
    let with = section.word("with", &[("dependents", true)]);
    if with.is_some() && kind.is_some_and(|kind| !kind.ends_lives()) {
        let what = "`with` is for faults that end a process";
        let hint = "remove it, or choose crash, outage, kill or leak as the `kind`";
        section.problem(section.key_span("with"), what, hint);
    }
    with.unwrap_or(false)
}

fn read_kind(section: &mut Section<'_>, kind: Kind) -> Option<FaultKind> {
    Some(match kind {
        Kind::Crash => FaultKind::Crash {
            window: values::window(section),
            after: when(section, "after", true)?,
            exits: values::exits(section),
        },
        Kind::Outage => FaultKind::Outage {
            window: ending_window(section)?,
            after: values::span(section, "after", false)
                .unwrap_or(Span::Between(OUTAGE_AFTER_MS, OUTAGE_AFTER_MS)),
            exits: values::exits(section),
        },
        Kind::Kill => FaultKind::Kill {
            at_ms: moment(section)?,
            every_ms: section.duration_ms("every"),
            exits: values::exits(section),
        },
        Kind::NoStart => FaultKind::NoStart {
            window: values::window(section),
            error: section
                .text("error")
                .map_or_else(|| "no such file or directory".into(), |text| text.into_inner().into()),
        },
        Kind::SlowStart => {
            FaultKind::SlowStart { window: values::window(section), after: when(section, "after", true)? }
        }
        Kind::Unhealthy => FaultKind::Unhealthy { window: values::window(section) },
        Kind::Leak => FaultKind::Leak {
            window: values::window(section),
            base_bytes: section.size_bytes("base").unwrap_or(LEAK_BASE_BYTES),
            per_hour_bytes: needed(section, "per_hour", "\"100MiB\"", Section::size_bytes)?,
            limit_bytes: section.size_bytes("limit"),
        },
        Kind::ClockStep => FaultKind::ClockStep {
            at_ms: moment(section)?,
            by_ms: needed(section, "by", "\"-1h\"", values::step_ms)?,
        },
    })
}

/// Reads a value that has to be there.
fn needed<'t, T>(
    section: &mut Section<'t>,
    key: &'static str,
    example: &str,
    read: impl Fn(&mut Section<'t>, &'static str) -> Option<T>,
) -> Option<T> {
    if !section.has(key) {
        let what = format!("this fault has no `{key}`");
        section.problem(section.key_span("kind"), what, format!("write {key} = {example}"));
    }
    read(section, key)
}

fn moment(section: &mut Section<'_>) -> Option<u64> {
    needed(section, "at", "\"1h\", a time since the start of the scenario", Section::duration_ms)
}

fn when(section: &mut Section<'_>, key: &'static str, may_be_mean: bool) -> Option<Span> {
    if !section.has(key) && !section.has("mean") {
        let what = format!("this fault has no `{key}`");
        let hint = format!("write {key} = \"2s\", {key} = [\"1s\", \"10s\"], or mean = \"1h\"");
        section.problem(section.key_span("kind"), what, hint);
    }
    values::span(section, key, may_be_mean)
}

/// Reads a window that has to end.
fn ending_window(section: &mut Section<'_>) -> Option<provost_simulation::Window> {
    needed(section, "until", "\"2h\", a time since the start of the scenario", Section::duration_ms)?;
    Some(values::window(section))
}
