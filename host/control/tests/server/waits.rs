//! The effect that an order waits for, and the end of the wait.

use std::sync::Arc;

use provost_api as api;
use provost_state::{Decision, Ended, Escalation, Fault, Judgement, Policy, RulingAction, Snapshot};
use provost_supervisor::{CommandLine, ProcessSpec};

use crate::harness::{Host, shell};

/// A policy that always gives the same answer.
#[derive(Debug)]
struct Always(Arc<str>, RulingAction);

impl Policy for Always {
    fn name(&self) -> &Arc<str> {
        &self.0
    }

    fn judges(&self, judgement: Judgement) -> bool {
        judgement == Judgement::Restart
    }

    fn on_exit(&self, _: &Ended, _: &Arc<Snapshot>) -> Result<Decision, Fault> {
        Ok(Decision::new(self.1, "this is my opinion"))
    }
}

fn judged(name: &str, line: &str, action: RulingAction) -> ProcessSpec {
    let policy: Arc<dyn Policy> = Arc::new(Always("judge".into(), action));
    ProcessSpec { autostart: false, policies: vec![policy], ..shell(name, "", line) }
}

async fn error_of(host: &Host, name: &str) -> api::Error {
    host.order("start", &[name]).await.unwrap().results[0].error.clone().unwrap()
}

#[tokio::test]
async fn a_start_that_can_no_longer_succeed_fails_at_once() {
    let missing = CommandLine::Argv(vec!["/no/such/program".into()]);
    let host = Host::start(vec![
        ProcessSpec { command: missing.clone(), ..judged("left", "", RulingAction::StayDown) },
        ProcessSpec { command: missing, ..judged("given-up", "", RulingAction::GiveUp(Escalation::Nothing)) },
    ]);
    let left = error_of(&host, "left").await;
    assert_eq!(left.code, api::ErrorCode::NotReached, "{left:?}");
    assert!(left.message.contains("left is exited") && left.message.contains("my opinion"), "{left:?}");
    let given_up = error_of(&host, "given-up").await;
    assert_eq!(given_up.code, api::ErrorCode::NotReached, "{given_up:?}");
    assert!(given_up.message.contains("given-up is fatal"), "{given_up:?}");
}

#[tokio::test]
async fn every_start_of_a_job_waits_until_it_has_completed() {
    let job = judged("job", "exit 0", RulingAction::StayDown);
    let host = Host::start(vec![job]);
    for life in 1..=3 {
        let outcome = host.order("start", &["job"]).await.unwrap();
        assert!(outcome.results[0].ok, "{outcome:?}");
        let job = host.until("job", |it| it.phase == api::Phase::Exited).await;
        assert_eq!(job.incarnation, life);
    }
}
