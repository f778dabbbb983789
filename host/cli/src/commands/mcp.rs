//! `mcp`: serves a client of the Model Context Protocol on standard input and output.

use provost_mcp::{Caller, Grant, Wording, serve_stdio};

use super::context::Context;
use crate::args::McpArgs;
use crate::failure::Failure;

pub(super) async fn mcp(context: &Context, args: &McpArgs) -> Result<(), Failure> {
    let client = context.client()?;
    let start = match &context.config {
        Some(config) => format!("start it: provost up --detach -c {}", config.display()),
        None => "start it: `provost up --detach` in the directory of its config".to_owned(),
    };
    let wording = Wording {
        start_hint: start.into(),
        allow_hint: "the person who runs this client can allow it: `provost mcp --allow-changes`".into(),
    };
    let grant = if args.allow_changes { Grant::Admin } else { Grant::Read };
    let served = serve_stdio(Caller { client, grant, wording }).await;
    let hint = "clients start `provost mcp` themselves; docs/mcp.md says how they are configured";
    served.map_err(|error| Failure::failed(error, hint))
}
