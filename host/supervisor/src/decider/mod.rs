//! Asks the policies, under a deadline, on threads that run no async tasks. A decision always comes: from the chain in
//! its order, then from the last good version of each policy that failed, then from the failsafe. The verdict says what
//! went wrong on the way.
//!
//! No policy waits for another one: each has its own turns, and threads are started as needed, up to a bound.
//!
//! | room | owns |
//! |---|---|
//! | `cases` | what a policy is asked, and how its answers are bounded |
//! | `envelope` | the bounds, and the notes that report them |
//! | `strays` | the limit on calls of one policy at the same time, and which calls are stuck |
//! | `seed` | seeds for policies, which have no randomness |

mod cases;
mod envelope;
mod seed;
mod strays;

use std::sync::Arc;

use parking_lot::Mutex;
use provost_state::{
    Answer, Asked, Decision, Fault, FaultKind, Judged, Judgement, MemoryChange, Noted, Policy, failsafe,
};
use tokio::time::{Instant, timeout_at};

use crate::jobs::Pool;
use crate::publish::Notes;
use crate::stash::Stash;
use strays::{AT_ONCE, NoTurn, Strays, Turn, own_share_ms};

pub(crate) use cases::{Bounded, Case, EndCase, HealthCase, ScaleCase, StartCase, UsageCase};
pub(crate) use envelope::Envelope;
pub use envelope::RestartBudget;
pub(crate) use provost_state::Verdict;
pub(crate) use seed::seed;

/// Asks policies, and holds their answers to the bounds.
#[derive(Debug)]
pub(crate) struct Decider {
    judging: Pool,
    /// The bounds of the next decision.
    envelope: Mutex<Envelope>,
    strays: Arc<Strays>,
    stash: Option<Stash>,
    /// Where decisions are recorded.
    notes: Option<Notes>,
}

/// A verdict, and what the policies that were asked have written into their memories.
#[derive(Debug)]
pub(crate) struct Answered<A> {
    pub(crate) verdict: Verdict<A>,
    pub(crate) written: Vec<Arc<MemoryChange>>,
}

impl Decider {
    pub(crate) fn new(envelope: Envelope, judging: Pool, stash: Option<Stash>, notes: Option<Notes>) -> Self {
        Self { judging, envelope: Mutex::new(envelope), strays: Arc::default(), stash, notes }
    }

    /// Changes the bounds, from the next decision on.
    pub(crate) fn retune(&self, envelope: Envelope) {
        *self.envelope.lock() = envelope;
    }

    /// Returns the verdict on a case, at the latest when the deadline has passed. What the policies have written into
    /// their memories is written down.
    pub(crate) async fn ask<C: Case>(&self, chain: &[Arc<dyn Policy>], case: C) -> Verdict<C::Action> {
        let Answered { verdict, written } = self.answer(chain, case).await;
        if let Some(stash) = &self.stash {
            written.iter().for_each(|change| stash.memory(change));
        }
        verdict
    }

    /// Does what [`ask`](Self::ask) does, for a caller that writes down what was written with what follows from the
    /// verdict.
    pub(crate) async fn answer<C: Case>(&self, chain: &[Arc<dyn Policy>], case: C) -> Answered<C::Action> {
        let mut hearing = Hearing::new(self, case);
        let verdict = hearing.verdict_of(chain).await;
        let written = std::mem::take(&mut hearing.written);
        hearing.record(&verdict);
        Answered { verdict, written }
    }

    /// Asks one policy on a judging thread, until `ends`.
    async fn call<C: Case>(
        &self,
        policy: &Arc<dyn Policy>,
        case: &Arc<C>,
        ends: Instant,
        envelope: &Envelope,
    ) -> Result<Decision<C::Action>, Complaint> {
        let granted_ms = ends.saturating_duration_since(Instant::now()).as_millis();
        let turn = self.strays.turn(&**policy, ends).await.map_err(|why| match why {
            NoTurn::Stuck => "has not returned from an earlier call: it is not asked until it does".to_owned(),
            NoTurn::TimedOut => {
                format!("timed out after {granted_ms} ms waiting for one of its {AT_ONCE} calls in progress to end")
            }
        })?;
        let (asked, question, call) = (policy.clone(), case.clone(), turn.clone());
        // The job runs even if nobody waits for it any more: then it is a stray.
        let job = self.judging.run(move || {
            if !call.begin() {
                return Err(Fault { kind: FaultKind::Busy, message: "nobody waits for its answer".into() });
            }
            // The pool catches panics; the turn is given back then, too.
            let call = Returning(call);
            let share_ms = own_share_ms(ends.saturating_duration_since(Instant::now()));
            let asked = asked.within(share_ms).unwrap_or(asked);
            let answer = question.put(&*asked);
            drop(call);
            answer
        });
        match timeout_at(ends, job).await {
            Ok(Ok(Ok(decision))) => Ok(decision),
            Ok(Ok(Err(fault))) => Err(Complaint { kind: Some(fault.kind), what: fault.to_string() }),
            Ok(Err(lost)) => Err(format!("its call was lost: {lost}").into()),
            Err(_) if turn.abandon() => {
                let total_ms = envelope.deadline.as_millis();
                let what = format!(
                    "no answer within {granted_ms} ms, its share of decision_deadline ({total_ms} ms)"
                );
                Err(what.into())
            }
            Err(_) => {
                let what =
                    format!("timed out after {granted_ms} ms waiting for a thread: all of them are busy");
                Err(what.into())
            }
        }
    }
}

/// Why a policy gave no answer.
struct Complaint {
    /// The kind of its fault, if it was called and failed.
    kind: Option<FaultKind>,
    /// What happened, in words for people.
    what: String,
}

impl From<String> for Complaint {
    fn from(what: String) -> Self {
        Self { kind: None, what }
    }
}

/// Ends a call when it is dropped.
struct Returning(Turn);

impl Drop for Returning {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// What a policy contributed.
enum Heard<D> {
    Verdict(Verdict<D>),
    Pass,
    Failure,
}

/// One case while the policies are asked.
struct Hearing<'a, C> {
    decider: &'a Decider,
    case: Arc<C>,
    /// The bounds of this decision.
    envelope: Envelope,
    ends: Instant,
    /// What went wrong so far.
    overruled: Vec<String>,
    /// Who was asked so far, and with which result.
    asked: Vec<Asked>,
    written: Vec<Arc<MemoryChange>>,
}

impl<'a, C: Case> Hearing<'a, C> {
    fn new(decider: &'a Decider, case: C) -> Self {
        let envelope = *decider.envelope.lock();
        let ends = Instant::now() + envelope.deadline;
        let (overruled, asked, written) = Default::default();
        Self { decider, case: Arc::new(case), envelope, ends, overruled, asked, written }
    }

    /// Asks the policies that judge such cases, and then the former versions of those that fail.
    async fn verdict_of(&mut self, chain: &[Arc<dyn Policy>]) -> Verdict<C::Action> {
        let judges: Vec<_> = chain.iter().filter(|policy| policy.judges(C::JUDGEMENT)).collect();
        let mut failed = Vec::new();
        for (at, policy) in judges.iter().enumerate() {
            // One share is kept for the last good versions of those that fail.
            match self.hear(policy, "policy", judges.len() - at + 1).await {
                Heard::Verdict(verdict) => return verdict,
                Heard::Pass => {}
                Heard::Failure => failed.push(*policy),
            }
        }
        let former: Vec<_> = failed.into_iter().filter_map(|policy| policy.last_good()).collect();
        for (at, policy) in former.iter().enumerate() {
            match self.hear(policy, "the last good version of policy", former.len() - at).await {
                Heard::Verdict(verdict) => return verdict,
                Heard::Pass | Heard::Failure => {}
            }
        }
        self.last_resort()
    }

    /// Asks one policy, giving it 1/`shares` of the remaining time.
    async fn hear(&mut self, policy: &Arc<dyn Policy>, title: &str, shares: usize) -> Heard<C::Action> {
        let now = Instant::now();
        let left = self.ends.saturating_duration_since(now);
        let share = left / u32::try_from(shares).unwrap_or(u32::MAX).max(1);
        let (name, version) = (policy.name(), policy.version());
        let decision = match self.decider.call(policy, &self.case, now + share, &self.envelope).await {
            Ok(decision) => decision,
            Err(Complaint { kind, what }) => {
                self.overruled.push(format!("{title} {name}: {what}"));
                let answer = Answer::Failed { kind, why: what.into() };
                self.asked.push(Asked { name: name.clone(), version, basis: None, answer });
                return Heard::Failure;
            }
        };
        let answer = match &decision.action {
            Some(wanted) => Answer::Wanted(C::judged(wanted)),
            None => Answer::Passed,
        };
        self.asked.push(Asked { name: name.clone(), version, basis: decision.basis, answer });
        self.written.extend(decision.written);
        let Some(wanted) = decision.action else { return Heard::Pass };
        let (action, note) = match self.case.bounded(wanted, &self.envelope) {
            Bounded::Done(action) => (action, None),
            Bounded::Clamped(action, note) => (action, Some(note)),
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

    /// Returns the verdict of the failsafe, when no policy answers.
    fn last_resort(&mut self) -> Verdict<C::Action> {
        let last = self.case.last_resort(&self.envelope);
        self.overruled.extend(last.note.map(|note| format!("{}: {note}", failsafe::NAME)));
        self.verdict(last.action, Arc::from(failsafe::NAME), last.reason)
    }

    /// Records the verdict with everything that it was made from. What only the failsafe was asked about, other than a
    /// death, follows from the code of the host, and would be most of what is recorded.
    fn record(self, verdict: &Verdict<C::Action>) {
        let Some(notes) = &self.decider.notes else { return };
        if self.asked.is_empty() && C::JUDGEMENT != Judgement::Restart {
            return;
        }
        notes.record(|| {
            let Verdict { action, by, reason, overruled } = verdict;
            Noted::Decision(Box::new(Judged {
                world: self.case.world().generation(),
                trigger: self.case.trigger(),
                asked: self.asked,
                action: C::judged(action),
                by: by.clone(),
                reason: reason.clone(),
                overruled: overruled.clone(),
            }))
        });
    }

    fn verdict(&mut self, action: C::Action, by: Arc<str>, reason: Arc<str>) -> Verdict<C::Action> {
        let overruled = std::mem::take(&mut self.overruled);
        let overruled = (!overruled.is_empty()).then(|| Arc::from(overruled.join("; ")));
        Verdict { action, by, reason, overruled }
    }
}
