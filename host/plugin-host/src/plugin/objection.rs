//! What speaks against the settings of a plugin: the component says it, and the schema that it carries.

use std::sync::Arc;

use provost_state::{Fault, Snapshot};

use crate::component::Admitted;
use crate::role::Role;
use crate::schema::SettingsSchema;
use crate::text::sanitize;

use super::call::Caller;
use super::purpose::Purpose;
use super::version::Refusal;

/// The longest answer of `validate-settings`, in bytes; the rest is cut. What a schema says of one setting has the same bound.
const OBJECTION_BYTES_MAX: usize = 512;

/// The longest text of all objections to the settings, in bytes. The first one is told in any case.
const OBJECTIONS_BYTES_MAX: usize = 2 << 10;

/// Returns the objections to the settings: that of the component, and what its schema says against them. A component names the setting as
/// the SDK does, or else the schema says it better: it also says the range of a number that is out of range, and has no words of Rust.
pub(super) fn objection(
    caller: Caller<'_>,
    admitted: &Admitted,
    roles: &[Role],
    schema: Option<&SettingsSchema>,
) -> Option<Refusal> {
    let own = match validate(caller, admitted, roles) {
        Some(Err(fault)) => {
            return Some(Refusal::for_now(format!("it could not check its settings: {fault}")));
        }
        Some(Ok(Err(why))) => Some(why),
        Some(Ok(Ok(()))) | None => None,
    };
    let of_schema = schema.map_or_else(Vec::new, |schema| {
        schema.mistakes(&caller.context.settings).unwrap_or_else(|error| {
            tracing::warn!(
                plugin = &**caller.context.name(),
                "the schema of its settings is ignored: {error}"
            );
            Vec::new()
        })
    });
    let all = merged(own, of_schema);
    (!all.is_empty()).then(|| Refusal::lasting(told(&all)))
}

/// Puts the objection of a component among the mistakes that its schema has found.
fn merged(own: Option<String>, mut of_schema: Vec<String>) -> Vec<String> {
    let Some(own) = own.filter(|own| !of_schema.contains(own)) else { return of_schema };
    let is_named = names_a_setting(&own);
    let named = place(&own).filter(|_| is_named);
    // One that names no setting is the one that the schema has found, and says less.
    let is_told = !is_named && !of_schema.is_empty();
    match of_schema.iter_mut().find(|mistake| named.is_some() && named == place(mistake)) {
        Some(_) if is_of_serde(&own) => {}
        Some(same) => *same = own,
        None if is_told => {}
        None => of_schema.insert(0, own),
    }
    of_schema
}

/// Returns objections as one text. Each begins with `settings: `, as far as it names a setting.
fn told(all: &[String]) -> String {
    let mut text = String::from("it refuses its settings: ");
    for (number, why) in all.iter().enumerate() {
        let why = sanitize(why, OBJECTION_BYTES_MAX);
        if number > 0 {
            if text.len() + why.len() > OBJECTIONS_BYTES_MAX {
                text.push_str(&format!("; and {} more", all.len() - number));
                break;
            }
            text.push_str("; ");
        }
        text.push_str(&why);
    }
    text
}

/// Whether an objection says, in the words of serde, that a value has another type, or a number does not fit its type.
fn is_of_serde(why: &str) -> bool {
    why.contains(": invalid value: integer `") || why.contains(": invalid type: ")
}

/// Returns the place that an objection names.
fn place(why: &str) -> Option<&str> {
    Some(why.strip_prefix("settings: ")?.split_once(": ")?.0)
}

/// Whether an objection names the setting first, as the SDK does: `settings: tries: …`, or says which one is missing.
fn names_a_setting(why: &str) -> bool {
    place(why).is_some_and(|place| !place.contains(' ')) || why.starts_with("settings: missing field `")
}

fn validate(
    caller: Caller<'_>,
    admitted: &Admitted,
    roles: &[Role],
) -> Option<Result<Result<(), String>, Fault>> {
    let pre = admitted.configured.as_ref()?;
    // Checking settings is not a role, so the limits of its first role apply.
    let role = roles.first().copied().unwrap_or(Role::RestartPolicy);
    let mut store = match caller.store(role, admitted.need) {
        Ok(store) => store,
        Err(fault) => return Some(Err(fault)),
    };
    Some(caller.run(
        &mut store,
        (role, Purpose::Trial),
        &Arc::<Snapshot>::default(),
        |store| {
            store.data().patience(role).until(async {
                let checker = pre.instantiate_async(&mut *store).await?;
                let settings = &caller.context.settings;
                checker.provost_plugin_configurable().call_validate_settings(store, settings).await
            })
        },
        Ok,
    ))
}
