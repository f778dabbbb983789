//! The figures of the state core.

use provost_api::StateCore;

use super::config::Nothing;
use super::entry::{About, Effect, ToolEntry};
use super::schema::Loose;
use crate::caller::{Caller, Grant};
use crate::fault::Fault;

async fn state_figures(caller: Caller, _: Nothing) -> Result<Loose<StateCore>, Fault> {
    Ok(Loose(caller.client.state_core().await?))
}

pub(super) fn entries() -> [ToolEntry; 1] {
    let about = About {
        name: "state_figures",
        title: "Figures of the state core",
        description: "Returns the backend of the state core, the numbers of commits and refused commits, and latencies of reads and commits.",
        grant: Grant::Read,
        effect: Effect::Reads,
    };
    [ToolEntry::new(about, state_figures)]
}
