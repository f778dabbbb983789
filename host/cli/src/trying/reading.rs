//! Reads the fields of a case from a table of TOML. Unknown keys are problems of the section.

use provost_state::{Exit, Usage};
use toml::de::DeValue;

use super::error::TryError;
use super::fields::{DeathFields, Fields, ProcessFields};
use super::words::{self, CAUSES, HEALTHS, PHASES};
use crate::config::{Collector, Section, SourceFile, document};
use crate::render::humane::unix_ms;

const DEATHS_HINT: &str = "write deaths = [{ exit = 7, uptime = \"2s\", ago = \"1m\" }], newest first";
const USAGE_HINT: &str = "write usage = { rss = \"300MiB\", threads = 4 }";
const PROCESSES_HINT: &str = "write processes = [{ name = \"db\", phase = \"running\" }]";

/// Reads what a table says of a case; the name of the process is the value of `subject`.
pub(super) fn fields(section: &mut Section<'_>, subject: &'static str) -> Fields {
    let usage = section.table("usage", USAGE_HINT).map(usage);
    let former =
        section.tables("former", "a sample of `former`", USAGE_HINT).into_iter().map(usage_of).collect();
    let others = section.tables("processes", "a process of `processes`", PROCESSES_HINT);
    Fields {
        process: process(section, subject),
        now_ms: time(section),
        seed: section.natural("seed"),
        was_ready: section.flag("was_ready"),
        cause: section.word("cause", &CAUSES),
        waited_ms: section.duration_ms("waited"),
        passed: section.flag("passed"),
        detail: text(section, "detail"),
        took_ms: section.duration_ms("took"),
        in_a_row: small(section, "in_a_row"),
        wanted: small(section, "wanted"),
        running: small(section, "running"),
        least: small(section, "least"),
        most: small(section, "most"),
        usage,
        former,
        path: text(section, "path"),
        query: text(section, "query"),
        missed: section.natural("missed"),
        others: others.into_iter().map(other).collect(),
    }
}

fn text(section: &mut Section<'_>, key: &'static str) -> Option<String> {
    section.text(key).map(toml::Spanned::into_inner)
}

/// Reads a number of 32 bits.
fn small(section: &mut Section<'_>, key: &'static str) -> Option<u32> {
    section.natural(key).map(|number| u32::try_from(number).unwrap_or(u32::MAX))
}

/// Reads `now`, a text or a date of TOML.
fn time(section: &mut Section<'_>) -> Option<u64> {
    const HINT: &str = "write now = \"2026-01-31T12:00:00Z\"";
    let value = section.value("now")?;
    let written = match value.get_ref() {
        DeValue::String(text) => text.as_ref().to_owned(),
        DeValue::Datetime(date) => date.to_string(),
        _ => String::new(),
    };
    let read = unix_ms(&written);
    if read.is_none() {
        section.problem(value.span(), "`now` is not a time with its zone (RFC 3339)", HINT);
    }
    read
}

/// Reads `exit`, a code or a text.
fn exit(section: &mut Section<'_>) -> Option<Exit> {
    let value = section.value("exit")?;
    let written = match value.get_ref() {
        DeValue::String(text) => text.as_ref().to_owned(),
        DeValue::Integer(number) => number.as_str().to_owned(),
        _ => String::new(),
    };
    match words::exit(&written) {
        Ok(exit) => Some(exit),
        Err(_) => {
            section.problem(value.span(), format!("`{written}` is not an exit"), words::EXIT_HINT);
            None
        }
    }
}

fn process(section: &mut Section<'_>, name: &'static str) -> ProcessFields {
    section.know(["deaths"]);
    let deaths = section.has("deaths").then(|| section.tables("deaths", "a death of `deaths`", DEATHS_HINT));
    ProcessFields {
        name: text(section, name),
        group: text(section, "group"),
        phase: section.word("phase", &PHASES),
        incarnation: section.natural("incarnation"),
        health: section.word("health", &HEALTHS),
        exit: exit(section),
        uptime_ms: section.duration_ms("uptime"),
        failures: small(section, "failures"),
        restarts: section.natural("restarts"),
        deaths: deaths.map(|deaths| deaths.into_iter().map(death).collect()),
    }
}

/// Reads a further process of the snapshot.
fn other(mut section: Section<'_>) -> ProcessFields {
    let process = process(&mut section, "name");
    if section.lacks("name") {
        section.problem(section.span.clone(), "a process of `processes` has no `name`", PROCESSES_HINT);
    }
    section.finish();
    process
}

fn death(mut section: Section<'_>) -> DeathFields {
    let death = DeathFields {
        exit: exit(&mut section),
        uptime_ms: section.duration_ms("uptime"),
        ago_ms: section.duration_ms("ago"),
    };
    section.finish();
    death
}

fn usage_of(section: Section<'_>) -> Usage {
    usage(section)
}

fn usage(mut section: Section<'_>) -> Usage {
    let usage = Usage {
        at: Default::default(),
        cpu_ms: section.duration_ms("cpu_time").unwrap_or(0),
        cpu_millis: small(&mut section, "cpu_millis").unwrap_or(0),
        rss_bytes: section.size_bytes("rss").unwrap_or(1 << 20),
        pss_bytes: section.size_bytes("pss"),
        fds: small(&mut section, "fds"),
        threads: small(&mut section, "threads").unwrap_or(1),
        members: small(&mut section, "members").unwrap_or(1),
    };
    section.finish();
    usage
}

/// Reads assignments of the command line, such as `wanted=3` or `detail=no answer`: each is a line of TOML whose text may be
/// without quotes.
///
/// # Errors
/// [`TryError::Problems`] with the place in the assignments.
pub(crate) fn read_sets(sets: &[String]) -> Result<Fields, TryError> {
    let text: String = sets.iter().map(|set| assignment(set) + "\n").collect();
    let source = SourceFile { path: "--set".into(), text };
    let problems = Collector::default();
    let read = document(&source.text, &problems).map(|table| {
        let mut section = Section::whole(table.get_ref(), &problems);
        let fields = fields(&mut section, "name");
        section.finish();
        fields
    });
    match (problems.problems_of(&source), read) {
        (Some(problems), _) => Err(TryError::Problems(Box::new(problems))),
        (None, read) => Ok(read.unwrap_or_default()),
    }
}

/// Returns an assignment as TOML: a value that is none is a text.
fn assignment(set: &str) -> String {
    let is_toml = |line: &str| line.parse::<toml::Table>().is_ok();
    match set.split_once('=') {
        Some((key, value)) if !is_toml(set) => format!("{key} = {}", toml::Value::from(value.trim())),
        _ => set.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments_are_toml_whose_texts_need_no_quotes() {
        let sets =
            ["wanted=3", "detail=no \"answer\"", "passed=false", "usage={ rss = \"2MiB\" }", "took=5ms"];
        let fields = read_sets(&sets.map(str::to_owned)).unwrap();
        assert_eq!((fields.wanted, fields.passed, fields.took_ms), (Some(3), Some(false), Some(5)));
        assert_eq!(fields.detail.as_deref(), Some("no \"answer\""));
        assert_eq!(fields.usage.unwrap().rss_bytes, 2 << 20);
        let wrong = read_sets(&["wnated=3".to_owned()]).unwrap_err().to_string();
        assert!(
            wrong.contains("--set:1:1: unknown key `wnated`") && wrong.contains("did you mean `wanted`?"),
            "{wrong}"
        );
    }
}
