//! Exits, roles and other words as people write them.

use provost_plugin_host::Role;
use provost_state::{Cause, Escalation, Exit, FaultKind, Health, PhaseKind, Scope, Signal};

/// How to write an exit.
pub(super) const EXIT_HINT: &str = "write an exit code such as 7, a signal such as SIGKILL, not-ready, not-spawned or unobserved; \
                                    not-ready and not-spawned may be followed by a text: not-ready:no answer";

/// Parses an exit: `7`, `SIGKILL`, `not-ready:WHY`, `not-spawned:WHY` or `unobserved`.
pub(crate) fn exit(text: &str) -> Result<Exit, String> {
    if let Ok(code) = text.parse() {
        return Ok(Exit::Code(code));
    }
    let (word, why) = text.split_once(':').unwrap_or((text, "made up"));
    match word {
        "not-ready" => Ok(Exit::NotReady(why.into())),
        "not-spawned" => Ok(Exit::NotSpawned(why.into())),
        "unobserved" if word == text => Ok(Exit::Unobserved),
        _ => match text.parse::<Signal>() {
            Ok(signal) => Ok(Exit::Signal(signal.number())),
            Err(_) => Err(format!("`{text}` is not an exit: {EXIT_HINT}")),
        },
    }
}

/// Parses the name of a role; the end of it (`-policy`, `status-`) may be left out.
pub(crate) fn role(text: &str) -> Result<Role, String> {
    let short =
        |role: &Role| role.as_str().trim_end_matches("-policy").trim_start_matches("status-").to_owned();
    let found = Role::ALL.into_iter().find(|role| role.as_str() == text || short(role) == text);
    let names = Role::ALL.map(Role::as_str).join(", ");
    found.ok_or_else(|| format!("there is no role `{text}`; the roles are {names}"))
}

/// All roles by all of their names.
pub(super) const ROLES: [(&str, Role); 14] = [
    ("restart-policy", Role::RestartPolicy),
    ("start-policy", Role::StartPolicy),
    ("health-policy", Role::HealthPolicy),
    ("scale-policy", Role::ScalePolicy),
    ("usage-policy", Role::UsagePolicy),
    ("status-view", Role::StatusView),
    ("status-consumer", Role::StatusConsumer),
    ("restart", Role::RestartPolicy),
    ("start", Role::StartPolicy),
    ("health", Role::HealthPolicy),
    ("scale", Role::ScalePolicy),
    ("usage", Role::UsagePolicy),
    ("view", Role::StatusView),
    ("consumer", Role::StatusConsumer),
];

/// All causes by name.
pub(super) const CAUSES: [(&str, Cause); 12] = [
    ("boot", Cause::Boot),
    ("user", Cause::User),
    ("api", Cause::Api),
    ("policy", Cause::Policy),
    ("crash", Cause::Crash),
    ("dependency", Cause::Dependency),
    ("health", Cause::Health),
    ("schedule", Cause::Schedule),
    ("watch", Cause::Watch),
    ("reload", Cause::Reload),
    ("oom", Cause::Oom),
    ("shutdown", Cause::Shutdown),
];

/// All results of health checks by name.
pub(super) const HEALTHS: [(&str, Health); 4] = [
    ("unknown", Health::Unknown),
    ("healthy", Health::Healthy),
    ("degraded", Health::Degraded),
    ("unhealthy", Health::Unhealthy),
];

/// All scopes of a restart by name.
pub(super) const SCOPES: [(&str, Scope); 3] =
    [("itself", Scope::Itself), ("group", Scope::Group), ("rest", Scope::Rest)];

/// All escalations by name. The exit code of a shutdown is said apart.
pub(super) const ESCALATIONS: [(&str, Escalation); 4] = [
    ("nothing", Escalation::Nothing),
    ("stop-dependents", Escalation::StopDependents),
    ("give-up-group", Escalation::GiveUpGroup),
    ("shut-down", Escalation::ShutDown { code: 0 }),
];

/// The kinds of faults of a call without a host, by name.
pub(super) const FAULTS: [(&str, FaultKind); 6] = [
    ("refused", FaultKind::Refused),
    ("trap", FaultKind::Trap),
    ("deadline", FaultKind::Deadline),
    ("memory", FaultKind::Memory),
    ("fuel", FaultKind::Fuel),
    ("answer", FaultKind::Answer),
];

/// All phases by name.
pub(super) const PHASES: [(&str, PhaseKind); 8] = [
    ("stopped", PhaseKind::Stopped),
    ("waiting", PhaseKind::Waiting),
    ("starting", PhaseKind::Starting),
    ("running", PhaseKind::Running),
    ("stopping", PhaseKind::Stopping),
    ("backoff", PhaseKind::Backoff),
    ("exited", PhaseKind::Exited),
    ("fatal", PhaseKind::Fatal),
];

/// Returns the meaning of a word.
pub(super) fn meaning<T: Copy>(words: &[(&str, T)], word: &str) -> Option<T> {
    words.iter().find(|(known, _)| *known == word).map(|(_, meaning)| *meaning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_is_a_code_a_signal_or_one_of_three_words() {
        assert_eq!(exit("7"), Ok(Exit::Code(7)));
        assert_eq!(exit("SIGKILL"), Ok(Exit::Signal(9)));
        assert_eq!(exit("term"), Ok(Exit::Signal(15)));
        assert_eq!(exit("not-ready:no: answer"), Ok(Exit::NotReady("no: answer".into())));
        assert_eq!(exit("not-spawned"), Ok(Exit::NotSpawned("made up".into())));
        assert_eq!(exit("unobserved"), Ok(Exit::Unobserved));
        for wrong in ["", "crash", "7.5", "unobserved:x", "SIGNOPE"] {
            assert!(exit(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_role_is_named_in_full_or_in_short_and_every_word_of_the_state_has_its_meaning() {
        for (name, meant) in ROLES {
            assert_eq!(role(name), Ok(meant));
        }
        assert!(role("policy").unwrap_err().contains("the roles are restart-policy, start-policy"));
        assert!(CAUSES.iter().all(|(word, cause)| cause.as_str() == *word));
        assert!(HEALTHS.iter().all(|(word, health)| health.as_str() == *word));
        assert!(PHASES.iter().all(|(word, phase)| phase.as_str() == *word));
        assert!(FAULTS.iter().all(|(word, kind)| kind.as_str() == *word));
        assert_eq!(PHASES.len(), PhaseKind::ALL.len());
    }
}
