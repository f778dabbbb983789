//! Describes a decision in words.

use provost_api::{Action, Decision, Escalation, Scope};

use super::humane::delay;

/// The tense in which an action is described.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tense {
    /// `stay down`, `give up`.
    ToDo,
    /// `stays down`, `given up`.
    Done,
}

/// Describes the action: `restart with its whole group in 1.5s`.
pub(crate) fn action(decision: &Decision, tense: Tense) -> String {
    let with = match decision.scope {
        Some(Scope::Group) => " with its whole group",
        Some(Scope::Rest) => " with the rest of its group",
        Some(Scope::Itself | Scope::Other(_)) | None => "",
    };
    let and = match decision.escalation {
        Some(Escalation::StopDependents) => " and stop its dependents",
        Some(Escalation::GiveUpGroup) => " with its whole group",
        Some(Escalation::ShutDown) => " and shut the host down",
        Some(Escalation::Nothing | Escalation::Other(_)) | None => "",
    };
    match (&decision.action, decision.delay_ms, tense) {
        (Action::Restart, Some(0) | None, _) => format!("restart{with} now"),
        (Action::Restart, Some(ms), _) => format!("restart{with} in {}", delay(ms)),
        (Action::StayDown, _, Tense::ToDo) => "stay down".to_owned(),
        (Action::StayDown, _, Tense::Done) => "stays down".to_owned(),
        (Action::GiveUp, _, Tense::ToDo) => format!("give up{and}"),
        (Action::GiveUp, _, Tense::Done) => format!("given up{and}"),
        (Action::Other(word), ..) => word.to_string(),
    }
}

/// Describes the action, the policy that decided it, and the reason.
pub(crate) fn said(decision: &Decision) -> String {
    let action = action(decision, Tense::ToDo);
    says(&action, &decision.by, &decision.reason, decision.overruled.as_deref())
}

/// Describes an action that is in words already, the policy that decided it, and the reason.
pub(crate) fn says(action: &str, by: &str, reason: &str, overruled: Option<&str>) -> String {
    let overruled = overruled.map(|why| format!(" ({why})")).unwrap_or_default();
    format!("{action}, says {by}: {reason}{overruled}")
}
