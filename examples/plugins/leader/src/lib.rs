//! A restart policy for a group with a leader: if the leader has failed, all of its group starts anew; if a follower has failed, only that one
//! does, as long as the leader is there to take it back.

use provost_guest::{Decision, Ended, RestartPolicy, Scope, Span, World};
use serde::Deserialize;

/// The policy and its settings.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Leader {
    /// The name of the leader.
    pub leader: String,
    /// The delay before a restart; that of the n-th failure in a row is n times as long.
    #[serde(default = "half_a_second")]
    pub delay: Span,
    /// The number of failures in a row after which all of the group is given up.
    #[serde(default = "five")]
    pub tries: u32,
}

fn half_a_second() -> Span {
    Span::from_ms(500)
}

fn five() -> u32 {
    5
}

impl RestartPolicy for Leader {
    fn on_exit(&self, ended: &Ended, world: &dyn World) -> Decision {
        if ended.group.is_empty() {
            return Decision::pass(format!("{} is in no group", ended.name));
        }
        let leads = ended.name == self.leader;
        if ended.failures > self.tries {
            let reason = format!("{} failures in a row", ended.failures);
            let escalation = match leads {
                true => provost_guest::Escalation::GiveUpGroup,
                false => provost_guest::Escalation::Nothing,
            };
            return Decision::give_up(reason).and_then(escalation);
        }
        let delay_ms = self.delay.ms() * u64::from(ended.failures.max(1));
        if leads {
            return Decision::restart(delay_ms, "the leader has ended: all of its group begins anew")
                .of_scope(Scope::Group);
        }
        match world.get(&self.leader).filter(|leader| leader.group == ended.group) {
            Some(leader) if leader.ready => {
                Decision::restart(delay_ms, format!("{} takes it back", self.leader))
            }
            Some(leader) => Decision::restart(delay_ms, format!("{} is {}", self.leader, leader.phase)),
            None => Decision::pass(format!("group {} has no {}", ended.group, self.leader)),
        }
    }
}

provost_guest::export!(Leader: RestartPolicy);
provost_guest::settings_schema!(Leader);
