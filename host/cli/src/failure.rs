//! The failure of a command: what went wrong, what to do next, and the exit code.

use std::process::ExitCode;

use crate::config::{ConfigError, NotFound, Problems};

/// A failed command. The exit codes are those of systemctl and LSB.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    /// The text to print: `error: …` and `hint: …` lines.
    report: String,
}

impl Failure {
    /// Creates a failure of the operation: exit code 1.
    pub(crate) fn failed(what: impl std::fmt::Display, hint: impl std::fmt::Display) -> Self {
        Self { code: 1, report: format!("error: {what}\nhint: {hint}") }
    }

    /// Creates a failure of usage or config: exit code 2.
    pub(crate) fn usage(what: impl std::fmt::Display, hint: impl std::fmt::Display) -> Self {
        Self { code: 2, report: format!("error: {what}\nhint: {hint}") }
    }

    /// Creates a failure for a host or process that is not running: exit code 3.
    pub(crate) fn not_running(what: impl std::fmt::Display, hint: impl std::fmt::Display) -> Self {
        Self { code: 3, report: format!("error: {what}\nhint: {hint}") }
    }

    /// Creates a failure with a complete report.
    pub(crate) fn with_report(code: u8, report: String) -> Self {
        Self { code, report }
    }

    /// Creates a failure that prints nothing, because everything has been printed already.
    pub(crate) fn silent(code: u8) -> Self {
        Self { code, report: String::new() }
    }

    /// Creates a failure for a current directory that a relative path cannot start from.
    pub(crate) fn without_directory(error: std::io::Error) -> Self {
        Self::failed(
            format_args!("the current directory cannot be used: {error}"),
            "it may have been removed: change to another one",
        )
    }

    /// Creates a failure for want of what a client of a host needs.
    pub(crate) fn without_client(error: std::io::Error) -> Self {
        Self::failed(
            format_args!("the host cannot be asked: {error}"),
            "threads, memory or descriptors are short: check `ulimit -u` and `ulimit -n`",
        )
    }

    /// Returns the same failure with an exit code that does not mean a difference: 2 instead of 1.
    pub(crate) fn worse_than_a_difference(self) -> Self {
        Self { code: if self.code == 1 { 2 } else { self.code }, ..self }
    }

    /// Whether the host or the process is not running.
    pub(crate) fn is_not_running(&self) -> bool {
        self.code == 3
    }

    pub(crate) fn report(&self) -> &str {
        &self.report
    }

    pub(crate) fn code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }

    /// Returns the exit code as a number.
    pub(crate) fn number(&self) -> u8 {
        self.code
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self { code: 2, report: error.to_string() }
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self { code: 2, report: problems.to_string() }
    }
}

impl From<NotFound> for Failure {
    fn from(error: NotFound) -> Self {
        Self { code: 2, report: error.to_string() }
    }
}

/// A closed pipe ends the command quietly (`provost events | head`); any other write error is reported.
impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self::silent(0);
        }
        Self::failed(format_args!("cannot write: {error}"), "is the disk full, or the terminal gone?")
    }
}
