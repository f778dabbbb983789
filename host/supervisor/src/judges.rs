//! Asks policies as a runner does, without a supervisor: a benchmark measures with it what a runner waits for.

use std::sync::Arc;

use provost_state::{Deaths, Ended, Policy, RulingAction, Snapshot, Verdict};

use crate::decider::{Decider, EndCase};
use crate::jobs::Jobs;
use crate::settings::Settings;

/// Judges ends as a runner has them judged: on the same kind of threads, under the same deadline, and within the same
/// bounds.
#[derive(Debug)]
pub struct Judges(Decider);

impl Judges {
    /// Starts the threads.
    ///
    /// # Panics
    /// If this is not called within a tokio runtime.
    #[must_use]
    pub fn start(settings: &Settings) -> Self {
        let jobs = Jobs::start(&settings.degraded);
        Self(Decider::new(settings.envelope(), jobs.judging, None, None))
    }

    /// Asks a chain of policies about an end, and returns the bounded answer. `deaths` are those of the process, newest
    /// first; the first one is this end.
    pub async fn on_exit(
        &self,
        chain: &[Arc<dyn Policy>],
        ended: Ended,
        deaths: Deaths,
        world: Arc<Snapshot>,
    ) -> Verdict<RulingAction> {
        self.0.ask(chain, EndCase { ended, deaths, world }).await
    }
}
