//! The triggers and actions of decisions.

use std::borrow::Cow;

use provost_state::{
    Demand, Ended, HealthAction, Incarnation, JudgedAction, Observation, Plan, Sample, StartAction, Trigger,
    Usage, UsageAction,
};
use serde::{Deserialize, Serialize};

use super::state::{ExitV1, MomentV1, RulingActionV1};
use super::words::{CauseV1, HealthV1};

/// What all triggers have.
#[derive(Serialize, Deserialize)]
struct AboutV1<'a> {
    name: &'a str,
    group: &'a str,
    now: MomentV1,
    seed: u64,
}

#[derive(Serialize, Deserialize)]
enum WhatV1<'a> {
    Exit {
        incarnation: u64,
        #[serde(borrow)]
        exit: ExitV1<'a>,
        uptime_ms: u64,
        was_ready: bool,
        failures: u32,
        restarts: u64,
    },
    Start {
        incarnation: u64,
        cause: CauseV1,
        waited_ms: u64,
        failures: u32,
    },
    Probe {
        incarnation: u64,
        passed: bool,
        detail: &'a str,
        took_ms: u64,
        in_a_row: u32,
        before: HealthV1,
        uptime_ms: u64,
    },
    Scale {
        wanted: u32,
        running: u32,
        least: u32,
        most: u32,
    },
    Usage {
        incarnation: u64,
        usage: UsageV1,
        /// Newest first.
        former: Vec<UsageV1>,
        uptime_ms: u64,
    },
}

#[derive(Serialize, Deserialize)]
pub(super) struct TriggerV1<'a> {
    #[serde(borrow)]
    about: AboutV1<'a>,
    #[serde(borrow)]
    what: WhatV1<'a>,
}

impl<'a> TriggerV1<'a> {
    pub(super) fn of(trigger: &'a Trigger) -> Self {
        let (now, seed, what) = match trigger {
            Trigger::Exit(Ended {
                incarnation,
                exit,
                uptime_ms,
                was_ready,
                failures,
                restarts,
                now,
                seed,
                ..
            }) => {
                let what = WhatV1::Exit {
                    incarnation: incarnation.0,
                    exit: ExitV1::of(exit),
                    uptime_ms: *uptime_ms,
                    was_ready: *was_ready,
                    failures: *failures,
                    restarts: *restarts,
                };
                (*now, *seed, what)
            }
            Trigger::Start(Plan { incarnation, cause, waited_ms, failures, now, seed, .. }) => {
                let what = WhatV1::Start {
                    incarnation: incarnation.0,
                    cause: (*cause).into(),
                    waited_ms: *waited_ms,
                    failures: *failures,
                };
                (*now, *seed, what)
            }
            Trigger::Probe(seen) => (seen.now, seen.seed, WhatV1::probe(seen)),
            Trigger::Scale(Demand { wanted, running, least, most, now, seed, .. }) => {
                let what = WhatV1::Scale { wanted: *wanted, running: *running, least: *least, most: *most };
                (*now, *seed, what)
            }
            Trigger::Usage(Sample { incarnation, usage, former, uptime_ms, now, seed, .. }) => {
                let what = WhatV1::Usage {
                    incarnation: incarnation.0,
                    usage: (*usage).into(),
                    former: former.iter().copied().map(Into::into).collect(),
                    uptime_ms: *uptime_ms,
                };
                (*now, *seed, what)
            }
        };
        Self { about: AboutV1 { name: trigger.name(), group: trigger.group(), now: now.into(), seed }, what }
    }

    pub(super) fn into_trigger(self) -> Trigger {
        let Self { about: AboutV1 { name, group, now, seed }, what } = self;
        let (name, group, now) = (name.into(), group.into(), now.into());
        match what {
            WhatV1::Exit { incarnation, exit, uptime_ms, was_ready, failures, restarts } => {
                let (incarnation, exit) = (Incarnation(incarnation), exit.into_exit());
                Trigger::Exit(Ended {
                    name,
                    group,
                    incarnation,
                    exit,
                    uptime_ms,
                    was_ready,
                    failures,
                    restarts,
                    now,
                    seed,
                })
            }
            WhatV1::Start { incarnation, cause, waited_ms, failures } => {
                let (incarnation, cause) = (Incarnation(incarnation), cause.into());
                Trigger::Start(Plan { name, group, incarnation, cause, waited_ms, failures, now, seed })
            }
            WhatV1::Probe { incarnation, passed, detail, took_ms, in_a_row, before, uptime_ms } => {
                let (incarnation, detail, before) = (Incarnation(incarnation), detail.into(), before.into());
                Trigger::Probe(Observation {
                    name,
                    group,
                    incarnation,
                    passed,
                    detail,
                    took_ms,
                    in_a_row,
                    before,
                    uptime_ms,
                    now,
                    seed,
                })
            }
            WhatV1::Scale { wanted, running, least, most } => {
                Trigger::Scale(Demand { name, group, wanted, running, least, most, now, seed })
            }
            WhatV1::Usage { incarnation, usage, former, uptime_ms } => {
                let former = former.into_iter().map(Into::into).collect();
                let (incarnation, usage) = (Incarnation(incarnation), usage.into());
                Trigger::Usage(Sample { name, group, incarnation, usage, former, uptime_ms, now, seed })
            }
        }
    }
}

impl<'a> WhatV1<'a> {
    fn probe(seen: &'a Observation) -> Self {
        Self::Probe {
            incarnation: seen.incarnation.0,
            passed: seen.passed,
            detail: &seen.detail,
            took_ms: seen.took_ms,
            in_a_row: seen.in_a_row,
            before: seen.before.into(),
            uptime_ms: seen.uptime_ms,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct UsageV1 {
    at: MomentV1,
    cpu_ms: u64,
    cpu_millis: u32,
    rss_bytes: u64,
    pss_bytes: Option<u64>,
    fds: Option<u32>,
    threads: u32,
    members: u32,
}

impl From<Usage> for UsageV1 {
    fn from(from: Usage) -> Self {
        let Usage { at, cpu_ms, cpu_millis, rss_bytes, pss_bytes, fds, threads, members } = from;
        Self { at: at.into(), cpu_ms, cpu_millis, rss_bytes, pss_bytes, fds, threads, members }
    }
}

impl From<UsageV1> for Usage {
    fn from(from: UsageV1) -> Self {
        let UsageV1 { at, cpu_ms, cpu_millis, rss_bytes, pss_bytes, fds, threads, members } = from;
        Self { at: at.into(), cpu_ms, cpu_millis, rss_bytes, pss_bytes, fds, threads, members }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) enum ActionV1<'a> {
    Exit(RulingActionV1),
    Allow {
        #[serde(borrow)]
        env: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    },
    Wait {
        delay_ms: u64,
    },
    Refuse,
    Hold(HealthV1),
    RestartUnhealthy,
    Scale(u32),
    Keep,
    RestartForUsage {
        drain_ms: Option<u64>,
    },
}

impl<'a> ActionV1<'a> {
    pub(super) fn of(from: &'a JudgedAction) -> Self {
        match from {
            JudgedAction::Exit(action) => Self::Exit((*action).into()),
            JudgedAction::Start(StartAction::Allow { env }) => {
                let env = env.iter().map(|(name, value)| (name.into(), value.into()));
                Self::Allow { env: env.collect() }
            }
            JudgedAction::Start(StartAction::Wait { delay_ms }) => Self::Wait { delay_ms: *delay_ms },
            JudgedAction::Start(StartAction::Refuse) => Self::Refuse,
            JudgedAction::Probe(HealthAction::Hold(health)) => Self::Hold((*health).into()),
            JudgedAction::Probe(HealthAction::Restart) => Self::RestartUnhealthy,
            JudgedAction::Scale(count) => Self::Scale(*count),
            JudgedAction::Usage(UsageAction::Keep) => Self::Keep,
            JudgedAction::Usage(UsageAction::Restart { drain_ms }) => {
                Self::RestartForUsage { drain_ms: *drain_ms }
            }
        }
    }

    pub(super) fn into_action(self) -> JudgedAction {
        match self {
            Self::Exit(action) => JudgedAction::Exit(action.into()),
            Self::Allow { env } => {
                let env = env.into_iter().map(|(name, value)| (name.into_owned(), value.into_owned()));
                JudgedAction::Start(StartAction::Allow { env: env.collect() })
            }
            Self::Wait { delay_ms } => JudgedAction::Start(StartAction::Wait { delay_ms }),
            Self::Refuse => JudgedAction::Start(StartAction::Refuse),
            Self::Hold(health) => JudgedAction::Probe(HealthAction::Hold(health.into())),
            Self::RestartUnhealthy => JudgedAction::Probe(HealthAction::Restart),
            Self::Scale(count) => JudgedAction::Scale(count),
            Self::Keep => JudgedAction::Usage(UsageAction::Keep),
            Self::RestartForUsage { drain_ms } => JudgedAction::Usage(UsageAction::Restart { drain_ms }),
        }
    }
}
