//! All commands except `up`. This file only dispatches them.
//!
//! | room | owns |
//! |---|---|
//! | `act` | the commands that change something: `start`, `stop`, `restart`, `signal`, `down` |
//! | `up` | waiting for a host that was started in the background |
//! | `upgrade` | `upgrade`: another program takes the place of the host |
//! | `reload` | the commands about the config of a running host: `diff`, `reload`, `scale` |
//! | `read` | the commands that read: `status`, `explain`, `view`, `state` |
//! | `what_if` | `explain --what-if` |
//! | `logs` | `logs` |
//! | `follow` | `events` |
//! | `pictures` | the commands that draw: `graph`, `analyze`, `timeline` |
//! | `plugin` | `plugin` |
//! | `mcp` | `mcp` |
//! | `top` | `top` |
//! | `token` | `token` |
//! | `journal` | `journal`: checking, exporting and counting the journal |
//! | `about` | `about`, which a host asks a program that is to take its place |
//! | `dev` | `plugin dev` |
//! | `authors` | the commands for authors of plugins: `plugin new`, `build`, `wit`, `sdk` |
//! | `local` | the commands that need no host: `plugin inspect`, `completions` |
//! | `trying` | the commands that try a plugin without a host: `plugin run`, `plugin test`, `plugin bench` |
//! | `simulate` | `plugin simulate` |
//! | `keys` | keys and signatures |
//! | `registry` | components in registries and on servers: `plugin pull`, `plugin push` |
//! | `validate` | `validate` |
//! | `schema` | `schema` |
//! | `component` | the component that a command names |
//! | `context` | the context of every command: which host it talks to, and where it prints |
//! | `unanswered` | the failures when a host does not answer, or refuses |
//! | `printing` | standard output |

mod about;
mod act;
mod authors;
mod component;
mod context;
mod dev;
mod follow;
mod journal;
mod keys;
mod local;
mod logs;
#[cfg(feature = "mcp")]
mod mcp;
mod pictures;
mod plugin;
mod printing;
mod read;
mod registry;
mod reload;
mod schema;
mod simulate;
mod token;
#[cfg(feature = "top")]
mod top;
mod trying;
mod unanswered;
mod up;
mod upgrade;
mod validate;
mod what_if;

use std::io;

use crate::args::{Cli, Command};
use crate::daemon;
use crate::failure::Failure;
use crate::render::page::Page;

use context::{Context, asking};

/// Runs one command.
pub(crate) fn run(cli: Cli) -> Result<(), Failure> {
    let page = Page::of(&io::stdout(), cli.color);
    let context = Context { config: cli.config, socket: cli.socket, color: cli.color, page };
    match cli.command {
        Command::Up(args) => {
            daemon::up(&args, context.config.clone(), context.color)?;
            if args.wait { asking(up::wait(&context, &args)) } else { Ok(()) }
        }
        Command::Validate(args) => validate::validate(context.config.as_deref(), &args, context.page.paint),
        Command::Schema => schema::schema(context.config.as_deref()),
        Command::Completions { shell } => local::completions(shell),
        Command::About(args) => about::about(&context, &args),
        Command::Token(command) => token::token(&context, command),
        Command::Journal(command) => journal::journal(&context, &command),
        Command::Plugin(command) => plugin::run(&context, command),
        // Virtual time has a runtime of its own.
        Command::Explain(args) => match args.what_if.as_deref() {
            Some(policy) => what_if::what_if(&context, &args, policy),
            None => asking(read::explain(&context, args)),
        },
        command => asking(ask(context, command)),
    }
}

/// Runs a command that asks a running host.
async fn ask(context: Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Down(args) => act::down(&context, args).await,
        Command::Status(args) => read::status(&context, args).await,
        Command::Start(args) => act::order(&context, "start", args).await,
        Command::Stop(args) => act::order(&context, "stop", args).await,
        Command::Restart(args) => act::order(&context, "restart", args).await,
        Command::Signal(args) => act::signal(&context, args).await,
        Command::Upgrade(args) => upgrade::upgrade(&context, args).await,
        Command::Diff(args) => reload::diff(&context, args).await,
        Command::Reload(args) => reload::reload(&context, args).await,
        Command::Scale(args) => reload::scale(&context, args).await,
        Command::Logs(args) => logs::logs(&context, args).await,
        Command::Events(args) => follow::events(&context, args).await,
        Command::Graph(args) => pictures::graph(&context, args).await,
        Command::Analyze(args) => pictures::analyze(&context, args).await,
        Command::Timeline(args) => pictures::timeline(&context, args).await,
        Command::State(args) => read::state_core(&context, args).await,
        Command::View(args) => read::view(&context, args).await,
        #[cfg(feature = "mcp")]
        Command::Mcp(args) => mcp::mcp(&context, &args).await,
        #[cfg(feature = "top")]
        Command::Top(args) => top::top(&context, args).await,
        // These are handled by `run`.
        Command::Up(_)
        | Command::Validate(_)
        | Command::Plugin(_)
        | Command::Explain(_)
        | Command::Token(_)
        | Command::Journal(_)
        | Command::About(_)
        | Command::Schema
        | Command::Completions { .. } => Ok(()),
    }
}
