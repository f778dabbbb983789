//! The first stage of `[[fault]]`.

use provost_simulation::{Fault, FaultKind, Span, Targets, Window};
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

/// The keys that all faults may have.
const KEYS: [&str; 6] = ["of", "name", "kind", "chance", "times", "with"];

impl Kind {
    /// Returns the further keys of a fault of this kind.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Crash => &["from", "until", "after", "mean", "exit", "oom"],
            Self::Outage => &["from", "until", "after", "exit", "oom"],
            Self::Kill => &["at", "every", "exit", "oom"],
            Self::NoStart => &["from", "until", "error"],
            Self::SlowStart => &["from", "until", "after", "mean"],
            Self::Unhealthy => &["from", "until"],
            Self::Leak => &["from", "until", "base", "per_hour", "limit"],
            Self::ClockStep => &["at", "by"],
        }
    }
}

/// How long a life lasts that begins in an outage and of which nothing else is said, in milliseconds.
const OUTAGE_AFTER_MS: u64 = 200;

/// What a process uses at first that leaks, if nothing is said, in bytes.
const LEAK_BASE_BYTES: u64 = 32 << 20;

pub(super) fn read(mut section: Section<'_>) -> Option<Targeted<Fault>> {
    let words = targets::read(&mut section);
    let name = section.text("name").map(Spanned::into_inner).unwrap_or_default();
    let kind = section.word("kind", &KINDS);
    section.know(KEYS);
    match kind {
        Some(kind) => section.know(kind.keys().iter().copied()),
        // What is wrong is the kind, and not the keys that belong to the right one.
        None => KINDS.iter().for_each(|(_, kind)| section.know(kind.keys().iter().copied())),
    }
    if section.lacks("kind") {
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

/// Reads the keys of a kind. All of them are read, whichever is missing, so that all problems are found.
fn read_kind(section: &mut Section<'_>, kind: Kind) -> Option<FaultKind> {
    Some(match kind {
        Kind::Crash => {
            let (window, after, exits) = (values::window(section), when(section), values::exits(section));
            FaultKind::Crash { window, after: after?, exits }
        }
        Kind::Outage => {
            let (window, after) = (ending_window(section), values::span(section, "after", false));
            let exits = values::exits(section);
            let usual = Span::Between(OUTAGE_AFTER_MS, OUTAGE_AFTER_MS);
            FaultKind::Outage { window: window?, after: after.unwrap_or(usual), exits }
        }
        Kind::Kill => {
            let (at_ms, every_ms) = (moment(section), section.duration_ms("every"));
            let exits = values::exits(section);
            FaultKind::Kill { at_ms: at_ms?, every_ms, exits }
        }
        Kind::NoStart => FaultKind::NoStart {
            window: values::window(section),
            error: section
                .text("error")
                .map_or_else(|| "no such file or directory".into(), |text| text.into_inner().into()),
        },
        Kind::SlowStart => {
            let (window, after) = (values::window(section), when(section));
            FaultKind::SlowStart { window, after: after? }
        }
        Kind::Unhealthy => FaultKind::Unhealthy { window: values::window(section) },
        Kind::Leak => {
            let (window, base_bytes) = (values::window(section), section.size_bytes("base"));
            let per_hour_bytes = needed(section, "per_hour", "\"100MiB\"", Section::size_bytes);
            let limit_bytes = section.size_bytes("limit");
            let base_bytes = base_bytes.unwrap_or(LEAK_BASE_BYTES);
            FaultKind::Leak { window, base_bytes, per_hour_bytes: per_hour_bytes?, limit_bytes }
        }
        Kind::ClockStep => {
            let (at_ms, by_ms) = (moment(section), needed(section, "by", "\"-1h\"", values::step_ms));
            FaultKind::ClockStep { at_ms: at_ms?, by_ms: by_ms? }
        }
    })
}

/// Reads a value that has to be there.
fn needed<'t, T>(
    section: &mut Section<'t>,
    key: &'static str,
    example: &str,
    read: impl Fn(&mut Section<'t>, &'static str) -> Option<T>,
) -> Option<T> {
    if section.lacks(key) {
        let what = format!("this fault has no `{key}`");
        section.problem(section.key_span("kind"), what, format!("write {key} = {example}"));
    }
    read(section, key)
}

fn moment(section: &mut Section<'_>) -> Option<u64> {
    needed(section, "at", "\"1h\", a time since the start of the scenario", Section::duration_ms)
}

/// Reads `after` or `mean`, one of which has to be there.
fn when(section: &mut Section<'_>) -> Option<Span> {
    if section.lacks("after") && section.lacks("mean") {
        let hint = "write after = \"2s\", after = [\"1s\", \"10s\"], or mean = \"1h\"";
        section.problem(section.key_span("kind"), "this fault has no `after`", hint);
    }
    values::span(section, "after", true)
}

/// Reads a window that has to end.
fn ending_window(section: &mut Section<'_>) -> Option<Window> {
    needed(section, "until", "\"2h\", a time since the start of the scenario", |section, _| {
        Some(values::window(section)).filter(|window| window.until_ms.is_some())
    })
}
