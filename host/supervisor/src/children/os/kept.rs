//! Starting a child of the keeper. What waits for disks before the exec is done on a thread for spawning; the exec is the
//! keeper's.

use provost_keeper::protocol::{Input, Output, Spec, Strings};
use provost_state::Incarnation;

use super::request::{Failure, SpawnRequest, Started, faults};
use crate::children::command::{Prepared, prepare};
use crate::children::keeper::{Keeper, NewChild, NotStarted, Start};
use crate::children::life::{Endings, Parent};
use crate::children::terminal::Terminal;
use crate::spec::{ProcessSpec, Stderr, Stdin};

/// Everything that the keeper needs to start a child.
pub(super) struct Ready {
    prepared: Prepared,
    /// The child's own terminal, with its other side.
    terminal: Option<(Terminal, std::os::fd::OwnedFd)>,
}

/// Prepares a start. It may wait for disks.
pub(super) fn ready(request: &SpawnRequest) -> Result<Ready, Failure> {
    let SpawnRequest { line, spec, incarnation, env } = request;
    let prepared = prepare(line, spec, *incarnation, env)?;
    faults(spec)?;
    let terminal = spec.tty.then(Terminal::open).transpose().map_err(Failure::Short)?;
    Ok(Ready { prepared, terminal })
}

impl Ready {
    /// Asks the keeper to start the child.
    pub(super) fn ask(
        &self,
        keeper: &Keeper,
        spec: &ProcessSpec,
        incarnation: Incarnation,
    ) -> Result<Start, Failure> {
        let Self { prepared, terminal } = self;
        let is_terminal = terminal.is_some();
        let life = (spec.name.clone(), incarnation);
        let gap_files = keeper.gap_files(&life);
        let wanted = Spec {
            program: &prepared.program,
            arguments: Strings::Listed(&prepared.arguments),
            environment: Strings::Listed(&prepared.environment),
            directory: prepared.directory.as_deref(),
            terminal: terminal.as_ref().map(|(terminal, _)| terminal.path()),
            input: match spec.stdin {
                _ if is_terminal => Input::Terminal,
                Stdin::Null => Input::Null,
                Stdin::Open => Input::Pipe,
            },
            output: if is_terminal { Output::Terminal } else { Output::Pipe },
            error: match spec.stderr {
                _ if is_terminal => Output::Terminal,
                Stderr::Own => Output::Pipe,
                Stderr::Merged => Output::Same,
            },
            files: 0,
            gap_files: gap_files.each_ref().map(Option::as_deref),
            ending: Endings::from(spec).of_keeper(),
        };
        let other_side = terminal.as_ref().map(|(_, other_side)| other_side.try_clone());
        let other_side = other_side.transpose().map_err(Failure::Short)?;
        Start::ask(keeper, life, &wanted, other_side.into_iter().collect())
            .map_err(|error| self.failure(error, spec))
    }

    /// Waits until the program runs.
    pub(super) async fn done(self, start: Start, spec: &ProcessSpec) -> Result<(Started, Parent), Failure> {
        let NewChild { pid, pidfd, output, stdin, kept } =
            start.done().await.map_err(|error| self.failure(error, spec))?;
        let Prepared { vars, env_files, .. } = self.prepared;
        Ok((Started { pid, pidfd, output, stdin, vars, env_files }, Parent::Keeper(kept)))
    }

    fn failure(&self, error: NotStarted, spec: &ProcessSpec) -> Failure {
        match error {
            NotStarted::Short(error) => Failure::Short(error),
            NotStarted::Failed(error) => Failure::of(error, &self.prepared, spec),
        }
    }
}
