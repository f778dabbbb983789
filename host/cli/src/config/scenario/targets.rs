//! Which processes a fault, an order or an expectation is about: `of`, which is `"all"`, a name, `"GROUP:*"` or a list of those.

use std::ops::Range;
use std::sync::Arc;

use provost_simulation::{Expectation, Fault, Order, Targets};
use provost_supervisor::ProcessSpec;
use toml::Spanned;

use crate::config::report::{Collector, choices};
use crate::config::section::Section;

/// Something that is about the processes that these words name.
#[derive(Debug)]
pub(in crate::config) struct Targeted<T> {
    pub(super) what: T,
    /// The words; none mean all processes.
    pub(super) words: Vec<Spanned<String>>,
    /// Where it is.
    pub(super) span: Range<usize>,
}

/// The processes of a scenario, by the words that name them.
pub(in crate::config) struct Named<'p> {
    specs: &'p [ProcessSpec],
}

/// Something that has targets.
pub(in crate::config) trait HasTargets: Clone {
    fn set_targets(&mut self, targets: Targets);
}

impl HasTargets for Fault {
    fn set_targets(&mut self, targets: Targets) {
        self.of = targets;
    }
}

impl HasTargets for Order {
    fn set_targets(&mut self, targets: Targets) {
        self.of = targets;
    }
}

impl HasTargets for Expectation {
    fn set_targets(&mut self, targets: Targets) {
        self.of = targets;
    }
}

impl<T> Targeted<T> {
    /// Returns where it is.
    pub(in crate::config) fn span(&self) -> Range<usize> {
        self.span.clone()
    }
}

impl<T: HasTargets> Targeted<T> {
    /// Returns what this is, about the processes that its words name.
    pub(in crate::config) fn resolved(&self, named: &Named<'_>, problems: &Collector) -> T {
        let mut what = self.what.clone();
        what.set_targets(named.targets(&self.words, problems));
        what
    }
}

/// Reads `of`.
pub(super) fn read(section: &mut Section<'_>) -> Vec<Spanned<String>> {
    let Some(value) = section.value("of") else { return Vec::new() };
    match value.get_ref().as_str() {
        Some(word) => vec![Spanned::new(value.span(), word.to_owned())],
        None => section.texts_of("of", value).unwrap_or_default(),
    }
}

impl<'p> Named<'p> {
    pub(in crate::config) fn of(specs: &'p [ProcessSpec]) -> Self {
        Self { specs }
    }

    fn targets(&self, words: &[Spanned<String>], problems: &Collector) -> Targets {
        if words.is_empty() || words.iter().any(|word| word.get_ref() == "all") {
            return Targets::All;
        }
        let mut names: Vec<Arc<str>> = Vec::new();
        for word in words {
            let meant = self.meant(word.get_ref());
            if meant.is_empty() {
                problems.add_with(word.span(), || {
                    let what = format!("there is no process or group `{}`", word.get_ref());
                    let mut known: Vec<&str> =
                        self.specs.iter().map(|spec| spec.set_name().unwrap_or(&spec.name)).collect();
                    known.dedup();
                    let hint = choices(word.get_ref(), "processes in this file", known.iter().copied());
                    (what, format!("{hint}; a group is written \"NAME:*\", and \"all\" means all processes"))
                });
            }
            names.extend(meant);
        }
        Targets::Named(names)
    }

    /// Returns the processes that a word names: one, all replicas of one, or all of a group.
    fn meant(&self, word: &str) -> Vec<Arc<str>> {
        let group = word.strip_suffix(":*");
        let is_meant = |spec: &&ProcessSpec| match group {
            Some(group) => *spec.group == *group && !group.is_empty(),
            None => *spec.name == *word || spec.set_name() == Some(word),
        };
        self.specs.iter().filter(is_meant).map(|spec| spec.name.clone()).collect()
    }
}
