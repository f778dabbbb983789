//! Whether vectors have the fields, expectations and actions of their role only. The role may be that of the component, so this can be
//! said only when the component is known.

use provost_plugin_host::Role;

use super::belonging::{foreign_action, foreign_expectation, foreign_field};
use super::document::Document;
use super::error::TryError;
use super::vector::{CaseSource, Vector};
use super::vector_file::VectorFile;
use super::words;
use crate::config::Collector;

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
    // A vector without a role is told when it is run.
    let Some(role) = role_of(vector, roles) else { return };
    let written = &vector.written;
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

/// Returns the role that a vector asks: that of its input, its own, or the only one of the component.
fn role_of(vector: &Vector, roles: &[Role]) -> Option<Role> {
    if let CaseSource::Input(document) = &vector.source
        && let Document::Reproduction(reproduction) = &**document
    {
        return words::role(reproduction.role.as_str()).ok();
    }
    vector.role.or(match roles {
        [only] => Some(*only),
        _ => None,
    })
}
