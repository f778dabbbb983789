//! Asking a component on the workbench: once in a fresh instance, as in production, and in ways that show whether it is pure.

use std::fmt;
use std::sync::Arc;

use provost_state::{Fault, PluginInput, Snapshot};

use crate::guest::Used;
use crate::plugin::{Input, Purpose, Ran, Version};
use crate::role::Role;

use super::outcome::{Outcome, Replied, Reply};
use super::setup::Bench;

/// The deadline of a call is the limit of the plugin itself, as for a host whose decisions have time.
const AS_IN_PRODUCTION: Purpose = Purpose::Answer { within_ms: None };

/// A plugin answered the same input in two ways.
#[derive(Clone, Debug)]
pub struct Impure {
    /// Whether the second call was made in the instance of the first one; otherwise both had a fresh one.
    pub in_one_instance: bool,
    /// In what the calls differ, in words for people.
    pub what: &'static str,
    /// The first call.
    pub first: Box<Outcome>,
    /// The second call.
    pub second: Box<Outcome>,
}

impl fmt::Display for Impure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = self.what;
        match self.in_one_instance {
            true => {
                write!(f, "the {what} of a second call in the same instance differs from that of the first")
            }
            false => write!(f, "the {what} of two calls with the same input differs"),
        }
    }
}

impl Bench {
    /// Asks the component in a fresh instance. What it writes into its memory is returned and not kept.
    #[must_use]
    pub fn ask(&self, input: &PluginInput, world: &Arc<Snapshot>) -> Outcome {
        match Input::from(input.clone()) {
            Input::Ended(it) => self.fresh(&it, world),
            Input::Plan(it) => self.fresh(&it, world),
            Input::Probe(it) => self.fresh(&it, world),
            Input::Demand(it) => self.fresh(&it, world),
            Input::Sample(it) => self.fresh(&it, world),
            Input::Render(it) => self.fresh(&it, world),
            Input::Tell(it) => self.fresh(&it, world),
        }
    }

    /// Asks the component twice in fresh instances and, unless it is a consumer, twice in one instance. The first outcome is
    /// that of [`ask`](Self::ask).
    ///
    /// # Errors
    /// [`Impure`] if the calls differ in the answer, in what they write into the memory, or in their lines. A deadline that
    /// was missed is no difference: the machine may be busy.
    pub fn ask_twice(
        &self,
        first: &Outcome,
        input: &PluginInput,
        world: &Arc<Snapshot>,
    ) -> Result<(), Impure> {
        let differing = |second: Outcome, in_one_instance| match first.differs_from(&second) {
            Some(what) if !is_late(first) && !is_late(&second) => Err(Impure {
                in_one_instance,
                what,
                first: Box::new(first.clone()),
                second: Box::new(second),
            }),
            _ => Ok(()),
        };
        differing(self.ask(input, world), false)?;
        if first.reply.is_err() {
            // The instance of a failed call is never used again.
            return Ok(());
        }
        let reused = match Input::from(input.clone()) {
            Input::Ended(it) => self.reused(&it, world),
            Input::Plan(it) => self.reused(&it, world),
            Input::Probe(it) => self.reused(&it, world),
            Input::Demand(it) => self.reused(&it, world),
            Input::Sample(it) => self.reused(&it, world),
            Input::Render(it) => self.reused(&it, world),
            // The instance of a consumer lives on and may remember.
            Input::Tell(_) => return Ok(()),
        };
        differing(reused, true)
    }

    /// Asks a fresh instance.
    fn fresh<Q: Replied>(&self, question: &Q, world: &Arc<Snapshot>) -> Outcome {
        let version = &*self.version;
        self.begin();
        let ran = || -> Result<Ran<Q::Answer>, Fault> {
            let admitted = version.admitted()?;
            let pre = Q::pre(admitted).ok_or_else(|| Version::lacks(Q::ROLE))?;
            let mut store = version.caller().store(Q::ROLE, admitted.need)?;
            let limits = &version.context.limits;
            let put = |store: &mut _| question.put(pre, store);
            Ok(version.caller().measured(&mut store, call(Q::ROLE), world, put, |it| Q::check(it, limits)))
        };
        self.outcome::<Q>(ran())
    }

    /// Asks an instance that has answered the same question before. Returns what the second call did, or the first one if that
    /// failed.
    fn reused<Q: Replied>(&self, question: &Q, world: &Arc<Snapshot>) -> Outcome {
        let version = &*self.version;
        self.begin();
        let ran = || -> Result<Ran<Q::Answer>, Fault> {
            let admitted = version.admitted()?;
            let pre = Q::pre(admitted).ok_or_else(|| Version::lacks(Q::ROLE))?;
            let mut store = version.caller().store(Q::ROLE, admitted.need)?;
            let limits = &version.context.limits;
            let first = |store: &mut _| {
                let instance = Q::instantiate(pre, store)?;
                question.put_to(&instance, store)?;
                Ok(instance)
            };
            let instance = version.caller().measured(&mut store, call(Q::ROLE), world, first, Ok).answer?;
            self.begin();
            let put = |store: &mut _| question.put_to(&instance, store);
            Ok(version.caller().measured(&mut store, call(Q::ROLE), world, put, |it| Q::check(it, limits)))
        };
        self.outcome::<Q>(ran())
    }

    /// Forgets the lines of the call before.
    fn begin(&self) {
        self.version.context.common.lines.take();
    }

    fn outcome<Q: Replied>(&self, ran: Result<Ran<Q::Answer>, Fault>) -> Outcome {
        let (answer, written, used) = match ran {
            Ok(Ran { answer, written, used }) => (answer, written.writes(), used),
            Err(fault) => (Err(fault), Vec::new(), Used::default()),
        };
        let reply: Result<Reply, Fault> =
            answer.map(|answer| Q::reply(self.version.granted::<Q>(answer, AS_IN_PRODUCTION)));
        let (lines, lines_dropped) = self.version.context.common.lines.take();
        Outcome {
            reply,
            ns: used.ns,
            fuel: used.fuel,
            memory_bytes: used.memory_bytes as u64,
            lines,
            lines_dropped,
            written,
        }
    }
}

fn call(role: Role) -> (Role, Purpose) {
    (role, AS_IN_PRODUCTION)
}

/// Whether a call failed for want of time.
fn is_late(outcome: &Outcome) -> bool {
    use provost_state::FaultKind::{Busy, Deadline};
    matches!(&outcome.reply, Err(fault) if matches!(fault.kind, Deadline | Busy))
}
