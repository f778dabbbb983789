//! Why a command did not do what it was asked: what, what to do next, and the exit code.

use std::process::ExitCode;

use crate::config::{ConfigError, NotFound, Problems};

/// A failed command. The exit codes are those of systemctl and LSB.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    /// What is shown: `error: …` and `hint: …` lines.
    report: String,
}

impl Failure {
    /// Something went wrong: exit code 1.
    pub(crate) fn failed(what: impl std::fmt::Display, hint: impl std::fmt::Display) -> Self {
        Self { code: 1, report: format!("error: {what}\nhint: {hint}") }
    }

    /// It was asked for wrongly: exit code 2.
    pub(crate) fn usage(what: impl std::fmt::Display, hint: impl std::fmt::Display) -> Self {
        Self { code: 2, report: format!("error: {what}\nhint: {hint}") }
    }

    /// What was asked for is not running: exit code 3.
    pub(crate) fn not_running(what: impl std::fmt::Display, hint: impl std::fmt::Display) -> Self {
        Self { code: 3, report: format!("error: {what}\nhint: {hint}") }
    }

    /// A whole report.
    pub(crate) fn told(code: u8, report: String) -> Self {
        Self { code, report }
    }

    /// Everything has been shown already.
    pub(crate) fn silent(code: u8) -> Self {
        Self { code, report: String::new() }
    }

    /// The same, once its report has been shown.
    pub(crate) fn told_already(self) -> Self {
        Self::silent(self.code)
    }

    pub(crate) fn report(&self) -> &str {
        &self.report
    }

    pub(crate) fn code(&self) -> ExitCode {
        ExitCode::from(self.code)
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

/// Nobody reads on: `provost events | head` ends quietly. Anything else that cannot be written is told.
impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self::silent(0);
        }
        Self::failed(format_args!("cannot write: {error}"), "is the disk full, or the terminal gone?")
    }
}
