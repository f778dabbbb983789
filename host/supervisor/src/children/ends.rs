//! The ends of a child's standard input, output and error: pipes, its own terminal, or nothing.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use provost_posix::Target;

use super::{Output, terminal};
use crate::spec::{ProcessSpec, Stderr, Stdin};

/// The ends of a child's standard input, output and error.
pub(super) struct Ends {
    /// The child's ends, which are closed here once it has them.
    child: ChildEnds,
    pub(super) output: Option<Output>,
    /// The end that keeps its standard input open.
    pub(super) keep: Option<OwnedFd>,
}

enum ChildEnds {
    /// A check: its output is discarded.
    Nothing(File),
    Pipes {
        stdin: Option<OwnedFd>,
        stdout: OwnedFd,
        stderr: Option<OwnedFd>,
    },
    Terminal(terminal::Terminal),
}

/// Opens a pipe that is closed by an exec; returns the end to read from and the end to write to.
pub(super) fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) = io::pipe()?;
    Ok((reader.into(), writer.into()))
}

impl Ends {
    pub(super) fn open(spec: &ProcessSpec, captured: bool) -> io::Result<Self> {
        if !captured {
            let nothing = File::options().write(true).open("/dev/null")?;
            return Ok(Self { child: ChildEnds::Nothing(nothing), output: None, keep: None });
        }
        if spec.tty {
            let (terminal, master) = terminal::Terminal::open()?;
            let output = Some(Output { stdout: Arc::new(master), stderr: None });
            return Ok(Self { child: ChildEnds::Terminal(terminal), output, keep: None });
        }
        let (out, stdout) = pipe()?;
        let (err, stderr) = match spec.stderr {
            Stderr::Own => pipe().map(|(err, stderr)| (Some(err), Some(stderr)))?,
            Stderr::Merged => (None, None),
        };
        let (stdin, keep) = match spec.stdin {
            Stdin::Null => (None, None),
            Stdin::Open => pipe().map(|(stdin, keep)| (Some(stdin), Some(keep)))?,
        };
        let output = Some(Output { stdout: Arc::new(out), stderr: err.map(Arc::new) });
        Ok(Self { child: ChildEnds::Pipes { stdin, stdout, stderr }, output, keep })
    }

    pub(super) fn targets(&self) -> [Target<'_>; 3] {
        match &self.child {
            ChildEnds::Nothing(nothing) => {
                [Target::Null, Target::Fd(nothing.as_fd()), Target::Fd(nothing.as_fd())]
            }
            ChildEnds::Pipes { stdin, stdout, stderr } => [
                stdin.as_ref().map_or(Target::Null, |stdin| Target::Fd(stdin.as_fd())),
                Target::Fd(stdout.as_fd()),
                Target::Fd(stderr.as_ref().unwrap_or(stdout).as_fd()),
            ],
            ChildEnds::Terminal(terminal) => [(); 3].map(|()| Target::Path(terminal.path())),
        }
    }
}
