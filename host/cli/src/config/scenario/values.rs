//! Values that only scenarios have: spans of time that may be random, ends of processes, shares, times of day.

use provost_simulation::{Exits, Span, Window};
use provost_state::{Exit, Signal};
use toml::Spanned;
use toml::de::DeValue;

use crate::config::section::Section;
use crate::config::units;

const SPAN_HINT: &str = "write after = \"2s\", or after = [\"1s\", \"10s\"] for any time between the two";

const EXIT_HINT: &str =
    "write exit = 1, exit = \"SIGKILL\", or a list of such ends, one of which is drawn each time";

/// Reads a span of time: `key`, which is a duration or two of them, or `mean`, if it may be.
pub(super) fn span(section: &mut Section<'_>, key: &'static str, may_be_mean: bool) -> Option<Span> {
    if may_be_mean && section.has("mean") {
        let mean = section.duration_ms("mean");
        if section.has(key) {
            let what = format!("`{key}` and `mean` are two ways of saying when");
            section.problem(section.key_span("mean"), what, "remove one of the two");
            let _ = section.value(key);
        }
        return mean.map(Span::Mean);
    }
    let value = section.value(key)?;
    let ms = |value: &Spanned<DeValue<'_>>| units::duration_ms(value.get_ref().as_str()?);
    let read = match value.get_ref() {
        DeValue::Array(both) => match &both[..] {
            [least, most] => ms(least).zip(ms(most)).filter(|(least, most)| least <= most),
            _ => None,
        },
        _ => ms(value).map(|ms| (ms, ms)),
    };
    if read.is_none() {
        let what = format!(
            "`{key}` of {} must be a duration, or two of which the first is the shorter",
            section.title()
        );
        section.problem(value.span(), what, SPAN_HINT);
    }
    read.map(|(least, most)| Span::Between(least, most))
}

/// Reads `from` and `until`.
pub(super) fn window(section: &mut Section<'_>) -> Window {
    let (from_ms, until_ms) = (section.duration_ms("from").unwrap_or(0), section.duration_ms("until"));
    if until_ms.is_some_and(|until_ms| until_ms <= from_ms) {
        let hint = "both are times since the start of the scenario: from = \"1h\", until = \"2h\"";
        section.problem(section.key_span("until"), "`until` must be later than `from`", hint);
    }
    Window { from_ms, until_ms }
}

/// Reads `exit` and `oom`.
pub(super) fn exits(section: &mut Section<'_>) -> Exits {
    let out_of_memory = section.flag("oom").unwrap_or(false);
    let usual = if out_of_memory { Exit::Signal(Signal::KILL.number()) } else { Exit::Code(1) };
    let Some(value) = section.value("exit") else { return Exits { any_of: vec![usual], out_of_memory } };
    let all: Vec<&Spanned<DeValue<'_>>> = match value.get_ref() {
        DeValue::Array(list) => list.iter().collect(),
        _ => vec![value],
    };
    let mut any_of = Vec::new();
    for one in &all {
        match exit(one.get_ref()) {
            Some(exit) => any_of.push(exit),
            None => {
                let what = "an end is an exit code from 0 to 255, or the name of a signal";
                section.problem(one.span(), what, EXIT_HINT);
            }
        }
    }
    if all.is_empty() {
        section.problem(value.span(), "`exit` is an empty list", EXIT_HINT);
    }
    Exits { any_of, out_of_memory }
}

fn exit(value: &DeValue<'_>) -> Option<Exit> {
    if let Some(number) = value.as_integer() {
        return u8::from_str_radix(number.as_str(), number.radix()).ok().map(|code| Exit::Code(code.into()));
    }
    let signal: Signal = value.as_str()?.parse().ok()?;
    Some(Exit::Signal(signal.number()))
}

/// Reads a share from 0 to 1.
pub(super) fn share(section: &mut Section<'_>, key: &'static str) -> Option<f64> {
    let value = section.value(key)?;
    let number = match value.get_ref() {
        DeValue::Float(number) => number.as_str().parse().ok(),
        DeValue::Integer(number) => number.as_str().parse().ok(),
        _ => None,
    };
    let share = number.filter(|number| (0.0..=1.0).contains(number));
    if share.is_none() {
        let what = format!("`{key}` of {} must be a number from 0 to 1", section.title());
        section.problem(value.span(), what, format!("write {key} = 0.5 for one half"));
    }
    share
}

/// Reads a length of time that may be negative, in milliseconds.
pub(super) fn step_ms(section: &mut Section<'_>, key: &'static str) -> Option<i64> {
    let text = section.text(key)?;
    let (sign, length) = match text.get_ref().strip_prefix('-') {
        Some(length) => (-1, length),
        None => (1, text.get_ref().as_str()),
    };
    let ms = units::duration_ms(length).and_then(|ms| i64::try_from(ms).ok());
    if ms.is_none() {
        let what = format!("`{key}` of {} must be a duration, perhaps with a minus", section.title());
        section.problem(text.span(), what, "write by = \"-1h\" for a clock that is set back by an hour");
    }
    ms.map(|ms| sign * ms)
}

/// Reads a time of day in RFC 3339, as milliseconds since the Unix epoch.
pub(super) fn time_of_day(section: &mut Section<'_>, key: &'static str) -> Option<u64> {
    let value = section.value(key)?;
    let text = match value.get_ref() {
        DeValue::Datetime(time) => Some(time.to_string()),
        DeValue::String(text) => Some(text.to_string()),
        _ => None,
    };
    let time: Option<jiff::Timestamp> = text.and_then(|text| text.parse().ok());
    let ms = time.and_then(|time| u64::try_from(time.as_millisecond()).ok());
    if ms.is_none() {
        let what = format!("`{key}` of {} must be a time with a time zone, after 1970", section.title());
        section.problem(value.span(), what, format!("write {key} = 2026-01-05T08:00:00Z"));
    }
    ms
}
