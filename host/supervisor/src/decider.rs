//! Asks the policies, under a deadline, on threads that run no tasks. A decision always comes: the chain in its order,
//! then what answered before each policy that failed, then the failsafe; and the verdict says what went wrong on the way.
//!
//! What a case is, and how the answers to it are bounded, says `cases`; the figures of the bounds are in `envelope`.

mod cases;
mod envelope;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::jobs::Pool;
use provost_state::{Decision, Policy, failsafe};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

pub(crate) use cases::{Bounded, Case, Diagnosis, EndCase, HealthCase, Permission, ScaleCase, StartCase};
pub(crate) use envelope::Envelope;
pub use envelope::RestartBudget;

/// Policies that may be asked at the same time; the others wait their turn, within their deadline.
const ASKED_AT_ONCE: usize = 4;

/// A decision after the host has bounded it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict<D> {
    /// What will be done.
    pub(crate) action: D,
    /// The policy that decided, or `failsafe`.
    pub(crate) by: Arc<str>,
    /// Why, in words for people.
    pub(crate) reason: Arc<str>,
    /// What went wrong on the way to it, in words for people.
    pub(crate) overruled: Option<Arc<str>>,
}

impl<D> Verdict<D> {
    /// The reason with who gave it, and with what went wrong before: for the state of a process.
    pub(crate) fn told(&self) -> String {
        let by = if *self.by == *failsafe::NAME { String::new() } else { format!(" (policy {})", self.by) };
        match &self.overruled {
            Some(overruled) => format!("{overruled}; {}{by}", self.reason),
            None => format!("{}{by}", self.reason),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Decider {
    turns: Arc<Semaphore>,
    judging: Pool,
    envelope: Envelope,
    strays: Arc<Strays>,
}

impl Decider {
    pub(crate) fn new(envelope: Envelope, judging: Pool) -> Self {
        Self { turns: Arc::new(Semaphore::new(ASKED_AT_ONCE)), judging, envelope, strays: Arc::default() }
    }

    /// The verdict on a case, at the latest when the deadline has passed.
    pub(crate) async fn ask<C: Case>(&self, chain: &[Arc<dyn Policy>], case: C) -> Verdict<C::Done> {
        let mut hearing = Hearing::new(self, case);
        let judges: Vec<_> = chain.iter().filter(|policy| policy.judges(C::JUDGEMENT)).collect();
        let mut failed = Vec::new();
        for (at, policy) in judges.iter().enumerate() {
            // One share is kept for what answered before those that fail.
            match hearing.hear(policy, "policy", judges.len() - at + 1).await {
                Heard::Verdict(verdict) => return verdict,
                Heard::Pass => {}
                Heard::Failure => failed.push(*policy),
            }
        }
        let former: Vec<_> = failed.into_iter().filter_map(|policy| policy.last_good()).collect();
        for (at, policy) in former.iter().enumerate() {
            match hearing.hear(policy, "the last good version of policy", former.len() - at).await {
                Heard::Verdict(verdict) => return verdict,
                Heard::Pass | Heard::Failure => {}
            }
        }
        hearing.last_resort()
    }

    /// Asks one policy on a thread of its own, until `ends`.
    async fn call<C: Case>(
        &self,
        policy: &Arc<dyn Policy>,
        case: &Arc<C>,
        ends: Instant,
    ) -> Result<Decision<C::Said>, String> {
        if self.strays.has(policy) {
            return Err("has not come back from an earlier call: it is not asked until then".to_owned());
        }
        let granted_ms = ends.saturating_duration_since(Instant::now()).as_millis();
        let total_ms = self.envelope.deadline.as_millis();
        let Ok(turn) = timeout_at(ends, self.turns.clone().acquire_owned()).await else {
            return Err(format!(
                "did not get its turn within {granted_ms} ms: {ASKED_AT_ONCE} others are asked"
            ));
        };
        // It is held to its whole share: that it had to wait for its turn is not its fault.
        let share_ms = u64::try_from(granted_ms).unwrap_or(u64::MAX).max(1);
        let (asked, question) = (policy.within(share_ms).unwrap_or_else(|| policy.clone()), case.clone());
        let judging = self.judging.clone();
        let mut call = tokio::spawn(async move { judging.run(move || question.put(&*asked)).await });
        let answer = timeout_at(ends, &mut call).await;
        drop(turn);
        match answer {
            Ok(Ok(Ok(Ok(decision)))) => Ok(decision),
            Ok(Ok(Ok(Err(fault)))) => Err(fault.to_string()),
            Ok(Ok(Err(lost))) => Err(format!("its call was lost: {lost}")),
            Ok(Err(error)) => Err(format!("the task that asked it ended: {error}")),
            Err(_) => {
                self.strays.await_return(policy.clone(), call);
                Err(format!(
                    "no answer within {granted_ms} ms, its share of decision_deadline ({total_ms} ms)"
                ))
            }
        }
    }
}

/// What a policy contributed.
enum Heard<D> {
    Verdict(Verdict<D>),
    Pass,
    Failure,
}

/// One case before the policies.
struct Hearing<'a, C> {
    decider: &'a Decider,
    case: Arc<C>,
    ends: Instant,
    /// What went wrong so far.
    overruled: Vec<String>,
}

impl<'a, C: Case> Hearing<'a, C> {
    fn new(decider: &'a Decider, case: C) -> Self {
        let ends = Instant::now() + decider.envelope.deadline;
        Self { decider, case: Arc::new(case), ends, overruled: Vec::new() }
    }

    /// Hears one policy, which may use one of `shares` equal shares of the time that is left.
    async fn hear(&mut self, policy: &Arc<dyn Policy>, title: &str, shares: usize) -> Heard<C::Done> {
        let now = Instant::now();
        let left = self.ends.saturating_duration_since(now);
        let share = left / u32::try_from(shares).unwrap_or(u32::MAX).max(1);
        let name = policy.name();
        let decision = match self.decider.call(policy, &self.case, now + share).await {
            Ok(decision) => decision,
            Err(complaint) => {
                self.overruled.push(format!("{title} {name}: {complaint}"));
                return Heard::Failure;
            }
        };
        let (action, note) = match self.case.bounded(decision.action, &self.decider.envelope) {
            Bounded::Done(action) => (action, None),
            Bounded::Clamped(action, note) => (action, Some(note)),
            Bounded::Pass => return Heard::Pass,
            Bounded::Refused(complaint) => {
                policy.clamped();
                self.overruled.push(format!("{title} {name}: {complaint}"));
                return Heard::Failure;
            }
        };
        if let Some(note) = note {
            policy.clamped();
            self.overruled.push(format!("{title} {name}: {note}"));
        }
        Heard::Verdict(self.verdict(action, name.clone(), decision.reason))
    }

    /// What holds when nobody has an answer.
    fn last_resort(mut self) -> Verdict<C::Done> {
        let last = self.case.last_resort(&self.decider.envelope);
        self.overruled.extend(last.note.map(|note| format!("{}: {note}", failsafe::NAME)));
        self.verdict(last.action, Arc::from(failsafe::NAME), last.reason)
    }

    fn verdict(&mut self, action: C::Done, by: Arc<str>, reason: Arc<str>) -> Verdict<C::Done> {
        let overruled = std::mem::take(&mut self.overruled);
        let overruled = (!overruled.is_empty()).then(|| Arc::from(overruled.join("; ")));
        Verdict { action, by, reason, overruled }
    }
}

/// Policies that are stuck in a call in spite of their own limits. They are not asked again before they come back, so
/// that one of them can keep a few threads and never all turns.
#[derive(Debug, Default)]
struct Strays(Mutex<HashMap<usize, usize>>);

impl Strays {
    /// Its place in memory: whoever is entered is kept alive until it is taken out.
    fn key(policy: &Arc<dyn Policy>) -> usize {
        Arc::as_ptr(policy).cast::<()>().addr()
    }

    fn calls<R>(&self, look: impl FnOnce(&mut HashMap<usize, usize>) -> R) -> R {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn has(&self, policy: &Arc<dyn Policy>) -> bool {
        self.calls(|calls| calls.contains_key(&Self::key(policy)))
    }

    /// Nobody waits for this call any more; the policy is a stray until it has ended.
    fn await_return<T: Send + 'static>(
        self: &Arc<Self>,
        policy: Arc<dyn Policy>,
        call: tokio::task::JoinHandle<T>,
    ) {
        let key = Self::key(&policy);
        self.calls(|calls| *calls.entry(key).or_default() += 1);
        let strays = self.clone();
        tokio::spawn(async move {
            let _ = call.await;
            strays.calls(|calls| {
                if let Some(count) = calls.get_mut(&key) {
                    *count -= 1;
                    if *count == 0 {
                        calls.remove(&key);
                    }
                }
            });
            drop(policy);
        });
    }
}

impl Envelope {
    /// The bounds that the settings ask for.
    pub(crate) fn of(settings: &crate::supervisor::Settings) -> Self {
        Self {
            deadline: Duration::from_millis(settings.decision_deadline_ms),
            restart_delay_ms_max: settings.restart_delay_ms_max,
            restart_delay_ms_min: settings.restart_delay_ms_min,
            restart_budget: settings.restart_budget,
        }
    }
}
