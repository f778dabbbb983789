//! One row of the list of processes.

use provost_api::Process;

/// One row of the list.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Row<'m> {
    /// The heading of a group, with its name, the number of its processes and of those that run.
    Group(&'m str, usize, usize),
    /// A process, and the number of levels that it is below others.
    Process(&'m Process, usize),
}

impl Row<'_> {
    /// Returns the target of orders for this row.
    pub(crate) fn target(&self) -> String {
        match self {
            Self::Group(name, ..) => format!("{name}:*"),
            Self::Process(process, _) => process.name.clone(),
        }
    }

    /// Whether orders for this row go to `target`.
    pub(crate) fn is(&self, target: &str) -> bool {
        match self {
            Self::Group(name, ..) => target.strip_suffix(":*") == Some(name),
            Self::Process(process, _) => process.name == target,
        }
    }
}
