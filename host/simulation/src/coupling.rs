//! Ends what depends on a process shortly after a fault with `with = "dependents"` has ended it. A life that begins cannot know that
//! end: it is that of another process, which may be stopped or restarted before. So this is the one part of a course that is found
//! out while it is played.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use provost_state::Exit;
use provost_supervisor::Scripted;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep_until};

use crate::cast::Cast;
use crate::effects::PlannedEnd;
use crate::observer::Observer;

/// What happens to the dependents, in the order of its time. The second number tells apart what happens in the same millisecond.
type Due = BTreeMap<(u64, u64), Step>;

/// Something that is due at a time.
#[derive(Debug)]
enum Step {
    /// If the process has really ended by the fault, to find its dependents.
    Find(PlannedEnd),
    /// To end this life of a process.
    End { process: Arc<str>, incarnation: u64, fault: usize },
}

/// The coupling of processes by their dependencies.
#[derive(Debug)]
pub(crate) struct Coupling {
    cast: Arc<Cast>,
    observer: Observer,
    children: Scripted,
    due: Due,
    numbered: u64,
}

impl Coupling {
    pub(crate) fn of(cast: &Arc<Cast>, observer: &Observer, children: &Scripted) -> Self {
        Self {
            cast: cast.clone(),
            observer: observer.clone(),
            children: children.clone(),
            due: Due::new(),
            numbered: 0,
        }
    }

    /// Ends the dependents of what `ends` announces, for as long as it is polled.
    pub(crate) async fn run(mut self, mut ends: UnboundedReceiver<PlannedEnd>, began: Instant) -> Infallible {
        let mut are_more = true;
        loop {
            let next_ms = self.due.first_key_value().map(|((at_ms, _), _)| *at_ms);
            let next = async {
                match next_ms {
                    Some(at_ms) => sleep_until(began + Duration::from_millis(at_ms)).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                end = ends.recv(), if are_more => match end {
                    // A millisecond later, all that happens at the time of the end has happened.
                    Some(end) => self.plan(end.at_ms.saturating_add(1), Step::Find(end)),
                    None => are_more = false,
                },
                () = next => self.take(),
            }
        }
    }

    fn plan(&mut self, at_ms: u64, step: Step) {
        self.numbered += 1;
        self.due.insert((at_ms, self.numbered), step);
    }

    /// Takes the next step, whose time has come.
    fn take(&mut self) {
        let Some(((now_ms, _), step)) = self.due.pop_first() else { return };
        match step {
            Step::Find(end) => self.find(&end),
            Step::End { process, incarnation, fault } => self.end(&process, incarnation, fault, now_ms),
        }
    }

    /// Plans the ends of the dependents that lived when the process ended, unless it has ended otherwise.
    fn find(&mut self, end: &PlannedEnd) {
        let PlannedEnd { at_ms, fault, process, incarnation } = end;
        let is_by_it = self
            .observer
            .end_of(process, *incarnation)
            .is_some_and(|end| !end.is_asked && end.at_ms >= *at_ms);
        if !is_by_it {
            return;
        }
        let cast = self.cast.clone();
        for dependent in cast.dependents_of(process) {
            let Some(incarnation) = self.observer.living_at(dependent, *at_ms) else { continue };
            let delay_ms = cast.dependent_delay_ms(*fault, dependent, incarnation);
            let step = Step::End { process: dependent.clone(), incarnation, fault: *fault };
            self.plan(at_ms.saturating_add(delay_ms), step);
        }
    }

    /// Ends a life, unless it has ended already.
    fn end(&self, process: &Arc<str>, incarnation: u64, fault: usize, now_ms: u64) {
        let lives =
            self.children.held().iter().any(|held| {
                held.name == *process && held.incarnation.0 == incarnation && held.ended.is_none()
            });
        if lives {
            self.cast.note_dependent(fault, process, now_ms);
            self.children.end(process, Exit::Code(1));
        }
    }
}
