//! Restarts as OTP's supervisors do: three kinds of children, three strategies, and a restart intensity for the whole
//! group, beyond which the failure escalates.
//!
//! If the members of a group are restarted more than `intensity` times within `period` seconds, the group is given up,
//! as a supervisor terminates all of its children and itself; `escalate` can choose something else.

use provost_guest::{Decision, Ended, Escalation, Exit, RestartPolicy, Scope, World, rules};
use serde::Deserialize;

/// The settings: the flags of a supervisor, and the kind of its children.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Otp {
    /// When a child is restarted.
    pub restart: Restart,
    /// Which processes are restarted with it.
    pub strategy: Strategy,
    /// The number of restarts that are tolerated within the period.
    pub intensity: u32,
    /// The period, in seconds.
    pub period: u64,
    /// What happens beyond the intensity.
    pub escalate: Escalate,
}

/// When a child is restarted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "snake_case")]
pub enum Restart {
    /// Always.
    Permanent,
    /// Unless it ended with exit code 0.
    Transient,
    /// Never.
    Temporary,
}

/// Which processes are restarted when a child has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// Only the child.
    OneForOne,
    /// The whole group.
    OneForAll,
    /// The child, and the members of its group that come after it.
    RestForOne,
}

/// What happens when there have been too many restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "snake_case")]
pub enum Escalate {
    /// The whole group is given up.
    Group,
    /// The child is given up, and its dependents are stopped.
    Dependents,
    /// The child is given up.
    Nothing,
    /// The host stops all processes and exits with this code.
    ShutDown(u8),
}

impl Default for Otp {
    fn default() -> Self {
        Self {
            restart: Restart::Permanent,
            strategy: Strategy::OneForOne,
            intensity: 1,
            period: 5,
            escalate: Escalate::Group,
        }
    }
}

impl RestartPolicy for Otp {
    fn check(&self) -> Result<(), String> {
        if self.period == 0 {
            return Err("period: it must be at least 1 second".to_owned());
        }
        Ok(())
    }

    fn on_exit(&self, ended: &Ended, world: &dyn World) -> Decision {
        let exit = &ended.exit;
        if !self.restarts(exit) {
            return Decision::stay_down(format!("{exit}: {} child", self.kind()));
        }
        let members: Vec<String> = match ended.group.as_str() {
            "" => vec![ended.name.clone()],
            group => world.group(group).into_iter().map(|member| member.name).collect(),
        };
        let deaths = rules::deaths_within(world, &members, self.period.saturating_mul(1_000), ended.now);
        let restarts = deaths.iter().filter(|death| self.restarts(&death.exit)).count();
        let (intensity, period) = (self.intensity, self.period);
        let figures = format!("{restarts} restarts in {period} s, {intensity} tolerated");
        if restarts > intensity as usize {
            let escalation = match self.escalate {
                Escalate::Group => Escalation::GiveUpGroup,
                Escalate::Dependents => Escalation::StopDependents,
                Escalate::Nothing => Escalation::Nothing,
                Escalate::ShutDown(code) => Escalation::ShutDown(code),
            };
            return Decision::give_up(format!("{exit}: {figures}")).and_then(escalation);
        }
        let scope = match self.strategy {
            Strategy::OneForOne => Scope::Itself,
            Strategy::OneForAll => Scope::Group,
            Strategy::RestForOne => Scope::Rest,
        };
        Decision::restart(0, format!("{exit}: {figures}")).of_scope(scope)
    }
}

impl Otp {
    fn restarts(&self, exit: &Exit) -> bool {
        match self.restart {
            Restart::Permanent => true,
            Restart::Transient => *exit != Exit::Code(0),
            Restart::Temporary => false,
        }
    }

    fn kind(&self) -> &'static str {
        match self.restart {
            Restart::Permanent => "a permanent",
            Restart::Transient => "a transient",
            Restart::Temporary => "a temporary",
        }
    }
}

provost_guest::export!(Otp: RestartPolicy);
provost_guest::settings_schema!(Otp);
