//! Runs vectors through the component: each is asked as in production, compared with what it expects, and asked again to see
//! whether the component is pure.

use std::path::PathBuf;

use provost_plugin_host::{Bench, Outcome, Role, Setup, SetupError, Workbench};

use super::advice::advice;
use super::case::Case;
use super::checking::chosen;
use super::document::{self, Document};
use super::error::TryError;
use super::facts::{ERROR, Facts};
use super::scenarios::Played;
use super::vector::{CaseSource, Deviation, Vector};
use super::vector_file::VectorFile;

/// A vector that was run.
#[derive(Clone, Debug)]
pub(crate) struct Tried {
    pub(crate) file: PathBuf,
    pub(crate) line: usize,
    pub(crate) name: String,
    pub(crate) found: Found,
    /// What the call did; `None` if there was none.
    pub(crate) outcome: Option<Outcome>,
}

impl Tried {
    /// Whether it has passed.
    pub(super) fn is_good(&self) -> bool {
        matches!(self.found, Found::Passed)
    }

    /// Returns what to do about a call that failed and was not expected to.
    pub(crate) fn advice(&self) -> Option<&'static str> {
        let fault = self.outcome.as_ref()?.reply.as_ref().err()?;
        (!self.is_good()).then(|| advice(fault))
    }
}

/// What was found of a vector.
#[derive(Clone, Debug)]
pub(crate) enum Found {
    /// It is as expected.
    Passed,
    /// Something is not as expected.
    Deviates(Vec<Deviation>),
    /// The same input gave two outcomes, in words.
    Impure(String),
    /// It cannot be run; why, and what to do about it.
    Unusable { why: String, hint: String },
}

/// All vectors that were run, and all scenarios that were played.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) tried: Vec<Tried>,
    pub(crate) played: Vec<Played>,
}

impl Report {
    /// Whether all vectors have passed, and nothing that a scenario expects is broken.
    pub(crate) fn is_good(&self) -> bool {
        self.tried.iter().all(Tried::is_good) && self.played.iter().all(Played::is_good)
    }

    /// Whether there is nothing in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.tried.is_empty() && self.played.is_empty()
    }
}

/// Runs all vectors of these files.
pub(crate) fn run_all(workbench: &Workbench, files: &[VectorFile]) -> Vec<Tried> {
    let mut benches = Benches { workbench, last: None };
    let mut tried = Vec::new();
    for file in files {
        for vector in &file.vectors {
            let (found, outcome) = try_one(&mut benches, vector);
            let (file, name) = (file.source.path.clone(), vector.name.clone());
            tried.push(Tried { file, line: vector.line, name, found, outcome });
        }
    }
    tried
}

/// The last bench, which is used again for the same setup, and keeps its engine running for the next one.
struct Benches<'w> {
    workbench: &'w Workbench,
    last: Option<(Setup, Bench)>,
}

impl Benches<'_> {
    fn set_up(&mut self, setup: &Setup) -> Result<&Bench, SetupError> {
        let last = match self.last.take().filter(|(last, _)| last == setup) {
            Some(same) => same,
            None => (setup.clone(), self.workbench.set_up(setup)?),
        };
        Ok(&self.last.insert(last).1)
    }
}

fn try_one(benches: &mut Benches<'_>, vector: &Vector) -> (Found, Option<Outcome>) {
    let unusable =
        |error: &TryError| Found::Unusable { why: error.to_string(), hint: error.hint().to_owned() };
    let bench = match benches.set_up(&vector.setup) {
        Ok(bench) => bench,
        Err(error) => return (refused(vector, error), None),
    };
    let case = chosen(&bench.roles(), vector.role).and_then(|role| vector_case(vector, role));
    let case = match case {
        Ok(case) => case,
        Err(error) => return (unusable(&error), None),
    };
    let outcome = bench.ask(&case.input, &case.world);
    let deviations = vector.deviations(&outcome);
    let found = if !deviations.is_empty() {
        Found::Deviates(deviations)
    } else if !vector.is_pure {
        Found::Passed
    } else {
        let again = bench.ask_twice(&outcome, &case.input, &case.world);
        again.map_or_else(|impure| Found::Impure(impure.to_string()), |()| Found::Passed)
    };
    (found, Some(outcome))
}

/// Compares a refusal with what a vector expects.
fn refused(vector: &Vector, error: SetupError) -> Found {
    let why = error.to_string();
    let lines = match error {
        SetupError::Refused { lines, .. } => lines.into_iter().map(|line| line.text).collect(),
        SetupError::Load(_) => Vec::new(),
    };
    let facts: Facts = [
        (ERROR.to_owned(), why),
        ("fault".to_owned(), "refused".to_owned()),
        ("log".to_owned(), lines.join("\n")),
    ]
    .into();
    let deviations = vector.deviations_of(&facts);
    if deviations.is_empty() { Found::Passed } else { Found::Deviates(deviations) }
}

/// Makes the case of a vector.
///
/// # Errors
/// [`TryError`] if it contradicts itself.
pub(super) fn vector_case(vector: &Vector, role: Role) -> Result<Case, TryError> {
    match &vector.source {
        CaseSource::Fields(fields) => Case::made_up(role, fields),
        CaseSource::Snapshot(document, fields) => Case::in_snapshot(role, fields, document.snapshot()),
        CaseSource::Input(document) => match &**document {
            Document::Reproduction(reproduction) => document::case(reproduction),
            Document::Snapshot(snapshot) => Case::in_snapshot(role, &Default::default(), snapshot),
        },
    }
}
