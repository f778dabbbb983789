//! Variables in checks: `$NAME` and `${NAME}` stand for variables in the environment of the checked life, `$$` for a
//! dollar. A dollar before anything else is just a dollar.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::spec::{Check, ProcessSpec};

/// The longest text of a check with its variables replaced, in bytes. No address, URL or line is that long.
const FILLED_BYTES_MAX: usize = 64 << 10;

/// Why the variables in a text cannot be replaced.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VariableError {
    /// A `${` without a `}`.
    #[error("`${{` has no `}}` after it; a dollar itself is written `$$`")]
    Unclosed,
    /// The text between the braces is not a name.
    #[error(
        "`${{{0}}}` names no variable: a name has letters, digits and `_`; a dollar itself is written `$$`"
    )]
    NoName(String),
    /// The life has no such variable.
    #[error("the variable {0} is not set")]
    Undefined(String),
    /// The text is too long with its variables replaced.
    #[error("with its variables replaced it has more than {FILLED_BYTES_MAX} bytes")]
    TooLong,
}

/// Replaces each variable in `text` by the result of `value`.
///
/// # Errors
/// [`VariableError`]; [`VariableError::Undefined`] where `value` returns `None`.
pub fn fill<'v>(
    text: &str,
    mut value: impl FnMut(&str) -> Option<Cow<'v, str>>,
) -> Result<String, VariableError> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        filled.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (name, tail) = match after.strip_prefix('{') {
            Some(inner) => {
                let (name, tail) = inner.split_once('}').ok_or(VariableError::Unclosed)?;
                if name.is_empty() || name_length(name) < name.len() {
                    return Err(VariableError::NoName(name.chars().take(40).collect()));
                }
                (name, tail)
            }
            None => after.split_at(name_length(after)),
        };
        if name.is_empty() {
            filled.push('$');
            rest = tail.strip_prefix('$').unwrap_or(tail);
            continue;
        }
        let value = value(name).ok_or_else(|| VariableError::Undefined(name.chars().take(100).collect()))?;
        filled.push_str(&value);
        rest = tail;
        if filled.len() > FILLED_BYTES_MAX {
            return Err(VariableError::TooLong);
        }
    }
    filled.push_str(rest);
    Ok(filled)
}

/// Replaces the variables in `text` by those of a life.
pub(crate) fn fill_from(text: &str, variables: &[(String, String)]) -> Result<String, VariableError> {
    fill(text, |name| variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.into()))
}

/// Returns how many bytes at the beginning of `text` are the name of a variable.
fn name_length(text: &str) -> usize {
    let belongs =
        |(at, c): (usize, char)| c == '_' || c.is_ascii_alphabetic() || at > 0 && c.is_ascii_digit();
    text.char_indices().find(|one| !belongs(*one)).map_or(text.len(), |(at, _)| at)
}

/// Returns the names of the variables that the checks of a process use.
pub(super) fn of_checks(spec: &ProcessSpec) -> BTreeSet<String> {
    let checks = spec.ready.iter().map(|ready| &ready.check);
    checks.chain(spec.health.iter().map(|health| &health.check)).flat_map(of_check).collect()
}

/// Returns the names of the variables that a check uses.
pub(super) fn of_check(check: &Check) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    if let Some(text) = text_of(check) {
        // An invalid variable makes the check fail when it runs.
        let _ = fill(text, |name| {
            names.insert(name.to_owned());
            Some("".into())
        });
    }
    names
}

/// Returns the part of a check in which variables are replaced. A program has them in its environment.
fn text_of(check: &Check) -> Option<&str> {
    match check {
        Check::Tcp(text) | Check::Http(text) | Check::LogLine(text) => Some(text),
        Check::Exec(_) | Check::Notified | Check::Descriptor(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> Result<String, VariableError> {
        fill_from(text, &[("PORT".into(), "80".into()), ("A_1".into(), "x".into())])
    }

    #[test]
    fn names_with_and_without_braces_are_replaced_and_two_dollars_are_one() {
        for (text, wanted) in [
            ("127.0.0.1:$PORT", "127.0.0.1:80"),
            ("http://h:${PORT}1/$A_1-$A_1?q=$$PORT", "http://h:801/x-x?q=$PORT"),
            ("costs 5$", "costs 5$"),
            ("$ $5 $(x)", "$ $5 $(x)"),
            ("$$$$", "$$"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(filled(text).as_deref(), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn what_is_no_variable_or_not_set_is_named() {
        assert_eq!(filled("${PORT"), Err(VariableError::Unclosed));
        assert_eq!(filled("${}"), Err(VariableError::NoName(String::new())));
        assert_eq!(filled("${a b}"), Err(VariableError::NoName("a b".into())));
        assert_eq!(filled("$PORTS:$PORT"), Err(VariableError::Undefined("PORTS".into())));
        let many = "$L".repeat(200);
        let long = [("L".to_owned(), "x".repeat(1_000))];
        assert_eq!(fill_from(&many, &long), Err(VariableError::TooLong));
    }
}
