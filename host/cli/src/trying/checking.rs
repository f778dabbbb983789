//! The role that is asked, and whether vectors have the fields, expectations and actions of that role only. It may be that of the
//! component, so this can be said only when the component is known.

use provost_plugin_host::Role;

use super::belonging::{foreign_action, foreign_expectation, foreign_field};
use super::document::Document;
use super::error::TryError;
use super::vector::{CaseSource, Vector};
use super::vector_file::VectorFile;
use super::words;
use crate::config::Collector;

const ROLE_HINT: &str = "write role = \"ROLE\" in the vector, or above all vectors of the file";

/// Checks the vectors of these files for a component with these roles.
///
/// # Errors
/// [`TryError::Problems`] with all problems of the first file that has any.
pub(crate) fn check_vectors(files: &[VectorFile], roles: &[Role]) -> Result<(), TryError> {
    for file in files {
        let problems = Collector::default();
        for vector in &file.vectors {
            check(vector, roles, &problems);
        }
        if let Some(problems) = problems.problems_of(&file.source) {
            return Err(TryError::Problems(Box::new(problems)));
        }
    }
    Ok(())
}

fn check(vector: &Vector, roles: &[Role], problems: &Collector) {
    let written = &vector.written;
    let role = match chosen(roles, wanted(vector)) {
        Ok(role) => role,
        // What is refused is asked in no role, and so is a component that has none.
        Err(_) if roles.is_empty() || vector.expects_failure() => return,
        Err(error) => return problems.add(written.span.clone(), error.to_string(), ROLE_HINT),
    };
    let fields = written.fields.iter().map(|word| (word, foreign_field(word.get_ref(), role)));
    let expected = written.expected.iter().map(|word| (word, foreign_expectation(word.get_ref(), role)));
    let action = written.action.iter().map(|word| (word, foreign_action(word.get_ref(), role)));
    // An action that no answer of this role has is told once.
    let action = action.filter(|_| foreign_expectation("action", role).is_none());
    for (word, found) in fields.chain(expected).chain(action) {
        if let Some((what, hint)) = found {
            problems.add(word.span(), what, hint);
        }
    }
}

/// Returns the role that a vector asks, if it or its input says one.
fn wanted(vector: &Vector) -> Option<Role> {
    if let CaseSource::Input(document) = &vector.source
        && let Document::Reproduction(reproduction) = &**document
    {
        return words::role(reproduction.role.as_str()).ok();
    }
    vector.role
}

/// Returns the role to ask: the wanted one, or the only one of the component.
///
/// # Errors
/// [`TryError::Role`] if the component does not play it, or plays several and none is wanted.
pub(crate) fn chosen(roles: &[Role], wanted: Option<Role>) -> Result<Role, TryError> {
    let names = roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ");
    let wrong = |what: String| Err(TryError::Role { what });
    match (wanted, roles) {
        (_, []) => wrong("the component exports no role".to_owned()),
        (Some(wanted), roles) if !roles.contains(&wanted) => {
            wrong(format!("the component does not export {wanted}; it exports {names}"))
        }
        (Some(wanted), _) => Ok(wanted),
        (None, [only]) => Ok(*only),
        (None, _) => wrong(format!("the component has several roles: {names}")),
    }
}
