//! Which fields of a case, expectations and actions belong to which role.

use provost_plugin_host::Role;

use super::error::TryError;
use super::fields::Fields;
use crate::config::choices;

/// A word, and the roles that it belongs to.
type Belongs = (&'static str, &'static [Role]);

const POLICIES: &[Role] =
    &[Role::RestartPolicy, Role::StartPolicy, Role::HealthPolicy, Role::ScalePolicy, Role::UsagePolicy];
const RESTART: &[Role] = &[Role::RestartPolicy];
const START: &[Role] = &[Role::StartPolicy];
const HEALTH: &[Role] = &[Role::HealthPolicy];
const SCALE: &[Role] = &[Role::ScalePolicy];
const USAGE: &[Role] = &[Role::UsagePolicy];
const VIEW: &[Role] = &[Role::StatusView];
const CONSUMER: &[Role] = &[Role::StatusConsumer];
const DELAYING: &[Role] = &[Role::RestartPolicy, Role::StartPolicy];
const RESTARTING: &[Role] = &[Role::RestartPolicy, Role::HealthPolicy, Role::UsagePolicy];
const MEASURED: &[Role] = &[Role::UsagePolicy, Role::StatusView];
const ACTING: &[Role] = &[
    Role::RestartPolicy,
    Role::StartPolicy,
    Role::HealthPolicy,
    Role::ScalePolicy,
    Role::UsagePolicy,
    Role::StatusConsumer,
];
const ALL: &[Role] = &Role::ALL;

/// The fields of a case.
const FIELDS: [Belongs; 28] = [
    ("group", ALL),
    ("phase", ALL),
    ("health", ALL),
    ("incarnation", ALL),
    ("exit", ALL),
    ("uptime", ALL),
    ("failures", ALL),
    ("restarts", ALL),
    ("deaths", ALL),
    ("processes", ALL),
    ("now", ALL),
    ("seed", POLICIES),
    ("was_ready", RESTART),
    ("cause", START),
    ("waited", START),
    ("passed", HEALTH),
    ("detail", HEALTH),
    ("took", HEALTH),
    ("in_a_row", HEALTH),
    ("wanted", SCALE),
    ("running", SCALE),
    ("least", SCALE),
    ("most", SCALE),
    ("usage", MEASURED),
    ("former", USAGE),
    ("path", VIEW),
    ("query", VIEW),
    ("missed", CONSUMER),
];

/// The keys of `expect`.
const EXPECTATIONS: [Belongs; 18] = [
    ("action", ACTING),
    ("delay", DELAYING),
    ("scope", RESTART),
    ("escalation", RESTART),
    ("code", RESTART),
    ("replicas", SCALE),
    ("drain", USAGE),
    ("env", START),
    ("reason", POLICIES),
    ("reason_contains", POLICIES),
    ("status", VIEW),
    ("content_type", VIEW),
    ("body", VIEW),
    ("body_contains", VIEW),
    ("log_contains", ALL),
    ("writes", ALL),
    ("error", ALL),
    ("fault", ALL),
];

/// The words of `action`.
pub(super) const ACTIONS: [Belongs; 13] = [
    ("restart", RESTARTING),
    ("stay-down", RESTART),
    ("give-up", RESTART),
    ("allow", START),
    ("wait", START),
    ("refuse", START),
    ("healthy", HEALTH),
    ("degraded", HEALTH),
    ("unhealthy", HEALTH),
    ("replicas", SCALE),
    ("keep", USAGE),
    ("taken", CONSUMER),
    ("pass", POLICIES),
];

/// Returns what is wrong with a field of a case for this role, and what to do, if it is one of other roles.
pub(super) fn foreign_field(word: &str, role: Role) -> Option<(String, String)> {
    foreign(&FIELDS, word, role, ("is a field for", "fields for"))
}

/// Returns the same of a key of `expect`.
pub(super) fn foreign_expectation(word: &str, role: Role) -> Option<(String, String)> {
    foreign(&EXPECTATIONS, word, role, ("is expected of", "keys of `expect` for"))
}

/// Returns the same of an expected action.
pub(super) fn foreign_action(word: &str, role: Role) -> Option<(String, String)> {
    foreign(&ACTIONS, word, role, ("is an action of", "actions of"))
}

fn foreign(
    table: &[Belongs],
    word: &str,
    role: Role,
    (verb, noun): (&str, &str),
) -> Option<(String, String)> {
    let (_, owners) = table.iter().find(|(known, _)| *known == word)?;
    if owners.contains(&role) {
        return None;
    }
    let owners: Vec<String> = owners.iter().map(|owner| format!("a {owner}")).collect();
    let owners = if owners.len() == POLICIES.len() { "a policy".to_owned() } else { owners.join(" or ") };
    let what = format!("`{word}` {verb} {owners}, but this is about a {role}");
    let own = table.iter().filter(|(_, owners)| owners.contains(&role)).map(|(word, _)| *word);
    let own: Vec<&str> = own.collect();
    Some((what, choices(word, &format!("{noun} a {role}"), own)))
}

/// Checks that fields are those of this role.
///
/// # Errors
/// [`TryError::Case`] with the first that is not.
pub(crate) fn check_fields(fields: &Fields, role: Role) -> Result<(), TryError> {
    let given = fields.of_some_roles().into_iter().filter(|(_, is_given)| *is_given);
    match given.map(|(field, _)| field).find_map(|field| foreign_field(field, role)) {
        Some((what, hint)) => Err(TryError::case(what, hint)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_another_role_is_told_with_the_nearest_one_of_this_role() {
        let told = |found: Option<(String, String)>| found.map(|(what, hint)| format!("{what}: {hint}"));
        assert_eq!(told(foreign_field("failures", Role::ScalePolicy)), None);
        assert_eq!(told(foreign_action("pass", Role::UsagePolicy)), None);
        let field = told(foreign_field("wanted", Role::StartPolicy)).unwrap();
        assert!(
            field.starts_with(
                "`wanted` is a field for a scale-policy, but this is about a start-policy: did you mean `waited`? fields for a start-policy: "
            ),
            "{field}"
        );
        assert_eq!(
            told(foreign_action("allow", Role::UsagePolicy)).unwrap(),
            "`allow` is an action of a start-policy, but this is about a usage-policy: actions of a usage-policy: `restart`, `keep`, `pass`"
        );
        let reason = told(foreign_expectation("reason", Role::StatusView)).unwrap();
        assert!(
            reason.starts_with("`reason` is expected of a policy, but this is about a status-view: "),
            "{reason}"
        );
    }

    #[test]
    fn every_field_of_some_roles_is_in_the_table() {
        let of_some_roles = Fields::default().of_some_roles();
        for (name, _) in of_some_roles {
            let (_, owners) = FIELDS.iter().find(|(known, _)| *known == name).unwrap();
            assert!(owners.len() < ALL.len(), "{name}");
        }
        assert_eq!(FIELDS.iter().filter(|(_, owners)| owners.len() < ALL.len()).count(), of_some_roles.len());
    }
}
