//! Starting a child of the keeper. What waits for disks before the exec is done on a thread for spawning; the exec is the
//! keeper's.

use std::os::fd::OwnedFd;

use provost_keeper::protocol::{Input, Output, Spec, Strings};
use provost_state::Incarnation;

use super::direct::Direct;
use super::enclosure::Enclosure;
use super::extras::Extras;
use super::request::{Failure, SpawnRequest, Started, faults};
use crate::children::command::{Prepared, prepare};
use crate::children::keeper::{Keeper, NewChild, NotStarted, Start};
use crate::children::life::{Endings, Parent};
use crate::children::stage::{Report, Staged};
use crate::children::terminal::Terminal;
use crate::spec::{ProcessSpec, Stderr, Stdin};

/// Everything that the keeper needs to start a child.
pub(super) struct Ready {
    prepared: Prepared,
    extras: Extras,
    /// The child's own terminal, with its other side.
    terminal: Option<(Terminal, OwnedFd)>,
    enclosure: Enclosure,
    /// The call of the exec stage, if the child takes steps before its program.
    staged: Option<Staged>,
}

/// Prepares a start. It may wait for disks.
pub(super) fn ready(request: &SpawnRequest, means: &Direct) -> Result<Ready, Failure> {
    let SpawnRequest { line, spec, incarnation, env } = request;
    let extras = incarnation
        .map(|incarnation| Extras::open(spec, incarnation, &means.sockets))
        .transpose()?
        .unwrap_or_default();
    let prepared = prepare(line, spec, *incarnation, env, &extras.variables)?;
    faults(spec)?;
    let terminal = spec.tty.then(Terminal::open).transpose().map_err(Failure::Short)?;
    let enclosure = Enclosure::make(&means.cgroups, &means.degraded, spec, *incarnation)?;
    let is_staged = prepared.steps.is_some() || enclosure.procs().is_some();
    let steps = is_staged.then(|| prepared.steps.clone().unwrap_or_default());
    let call = |steps| Staged::new(&means.stage, steps, &prepared, extras.count(), enclosure.procs());
    let staged = steps.map(call).transpose().map_err(Failure::Short)?;
    Ok(Ready { prepared, extras, terminal, enclosure, staged })
}

impl Ready {
    /// Asks the keeper to start the child, which it ends in the order of the ranks if there is no host.
    pub(super) fn ask(
        &self,
        keeper: &Keeper,
        (spec, rank): (&ProcessSpec, u32),
        incarnation: Incarnation,
    ) -> Result<Start, Failure> {
        let Self { prepared, extras, terminal, staged, .. } = self;
        let (program, arguments, of_stage) = match staged {
            Some(Staged { program, arguments, files, .. }) => (program, arguments, files.as_slice()),
            None => (&prepared.program, &prepared.arguments, [].as_slice()),
        };
        let mut files = extras.copies(3).map_err(Failure::Short)?;
        for file in of_stage {
            files.push(file.try_clone().map_err(Failure::Short)?);
        }
        let is_terminal = terminal.is_some();
        let life = (spec.name.clone(), incarnation);
        let gap_files = keeper.gap_files(&life);
        let wanted = Spec {
            program,
            arguments: Strings::Listed(arguments),
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
            files: u8::try_from(files.len()).unwrap_or(u8::MAX),
            gap_files: gap_files.each_ref().map(Option::as_deref),
            ending: Endings::from(spec).of_keeper(rank),
        };
        let other_side = terminal.as_ref().map(|(_, other_side)| other_side.try_clone());
        let other_side = other_side.transpose().map_err(Failure::Short)?;
        Start::ask(keeper, life, &wanted, other_side.into_iter().chain(files).collect())
            .map_err(|error| self.failure(error, spec))
    }

    /// Waits until the program runs.
    pub(super) async fn done(
        mut self,
        start: Start,
        spec: &ProcessSpec,
    ) -> Result<(Started, Parent), Failure> {
        // The child alone may have the other end of the report from now on.
        let report = self.staged.take().map(|Staged { report, .. }| report);
        let NewChild { pid, pidfd, output, stdin, kept } =
            start.done().await.map_err(|error| self.failure(error, spec))?;
        if let Some(report) = report
            && let Err(failure) = self.after_stage(report, spec).await
        {
            kept.undo().await;
            return Err(failure);
        }
        let Self { prepared: Prepared { vars, given, .. }, extras, enclosure, .. } = self;
        let (cgroup, without) = enclosure.entered();
        let ready = extras.ready;
        Ok((Started { pid, pidfd, output, stdin, ready, vars, given, cgroup, without }, Parent::Keeper(kept)))
    }

    /// Waits until the stage has executed the program.
    async fn after_stage(&self, report: Report, spec: &ProcessSpec) -> Result<(), Failure> {
        match report.arrived().await.map_err(Failure::Short)? {
            None => Ok(()),
            Some(failure) => Err(Failure::of_step(failure, &self.prepared, spec)),
        }
    }

    fn failure(&self, error: NotStarted, spec: &ProcessSpec) -> Failure {
        match error {
            NotStarted::Short(error) => Failure::Short(error),
            NotStarted::Failed(error) => Failure::of(error, &self.prepared, spec),
        }
    }
}
