//! The fields of a process in JSON, and the choice of some of them.

/// All fields of a process, in the order in which they are written.
pub(super) const FIELDS: [&str; 21] = [
    "name",
    "type",
    "group",
    "phase",
    "desired",
    "pid",
    "incarnation",
    "version",
    "generation",
    "restarts",
    "failures",
    "ready",
    "health",
    "failing",
    "exit",
    "cause",
    "reason",
    "started_at",
    "ended_at",
    "next_action_at",
    "decision",
];

/// A field that a process does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a process has no field `{name}`; it has {}", FIELDS.join(", "))]
pub(crate) struct UnknownField {
    name: String,
}

/// Some fields of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fields {
    /// Runs of neighbouring fields, as positions in [`FIELDS`]: the first, and the one after the last.
    runs: Vec<(u8, u8)>,
}

impl Fields {
    /// Returns the fields with these names. They are written in the order of the schema, each once.
    ///
    /// # Errors
    /// [`UnknownField`] with the first name that is not a field.
    pub(crate) fn named<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, UnknownField> {
        let mut chosen = [false; FIELDS.len()];
        for name in names {
            match FIELDS.iter().position(|field| *field == name) {
                Some(at) => chosen[at] = true,
                None => return Err(UnknownField { name: provost_state::naming::shown(name).to_string() }),
            }
        }
        let mut runs: Vec<(u8, u8)> = Vec::new();
        for at in (0..).zip(chosen).filter_map(|(at, chosen)| chosen.then_some(at)) {
            match runs.last_mut() {
                Some((_, end)) if *end == at => *end += 1,
                _ => runs.push((at, at + 1)),
            }
        }
        Ok(Self { runs })
    }

    /// Returns a number that most other choices do not have.
    pub(super) fn number(&self) -> usize {
        self.runs
            .iter()
            .fold(0, |number, (first, end)| number * 31 + usize::from(*first) * 7 + usize::from(*end))
    }

    /// Returns the runs of neighbouring fields: the position of the first, and of the one after the last.
    pub(super) fn runs(&self) -> impl Iterator<Item = (usize, usize)> + use<'_> {
        self.runs.iter().map(|(first, end)| (usize::from(*first), usize::from(*end)))
    }
}
