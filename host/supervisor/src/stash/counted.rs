//! What the health checks of a process have counted, as bytes.

use provost_state::{Incarnation, Moment};

use super::states::{put_moment, put_moment_of, take_moment};
use super::wire::{Put, Take, Unreadable};

/// What the health checks of a process have counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    /// The life that the failures are of.
    pub(crate) incarnation: Incarnation,
    /// How many checks in a row have failed, and since when; `None` if the last one has passed.
    pub(crate) failing: Option<(u32, Moment)>,
    /// The restarts for health reasons, newest first.
    pub(crate) restarted: Vec<Moment>,
}

/// Writes what was counted.
pub(super) fn put_counted(body: &mut Put, Counted { incarnation, failing, restarted }: &Counted) {
    body.number(incarnation.0).option(failing.as_ref(), |body, (in_a_row, since)| {
        body.number(*in_a_row);
        put_moment(body, *since);
    });
    body.list(restarted.iter().copied(), put_moment_of);
}

/// Reads what [`put_counted`] has written.
pub(super) fn take_counted(take: &mut Take<'_>) -> Result<Counted, Unreadable> {
    Ok(Counted {
        incarnation: Incarnation(take.number()?),
        failing: take.option(|take| Ok((take.small()?, take_moment(take)?)))?,
        restarted: take.list(take_moment)?,
    })
}
