//! A question of any role that is stored, to be asked again of another version or shown to people.

use std::fmt;
use std::sync::Arc;

use provost_state::{
    Batch, Demand, Ended, Fault, Observation, Plan, PluginInput, Sample, Snapshot, Trigger, Usage,
    ViewRequest,
};

use crate::role::Role;

use super::purpose::Purpose;
use super::question::{Question, Telling};
use super::version::Version;

/// A question of any role that is stored.
#[derive(Clone, Debug)]
pub(crate) enum Input {
    Ended(Ended),
    Plan(Plan),
    Probe(Observation),
    Demand(Demand),
    Sample(Sample),
    Render(ViewRequest),
    Tell(Telling),
}

macro_rules! inputs {
    ($($question:ty => $variant:ident),*) => {
        $(impl From<$question> for Input {
            fn from(question: $question) -> Self {
                Self::$variant(question)
            }
        })*

        impl Input {
            pub(crate) fn role(&self) -> Role {
                match self {
                    $(Self::$variant(_) => <$question>::ROLE,)*
                }
            }

            /// Asks this version without counting the call, and returns its answer for people.
            pub(crate) fn try_on(&self, version: &Arc<Version>, world: &Arc<Snapshot>) -> Result<String, Fault> {
                match self {
                    $(Self::$variant(question) => {
                        version.ask(question, world, Purpose::Trial).map(|answer| <$question>::words(&answer))
                    })*
                }
            }
        }
    };
}

inputs!(
    Ended => Ended, Plan => Plan, Observation => Probe, Demand => Demand, Sample => Sample,
    ViewRequest => Render, Telling => Tell
);

impl From<&Input> for PluginInput {
    fn from(input: &Input) -> Self {
        match input {
            Input::Ended(it) => Self::Trigger(Trigger::Exit(it.clone())),
            Input::Plan(it) => Self::Trigger(Trigger::Start(it.clone())),
            Input::Probe(it) => Self::Trigger(Trigger::Probe(it.clone())),
            Input::Demand(it) => Self::Trigger(Trigger::Scale(it.clone())),
            Input::Sample(it) => Self::Trigger(Trigger::Usage(it.clone())),
            Input::Render(it) => Self::Request(it.clone()),
            Input::Tell(it) => Self::Batch(Batch { changes: it.changes.to_vec(), missed: it.missed }),
        }
    }
}

impl From<PluginInput> for Input {
    fn from(input: PluginInput) -> Self {
        match input {
            PluginInput::Trigger(Trigger::Exit(it)) => Self::Ended(it),
            PluginInput::Trigger(Trigger::Start(it)) => Self::Plan(it),
            PluginInput::Trigger(Trigger::Probe(it)) => Self::Probe(it),
            PluginInput::Trigger(Trigger::Scale(it)) => Self::Demand(it),
            PluginInput::Trigger(Trigger::Usage(it)) => Self::Sample(it),
            PluginInput::Request(it) => Self::Render(it),
            PluginInput::Batch(Batch { changes, missed }) => {
                Self::Tell(Telling { changes: changes.into(), missed })
            }
        }
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended(ended) => write!(
                f,
                "incarnation {} of `{}` ended after {} ms: {}; failure {}, {} restarts",
                ended.incarnation.0, ended.name, ended.uptime_ms, ended.exit, ended.failures, ended.restarts
            ),
            Self::Plan(plan) => write!(
                f,
                "`{}` is to be started, incarnation {}; it has waited for {} ms, {} failures",
                plan.name, plan.incarnation.0, plan.waited_ms, plan.failures
            ),
            Self::Probe(seen) => write!(
                f,
                "a check of `{}` {} ({} in a row): {}",
                seen.name,
                if seen.passed { "passed" } else { "failed" },
                seen.in_a_row,
                seen.detail
            ),
            Self::Demand(demand) => write!(
                f,
                "`{}` has {} of {} replicas running, from {} to {}",
                demand.name, demand.running, demand.wanted, demand.least, demand.most
            ),
            Self::Sample(sample) => {
                let Usage { cpu_ms, cpu_millis, rss_bytes, pss_bytes, fds, threads, members, .. } =
                    sample.usage;
                write!(
                    f,
                    "incarnation {} of `{}` uses {} of a core in 1000, {cpu_ms} ms of CPU time in all, {rss_bytes} bytes \
                     resident",
                    sample.incarnation.0, sample.name, cpu_millis
                )?;
                if let Some(pss) = pss_bytes {
                    write!(f, ", {pss} proportional")?;
                }
                if let Some(fds) = fds {
                    write!(f, ", {fds} descriptors")?;
                }
                write!(f, ", {threads} threads, {members} processes")?;
                for former in &*sample.former {
                    write!(f, "; before: {} bytes", former.rss_bytes)?;
                }
                Ok(())
            }
            Self::Render(request) => write!(f, "path `{}`, query `{}`", request.path, request.query),
            Self::Tell(told) => write!(f, "{} changes, {} missed", told.changes.len(), told.missed),
        }
    }
}
