//! One vector: a case with the outcome that it is expected to have.

use std::ops::Range;

use provost_plugin_host::{Outcome, Role, Setup};
use toml::Spanned;

use super::document::Document;
use super::facts::{ERROR, Facts, facts};
use super::fields::Fields;

/// A vector.
#[derive(Clone, Debug)]
pub(crate) struct Vector {
    pub(crate) name: String,
    /// The line of the file where it begins.
    pub(crate) line: usize,
    /// The role, unless it is the only one of the component.
    pub(crate) role: Option<Role>,
    pub(crate) setup: Setup,
    pub(crate) source: CaseSource,
    pub(crate) expected: Vec<Expected>,
    pub(super) written: Written,
    /// Whether the same input must give the same outcome. Something with access to the outside may be excepted.
    pub(crate) is_pure: bool,
}

/// The keys that a vector and its `expect` have, with their places.
#[derive(Clone, Debug, Default)]
pub(super) struct Written {
    /// Where the vector begins.
    pub(super) span: Range<usize>,
    pub(super) fields: Vec<Spanned<String>>,
    pub(super) expected: Vec<Spanned<String>>,
    /// The word of `action`.
    pub(super) action: Option<Spanned<String>>,
}

/// What the case of a vector is made of.
#[derive(Clone, Debug)]
pub(crate) enum CaseSource {
    Fields(Box<Fields>),
    /// Fields about a process of a snapshot.
    Snapshot(Box<Document>, Box<Fields>),
    /// All that a call of a plugin was given.
    Input(Box<Document>),
}

/// One expected fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    /// The name of the fact.
    pub(crate) fact: String,
    pub(crate) value: String,
    /// Whether the fact contains the value; otherwise it is the value.
    pub(crate) contains: bool,
}

/// An expected fact that is not so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Deviation {
    pub(crate) expected: Expected,
    /// The fact as it is; `None` if there is none of this name.
    pub(crate) actual: Option<String>,
}

impl Vector {
    /// Whether it expects a failure.
    pub(super) fn expects_failure(&self) -> bool {
        self.expected.iter().any(|expected| expected.fact == ERROR || expected.fact == "fault")
    }

    /// Returns what of an outcome is not as expected.
    pub(super) fn deviations(&self, outcome: &Outcome) -> Vec<Deviation> {
        self.deviations_of(&facts(outcome))
    }

    /// Returns what of these facts is not as expected. A failure that is not expected is one, too.
    pub(super) fn deviations_of(&self, facts: &Facts) -> Vec<Deviation> {
        let is_so = |expected: &&Expected| match facts.get(&expected.fact) {
            Some(actual) if expected.contains => actual.contains(&expected.value),
            Some(actual) => *actual == expected.value,
            None => false,
        };
        let deviation = |expected: &Expected| Deviation {
            expected: expected.clone(),
            actual: facts.get(&expected.fact).cloned(),
        };
        let unexpected = facts.get(ERROR).filter(|_| !self.expects_failure()).map(|error| Deviation {
            expected: Expected { fact: ERROR.to_owned(), value: "none".to_owned(), contains: false },
            actual: Some(error.clone()),
        });
        // An answer that is missing is not as expected in any respect, which says nothing more.
        if let Some(unexpected) = unexpected {
            return vec![unexpected];
        }
        let deviating = self.expected.iter().filter(|expected| !is_so(expected)).map(deviation);
        deviating.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(expected: &[(&str, &str, bool)]) -> Vector {
        let expected = expected.iter().map(|(fact, value, contains)| Expected {
            fact: (*fact).to_owned(),
            value: (*value).to_owned(),
            contains: *contains,
        });
        Vector {
            name: "a".into(),
            line: 1,
            role: None,
            setup: Setup::default(),
            source: CaseSource::Fields(Box::default()),
            expected: expected.collect(),
            written: Written::default(),
            is_pure: true,
        }
    }

    fn facts(facts: &[(&str, &str)]) -> Facts {
        facts.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_fact_is_equal_or_contains_the_expected_text() {
        let found = facts(&[("action", "restart"), ("reason", "failure 3 of 10")]);
        let good = vector(&[("action", "restart", false), ("reason", "3 of", true)]);
        assert_eq!(good.deviations_of(&found), []);
        let bad = vector(&[("action", "pass", false), ("delay", "1s", false)]);
        let actual: Vec<_> = bad.deviations_of(&found).into_iter().map(|it| it.actual).collect();
        assert_eq!(actual, [Some("restart".to_owned()), None]);
    }

    #[test]
    fn a_failure_that_is_not_expected_is_a_deviation() {
        let found = facts(&[("error", "trapped: on purpose"), ("fault", "trap")]);
        let deviations = vector(&[("log", "", true)]).deviations_of(&found);
        let facts: Vec<_> = deviations.iter().map(|it| it.expected.fact.as_str()).collect();
        assert_eq!(facts, ["error"], "the facts that are missing for that reason say nothing more");
        assert_eq!(vector(&[("error", "on purpose", true)]).deviations_of(&found), []);
        assert_eq!(vector(&[("fault", "trap", false)]).deviations_of(&found), []);
    }
}
