//! A terminal of tmux with a server of its own, which ends with it: keys are sent, and screens are read.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::eventually::eventually;
use super::host::Setup;

/// A terminal of tmux with a server of its own.
#[derive(Debug)]
pub struct Terminal {
    socket: PathBuf,
    dir: PathBuf,
}

impl Terminal {
    /// Opens a terminal of this size with an interactive shell in the directory of the setup; `$PROVOST` is the built binary.
    ///
    /// # Panics
    /// If there is no tmux.
    #[must_use]
    pub fn open(setup: &Setup, columns: u16, rows: u16) -> Self {
        let socket = setup.dir().join("tmux.sock");
        let terminal = Self { socket, dir: setup.dir().to_owned() };
        // The variables of commands of this setup, such as NO_COLOR, and a prompt that can be found.
        let mut start = Command::new("tmux");
        start.arg("-S").arg(&terminal.socket).args(["-f", "/dev/null", "new-session", "-d"]);
        start.args(["-x", &columns.to_string(), "-y", &rows.to_string()]);
        start.arg("PS1='prompt> ' exec bash --norc --noprofile");
        for (name, value) in setup.command(&[]).get_envs() {
            match value {
                Some(value) => start.env(name, value),
                None => start.env_remove(name),
            };
        }
        let binary = setup.command(&[]).get_program().to_owned();
        start.env("PROVOST", binary).current_dir(&terminal.dir).env_remove("TMUX");
        let started = start.status().unwrap();
        assert!(started.success(), "tmux is needed for this test: apt-get install tmux");
        terminal.tmux(&["set-option", "-s", "set-clipboard", "on"]);
        terminal.until("the shell is ready", |screen| screen.contains("prompt>"));
        terminal
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let output = Command::new("tmux")
            .arg("-S")
            .arg(&self.socket)
            .args(arguments)
            .current_dir(Path::new("/"))
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Types a line in the shell.
    pub fn line(&self, line: &str) {
        self.tmux(&["send-keys", "-l", line]);
        self.keys(&["Enter"]);
    }

    /// Presses keys, by the names of tmux.
    pub fn keys(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys"], keys].concat());
    }

    /// Changes the size.
    pub fn resize(&self, columns: u16, rows: u16) {
        self.tmux(&["resize-window", "-x", &columns.to_string(), "-y", &rows.to_string()]);
    }

    /// Returns what was copied into the clipboard.
    #[must_use]
    pub fn clipboard(&self) -> String {
        self.tmux(&["show-buffer"])
    }

    /// Returns the screen.
    #[must_use]
    pub fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    /// Returns the screen with the sequences of its colours.
    #[must_use]
    pub fn colors(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-e"])
    }

    /// Waits until the screen is as it should be, and returns it without what differs from run to run.
    ///
    /// # Panics
    /// If that takes too long; see [`eventually`].
    pub fn until(&self, what: &str, holds: impl Fn(&str) -> bool) -> String {
        plain(&eventually(what, || self.screen(), |screen| holds(screen)))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

/// Returns a screen with `T` for times, `N` for long numbers, fractions and sizes, `~` for trends and one space for several, and
/// without its empty lines.
fn plain(screen: &str) -> String {
    let lines = screen.lines().map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_size = |at: usize| words.get(at).is_some_and(|unit| ["KiB", "MiB", "GiB"].contains(unit));
        let plain = words.iter().enumerate().map(|(at, word)| match () {
            () if is_size(at) => "B",
            () if is_size(at + 1) => "N",
            () => plain_word(word),
        });
        plain.collect::<Vec<_>>().join(" ")
    });
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

fn plain_word(word: &str) -> &str {
    if word.chars().all(|c| ('▁'..='█').contains(&c)) {
        return "~";
    }
    let digits = word.chars().filter(char::is_ascii_digit).count();
    let begins = word.starts_with(|c: char| c.is_ascii_digit());
    match word.trim_matches(|c: char| c.is_ascii_digit() || c == '.') {
        "%" => "N%",
        "" if digits >= 3 || word.contains('.') => "N",
        "s" | "ms" | "m" | "h" if begins => "T",
        _ if begins && digits > 1 && word.ends_with(['s', 'm', 'Z']) => "T",
        _ => word,
    }
}
