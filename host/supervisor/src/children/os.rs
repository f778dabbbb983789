//! Real children: `posix_spawn` into a process group of their own, watched through a pidfd.
//!
//! A pidfd becomes readable at the very moment the child ends, before anybody has reaped it. So its pid is
//! still its own when what is left of its group is killed, and nothing can be hit that merely
//! got the same number later (pitchfork #878). Nothing polls.

use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;

use provost_state::{Exit, Incarnation};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::sync::oneshot;

use super::pidfd::Pidfd;
use super::{Boxed, Child, Output, Spawner};
use crate::children::env_file;
use crate::children::probe::LifeEnv;
use crate::children::reaper::Wards;
use crate::jobs::Lane;
use crate::spec::{CommandLine, ProcessSpec};

/// The real spawner.
#[derive(Clone, Debug)]
pub(crate) struct OsSpawner {
    spawning: Lane,
    wards: Arc<Wards>,
}

impl OsSpawner {
    pub(crate) fn new(wards: Arc<Wards>, spawning: Lane) -> Self {
        Self { spawning, wards }
    }

    pub(crate) fn wards(&self) -> Arc<Wards> {
        self.wards.clone()
    }

    /// Starts a command in a group of its own. If nobody waits for the child any more when it is there, it is
    /// ended and reaped.
    async fn start(
        self,
        build: impl FnOnce() -> Result<Command, Arc<str>> + Send + 'static,
    ) -> Result<Child, Arc<str>> {
        let (tell, told) = oneshot::channel();
        tokio::spawn(async move {
            if let Err(Ok(unwanted)) = tell.send(self.start_now(build).await) {
                end_group(unwanted.pid);
                unwanted.exit.await;
            }
        });
        told.await.unwrap_or_else(|_| Err(Arc::from("the host is ending")))
    }

    async fn start_now(
        self,
        build: impl FnOnce() -> Result<Command, Arc<str>> + Send + 'static,
    ) -> Result<Child, Arc<str>> {
        let wards = self.wards.clone();
        // A spawn waits for the disk; the threads that answer status must not.
        let spawned = self.spawning.run(move || {
            let mut command = build()?;
            command.process_group(0).stdin(Stdio::null());
            let program = command.get_program().to_string_lossy().into_owned();
            wards.spawn(&mut command).map_err(|error| Arc::from(format!("{program}: {}", said(&error))))
        });
        let child = spawned.await.map_err(|error| Arc::from(error.to_string()))?;
        watched(child?, self.wards.clone())
    }

    /// SIGKILL for the group of a helper that took too long; fine if it has ended.
    pub(crate) fn kill(&self, pid: u32) {
        if self.wards.contains(pid) {
            end_group(pid);
        }
    }

    /// Starts a helper (a check) whose output nobody wants.
    pub(crate) fn run(
        &self,
        line: CommandLine,
        spec: Arc<ProcessSpec>,
        env: LifeEnv,
    ) -> Boxed<Result<Child, Arc<str>>> {
        Box::pin(self.clone().start(move || {
            let mut command = prepared(&line, &spec, &env)?;
            command.stdout(Stdio::null()).stderr(Stdio::null());
            Ok(command)
        }))
    }
}

impl Spawner for OsSpawner {
    fn spawn(
        &self,
        spec: Arc<ProcessSpec>,
        incarnation: Incarnation,
        env: LifeEnv,
    ) -> Boxed<Result<Child, Arc<str>>> {
        Box::pin(self.clone().start(move || {
            let mut command = prepared(&spec.command, &spec, &env)?;
            command.env("PROVOST_INCARNATION", incarnation.to_string());
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            Ok(command)
        }))
    }

    fn signal(&self, pid: u32, signal: provost_state::Signal) -> Result<(), Arc<str>> {
        let group = pid_of(pid).ok_or("no such process")?;
        let named =
            Signal::from_named_raw(signal.number()).ok_or_else(|| format!("there is no signal {signal}"))?;
        // A child that has left its group is told all the same; it is not reaped yet, so the number is its own.
        let told = match kill_process_group(group, named) {
            Err(rustix::io::Errno::SRCH) => kill_process(group, named),
            told => told,
        };
        told.map_err(|error| Arc::from(format!("cannot signal {pid}: {error}")))
    }
}

/// The command with directory and environment as specified.
fn prepared(line: &CommandLine, spec: &ProcessSpec, env: &[(String, String)]) -> Result<Command, Arc<str>> {
    let mut command = match line {
        CommandLine::Argv(argv) => {
            let (program, arguments) = argv.split_first().ok_or("the command is empty")?;
            let mut command = Command::new(program);
            command.args(arguments);
            command
        }
        CommandLine::Shell(line) => {
            let mut command = Command::new("/bin/sh");
            command.arg("-c").arg(line);
            command
        }
    };
    if let Some(cwd) = &spec.cwd {
        // Checked here because the spawn's own error would blame the program.
        if !cwd.is_dir() {
            return Err(Arc::from(format!("the working directory {} does not exist", cwd.display())));
        }
        command.current_dir(cwd);
    }
    for path in &spec.env_files {
        command.envs(env_file::read(path).map_err(|error| Arc::from(error.to_string()))?);
    }
    // What the host says of a process cannot be said otherwise by a policy.
    command.envs(&spec.env).envs(env.iter().map(|(name, value)| (name, value)));
    command.env("PROVOST_PROCESS", &*spec.name).env("PROVOST_GROUP", &*spec.group);
    match spec.replica {
        Some(number) => command.env("PROVOST_REPLICA", number.to_string()),
        None => command.env_remove("PROVOST_REPLICA"),
    };
    Ok(command)
}

fn said(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such program".to_owned(),
        std::io::ErrorKind::PermissionDenied => "not allowed to run it (is it executable?)".to_owned(),
        _ => error.to_string(),
    }
}

fn pid_of(pid: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(pid).ok()?)
}

/// The child with the future of its end.
fn watched(mut child: std::process::Child, wards: Arc<Wards>) -> Result<Child, Arc<str>> {
    let pid = child.id();
    let output = child.stdout.take().zip(child.stderr.take()).map(|(stdout, stderr)| Output {
        stdout: OwnedFd::from(stdout),
        stderr: Some(OwnedFd::from(stderr)),
    });
    let watch =
        pid_of(pid).ok_or_else(|| std::io::Error::from(rustix::io::Errno::SRCH)).and_then(Pidfd::open);
    let watch = match watch {
        Ok(watch) => watch,
        Err(error) => {
            end_group(pid);
            let _ = child.wait();
            wards.release(pid);
            return Err(Arc::from(format!("cannot watch the child (Linux 5.3 or later is needed): {error}")));
        }
    };
    let exit = Box::pin(async move {
        if watch.ended().await.is_err() {
            return Exit::Unobserved;
        }
        // Before it is reaped: until then the number of its group cannot be anybody else's.
        end_group(pid);
        let status = child.wait();
        wards.release(pid);
        status.map_or(Exit::Unobserved, exit_of)
    });
    Ok(Child { pid, exit, output })
}

/// SIGKILL for all that is left of a group; nothing left is fine.
fn end_group(pid: u32) {
    if let Some(group) = pid_of(pid) {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

fn exit_of(status: ExitStatus) -> Exit {
    match (status.code(), status.signal()) {
        (Some(code), _) => Exit::Code(code),
        (None, Some(signal)) => Exit::Signal(signal),
        (None, None) => Exit::Unobserved,
    }
}
