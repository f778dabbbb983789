//! What holds for a process beside its phase, because of its group, its replica set, its start policies or a pending
//! spawn. The phase says what the child does, and this says what follows; it is one value with one table of
//! transitions.

use std::sync::Arc;

use provost_state::{Moment, Phase};

use crate::stash::Beside;

/// What holds beside the phase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing holds beside the phase.
    Plain,
    /// Its start policies want to be asked again, at this moment.
    Deferred(Moment),
    /// Its group is being restarted: it is not spawned before it is released.
    Held,
    /// It is down because its set does not need it, and not because somebody stopped it.
    Spare,
    /// A spawn is in progress.
    Spawning,
    /// An abandoned spawn has not ended: there is no other spawn before it has. Then this follows.
    Late(Beside),
    /// Its child was asked to end. Then this follows.
    Ending {
        /// What follows.
        after: Beside,
        /// Whether it was sent SIGKILL, so that only its end is waited for.
        killed: bool,
    },
}

/// What happens to a process beside the events of its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It is wanted up.
    Start,
    /// It is wanted down, and has no child.
    Stop,
    /// It is wanted down, and its child was asked to end.
    End,
    /// It was not ready in time, and its child was asked to end; the text says which check failed last, and why.
    Overdue(Arc<str>),
    /// Its child was sent SIGKILL.
    Kill,
    /// Its group holds it.
    Hold,
    /// Its group releases it.
    Release,
    /// It is to be given up, for this reason.
    GiveUp(Arc<str>),
    /// Its set does not need it.
    Spare,
    /// Its start policies want to be asked again, at this moment.
    Defer(Moment),
    /// The moment has come, or an explicit start overrides the wait.
    Due,
    /// A spawn has begun.
    Spawn,
    /// The spawn is to be begun anew.
    Renew,
    /// The spawn has ended.
    Spawned,
    /// The late spawn is gone.
    Gone,
    /// Its child has ended.
    Exited,
}

/// What follows when the child, or a late spawn, is gone.
impl Beside {
    fn standing(self) -> Standing {
        match self {
            // The code that handles the end makes it fatal, or has it judged.
            Self::Nothing | Self::Fatal(_) | Self::Overdue(_) => Standing::Plain,
            Self::Held => Standing::Held,
            Self::Spare => Standing::Spare,
        }
    }
}

impl Standing {
    /// Returns what holds after `step`.
    pub(super) fn after(self, step: Step) -> Self {
        match (self, step) {
            // While a child is ending or a spawn is late, only what follows can change.
            (Self::Ending { killed, after }, step) => match step {
                Step::Exited => after.standing(),
                Step::Kill => Self::Ending { killed: true, after },
                step => Self::Ending { killed, after: after.after(step) },
            },
            (Self::Late(after), Step::Gone) => after.standing(),
            (Self::Late(after), step) => Self::Late(after.after(step)),

            (Self::Spawning, Step::Spawned) => Self::Plain,
            (Self::Spawning, Step::Stop | Step::GiveUp(_) | Step::Renew) => Self::Late(Beside::Nothing),
            (Self::Spawning, Step::Hold) => Self::Late(Beside::Held),
            (Self::Spawning, Step::Spare) => Self::Late(Beside::Spare),
            (Self::Spawning, _) => Self::Spawning,

            (_, Step::End) => Self::Ending { after: Beside::Nothing, killed: false },
            (_, Step::Overdue(why)) => Self::Ending { after: Beside::Overdue(why), killed: false },
            (_, Step::Spawn) => Self::Spawning,
            (_, Step::Hold) => Self::Held,
            (_, Step::Spare) => Self::Spare,
            (_, Step::Stop | Step::GiveUp(_) | Step::Exited) => Self::Plain,

            (Self::Held, Step::Release) => Self::Plain,
            (Self::Held, _) => Self::Held,
            (Self::Plain | Self::Deferred(_), Step::Defer(until)) => Self::Deferred(until),
            (Self::Deferred(_), Step::Due | Step::Start) => Self::Plain,
            (Self::Spare, Step::Start) => Self::Plain,
            (unchanged, _) => unchanged,
        }
    }

    /// Returns what of this another host has to know.
    pub(super) fn lasting(&self) -> Beside {
        match self {
            Self::Plain | Self::Deferred(_) | Self::Spawning => Beside::Nothing,
            Self::Held => Beside::Held,
            Self::Spare => Beside::Spare,
            Self::Late(after) | Self::Ending { after, .. } => after.clone(),
        }
    }

    /// Returns what holds beside this phase, of which a former host has written down this.
    pub(super) fn resumed(phase: &Phase, after: Beside) -> Self {
        match phase {
            Phase::Stopping { .. } => Self::Ending { after, killed: false },
            _ => after.standing(),
        }
    }

    /// Whether nothing but dependencies and start policies keeps it from being spawned.
    pub(super) fn is_plain(&self) -> bool {
        *self == Self::Plain
    }

    /// Returns when its start policies want to be asked again.
    pub(super) fn deferred(&self) -> Option<Moment> {
        match self {
            Self::Deferred(until) => Some(*until),
            _ => None,
        }
    }

    pub(super) fn is_held(&self) -> bool {
        matches!(self, Self::Held | Self::Late(Beside::Held) | Self::Ending { after: Beside::Held, .. })
    }

    pub(super) fn is_spare(&self) -> bool {
        matches!(self, Self::Spare | Self::Late(Beside::Spare) | Self::Ending { after: Beside::Spare, .. })
    }
}

impl Beside {
    fn after(self, step: Step) -> Self {
        match (self, step) {
            (_, Step::Hold) => Self::Held,
            (_, Step::Spare) => Self::Spare,
            (_, Step::GiveUp(reason)) => Self::Fatal(reason),
            (_, Step::Stop | Step::End) => Self::Nothing,
            (Self::Held, Step::Release) => Self::Nothing,
            (Self::Spare | Self::Fatal(_) | Self::Overdue(_), Step::Start) => Self::Nothing,
            (unchanged, _) => unchanged,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Moment = Moment { wall_ms: 1, mono_ns: 1 };

    fn why() -> Arc<str> {
        Arc::from("because")
    }

    fn standings() -> Vec<(&'static str, Standing)> {
        let late = |after| Standing::Late(after);
        let ending = |after, killed| Standing::Ending { after, killed };
        vec![
            ("plain", Standing::Plain),
            ("deferred", Standing::Deferred(AT)),
            ("held", Standing::Held),
            ("spare", Standing::Spare),
            ("spawning", Standing::Spawning),
            ("late", late(Beside::Nothing)),
            ("late-held", late(Beside::Held)),
            ("late-spare", late(Beside::Spare)),
            ("late-fatal", late(Beside::Fatal(why()))),
            ("ending", ending(Beside::Nothing, false)),
            ("ending-held", ending(Beside::Held, false)),
            ("ending-spare", ending(Beside::Spare, false)),
            ("ending-fatal", ending(Beside::Fatal(why()), false)),
            ("ending-overdue", ending(Beside::Overdue(why()), false)),
            ("killed", ending(Beside::Nothing, true)),
            ("killed-held", ending(Beside::Held, true)),
            ("killed-spare", ending(Beside::Spare, true)),
            ("killed-fatal", ending(Beside::Fatal(why()), true)),
            ("killed-overdue", ending(Beside::Overdue(why()), true)),
        ]
    }

    fn steps() -> Vec<(&'static str, Step)> {
        vec![
            ("start", Step::Start),
            ("stop", Step::Stop),
            ("end", Step::End),
            ("overdue", Step::Overdue(why())),
            ("kill", Step::Kill),
            ("hold", Step::Hold),
            ("release", Step::Release),
            ("give-up", Step::GiveUp(why())),
            ("spare", Step::Spare),
            ("defer", Step::Defer(AT)),
            ("due", Step::Due),
            ("spawn", Step::Spawn),
            ("renew", Step::Renew),
            ("spawned", Step::Spawned),
            ("gone", Step::Gone),
            ("exited", Step::Exited),
        ]
    }

    /// The table of transitions; a dot means that nothing changes.
    const TABLE: &str = "
                    start   stop    end     overdue         kill            hold         release  give-up       spare         defer     due    spawn     renew    spawned  gone   exited
    plain           .       .       ending  ending-overdue  .               held         .        .             spare         deferred  .      spawning  .        .        .      .
    deferred        plain   plain   ending  ending-overdue  .               held         .        plain         spare         .         plain  spawning  .        .        .      plain
    held            .       plain   ending  ending-overdue  .               .            plain    plain         spare         .         .      spawning  .        .        .      plain
    spare           plain   plain   ending  ending-overdue  .               held         .        plain         .             .         .      spawning  .        .        .      plain
    spawning        .       late    .       .               .               late-held    .        late          late-spare    .         .      .         late     plain    .      .
    late            .       .       .       .               .               late-held    .        late-fatal    late-spare    .         .      .         .        .        plain  .
    late-held       .       late    late    .               .               .            late     late-fatal    late-spare    .         .      .         .        .        held   .
    late-spare      late    late    late    .               .               late-held    .        late-fatal    .             .         .      .         .        .        spare  .
    late-fatal      late    late    late    .               .               late-held    .        .             late-spare    .         .      .         .        .        plain  .
    ending          .       .       .       .               killed          ending-held  .        ending-fatal  ending-spare  .         .      .         .        .        .      plain
    ending-held     .       ending  ending  .               killed-held     .            ending   ending-fatal  ending-spare  .         .      .         .        .        .      held
    ending-spare    ending  ending  ending  .               killed-spare    ending-held  .        ending-fatal  .             .         .      .         .        .        .      spare
    ending-fatal    ending  ending  ending  .               killed-fatal    ending-held  .        .             ending-spare  .         .      .         .        .        .      plain
    ending-overdue  ending  ending  ending  .               killed-overdue  ending-held  .        ending-fatal  ending-spare  .         .      .         .        .        .      plain
    killed          .       .       .       .               .               killed-held  .        killed-fatal  killed-spare  .         .      .         .        .        .      plain
    killed-held     .       killed  killed  .               .               .            killed   killed-fatal  killed-spare  .         .      .         .        .        .      held
    killed-spare    killed  killed  killed  .               .               killed-held  .        killed-fatal  .             .         .      .         .        .        .      spare
    killed-fatal    killed  killed  killed  .               .               killed-held  .        .             killed-spare  .         .      .         .        .        .      plain
    killed-overdue  killed  killed  killed  .               .               killed-held  .        killed-fatal  killed-spare  .         .      .         .        .        .      plain
    ";

    #[test]
    fn every_standing_takes_every_step_as_the_table_says() {
        let mut rows = TABLE.lines().map(str::trim).filter(|row| !row.is_empty());
        let columns: Vec<&str> = rows.next().unwrap().split_whitespace().collect();
        assert_eq!(columns, steps().iter().map(|(name, _)| *name).collect::<Vec<_>>());
        let names: Vec<&str> = standings().iter().map(|(name, _)| *name).collect();
        let mut seen = Vec::new();
        for row in rows {
            let cells: Vec<&str> = row.split_whitespace().collect();
            let of = |name: &str| standings().into_iter().find(|(known, _)| *known == name).unwrap().1;
            let before = of(cells[0]);
            seen.push(cells[0]);
            assert_eq!(cells.len(), columns.len() + 1, "{row}");
            for ((name, step), cell) in steps().into_iter().zip(&cells[1..]) {
                let expected = if *cell == "." { before.clone() } else { of(cell) };
                assert_eq!(before.clone().after(step), expected, "{} + {name}", cells[0]);
            }
        }
        assert_eq!(seen, names, "the table has every standing");
    }
}
