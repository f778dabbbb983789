//! Renders a process.

use provost_state::ProcessState;
use serde::Serialize;

use super::fragment::{Fragment, Key, Object};
use crate::convert::{self, Stamp};

/// A check that fails, with the fields of [`Failing`](provost_api::Failing).
#[derive(Serialize)]
struct Failing<'a> {
    why: &'a str,
    since: Stamp,
}

/// Renders a process with the fields of [`Process`](provost_api::Process); `wall` corrects its times if the clock has been set.
pub(super) fn render(state: &ProcessState, key: Key) -> Fragment {
    let Key { wall, .. } = key;
    let time = |moment| convert::time_at(moment, wall);
    let group = &**state.group();
    let failing = state.failing.as_deref().map(|it| Failing { why: &it.why, since: time(it.since) });
    let mut object = Object::new();
    object
        .field(&**state.name())
        .field(convert::process_type(&state.identity.process_type).as_str())
        .field(&(!group.is_empty()).then_some(group))
        .field(convert::phase(state.phase.kind()).as_str())
        .field(convert::desired(state.desired).as_str())
        .field(&state.pid())
        .field(&state.incarnation.0)
        .field(&state.version.0)
        .field(&state.generation.0)
        .field(&state.restarts)
        .field(&state.failures)
        .field(&state.ready())
        .field(convert::health(state.health).as_str())
        .field(&failing)
        .field(&state.exit.as_ref().map(convert::exit))
        .field(convert::cause(state.cause).as_str())
        .field(&*state.reason)
        .field(&state.started_at.map(time))
        .field(&state.ended_at.map(time))
        .field(&state.next_action_at().map(time))
        .field(&state.decision.as_deref().map(convert::decision));
    object.end(key)
}
