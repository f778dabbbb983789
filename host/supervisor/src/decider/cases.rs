//! The kinds of cases: what a policy is asked, how its answer is bounded, and what holds if no policy answers.

use std::sync::Arc;

use provost_state::{
    Deaths, Decision, Demand, Ended, Fault, Health, HealthAction, JudgedAction, Judgement, Moment,
    Observation, Plan, Policy, RulingAction, Sample, Snapshot, StartAction, Trigger, UsageAction, failsafe,
};

use super::envelope::Envelope;

/// An answer after the bounds were applied.
pub(crate) enum Bounded<D> {
    /// It is followed as given.
    Done(D),
    /// It is followed in part; the note says how far.
    Clamped(D, String),
    /// It is not followed, for this reason.
    Refused(String),
}

impl<D> Bounded<D> {
    fn noted(action: D, note: Option<String>) -> Self {
        match note {
            Some(note) => Self::Clamped(action, note),
            None => Self::Done(action),
        }
    }
}

/// What holds when no policy answers.
pub(crate) struct LastResort<D> {
    pub(crate) action: D,
    pub(crate) reason: Arc<str>,
    /// How the bounds changed the action.
    pub(crate) note: Option<String>,
}

/// A case that policies judge.
pub(crate) trait Case: Send + Sync + 'static {
    /// The kind of judgement.
    const JUDGEMENT: Judgement;
    /// The action that a policy asks for and the host carries out.
    type Action: Send + 'static;

    /// Asks `policy`, which may take its time.
    fn put(&self, policy: &dyn Policy) -> Result<Decision<Self::Action>, Fault>;

    /// Applies the bounds to an answer.
    fn bounded(&self, wanted: Self::Action, envelope: &Envelope) -> Bounded<Self::Action>;

    /// Returns what holds when no policy answers.
    fn last_resort(&self, envelope: &Envelope) -> LastResort<Self::Action>;

    /// Returns the snapshot that the policies are given.
    fn world(&self) -> &Arc<Snapshot>;

    /// Returns the trigger, to be recorded.
    fn trigger(&self) -> Trigger;

    /// Returns an action, to be recorded.
    fn judged(action: &Self::Action) -> JudgedAction;
}

/// The end of a life.
#[derive(Clone, Debug)]
pub(crate) struct EndCase {
    pub(crate) ended: Ended,
    /// The deaths, newest first; the first is this one.
    pub(crate) deaths: Deaths,
    pub(crate) world: Arc<Snapshot>,
}

impl Case for EndCase {
    const JUDGEMENT: Judgement = Judgement::Restart;
    type Action = RulingAction;

    fn put(&self, policy: &dyn Policy) -> Result<Decision, Fault> {
        policy.on_exit(&self.ended, &self.world)
    }

    fn bounded(&self, wanted: RulingAction, envelope: &Envelope) -> Bounded<RulingAction> {
        match wanted {
            RulingAction::Restart { delay_ms, scope } => match envelope.excess(delay_ms) {
                Some(excess) => Bounded::Refused(excess),
                None => {
                    let (delay_ms, note) = envelope.restart_delay(delay_ms, &self.deaths, self.ended.now);
                    Bounded::noted(RulingAction::Restart { delay_ms, scope }, note)
                }
            },
            RulingAction::StayDown | RulingAction::GiveUp(_) => Bounded::Done(wanted),
        }
    }

    fn last_resort(&self, envelope: &Envelope) -> LastResort<RulingAction> {
        let (action, reason) = failsafe::decide(&self.ended, &self.deaths);
        let action = match action {
            RulingAction::Restart { delay_ms, scope } => {
                RulingAction::Restart { delay_ms: delay_ms.min(envelope.restart_delay_ms_max), scope }
            }
            other => other,
        };
        match self.bounded(action, envelope) {
            Bounded::Done(action) => LastResort { action, reason, note: None },
            Bounded::Clamped(action, note) => LastResort { action, reason, note: Some(note) },
            Bounded::Refused(_) => LastResort { action: RulingAction::StayDown, reason, note: None },
        }
    }

    fn world(&self) -> &Arc<Snapshot> {
        &self.world
    }

    fn trigger(&self) -> Trigger {
        Trigger::Exit(self.ended.clone())
    }

    fn judged(action: &RulingAction) -> JudgedAction {
        JudgedAction::Exit(*action)
    }
}

/// A process that is about to be spawned.
#[derive(Clone, Debug)]
pub(crate) struct StartCase {
    pub(crate) plan: Plan,
    pub(crate) world: Arc<Snapshot>,
}

impl Case for StartCase {
    const JUDGEMENT: Judgement = Judgement::Start;
    type Action = StartAction;

    fn put(&self, policy: &dyn Policy) -> Result<Decision<StartAction>, Fault> {
        policy.before_start(&self.plan, &self.world)
    }

    fn bounded(&self, wanted: StartAction, envelope: &Envelope) -> Bounded<StartAction> {
        match wanted {
            StartAction::Allow { env } => match env.iter().find_map(|(name, value)| unfit(name, value)) {
                Some(why) => Bounded::Refused(why),
                None => Bounded::Done(StartAction::Allow { env }),
            },
            StartAction::Wait { delay_ms } => {
                let (delay_ms, note) = envelope.start_wait(delay_ms);
                Bounded::noted(StartAction::Wait { delay_ms }, note)
            }
            StartAction::Refuse => Bounded::Done(StartAction::Refuse),
        }
    }

    fn last_resort(&self, _: &Envelope) -> LastResort<StartAction> {
        let reason = Arc::from("no policy objected");
        LastResort { action: StartAction::Allow { env: Vec::new() }, reason, note: None }
    }

    fn world(&self) -> &Arc<Snapshot> {
        &self.world
    }

    fn trigger(&self) -> Trigger {
        Trigger::Start(self.plan.clone())
    }

    fn judged(action: &StartAction) -> JudgedAction {
        JudgedAction::Start(action.clone())
    }
}

/// Returns why this cannot be an environment variable, if it cannot.
fn unfit(name: &str, value: &str) -> Option<String> {
    if name.is_empty() || name.contains(['=', '\0']) {
        return Some(format!(
            "wanted to set a variable called {name:?}: a name is not empty and contains neither `=` nor NUL"
        ));
    }
    value.contains('\0').then(|| format!("wanted to set {name} to a value that contains NUL"))
}

/// A finished health check.
#[derive(Clone, Debug)]
pub(crate) struct HealthCase {
    pub(crate) seen: Observation,
    /// The number of failures in a row after which the process is restarted, unless a policy decides otherwise.
    pub(crate) failures: u32,
    /// The earlier restarts for health reasons, newest first.
    pub(crate) restarted: Vec<Moment>,
    pub(crate) world: Arc<Snapshot>,
}

impl HealthCase {
    /// Returns a restart if the budget has one left, and otherwise the health `unhealthy` with a note.
    fn restart(&self, envelope: &Envelope) -> (HealthAction, Option<String>) {
        match envelope.no_restart(&self.restarted, self.seen.now) {
            Some(note) => (HealthAction::Hold(Health::Unhealthy), Some(note)),
            None => (HealthAction::Restart, None),
        }
    }
}

impl Case for HealthCase {
    const JUDGEMENT: Judgement = Judgement::Health;
    type Action = HealthAction;

    fn put(&self, policy: &dyn Policy) -> Result<Decision<HealthAction>, Fault> {
        policy.on_probe(&self.seen, &self.world)
    }

    fn bounded(&self, wanted: HealthAction, envelope: &Envelope) -> Bounded<HealthAction> {
        match wanted {
            HealthAction::Hold(_) => Bounded::Done(wanted),
            HealthAction::Restart => {
                let (action, note) = self.restart(envelope);
                Bounded::noted(action, note)
            }
        }
    }

    fn last_resort(&self, envelope: &Envelope) -> LastResort<HealthAction> {
        let Observation { passed, detail, in_a_row, before, .. } = &self.seen;
        let failures = self.failures.max(1);
        if *passed {
            let reason = Arc::from(format!("healthy: {detail}"));
            return LastResort { action: HealthAction::Hold(Health::Healthy), reason, note: None };
        }
        if *in_a_row < failures {
            let reason = Arc::from(format!("failed check {in_a_row} of {failures}: {detail}"));
            return LastResort { action: HealthAction::Hold(*before), reason, note: None };
        }
        let (action, note) = self.restart(envelope);
        let reason = Arc::from(format!("{in_a_row} failed checks in a row: {detail}"));
        LastResort { action, reason, note }
    }

    fn world(&self) -> &Arc<Snapshot> {
        &self.world
    }

    fn trigger(&self) -> Trigger {
        Trigger::Probe(self.seen.clone())
    }

    fn judged(action: &HealthAction) -> JudgedAction {
        JudgedAction::Probe(*action)
    }
}

/// A replica set whose size is judged.
#[derive(Clone, Debug)]
pub(crate) struct ScaleCase {
    pub(crate) demand: Demand,
    pub(crate) world: Arc<Snapshot>,
}

impl Case for ScaleCase {
    const JUDGEMENT: Judgement = Judgement::Scale;
    type Action = u32;

    fn put(&self, policy: &dyn Policy) -> Result<Decision<u32>, Fault> {
        policy.replicas(&self.demand, &self.world)
    }

    fn bounded(&self, wanted: u32, _: &Envelope) -> Bounded<u32> {
        let Demand { least, most, .. } = self.demand;
        let held = wanted.clamp(least, most.max(least));
        let note = format!("wanted {wanted} replicas, {least} to {most} are allowed: {held}");
        Bounded::noted(held, (held != wanted).then_some(note))
    }

    fn last_resort(&self, _: &Envelope) -> LastResort<u32> {
        LastResort {
            action: self.demand.wanted,
            reason: Arc::from("no policy wants another number"),
            note: None,
        }
    }

    fn world(&self) -> &Arc<Snapshot> {
        &self.world
    }

    fn trigger(&self) -> Trigger {
        Trigger::Scale(self.demand.clone())
    }

    fn judged(action: &u32) -> JudgedAction {
        JudgedAction::Scale(*action)
    }
}

/// A sample of what a process uses.
#[derive(Clone, Debug)]
pub(crate) struct UsageCase {
    pub(crate) sample: Sample,
    /// The earlier restarts for this reason, newest first.
    pub(crate) restarted: Vec<Moment>,
    pub(crate) world: Arc<Snapshot>,
}

impl Case for UsageCase {
    const JUDGEMENT: Judgement = Judgement::Usage;
    type Action = UsageAction;

    fn put(&self, policy: &dyn Policy) -> Result<Decision<UsageAction>, Fault> {
        policy.on_sample(&self.sample, &self.world)
    }

    fn bounded(&self, wanted: UsageAction, envelope: &Envelope) -> Bounded<UsageAction> {
        let UsageAction::Restart { drain_ms } = wanted else { return Bounded::Done(wanted) };
        if let Some(note) = envelope.no_restart(&self.restarted, self.sample.now) {
            return Bounded::Clamped(UsageAction::Keep, note);
        }
        let Some(asked_ms) = drain_ms else { return Bounded::Done(wanted) };
        let (drain_ms, note) = envelope.drain(asked_ms);
        Bounded::noted(UsageAction::Restart { drain_ms: Some(drain_ms) }, note)
    }

    fn last_resort(&self, _: &Envelope) -> LastResort<UsageAction> {
        LastResort {
            action: UsageAction::Keep,
            reason: Arc::from("no policy objects to its usage"),
            note: None,
        }
    }

    fn world(&self) -> &Arc<Snapshot> {
        &self.world
    }

    fn trigger(&self) -> Trigger {
        Trigger::Usage(self.sample.clone())
    }

    fn judged(action: &UsageAction) -> JudgedAction {
        JudgedAction::Usage(*action)
    }
}
