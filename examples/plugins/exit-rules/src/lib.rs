//! A restart policy in which the program itself says what should follow, by its exit code. The first rule that matches decides; an end
//! without a rule is for the next policy in the chain.

use provost_guest::{Decision, Ended, Exit, RestartPolicy, Signal, Span, World};
use serde::Deserialize;

/// The policy and its settings.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ExitRules {
    /// The rules, in the order in which they are tried.
    pub rules: Vec<Rule>,
}

/// What follows some ends.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The exit codes that it is about.
    #[serde(default)]
    pub codes: Vec<i32>,
    /// The signals that it is about, such as "SIGSEGV".
    #[serde(default)]
    pub signals: Vec<Signal>,
    /// What to do.
    pub then: Then,
    /// The delay of a restart.
    #[serde(default)]
    pub after: Option<Span>,
}

/// What to do.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Then {
    /// Start it again.
    Restart,
    /// Leave it down.
    StayDown,
    /// Give it up until somebody starts it.
    GiveUp,
}

impl RestartPolicy for ExitRules {
    fn check(&self) -> Result<(), String> {
        for (number, rule) in (1..).zip(&self.rules) {
            if rule.codes.is_empty() && rule.signals.is_empty() {
                return Err(format!("rule {number} is about nothing: set `codes` or `signals`"));
            }
            if rule.after.is_some() && rule.then != Then::Restart {
                return Err(format!("rule {number} has `after`, but only a restart has a delay"));
            }
        }
        Ok(())
    }

    fn on_exit(&self, ended: &Ended, _world: &dyn World) -> Decision {
        let Some((number, rule)) = (1..).zip(&self.rules).find(|(_, rule)| rule.matches(&ended.exit)) else {
            return Decision::pass(format!("no rule for {}", ended.exit));
        };
        let reason = format!("rule {number}: {}", ended.exit);
        match rule.then {
            Then::Restart => Decision::restart_after(rule.after.unwrap_or(Span::from_ms(0)), reason),
            Then::StayDown => Decision::stay_down(reason),
            Then::GiveUp => Decision::give_up(reason),
        }
    }
}

provost_guest::export!(ExitRules: RestartPolicy);
provost_guest::settings_schema!(ExitRules);

impl Rule {
    fn matches(&self, exit: &Exit) -> bool {
        match exit {
            Exit::Code(code) => self.codes.contains(code),
            Exit::Signal(number) => self.signals.iter().any(|signal| signal.number() == *number),
            _ => false,
        }
    }
}
