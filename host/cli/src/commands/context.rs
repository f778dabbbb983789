//! The context of every command: which host it talks to, and where it prints.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use provost_api::client::Client;
use provost_state::text;

use crate::args::LineFormat;
use crate::config::{CONFIG_NAME, Outline, Problem, SourceFile, find_nearest};
use crate::daemon;
use crate::failure::Failure;
use crate::progress::{Follow, Goal, Shown};
use crate::render::page::Page;
use crate::render::style::{ColorWhen, Paint};

/// The context of every command.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) config: Option<PathBuf>,
    pub(super) socket: Option<PathBuf>,
    pub(super) color: ColorWhen,
    /// Standard output.
    pub(super) page: Page,
}

impl Context {
    /// Returns a client of the host that is named by its config, by its socket, or by the nearest config.
    pub(super) fn client(&self) -> Result<Client, Failure> {
        let socket = self.host_socket()?;
        daemon::wait_for_socket(&socket);
        Ok(Client::new(socket))
    }

    /// Returns the path of the socket of that host.
    pub(super) fn host_socket(&self) -> Result<PathBuf, Failure> {
        match (&self.config, &self.socket) {
            (Some(config), _) if !config.is_file() => Err(no_config(config)),
            // The file may have any name.
            (None, Some(socket)) => Ok(socket.clone()),
            _ => Ok(self.outline()?.socket()),
        }
    }

    /// Begins to show the progress of a command that waits for the processes that `targets` name; none mean all. A command
    /// that prints JSON shows none.
    pub(super) async fn progress(
        &self,
        client: &Client,
        targets: &[String],
        what: (&'static str, Goal),
        output: LineFormat,
    ) -> Follow {
        let shown = if output == LineFormat::Json { Shown::Nowhere } else { Shown::Everywhere };
        self.follow(client, targets, what, shown).await
    }

    /// Begins to follow the processes that `targets` name, and to show their progress.
    pub(super) async fn follow(
        &self,
        client: &Client,
        targets: &[String],
        what: (&'static str, Goal),
        shown: Shown,
    ) -> Follow {
        let paint = Paint::wanted(self.color, &io::stderr());
        Follow::begin(client, targets, what, (shown, paint), now_ms).await
    }

    /// Prints a note to standard error.
    pub(super) fn note(&self, note: &str) {
        self.aside(&format!("note: {note}"));
    }

    /// Prints a warning about a file to standard error.
    pub(super) fn warn(&self, source: &SourceFile, warning: &Problem) {
        self.aside(&text::lines(&source.warning(warning)));
    }

    /// Prints what is not the result of the command.
    fn aside(&self, said: &str) {
        let said = Paint::wanted(self.color, &io::stderr()).report(said);
        // What cannot be written is not worth an error.
        let _ = io::stderr().lock().write_all(said.as_bytes());
    }

    /// Returns the config of the host, whether it runs or not; `None` if only its socket is known.
    pub(super) fn config_file(&self) -> Result<Option<PathBuf>, Failure> {
        Ok(match (&self.config, &self.socket) {
            (Some(config), _) => Some(config.clone()),
            (None, Some(_)) => None,
            (None, None) => Some(nearest_config()?),
        })
    }

    /// Returns the outline with the directories of that host, whether it runs or not.
    pub(super) fn outline(&self) -> Result<Outline, Failure> {
        Ok(match (&self.config, &self.socket) {
            (Some(config), _) => Outline::of(config),
            (None, Some(socket)) => Outline::around(socket),
            (None, None) => Outline::of(&nearest_config()?),
        })
    }
}

/// Finds the config that is nearest to the current directory.
fn nearest_config() -> Result<PathBuf, Failure> {
    let dir = std::env::current_dir().map_err(Failure::without_directory)?;
    Ok(find_nearest(&dir)?)
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

/// Runs something that asks a host.
pub(super) fn asking<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(Failure::without_client)?.block_on(work)
}

/// The hint for a config that no host can have been started with.
const CONFIG_HINT: &str = "name the file that `provost up` was given";

/// Returns the milliseconds since the Unix epoch.
pub(super) fn now_ms() -> u64 {
    provost_supervisor::Clock::new().now().wall_ms
}
