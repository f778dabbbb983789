//! Asks the policies, under a deadline, on threads that run no tasks. A decision always comes: when every
//! policy of the chain has failed, passed or been too slow, the failsafe answers, and the ruling says why.

use std::sync::Arc;
use std::time::Duration;

use provost_state::{Action, Death, Decision, Ended, Policy, Ruling, RulingAction, Snapshot, failsafe};
use tokio::sync::Semaphore;

/// Policies that may be asked at the same time; the others wait their turn, within their deadline.
const ASKED_AT_ONCE: usize = 4;

/// What a policy is asked.
#[derive(Clone, Debug)]
pub(crate) struct Trigger {
    pub(crate) ended: Ended,
    /// Newest first.
    pub(crate) deaths: Arc<[Death]>,
    pub(crate) world: Arc<Snapshot>,
}

/// The bounds that every decision is held to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Envelope {
    pub(crate) deadline: Duration,
    pub(crate) restart_delay_ms_max: u64,
}

#[derive(Debug)]
pub(crate) struct Decider {
    turns: Arc<Semaphore>,
    envelope: Envelope,
}

impl Decider {
    pub(crate) fn new(envelope: Envelope) -> Self {
        Self { turns: Arc::new(Semaphore::new(ASKED_AT_ONCE)), envelope }
    }

    /// The ruling on a trigger, at the latest when the deadline has passed.
    pub(crate) async fn ask(&self, policies: Vec<Arc<dyn Policy>>, trigger: Trigger) -> Ruling {
        if policies.is_empty() {
            return last_resort(&trigger, Vec::new());
        }
        let (turns, envelope, asked) = (self.turns.clone(), self.envelope, trigger.clone());
        let answer = async move {
            let turn = turns.acquire_owned().await;
            // The turn goes with the thread: a policy that is stuck in spite of its limits keeps one busy, not all.
            tokio::task::spawn_blocking(move || {
                let _turn = turn;
                judge(&policies, &asked, envelope)
            })
            .await
        };
        let complaint = match tokio::time::timeout(self.envelope.deadline, answer).await {
            Ok(Ok(ruling)) => return ruling,
            Ok(Err(error)) => format!("the thread that asked the policies ended: {error}"),
            Err(_) => format!("no decision within {} ms", self.envelope.deadline.as_millis()),
        };
        last_resort(&trigger, vec![complaint])
    }
}

/// Asks the chain in order; the first answer that can be used counts.
fn judge(policies: &[Arc<dyn Policy>], trigger: &Trigger, envelope: Envelope) -> Ruling {
    let mut overruled = Vec::new();
    for policy in policies {
        match policy.on_exit(&trigger.ended, &trigger.world).map(|decision| bounded(decision, envelope)) {
            Ok(Ok(Some((action, reason)))) => {
                return Ruling { action, by: policy.name().clone(), reason, overruled: told(overruled) };
            }
            Ok(Ok(None)) => {}
            Ok(Err(excess)) => overruled.push(format!("policy {}: {excess}", policy.name())),
            Err(fault) => overruled.push(format!("policy {}: {fault}", policy.name())),
        }
    }
    last_resort(trigger, overruled)
}

/// The decision as a ruling, `None` if it passes, or why it cannot be followed.
fn bounded(decision: Decision, envelope: Envelope) -> Result<Option<(RulingAction, Arc<str>)>, String> {
    let action = match decision.action {
        Action::Restart { delay_ms } if delay_ms > envelope.restart_delay_ms_max => {
            let max = envelope.restart_delay_ms_max;
            return Err(format!(
                "wanted to wait {delay_ms} ms, more than restart_delay_max ({max} ms) allows"
            ));
        }
        Action::Restart { delay_ms } => RulingAction::Restart { delay_ms },
        Action::StayDown => RulingAction::StayDown,
        Action::GiveUp => RulingAction::GiveUp,
        Action::Pass => return Ok(None),
    };
    Ok(Some((action, decision.reason)))
}

fn told(overruled: Vec<String>) -> Option<Arc<str>> {
    (!overruled.is_empty()).then(|| Arc::from(overruled.join("; ")))
}

fn last_resort(trigger: &Trigger, overruled: Vec<String>) -> Ruling {
    let decision = failsafe::decide(&trigger.ended, &trigger.deaths);
    let action = match decision.action {
        Action::Restart { delay_ms } => RulingAction::Restart { delay_ms },
        Action::GiveUp => RulingAction::GiveUp,
        Action::StayDown | Action::Pass => RulingAction::StayDown,
    };
    Ruling { action, by: Arc::from(failsafe::NAME), reason: decision.reason, overruled: told(overruled) }
}
