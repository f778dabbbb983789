//! The command line of the keeper.

use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStringExt;

use crate::{HOST_DESCRIPTOR, HOST_VARIABLE};

/// How the program is called.
pub(super) const USAGE: &str = "usage: provost-keeper [--socket PATH] [--stubborn] [--detached] [--handed] [--open-files NUMBER] -- PROGRAM NAME [ARGUMENT…]";

/// The option of a program that takes the place of another one: the number of the descriptor of the table.
pub(super) const TABLE_OPTION: &str = "--table";

/// What the keeper was asked to do.
#[derive(Debug)]
pub(super) struct Options {
    /// Where it listens, if anywhere.
    pub(super) socket: Option<CString>,
    /// Whether the host is started again however often it dies.
    pub(super) is_stubborn: bool,
    /// Whether a host that has lost its keeper hands everything over first.
    pub(super) is_handed: bool,
    /// The soft limit on open files that children get, if it is not that of this process.
    pub(super) open_files: Option<u64>,
    /// The path of the program of the host.
    pub(super) program: CString,
    /// How each host is started.
    pub(super) host: HostOptions,
}

/// How each host is started: what the keeper needs of its command line as long as it runs.
#[derive(Debug)]
pub(super) struct HostOptions {
    /// Whether the first host alone gets the standard streams.
    pub(super) is_detached: bool,
    /// The name of the host, and its arguments.
    pub(super) arguments: Vec<CString>,
    /// The environment of the host.
    pub(super) environment: Vec<CString>,
}

impl Options {
    /// Reads the arguments after the name of the program, and the environment. Returns none if they are not as the
    /// [usage](USAGE) says.
    pub(super) fn read(
        mut arguments: impl Iterator<Item = OsString>,
        environment: impl Iterator<Item = (OsString, OsString)>,
    ) -> Option<Self> {
        let (mut socket, mut is_stubborn, mut is_detached) = (None, false, false);
        let (mut is_handed, mut open_files) = (false, None);
        loop {
            let argument = arguments.next()?;
            match argument.to_str() {
                Some("--socket") => socket = Some(c_string(arguments.next()?)?),
                Some("--stubborn") => is_stubborn = true,
                Some("--detached") => is_detached = true,
                Some("--handed") => is_handed = true,
                Some("--open-files") => open_files = Some(arguments.next()?.to_str()?.parse().ok()?),
                Some("--") => break,
                _ => return None,
            }
        }
        let program = c_string(arguments.next()?)?;
        let arguments: Vec<CString> = arguments.map(c_string).collect::<Option<_>>()?;
        if arguments.is_empty() {
            return None;
        }
        let mut variables = Vec::new();
        for (name, value) in environment {
            if name != HOST_VARIABLE {
                let mut variable = name;
                variable.push("=");
                variable.push(value);
                variables.push(c_string(variable)?);
            }
        }
        variables.push(CString::new(format!("{HOST_VARIABLE}={HOST_DESCRIPTOR}")).ok()?);
        Some(Self {
            socket,
            is_stubborn,
            is_handed,
            open_files,
            program,
            host: HostOptions { is_detached, arguments, environment: variables },
        })
    }
}

/// Returns the number after [`TABLE_OPTION`], if these arguments begin with it.
pub(super) fn table(arguments: &[OsString]) -> Option<std::os::fd::RawFd> {
    match arguments {
        [option, number] if option == TABLE_OPTION => number.to_str()?.parse().ok(),
        _ => None,
    }
}

fn c_string(text: OsString) -> Option<CString> {
    CString::new(text.into_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str], variables: &[(&str, &str)]) -> Option<Options> {
        let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        Options::read(arguments.iter().map(OsString::from), variables)
    }

    #[test]
    fn the_command_line_names_the_host_and_its_environment_says_that_it_is_one() {
        let line = ["--socket", "/run/k", "--", "/bin/provost", "provost", "--", "x"];
        let options = read(&line, &[("A", "1"), (HOST_VARIABLE, "9")]).unwrap();
        assert_eq!(options.socket.as_deref(), Some(c"/run/k"));
        assert!(!options.is_stubborn && !options.is_handed && options.open_files.is_none());
        assert_eq!(options.program.as_c_str(), c"/bin/provost");
        assert_eq!(options.host.arguments, [c"provost".to_owned(), c"--".to_owned(), c"x".to_owned()]);
        assert_eq!(options.host.environment, [c"A=1".to_owned(), c"PROVOST_KEEPER=3".to_owned()]);
    }

    #[test]
    fn a_keeper_that_takes_the_place_of_another_is_told_so_and_what_its_children_may_open() {
        let options =
            read(&["--handed", "--open-files", "1024", "--", "/bin/provost", "provost"], &[]).unwrap();
        assert!(options.is_handed);
        assert_eq!(options.open_files, Some(1_024));
    }

    #[test]
    fn a_command_line_without_a_host_is_refused() {
        for line in [&["--"][..], &["--", "/bin/provost"], &["--socket"], &["--what", "--", "p", "n"], &[]] {
            assert!(read(line, &[]).is_none(), "{line:?}");
        }
        assert!(read(&["--open-files", "many", "--", "p", "n"], &[]).is_none());
    }
}
