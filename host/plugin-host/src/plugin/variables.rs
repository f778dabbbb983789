//! The variables that a start policy sets: those that the operator has granted stay in its answer; the others are
//! dropped and named in the reason, so that the state of the process shows them. Nothing uses an answer before that.

use provost_state::{Decision, StartAction};

use crate::limits::grants::Grants;
use crate::text::sanitize;

/// The number of names that a message shows; the others are counted.
const SHOWN: usize = 8;

/// The longest name that a message shows in full, in bytes.
const NAME_BYTES_MAX: usize = 64;

/// Removes the variables that are not granted from an answer, and returns their names.
pub(crate) fn granted(
    answer: Decision<StartAction>,
    grants: &Grants,
) -> (Decision<StartAction>, Vec<String>) {
    let Decision { action: Some(StartAction::Allow { env }), reason, .. } = answer else {
        return (answer, Vec::new());
    };
    let (kept, dropped): (Vec<_>, Vec<_>) = env.into_iter().partition(|(name, _)| grants.set(name));
    let dropped: Vec<String> = dropped.into_iter().map(|(name, _)| name).collect();
    let action = StartAction::Allow { env: kept };
    if dropped.is_empty() {
        return (Decision::new(action, reason), dropped);
    }
    let reason = format!("{reason}; not set, because set-env does not grant it: {}", listed(&dropped));
    (Decision::new(action, reason), dropped)
}

/// Lists these names for a message.
pub(crate) fn listed(names: &[String]) -> String {
    let (shown, others) = names.split_at(names.len().min(SHOWN));
    let shown: Vec<String> = shown.iter().map(|name| sanitize(name, NAME_BYTES_MAX)).collect();
    let shown = shown.join(", ");
    if others.is_empty() { shown } else { format!("{shown} and {} others", others.len()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allow(names: &[&str]) -> Decision<StartAction> {
        let env = names.iter().map(|name| ((*name).to_owned(), "value".to_owned())).collect();
        Decision::new(StartAction::Allow { env }, "its turn")
    }

    #[test]
    fn what_is_not_granted_is_dropped_and_named_and_the_rest_is_kept() {
        let grants = Grants::parse(&["set-env:MODE", "set-env:APP_*"]).unwrap();
        let (answer, dropped) = granted(allow(&["MODE", "NODE_OPTIONS", "APP_A", "LD_PRELOAD"]), &grants);
        assert_eq!(dropped, ["NODE_OPTIONS", "LD_PRELOAD"]);
        let Some(StartAction::Allow { env }) = answer.action else { unreachable!("it was allowed") };
        assert_eq!(env.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["MODE", "APP_A"]);
        assert_eq!(
            &*answer.reason,
            "its turn; not set, because set-env does not grant it: NODE_OPTIONS, LD_PRELOAD"
        );
        let (answer, dropped) = granted(allow(&["MODE"]), &grants);
        assert_eq!((&*answer.reason, dropped.len()), ("its turn", 0));
    }

    #[test]
    fn a_flood_of_names_is_counted_and_cannot_steer_a_terminal() {
        let names = vec!["\u{1b}[2J".repeat(100); 1_000];
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (answer, dropped) = granted(allow(&names), &Grants::default());
        assert_eq!(dropped.len(), 1_000);
        assert!(answer.reason.ends_with("and 992 others") && answer.reason.len() < 700, "{}", answer.reason);
        assert!(!answer.reason.contains('\u{1b}'));
    }
}
