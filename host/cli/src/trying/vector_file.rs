//! Reads a file of vectors. All problems are found and reported together, with line, column and the nearest key.

use std::path::Path;

use provost_plugin_host::{Grants, Limits, Role, Setup};
use provost_state::span;
use toml::Spanned;
use toml::de::DeValue;

use super::belonging::ACTIONS;
use super::document::{Document, read_document, setup};
use super::error::TryError;
use super::fields::Fields;
use super::memory::{self, Stored};
use super::reading;
use super::vector::{CaseSource, Expected, Vector, Written};
use super::words::{ESCALATIONS, FAULTS, ROLES, SCOPES};
use crate::config::{Collector, Section, SourceFile, document, read_grants, read_limits, read_settings};

/// The largest file of vectors, in bytes.
const BYTES_MAX: u64 = 4 << 20;

const HINT: &str = "write [[vector]] on a separate line, and the keys of the vector below it";
const EXPECT_HINT: &str = "write expect = { action = \"restart\", delay = \"400ms\" }";
const WRITES_HINT: &str = "write writes = { key = \"value\" }";
const ENV_HINT: &str = "write env = { NAME = \"value\" }";

/// A file of vectors.
#[derive(Clone, Debug)]
pub(crate) struct VectorFile {
    pub(crate) source: SourceFile,
    pub(crate) vectors: Vec<Vector>,
}

/// What all vectors of a file have unless they say something else.
struct Shared {
    role: Option<Role>,
    settings: Option<String>,
    limits: Option<Limits>,
    grants: Option<Grants>,
    memory: Option<Stored>,
}

/// Reads a file of vectors.
///
/// # Errors
/// [`TryError`] if it cannot be read, or has problems.
pub(crate) fn read_vectors(path: &Path) -> Result<VectorFile, TryError> {
    let text = provost_files::read_text(path, BYTES_MAX).map_err(|error| TryError::File {
        file: path.display().to_string(),
        what: format!("it cannot be read: {}", error.problem),
        hint: "a file of vectors is TOML in UTF-8",
    })?;
    let source = SourceFile { path: path.to_owned(), text };
    let problems = Collector::default();
    let vectors = document(&source.text, &problems)
        .map(|table| read(Section::whole(table.get_ref(), &problems), &source))
        .unwrap_or_default();
    match problems.problems_of(&source) {
        Some(problems) => Err(TryError::Problems(Box::new(problems))),
        None => Ok(VectorFile { source, vectors }),
    }
}

fn read(mut top: Section<'_>, source: &SourceFile) -> Vec<Vector> {
    let shared = shared(&mut top);
    let sections = top.tables("vector", "[[vector]]", HINT);
    if top.lacks("vector") {
        top.problem(0..0, "the file has no vector", HINT);
    }
    let vectors = sections.into_iter().filter_map(|section| vector(section, &shared, source)).collect();
    top.finish();
    vectors
}

fn shared(section: &mut Section<'_>) -> Shared {
    section.know(["settings", "limits", "allow"]);
    Shared {
        role: section.word("role", &ROLES),
        settings: section.has("settings").then(|| read_settings(section)),
        limits: section.has("limits").then(|| read_limits(section)),
        grants: section.has("allow").then(|| read_grants(section)),
        memory: memory::read(section),
    }
}

fn vector(mut section: Section<'_>, shared: &Shared, source: &SourceFile) -> Option<Vector> {
    let own = self::shared(&mut section);
    let name = section.text("name").map(Spanned::into_inner);
    let fields: Vec<Spanned<String>> = section.entries().map(|(key, _)| key).collect();
    let is_pure = section.flag("pure").unwrap_or(true);
    let case = case(&mut section, source);
    let expected = section.table("expect", EXPECT_HINT).map(expected);
    if section.lacks("name") {
        section.problem(section.span.clone(), "a vector has no `name`", "write name = \"what it shows\"");
    }
    let is_empty = expected.as_ref().is_some_and(|(_, written)| written.expected.is_empty());
    if is_empty || section.lacks("expect") {
        section.problem(section.key_span("expect"), "this vector expects nothing", EXPECT_HINT);
    }
    let span = section.span.clone();
    let line = source.place(span.start).line;
    section.finish();
    let (case, given) = case?;
    let given = given.unwrap_or_default();
    let setup = Setup {
        settings_json: own.settings.or(shared.settings.clone()).unwrap_or(given.settings_json),
        limits: own.limits.or(shared.limits.clone()).unwrap_or(given.limits),
        grants: own.grants.or(shared.grants.clone()).unwrap_or(given.grants),
        memory: own.memory.or(shared.memory.clone()).unwrap_or(given.memory),
    };
    let role = own.role.or(shared.role);
    let (expected, written) = expected?;
    let written = Written { span, fields, ..written };
    Some(Vector { name: name?, line, role, setup, source: case, expected, written, is_pure })
}

/// Reads what the case of a vector is made of, with what an input had given to the plugin.
fn case(section: &mut Section<'_>, source: &SourceFile) -> Option<(CaseSource, Option<Setup>)> {
    section.know(["input", "snapshot"]);
    let input = named(section, "input", source);
    let snapshot = named(section, "snapshot", source);
    let fields = reading::fields(section, "process");
    match (input, snapshot) {
        (Named::Bad, _) | (_, Named::Bad) => None,
        (Named::File(input), _) => {
            let has_more = fields != Fields::default() || section.has("snapshot");
            if has_more {
                let span = section.key_span("input");
                section.problem(
                    span,
                    "a vector with an `input` also has other fields",
                    "the input contains all of them: remove the other fields",
                );
            }
            let given = match &*input {
                Document::Reproduction(reproduction) => setup(reproduction),
                Document::Snapshot(_) => Err(TryError::case("it is a snapshot, not an input", "")),
            };
            match given {
                Ok(given) => Some((CaseSource::Input(input), Some(given))),
                Err(error) => {
                    let hint = "`provost plugin blame NAME -o json` prints an input";
                    section.problem(section.key_span("input"), error.to_string(), hint);
                    None
                }
            }
        }
        (Named::None, Named::File(snapshot)) => {
            Some((CaseSource::Snapshot(snapshot, Box::new(fields)), None))
        }
        (Named::None, Named::None) => Some((CaseSource::Fields(Box::new(fields)), None)),
    }
}

/// A file that a key may name.
enum Named {
    None,
    Bad,
    File(Box<Document>),
}

/// Reads the file that a key names, relative to the file of vectors.
fn named(section: &mut Section<'_>, key: &'static str, source: &SourceFile) -> Named {
    if !section.has(key) {
        return Named::None;
    }
    let Some(name) = section.path(key) else { return Named::Bad };
    let dir = source.path.parent().unwrap_or(Path::new(""));
    match read_document(&dir.join(name.get_ref())) {
        Ok(document) => Named::File(Box::new(document)),
        Err(error) => {
            section.problem(name.span(), error.to_string(), error.hint());
            Named::Bad
        }
    }
}

/// Reads `expect`, with the keys that it has.
fn expected(mut section: Section<'_>) -> (Vec<Expected>, Written) {
    let mut written =
        Written { expected: section.entries().map(|(key, _)| key).collect(), ..Written::default() };
    let mut all = Vec::new();
    let mut push = |fact: &str, value: Option<String>, contains: bool| {
        all.extend(value.map(|value| Expected { fact: fact.to_owned(), value, contains }));
    };
    written.action = known(&mut section, "action", &ACTIONS);
    push("action", written.action.as_ref().map(|word| word.get_ref().clone()), false);
    push("scope", known(&mut section, "scope", &SCOPES).map(Spanned::into_inner), false);
    push("escalation", known(&mut section, "escalation", &ESCALATIONS).map(Spanned::into_inner), false);
    push("fault", known(&mut section, "fault", &FAULTS).map(Spanned::into_inner), false);
    for key in ["reason", "content_type", "body"] {
        push(key, section.text(key).map(Spanned::into_inner), false);
    }
    for (key, fact) in [("reason_contains", "reason"), ("body_contains", "body"), ("error", "error")] {
        push(fact, section.text(key).map(Spanned::into_inner), true);
    }
    for key in ["delay", "drain"] {
        push(key, section.duration_ms(key).map(span::exact), false);
    }
    for key in ["code", "replicas", "status"] {
        push(key, section.natural(key).map(|number| number.to_string()), false);
    }
    let is_one =
        section.value("log_contains").is_some_and(|value| matches!(value.get_ref(), DeValue::String(_)));
    let lines = match is_one {
        true => section.text("log_contains").into_iter().collect(),
        false => section.texts("log_contains").unwrap_or_default(),
    };
    lines.into_iter().for_each(|line| push("log", Some(line.into_inner()), true));
    for (key, hint) in [("env", ENV_HINT), ("writes", WRITES_HINT)] {
        let Some(table) = section.table(key, hint) else { continue };
        for (name, value) in table.entries() {
            match value.get_ref().as_str() {
                Some(text) => push(&format!("{key}.{}", name.get_ref()), Some(text.to_owned()), false),
                None => table.problem(value.span(), format!("a value of `{key}` is a text"), hint),
            }
        }
    }
    section.finish();
    (all, written)
}

/// Reads a text that has to be one of these words.
fn known<T: Copy>(
    section: &mut Section<'_>,
    key: &'static str,
    words: &[(&'static str, T)],
) -> Option<Spanned<String>> {
    section.word(key, words).and_then(|_| section.text(key))
}
