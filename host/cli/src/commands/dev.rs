//! `plugin dev`: what a session is given of the other commands for authors, and where it looks for a host.

use std::io;
use std::path::Path;

use super::context::Context;
use super::{authors, trying};
use crate::args::DevArgs;
use crate::config::{Outline, find_nearest};
use crate::developing::{Place, Tools, Wanted, develop};
use crate::failure::Failure;
use crate::render::style::Paint;

pub(super) fn dev(context: &Context, args: DevArgs) -> Result<(), Failure> {
    authors::is_folder(&args.dir)?;
    let unfound = |error| {
        Failure::failed(
            format_args!("cannot use the folder {}: {error}", args.dir.display()),
            "check its name and its rights",
        )
    };
    let dir = args.dir.canonicalize().map_err(unfound)?;
    if args.native && !dir.join("Cargo.toml").is_file() {
        return Err(Failure::usage(
            format_args!(
                "`--native` runs `cargo test`, and there is no Cargo.toml in {}",
                args.dir.display()
            ),
            "leave it out: the vectors are run each time",
        ));
    }
    let wanted = Wanted {
        place: place(context, &dir)?,
        dir,
        name: args.name,
        native: args.native,
        accept: args.accept,
        once: args.once,
        compile: args.compile,
        page: context.page.clone(),
        paint: Paint::wanted(context.color, &io::stderr()),
    };
    let tools = Tools {
        folders: authors::folders_of,
        build: authors::made,
        native: trying::native,
        test: trying::through,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(Failure::without_client)?;
    // The host that the session starts ends with this thread.
    let outcome = runtime.block_on(develop(wanted, tools));
    // A build that is interrupted is not waited for.
    runtime.shutdown_background();
    outcome
}

/// Returns where a host is looked for: where the user says, or else at the config that is nearest to the project.
fn place(context: &Context, dir: &Path) -> Result<Option<Place>, Failure> {
    if context.config.is_some() || context.socket.is_some() {
        let (socket, outline) = (context.host_socket()?, context.outline()?);
        return Ok(Some(Place { socket, outline, is_named: true }));
    }
    let outline = find_nearest(dir).ok().map(|config| Outline::of(&config));
    Ok(outline.map(|outline| Place { socket: outline.socket(), outline, is_named: false }))
}
