//! How far the end of a host has come. There is one value for all ways to end, so that the one that begins first excludes the
//! others.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

/// How far the end of a host has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The host serves.
    #[default]
    Serving,
    /// The host leaves, and its keeper starts the next one when it has ended.
    Left,
    /// The keeper has ended. Another one has everything, and starts the next host when this one has ended.
    Handed,
    /// Everything is being stopped.
    Stopping,
}

/// What leads from one stage to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Leave,
    HandOver,
    TakeBack,
    Stop,
}

/// The steps that are possible, and where they lead.
const STEPS: [(Stage, Step, Stage); 5] = [
    (Stage::Serving, Step::Leave, Stage::Left),
    (Stage::Serving, Step::HandOver, Stage::Handed),
    // The keeper has ended before the host that it was to replace.
    (Stage::Left, Step::HandOver, Stage::Handed),
    // No other keeper has everything after all.
    (Stage::Handed, Step::TakeBack, Stage::Serving),
    (Stage::Serving, Step::Stop, Stage::Stopping),
];

impl Stage {
    fn after(self, step: Step) -> Option<Self> {
        STEPS.iter().find(|(from, by, _)| (*from, *by) == (self, step)).map(|(_, _, to)| *to)
    }
}

/// The program of the next host, if it is another one.
#[derive(Clone, Debug)]
pub(crate) struct Next {
    pub(super) program: Arc<OwnedFd>,
    /// Within which it has to be in service.
    pub(super) deadline: Duration,
}

#[derive(Debug, Default)]
struct Inner {
    stage: Stage,
    next: Option<Next>,
}

/// How far the end of this host has come. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Course(Arc<Mutex<Inner>>);

impl Course {
    /// Asks the keeper, and leaves if it agrees. The next program is remembered for another keeper. Returns `None` if the host
    /// does not serve any more.
    pub(super) async fn leave<E>(
        &self,
        next: Option<Next>,
        ask: impl Future<Output = Result<(), E>>,
    ) -> Option<Result<(), E>> {
        let mut inner = self.0.lock().await;
        let stage = inner.stage.after(Step::Leave)?;
        let asked = ask.await;
        if asked.is_ok() {
            *inner = Inner { stage, next };
        }
        Some(asked)
    }

    /// Says that another keeper has everything. Returns the next program, if the host was leaving for one; `None` if everything is
    /// being stopped, so that the other keeper is to be dropped.
    pub(super) async fn hand_over(&self) -> Option<Option<Next>> {
        let mut inner = self.0.lock().await;
        inner.stage = inner.stage.after(Step::HandOver)?;
        Some(inner.next.take())
    }

    /// Says that no other keeper has everything after all, and that none can be started: the host goes on without one.
    pub(super) async fn take_back(&self) {
        let mut inner = self.0.lock().await;
        inner.stage = inner.stage.after(Step::TakeBack).unwrap_or(inner.stage);
    }

    /// Begins to stop everything, unless the host leaves already. Returns how far its end has come.
    pub(crate) async fn stop(&self) -> Stage {
        let mut inner = self.0.lock().await;
        inner.stage = inner.stage.after(Step::Stop).unwrap_or(inner.stage);
        inner.stage
    }

    /// Returns how far its end has come.
    pub(super) async fn stage(&self) -> Stage {
        self.0.lock().await.stage
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAGES: [Stage; 4] = [Stage::Serving, Stage::Left, Stage::Handed, Stage::Stopping];

    async fn at(stage: Stage) -> Course {
        let course = Course::default();
        course.0.lock().await.stage = stage;
        course
    }

    #[tokio::test]
    async fn each_way_to_end_excludes_the_others_except_that_a_lost_keeper_is_replaced_for_a_host_that_leaves()
     {
        use Stage::{Handed, Left, Serving, Stopping};
        let mut found = Vec::new();
        for stage in STAGES {
            let left = at(stage).await;
            let asked = left.leave(None, async { Ok::<(), ()>(()) }).await.is_some();
            let handed = at(stage).await;
            let goes_on = handed.hand_over().await.is_some();
            let stopped = at(stage).await.stop().await;
            let taken_back = at(stage).await;
            taken_back.take_back().await;
            let taken_back = taken_back.stage().await;
            found.push((asked, left.stage().await, goes_on, handed.stage().await, stopped, taken_back));
        }
        assert_eq!(
            found,
            [
                (true, Left, true, Handed, Stopping, Serving),
                (false, Left, true, Handed, Left, Left),
                (false, Handed, false, Handed, Handed, Serving),
                (false, Stopping, false, Stopping, Stopping, Stopping),
            ],
            "from {:?}",
            [Serving, Left, Handed, Stopping]
        );
    }

    #[tokio::test]
    async fn a_keeper_that_refuses_leaves_the_host_as_it_was_and_another_one_is_told_the_next_program() {
        let next = || {
            let program = std::fs::File::open("/proc/self/exe").unwrap();
            Next { program: Arc::new(program.into()), deadline: Duration::from_secs(30) }
        };
        let course = Course::default();
        assert_eq!(course.leave(Some(next()), async { Err("no") }).await, Some(Err("no")));
        assert_eq!(course.stage().await, Stage::Serving);
        assert!(course.leave(Some(next()), async { Ok::<(), ()>(()) }).await.is_some());
        let told = course.hand_over().await.unwrap().unwrap();
        assert_eq!(told.deadline, Duration::from_secs(30));
        assert_eq!(Course::default().hand_over().await.unwrap().map(|next| next.deadline), None);
    }
}
