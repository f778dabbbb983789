//! Everything that can be asked, but for `up`.

mod act;
mod follow;
mod keys;
mod local;
mod logs;
mod plugin;
mod read;
mod validate;

use std::fmt::Display;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use provost_api::ErrorCode;
use provost_api::client::{Client, ClientError, Silent, Unconnected};
use serde::Serialize;

use crate::args::{Cli, ColorWhen, Command, PluginCommand};
use crate::config::{CONFIG_NAME, SOCKET_NAME, find_nearest, runtime_dir_of};
use crate::daemon;
use crate::failure::Failure;
use crate::render::page::Page;

/// What every command is given.
#[derive(Debug)]
struct Context {
    config: Option<PathBuf>,
    socket: Option<PathBuf>,
    color: ColorWhen,
    /// Standard output.
    page: Page,
}

/// Carries out one command.
pub(crate) fn run(cli: Cli) -> Result<(), Failure> {
    let page = Page::of(&io::stdout(), cli.color);
    let context = Context { config: cli.config, socket: cli.socket, color: cli.color, page };
    match cli.command {
        Command::Up(args) => daemon::up(&args, context.config, context.color),
        Command::Validate(args) => validate::validate(context.config.as_deref(), &args, context.page.paint),
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
        Command::Logs(args) => logs::logs(&context, args).await,
        Command::Events(args) => follow::events(&context, args).await,
        Command::Explain(args) => read::explain(&context, args).await,
        Command::State(args) => read::state_core(&context, args).await,
        Command::View(args) => read::view(&context, args).await,
        Command::Plugin(command) => plugin::ask(&context, command).await,
        // Carried out without a host, by `run`.
        Command::Up(_) | Command::Validate(_) | Command::Completions { .. } => Ok(()),
    }
}

impl Context {
    /// A client of the host that is meant: by its socket, by its config, or by the nearest config.
    fn client(&self) -> Result<Client, Failure> {
        let socket = match (&self.config, &self.socket) {
            (Some(config), _) if !config.is_file() => return Err(no_config(config)),
            (Some(config), _) => runtime_dir_of(config).join(SOCKET_NAME),
            (None, Some(socket)) => socket.clone(),
            (None, None) => runtime_dir_of(&find_nearest(&std::env::current_dir()?)?).join(SOCKET_NAME),
        };
        daemon::wait_for_socket(&socket);
        Ok(Client::new(socket))
    }
}

fn no_config(path: &Path) -> Failure {
    let path_shown = path.display();
    let (what, hint) = match path.is_dir() {
        true => (
            format!("{path_shown} is a directory"),
            format!("name the file in it: -c {}", path.join(CONFIG_NAME).display()),
        ),
        false if path.exists() => (format!("{path_shown} is not a regular file"), CONFIG_HINT.to_owned()),
        false => (format!("there is no config {path_shown}"), CONFIG_HINT.to_owned()),
    };
    Failure::usage(what, hint)
}

/// What is said of a config that no host can have been started with.
const CONFIG_HINT: &str = "name the file that `provost up` was given";

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match &error {
            ClientError::Unconnected(why) => unconnected(why),
            ClientError::Silent(silent) => self::silent(silent),
            ClientError::Broken => Self::failed(
                &error,
                "it may have ended: `provost status` shows whether it runs, and its log why",
            ),
            ClientError::Protocol(_) => {
                Self::failed(&error, "is the socket that of a host, and of this version of provost?")
            }
            ClientError::Refused { error: refused, .. } => {
                let hint = refused.hint.as_deref().unwrap_or("`provost status` shows what is so");
                match refused.code {
                    ErrorCode::NotRunning => Self::not_running(&refused.message, hint),
                    ErrorCode::BadRequest
                    | ErrorCode::UnknownProcess
                    | ErrorCode::UnknownGroup
                    | ErrorCode::UnknownView
                    | ErrorCode::UnknownPlugin
                    | ErrorCode::UnknownAction => Self::usage(&refused.message, hint),
                    _ => Self::failed(&refused.message, hint),
                }
            }
        }
    }
}

fn unconnected(why: &Unconnected) -> Failure {
    match why {
        Unconnected::Missing(socket) | Unconnected::Abandoned(socket) => {
            match socket.parent().and_then(daemon::holder) {
                None => Failure::not_running(why, "`provost up` starts one"),
                Some(pid) => deaf(pid, socket),
            }
        }
        Unconnected::NotASocket(_) => {
            Failure::usage(why, "`--socket` names the file provost.sock in the runtime directory of a host")
        }
        Unconnected::TooLong { .. } => {
            Failure::usage(why, "set a shorter `host.runtime_dir` in the config, or name a shorter path")
        }
        Unconnected::NotAllowed(_) => {
            Failure::failed(why, "run this command as the user who started the host, or as root")
        }
        Unconnected::Crowded(_) => Failure::failed(
            why,
            "try again; if it stays so, the host may be suspended: `kill -CONT PID` lets it go on",
        ),
        Unconnected::Other { .. } => Failure::failed(why, "check the path of the socket"),
    }
}

/// A host owns the runtime directory, and does not listen there.
fn deaf(pid: impl Display, socket: &Path) -> Failure {
    let what = format!("the host (pid {pid}) does not listen on {}", socket.display());
    let hint = format!(
        "it may be starting or ending, or be suspended: `kill -CONT {pid}` lets it go on, `kill {pid}` stops it and its \
         processes in order"
    );
    Failure::not_running(what, hint)
}

fn silent(silent: &Silent) -> Failure {
    let hint = match (silent.suspended, silent.pid) {
        (true, Some(pid)) => format!("`kill -CONT {pid}` lets it go on"),
        (_, Some(pid)) => {
            format!("is the machine overloaded? `ps -o stat,wchan -p {pid}` shows what the host does")
        }
        (_, None) => "is the machine overloaded, or the host suspended?".to_owned(),
    };
    Failure::failed(silent, hint)
}

/// Writes to standard output.
fn print(text: impl AsRef<[u8]>) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_ref())?;
    out.flush()?;
    Ok(())
}

/// Pretty-printed JSON.
fn pretty(object: &impl Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(object).map_err(io::Error::from)?;
    Ok(provost_state::text::in_json(&text) + "\n")
}

/// Milliseconds since the Unix epoch.
fn now_ms() -> u64 {
    provost_supervisor::Clock::new().now().wall_ms
}
