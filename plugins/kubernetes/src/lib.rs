//! Restarts as the kubelet does: the crash-loop back-off, ordered rules by exit code, and liveness.
//!
//! The first restart is immediate; the next ones wait 10 s, 20 s, 40 s, … up to 300 s. A container that has run for ten
//! minutes starts over. `restart_policy_rules` are tried in order, and the first one that matches decides; if none
//! does, `restart_policy` decides.

use provost_guest::{
    Decision, Ended, Exit, Health, HealthDecision, HealthPolicy, Observation, RestartPolicy, Span, World,
    rules,
};
use serde::Deserialize;

/// The settings of a container that are about restarts, in snake case.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Kubernetes {
    /// The restart policy: `restartPolicy`.
    pub restart_policy: Policy,
    /// The rules by exit code, in order: `restartPolicyRules`.
    pub restart_policy_rules: Vec<Rule>,
    /// The delay before the second restart in a row.
    pub backoff: Span,
    /// The longest delay (`maxContainerRestartPeriod`).
    pub max_backoff: Span,
    /// The uptime that resets the back-off.
    pub reset_after: Span,
    /// The number of consecutive failures that restart it: `livenessProbe.failureThreshold`.
    pub failure_threshold: u32,
    /// The number of consecutive successes that make it healthy: `livenessProbe.successThreshold`.
    pub success_threshold: u32,
}

/// The values of `restartPolicy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
pub enum Policy {
    /// Restarts after every end.
    Always,
    /// Restarts after every end but exit code 0.
    OnFailure,
    /// Never restarts.
    Never,
}

/// One of `restartPolicyRules`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The action if the rule matches.
    pub action: RuleAction,
    /// The exit codes that the rule matches.
    pub exit_codes: ExitCodes,
}

/// The action of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
pub enum RuleAction {
    /// Restarts, whatever `restart_policy` says.
    Restart,
}

/// The condition of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
#[serde(deny_unknown_fields)]
pub struct ExitCodes {
    /// Whether the exit code has to be in the values, or not in them.
    pub operator: Operator,
    /// The exit codes; 128 plus the number for a signal.
    pub values: Vec<i32>,
}

/// How a rule compares the exit code with its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
#[expect(missing_docs, reason = "Kubernetes' words")]
pub enum Operator {
    In,
    NotIn,
}

impl Default for Kubernetes {
    fn default() -> Self {
        Self {
            restart_policy: Policy::Always,
            restart_policy_rules: Vec::new(),
            backoff: Span::from_ms(10_000),
            max_backoff: Span::from_ms(300_000),
            reset_after: Span::from_ms(600_000),
            failure_threshold: 3,
            success_threshold: 1,
        }
    }
}

impl Kubernetes {
    fn checked(&self) -> Result<(), String> {
        if self.failure_threshold == 0 || self.success_threshold == 0 {
            return Err("failure_threshold, success_threshold: both must be at least 1".to_owned());
        }
        if self.backoff > self.max_backoff {
            return Err(format!("backoff: it must not be longer than max_backoff ({})", self.max_backoff));
        }
        Ok(())
    }

    /// Returns why the process is restarted, or why not as the error.
    fn restarts(&self, exit: &Exit) -> Result<String, String> {
        let code = rules::exit_code(exit);
        let matches = |rule: &Rule| {
            let within = code.is_some_and(|code| rule.exit_codes.values.contains(&code));
            within == (rule.exit_codes.operator == Operator::In)
        };
        if let Some(at) = self.restart_policy_rules.iter().position(matches) {
            let RuleAction::Restart = self.restart_policy_rules[at].action;
            return Ok(format!("rule {} of restart_policy_rules", at + 1));
        }
        let failed = *exit != Exit::Code(0);
        match self.restart_policy {
            Policy::Always => Ok("restart_policy Always".to_owned()),
            Policy::OnFailure if failed => Ok("restart_policy OnFailure".to_owned()),
            Policy::OnFailure => Err("it has succeeded (restart_policy OnFailure)".to_owned()),
            Policy::Never => Err("restart_policy Never".to_owned()),
        }
    }

    /// Returns the delay before the `nth` consecutive restart, from 1.
    fn delay(&self, nth: u32) -> Span {
        if nth <= 1 {
            return Span::from_ms(0);
        }
        let doubled = 2_u64.saturating_pow(nth - 2).saturating_mul(self.backoff.ms());
        Span::from_ms(doubled.min(self.max_backoff.ms()))
    }
}

impl RestartPolicy for Kubernetes {
    fn check(&self) -> Result<(), String> {
        self.checked()
    }

    fn on_exit(&self, ended: &Ended, world: &dyn World) -> Decision {
        let exit = &ended.exit;
        match self.restarts(exit) {
            Err(why) => Decision::stay_down(format!("{exit}: {why}")),
            Ok(why) => {
                let deaths = world.deaths(&ended.name, rules::DEATHS_REMEMBERED);
                // A death after a long uptime does not count: it ends the previous streak.
                let short = deaths.iter().take_while(|death| death.uptime < self.reset_after.ms()).count();
                let nth = u32::try_from(short).unwrap_or(u32::MAX).max(1);
                let delay = self.delay(nth);
                Decision::restart_after(delay, format!("{exit}: restart {nth} in a row, in {delay} ({why})"))
            }
        }
    }
}

impl HealthPolicy for Kubernetes {
    fn on_probe(&self, seen: &Observation, _world: &dyn World) -> HealthDecision {
        let (threshold, word) = if seen.passed {
            (self.success_threshold, "successes")
        } else {
            (self.failure_threshold, "failures")
        };
        let reason = format!("{}: {} of {threshold} {word} in a row", seen.detail, seen.in_a_row);
        match (seen.passed, seen.in_a_row >= threshold) {
            (true, true) => HealthDecision::healthy(reason),
            (false, true) => HealthDecision::restart(reason),
            (_, false) => match seen.before {
                Health::Healthy => HealthDecision::healthy(reason),
                Health::Degraded => HealthDecision::degraded(reason),
                Health::Unhealthy | Health::Unknown => HealthDecision::unhealthy(reason),
            },
        }
    }
}

provost_guest::export!(Kubernetes: RestartPolicy, HealthPolicy);
provost_guest::settings_schema!(Kubernetes);
