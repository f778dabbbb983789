//! Everything that can be asked, but for `up`.

mod act;
mod follow;
mod keys;
mod local;
mod logs;
mod plugin;
mod read;

use std::io::{self, Write};
use std::path::PathBuf;

use provost_control::client::{Client, ClientError};
use serde::Serialize;

use crate::args::{Cli, ColorWhen, Command, PluginCommand};
use crate::config::{SOCKET_NAME, find_nearest, runtime_dir_of};
use crate::daemon;
use crate::failure::Failure;
use crate::render::style::Paint;

/// What every command is given.
#[derive(Debug)]
struct Context {
    config: Option<PathBuf>,
    socket: Option<PathBuf>,
    color: ColorWhen,
    /// For what is written to standard output.
    paint: Paint,
}

/// Carries out one command.
pub(crate) fn run(cli: Cli) -> Result<(), Failure> {
    let paint = Paint::wanted(cli.color, &io::stdout());
    let context = Context { config: cli.config, socket: cli.socket, color: cli.color, paint };
    match cli.command {
        Command::Up(args) => daemon::up(&args, context.config, context.color),
        Command::Validate => local::validate(context.config.as_deref(), paint),
        Command::Completions { shell } => local::completions(shell),
        // Not within the runtime: it waits for Cargo.
        Command::Plugin(PluginCommand::Build { dir }) => local::build(&dir),
        command => tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?
            .block_on(ask(context, command)),
    }
}

/// The commands that ask a running host.
async fn ask(context: Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Down(args) => act::down(&context, args).await,
        Command::Status(args) => read::status(&context, args).await,
        Command::Start(args) => act::order(&context, "start", args).await,
        Command::Stop(args) => act::order(&context, "stop", args).await,
        Command::Restart(args) => act::order(&context, "restart", args).await,
        Command::Signal(args) => act::signal(&context, args).await,
        Command::Logs(args) => logs::show(&context, args).await,
        Command::Events(args) => follow::events(&context, args).await,
        Command::Explain(args) => read::explain(&context, args).await,
        Command::State(args) => read::state_core(&context, args).await,
        Command::View(args) => read::view(&context, args).await,
        Command::Plugin(command) => plugin::ask(&context, command).await,
        // Carried out without a host, by `run`.
        Command::Up(_) | Command::Validate | Command::Completions { .. } => Ok(()),
    }
}

impl Context {
    /// A client of the host that is meant: by its socket, by its config, or by the nearest config.
    fn client(&self) -> Result<Client, Failure> {
        let socket = match (&self.config, &self.socket) {
            (Some(config), _) if !config.is_file() => {
                let what = format!("there is no config {}", config.display());
                return Err(Failure::usage(what, "name the file that `provost up` was given"));
            }
            (Some(config), _) => runtime_dir_of(config).join(SOCKET_NAME),
            (None, Some(socket)) => socket.clone(),
            (None, None) => runtime_dir_of(&find_nearest(&std::env::current_dir()?)?).join(SOCKET_NAME),
        };
        daemon::wait_for_socket(&socket);
        Ok(Client::new(socket))
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match &error {
            ClientError::NoHost(socket) => match socket.parent().and_then(daemon::holder) {
                None => Self::not_running(&error, "`provost up` starts one"),
                Some(pid) => Self::not_running(
                    format!("the host (pid {pid}) does not listen on {}", socket.display()),
                    format!(
                        "is it just starting or ending, or suspended (`kill -CONT {pid}` lets it go on)? `kill {pid}` stops it \
                         and its processes in order"
                    ),
                ),
            },
            ClientError::NotAllowed(_) => Self::failed(&error, "ask as the user who started it, or as root"),
            ClientError::Protocol(_) => {
                Self::failed(&error, "is the host of another version? `provost status` shows it")
            }
            ClientError::Refused { error: refused, .. } => {
                let hint = refused.hint.as_deref().unwrap_or("`provost status` shows what is so");
                match refused.code.as_str() {
                    "not_running" => Self::not_running(&refused.message, hint),
                    "bad_request" | "unknown_process" | "unknown_group" | "unknown_view"
                    | "unknown_plugin" | "unknown_action" => Self::usage(&refused.message, hint),
                    _ => Self::failed(&refused.message, hint),
                }
            }
        }
    }
}

/// Writes to standard output.
fn print(text: impl AsRef<[u8]>) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_ref())?;
    out.flush()?;
    Ok(())
}

/// One object as JSON, for programs that like to read it and people who have to.
fn pretty(object: &impl Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(object).map_err(io::Error::from)?;
    Ok(provost_state::text::in_json(&text) + "\n")
}

/// Milliseconds since the Unix epoch.
fn now_ms() -> u64 {
    provost_supervisor::Clock::new().now().wall_ms
}
